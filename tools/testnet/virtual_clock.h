#pragma once

/// Time and randomness under a simulation's control, for the libraries that fetch both by
/// themselves. Linking virtual_clock.cpp into an executable replaces std::chrono's two clocks and
/// std::random_device for the whole process, shared libraries included: time stands still until
/// somebody advances it, and every run draws the same numbers.
/// Real time, for measuring speed, is then only to be had from the system (stopwatch.h).

#include <cstdint>

#include "node/base/time.h"

namespace kadwire::testnet {

/// 2026-01-01 00:00 UTC: an hour's beginning.
inline constexpr WallTime kWallStartDefault{std::chrono::milliseconds{1'767'225'600'000}};

/// How one host's clocks differ from the simulation's.
struct HostClock {
  Duration asleep{0};                     ///< the steady clock stood still for so long in all
  std::chrono::milliseconds wrong_by{0};  ///< added to the wall clock
};

/// What both clocks show now, to the host in whose scope this is called (ClockScope).
[[nodiscard]] Now virtual_now();
/// Moves both clocks forward to this moment of the simulation, not of a host.
void advance_virtual_clock_to(TimePoint when);
/// Back to the start, EventQueue::kStart, for a second world after a first one: nothing may live
/// that knows the time.
void restart_virtual_clock(WallTime wall = kWallStartDefault);
/// Numbers that std::random_device gives from here on.
void seed_virtual_random_device(std::uint64_t seed);

/// While it lives, the clocks show one host's time. Scopes nest.
class ClockScope {
 public:
  explicit ClockScope(const HostClock& clock);
  ~ClockScope();
  ClockScope(const ClockScope&) = delete;
  ClockScope& operator=(const ClockScope&) = delete;

 private:
  HostClock outer_;
};

}  // namespace kadwire::testnet
