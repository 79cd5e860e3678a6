#include "tests/support/virtual_clock.h"

#include <cassert>
#include <random>

namespace kadwire::testing {
namespace {

constexpr TimePoint kSteadyStart{Duration{24h}};
/// 2026-01-01 00:00 UTC.
constexpr std::chrono::sys_seconds kWallStart{std::chrono::seconds{1'767'225'600}};

// Not a variable of a class: the replaced functions are called from anywhere, even before main.
constinit TimePoint steady = kSteadyStart;
constinit std::uint64_t device_state = 1;

}  // namespace

Now virtual_now() {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(steady - kSteadyStart);
  return {steady, WallTime{kWallStart} + elapsed};
}

void advance_virtual_clock_to(TimePoint when) {
  assert(when >= steady);
  steady = when;
}

void restart_virtual_clock() {
  steady = kSteadyStart;
}

void seed_virtual_random_device(std::uint64_t seed) {
  device_state = seed;
}

}  // namespace kadwire::testing

// The names libstdc++ gives these functions in its shared library; the executable's come first.
namespace std::chrono {
inline namespace _V2 {

steady_clock::time_point steady_clock::now() noexcept {
  return kadwire::testing::steady;
}

system_clock::time_point system_clock::now() noexcept {
  return system_clock::time_point{kadwire::testing::virtual_now().wall};
}

}  // namespace _V2
}  // namespace std::chrono

namespace std {

/// SplitMix64: any seed gives a well-mixed sequence.
random_device::result_type random_device::_M_getval() {
  std::uint64_t z = (kadwire::testing::device_state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<result_type>(z ^ (z >> 31));
}

}  // namespace std
