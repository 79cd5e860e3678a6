#pragma once

/// Results as a simulation might give them, for tests of what is made of results. Each is the same
/// every time.

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

/// `members` of some homes, offices and phones, two bootstrap and eight DHT nodes, over ten
/// minutes: they start, find each other, a NAT reboots, a city is cut off and comes back; one phone
/// never gets a tunnel and one expectation is not met.
[[nodiscard]] RunResult make_sample_result(std::size_t members = 30);
/// Nothing ran.
[[nodiscard]] RunResult make_empty_result();
/// Every name tries to become markup or to end the script it is in; no node has a place.
[[nodiscard]] RunResult make_hostile_result();

[[nodiscard]] MatrixResult make_sample_matrix();
[[nodiscard]] SweepResult make_sample_sweep();

}  // namespace kadwire::testnet
