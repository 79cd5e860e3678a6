#include "dht/bootstrap_watch.h"

#include <algorithm>
#include <utility>

namespace kadwire::dht {

void BootstrapWatch::set_endpoints(std::span<const Endpoint> endpoints) {
  std::vector<Door> doors;
  for (const Endpoint& endpoint : endpoints.first(std::min(endpoints.size(), kWatchedMax))) {
    const auto known = std::ranges::find(doors_, endpoint, &Door::endpoint);
    doors.push_back(known != doors_.end() ? *known : Door{endpoint});
  }
  doors_ = std::move(doors);
}

void BootstrapWatch::entered(TimePoint now) {
  for (Door& door : doors_) {
    door.asked = true;
    door.in_vain = 0;
  }
  reunion_ = false;
  asking_ = true;
  others_answered_ = true;
  due_ = now + kAnswerPatience;
}

std::vector<Endpoint> BootstrapWatch::ask(TimePoint now, RandomSource& random) {
  const bool again = std::exchange(asking_, true);
  if (again) judge();
  std::vector<Endpoint> asked;
  for (Door& door : doors_) {
    if (again && (!door.asked || door.in_vain >= kAskedInVainMin)) continue;
    door.asked = true;
    asked.push_back(door.endpoint);
  }
  asking_ = !asked.empty();
  due_ = now + (asking_ ? kAnswerPatience
                        : random_between(random, kWatchPause, kWatchPause + kWatchJitter));
  return asked;
}

/// If nobody answered, it is we who were cut off.
void BootstrapWatch::judge() {
  if (!std::exchange(others_answered_, false)) return;
  for (Door& door : doors_) {
    if (door.asked) ++door.in_vain;
  }
}

void BootstrapWatch::hear(const Endpoint& from) {
  const auto door = std::ranges::find(doors_, from, &Door::endpoint);
  others_answered_ = true;  // than those who stay asked
  if (door == doors_.end()) return;
  door->asked = false;
  if (std::exchange(door->in_vain, 0) >= kAskedInVainMin) reunion_ = true;
  door->awaited = false;
  if (std::ranges::none_of(doors_, &Door::awaited)) gather_until_.reset();
}

bool BootstrapWatch::take_reunion(TimePoint now) {
  if (!reunion_ || now < reunion_from_) return false;
  reunion_ = false;
  reunion_from_ = now + kReunionPause;
  for (Door& door : doors_) door.awaited = door.in_vain < kAskedInVainMin;
  gather_until_ = now + kGatherMax;
  return true;
}

bool BootstrapWatch::gathering(TimePoint now) {
  if (gather_until_ && now >= *gather_until_) gather_until_.reset();
  return gather_until_.has_value();
}

}  // namespace kadwire::dht
