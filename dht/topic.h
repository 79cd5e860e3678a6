#pragma once

/// Under which keys members meet: one topic per hour and shard, with an overlap around the change of
/// the hour, so that members whose clocks differ by minutes still share one.
///   minute 0–9: h−1 and h · minute 10–49: h · minute 50–59: h and h+1

#include <array>
#include <span>

#include "crypto/key_schedule.h"
#include "node/base/time.h"

namespace kadwire::dht {

/// A minute count that covers clocks wrong by several minutes on either side.
inline constexpr std::chrono::minutes kHourOverlap{10};
/// One shard until measurement asks for more: listening on four costs four times the packets.
inline constexpr std::uint8_t kShard = 0;

struct Topic {
  Hour hour = 0;
  std::uint8_t shard = kShard;
  crypto::InfoHash key{};
};

[[nodiscard]] Topic topic_of(const crypto::KeySchedule& keys, Hour hour);

/// The one or two hours to announce and listen under, the current hour first.
class ActiveHours {
 public:
  explicit ActiveHours(WallTime wall);
  [[nodiscard]] std::span<const Hour> hours() const { return {hours_.data(), count_}; }
  [[nodiscard]] bool contains(Hour hour) const;

 private:
  std::array<Hour, 2> hours_{};
  std::size_t count_ = 1;
};

/// How long until ActiveHours changes, at most 40 minutes.
[[nodiscard]] Duration until_hours_change(WallTime wall);

}  // namespace kadwire::dht
