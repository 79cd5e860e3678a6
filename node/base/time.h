#pragma once

/// Two kinds of time that never mix: steady time, which drives every timer, and wall-clock time,
/// which names hours, dates records and may jump. Logic gets both as an argument and reads neither.

#include <chrono>
#include <cstdint>

namespace kadwire {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// One reading of both clocks, taken together by whoever drives the logic.
struct Now {
  TimePoint steady;
  WallTime wall;
};

/// Hours since the Unix epoch: the period for which a topic and its sealing keys stand.
using Hour = std::uint64_t;

[[nodiscard]] constexpr Hour hour_of(WallTime wall) {
  return static_cast<Hour>(std::chrono::floor<std::chrono::hours>(wall).time_since_epoch().count());
}

[[nodiscard]] constexpr std::uint64_t unix_milliseconds(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count());
}

/// The inverse of unix_milliseconds. Values beyond what WallTime holds give its maximum, so that a
/// hostile number is a far future and never an overflow.
[[nodiscard]] constexpr WallTime wall_from_unix_milliseconds(std::uint64_t milliseconds) {
  /// Year 9999: far from WallTime's limits, so differences of two such times cannot overflow.
  constexpr std::uint64_t kMillisecondsMax = 253'402'300'799'999;
  const std::uint64_t bounded = milliseconds < kMillisecondsMax ? milliseconds : kMillisecondsMax;
  return WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(bounded)}};
}

}  // namespace kadwire
