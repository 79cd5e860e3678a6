#include "rendezvous/relay_meter.h"

#include <algorithm>
#include <numeric>

#include "rendezvous/path_choice.h"

namespace kadwire::rendezvous {
namespace {

Rate byte_rate(std::uint32_t bytes_per_second) {
  return {bytes_per_second, std::max(bytes_per_second / 8, kRelayBurstMin)};
}

/// What is left of the quota, over all the hours that are counted.
std::uint32_t trickle_of(std::uint64_t quota) {
  constexpr std::uint64_t kSeconds = kQuotaHours * 3600;
  const std::uint64_t rate = quota * (100 - kQuotaOpen) / 100 / kSeconds;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rate, 1, UINT32_MAX));
}

std::uint8_t percent(std::uint64_t part, std::uint64_t whole) {
  return part >= whole ? kLoadMax : static_cast<std::uint8_t>(part * kLoadMax / whole);
}

}  // namespace

bool RelayMeter::take(TimePoint now, std::size_t size) {
  advance(now);
  const auto bytes = static_cast<std::uint32_t>(size);
  offered_ += bytes;
  if (!within_quota(now, bytes)) return false;
  const bool limited = limits_.bytes_per_second != 0;
  if (limited && !rate_.take(now, byte_rate(limits_.bytes_per_second), bytes)) return false;
  hours_[static_cast<std::size_t>(hour_) % kQuotaHours] += bytes;
  day_bytes_ += bytes;
  return true;
}

bool RelayMeter::within_quota(TimePoint now, std::uint32_t bytes) {
  const std::uint64_t quota = limits_.bytes_per_day;
  if (quota == 0) return true;
  const std::uint64_t open = quota / 100 * kQuotaOpen;
  used_up_ = used_up_ || day_bytes_ + bytes > open;
  return !used_up_ || trickle_.take(now, byte_rate(trickle_of(quota)), bytes);
}

RelayTraffic RelayMeter::traffic(TimePoint now) {
  advance(now);
  const std::uint64_t quota = limits_.bytes_per_day;
  const std::uint8_t day = quota == 0 ? 0 : percent(day_bytes_, quota / 100 * kQuotaOpen);
  const std::uint8_t load = used_up_ ? kLoadMax : std::max(busy(), day);
  return {load, used_up_, day_bytes_, quota};
}

/// What was offered, not what passed: two that are both cut off at the limit are not alike.
std::uint8_t RelayMeter::busy() const {
  if (limits_.bytes_per_second == 0) return 0;
  constexpr auto kSeconds = static_cast<std::uint64_t>(kBusySpan / 1s);
  return percent(offered_before_, limits_.bytes_per_second * kSeconds);
}

void RelayMeter::advance(TimePoint now) {
  const std::int64_t span = now.time_since_epoch() / kBusySpan;
  if (span != span_) {
    offered_before_ = span == span_ + 1 ? offered_ : 0;
    offered_ = 0;
    span_ = span;
  }
  const std::int64_t hour = now.time_since_epoch() / std::chrono::hours(1);
  if (hour == hour_) return;
  const auto passed = static_cast<std::size_t>(std::min<std::int64_t>(hour - hour_, kQuotaHours));
  for (std::size_t i = 0; i < passed; ++i) {
    hours_[(static_cast<std::size_t>(hour) - i) % kQuotaHours] = 0;
  }
  hour_ = hour;
  day_bytes_ = std::accumulate(hours_.begin(), hours_.end(), std::uint64_t{0});
  if (day_bytes_ < limits_.bytes_per_day / 100 * kQuotaAgain) used_up_ = false;
}

}  // namespace kadwire::rendezvous
