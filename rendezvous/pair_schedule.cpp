#include "rendezvous/pair_schedule.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// Slots between attempts: the first three in a row, then ten a minute apart, then five minutes.
int slots_apart(int attempt) {
  if (attempt < 3) return 1;
  return attempt < 13 ? 3 : 15;
}

/// Both sides get the same number, and different pairs different ones.
std::uint64_t pair_number(const crypto::NodeId& a, const crypto::NodeId& b) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number = number << 8 | std::to_integer<std::uint64_t>(a.bytes[i] ^ b.bytes[i]);
  }
  return number;
}

}  // namespace

PairSchedule::PairSchedule(const crypto::NodeId& self, const crypto::NodeId& peer)
    : number_(pair_number(self, peer)) {}

void PairSchedule::begin(TimePoint now) {
  next_ = now;
  tries_ = 0;
}

bool PairSchedule::take(Now now) {
  if (!next_ || now.steady < *next_) return false;
  ++tries_;
  const int in_slots = tries_ - kBurstTries;
  if (in_slots < 0) {
    Duration spacing = kBurstSpacingFirst;
    for (int i = 1; i < tries_; ++i) spacing = std::min(spacing * 3 / 2, kBurstSpacingLast);
    next_ = now.steady + spacing;
  } else if (in_slots % kSlotTries != 0) {
    next_ = now.steady + kSlotSpacing;
  } else {
    next_ = next_slot(now);
  }
  return true;
}

/// Slots count from the Unix epoch, so both sides skip the same ones.
TimePoint PairSchedule::next_slot(Now now) const {
  const int apart = slots_apart((tries_ - kBurstTries) / kSlotTries);
  const auto period = std::chrono::milliseconds(kSlot) * apart;
  const std::chrono::milliseconds offset(
      number_ % static_cast<std::uint64_t>(std::chrono::milliseconds(kSlot).count()));
  const auto since = now.wall.time_since_epoch() - offset;
  const auto wait = period - since % period;
  return now.steady + std::max<Duration>(wait, kSlotSpacing);
}

TimePoint PairSchedule::next_beat(Now now, std::chrono::milliseconds period) const {
  const std::chrono::milliseconds offset(number_ % static_cast<std::uint64_t>(period.count()));
  return now.steady + (period - (now.wall.time_since_epoch() - offset) % period);
}

}  // namespace kadwire::rendezvous
