#pragma once

/// Time and randomness under a test's control, for the libraries that fetch both by themselves.
/// Linking virtual_clock.cpp into an executable replaces std::chrono's two clocks and
/// std::random_device for the whole process, shared libraries included: time stands still until
/// somebody advances it, and every run draws the same numbers.

#include <cstdint>

#include "node/base/time.h"

namespace kadwire::testing {

/// The virtual now. Starts at an hour's beginning, with the steady clock far from zero, as on a
/// machine that has been up for a while.
[[nodiscard]] Now virtual_now();
/// Moves both clocks forward.
void advance_virtual_clock_to(TimePoint when);
/// Back to the start, for a second world after a first one: nothing may live that knows the time.
void restart_virtual_clock();
/// Numbers that std::random_device gives from here on.
void seed_virtual_random_device(std::uint64_t seed);

}  // namespace kadwire::testing
