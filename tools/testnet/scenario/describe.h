#pragma once

/// A scenario in a few lines, for whoever checks one before running it.

#include <string>

#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// Lines, each ending in a newline: how long, who, what happens, what is expected.
///   lasts      10min from 2026-01-01T00:20:00.000Z
///   nodes      11, 10 of them members
///   homes      10 × member behind homebox (2 to a box) on home, starting at 0s..5s
///   events     every 30s restart 1 of homes
///   expects    connected; p50 of the first tunnel within 2s
[[nodiscard]] std::string describe(const Scenario& scenario);

}  // namespace kadwire::testnet
