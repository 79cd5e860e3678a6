#include "tools/testnet/virtual_clock.h"

#include <cassert>
#include <random>

#include "tools/testnet/event_queue.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {
namespace {

// Not variables of a class: the replaced functions are called from anywhere, even before main.
constinit TimePoint steady = EventQueue::kStart;
constinit WallTime wall_start = kWallStartDefault;
constinit HostClock view;
constinit std::uint64_t device_state = 1;

[[nodiscard]] WallTime wall_now() {
  const auto elapsed = std::chrono::floor<std::chrono::milliseconds>(steady - EventQueue::kStart);
  return wall_start + elapsed + view.wrong_by;
}

}  // namespace

Now virtual_now() {
  return {steady - view.asleep, wall_now()};
}

void advance_virtual_clock_to(TimePoint when) {
  assert(when >= steady);
  steady = when;
}

void restart_virtual_clock(WallTime wall) {
  steady = EventQueue::kStart;
  wall_start = wall;
}

void seed_virtual_random_device(std::uint64_t seed) {
  device_state = seed;
}

ClockScope::ClockScope(const HostClock& clock) : outer_(std::exchange(view, clock)) {}

ClockScope::~ClockScope() {
  view = outer_;
}

}  // namespace kadwire::testnet

// The names libstdc++ gives these functions in its shared library; the executable's come first.
namespace std::chrono {
inline namespace _V2 {

steady_clock::time_point steady_clock::now() noexcept {
  using namespace kadwire::testnet;
  return steady - view.asleep;
}

system_clock::time_point system_clock::now() noexcept {
  return system_clock::time_point{kadwire::testnet::wall_now()};
}

}  // namespace _V2
}  // namespace std::chrono

namespace std {

/// SplitMix64: any seed gives a well-mixed sequence.
random_device::result_type random_device::_M_getval() {
  using namespace kadwire::testnet;
  const std::uint64_t drawn = mix(device_state);
  device_state += 0x9e3779b97f4a7c15;
  return static_cast<result_type>(drawn);
}

}  // namespace std
