#include "dht/topic.h"

#include <algorithm>

namespace kadwire::dht {
namespace {

std::chrono::milliseconds into_hour(WallTime wall) {
  return wall - std::chrono::floor<std::chrono::hours>(wall);
}

}  // namespace

Topic topic_of(const crypto::KeySchedule& keys, Hour hour) {
  return {hour, kShard, keys.topic(hour, kShard)};
}

ActiveHours::ActiveHours(WallTime wall) {
  hours_[0] = hour_of(wall);
  if (into_hour(wall) < kHourOverlap) {
    hours_[count_++] = hours_[0] - 1;
  } else if (into_hour(wall) >= 1h - kHourOverlap) {
    hours_[count_++] = hours_[0] + 1;
  }
}

bool ActiveHours::contains(Hour hour) const { return std::ranges::count(hours(), hour) > 0; }

Duration until_hours_change(WallTime wall) {
  const auto now = into_hour(wall);
  if (now < kHourOverlap) return kHourOverlap - now;
  if (now < 1h - kHourOverlap) return 1h - kHourOverlap - now;
  return 1h - now;
}

}  // namespace kadwire::dht
