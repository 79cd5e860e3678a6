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

void BootstrapWatch::entered(TimePoint now, RandomSource& random) {
  for (Door& door : doors_) door.asked = 1;
  reunion_ = false;
  due_ = now + random_between(random, kWatchPause, kWatchPause + kWatchJitter);
}

std::vector<Endpoint> BootstrapWatch::ask(TimePoint now, RandomSource& random) {
  due_ = now + random_between(random, kWatchPause, kWatchPause + kWatchJitter);
  std::vector<Endpoint> asked;
  for (Door& door : doors_) {
    ++door.asked;
    asked.push_back(door.endpoint);
  }
  return asked;
}

void BootstrapWatch::hear(const Endpoint& from) {
  const auto door = std::ranges::find(doors_, from, &Door::endpoint);
  if (door == doors_.end()) return;
  // The last time it was asked was not in vain.
  if (std::exchange(door->asked, 0) > kAskedInVainMin) reunion_ = true;
  door->awaited = false;
  if (std::ranges::none_of(doors_, &Door::awaited)) gather_until_.reset();
}

bool BootstrapWatch::take_reunion(TimePoint now) {
  if (!reunion_ || now < reunion_from_) return false;
  reunion_ = false;
  reunion_from_ = now + kReunionPause;
  for (Door& door : doors_) door.awaited = door.asked == 0;
  gather_until_ = now + kGatherMax;
  return true;
}

bool BootstrapWatch::gathering(TimePoint now) {
  if (gather_until_ && now >= *gather_until_) gather_until_.reset();
  return gather_until_.has_value();
}

}  // namespace kadwire::dht
