#pragma once

/// When two members who cannot talk yet try to reach each other. Both sides compute the same
/// moments from their clocks and names, so that what each sends finds the other's NAT opened by
/// what the other sends. Pure.
///   at once: a burst, spaced from 100 ms up to 3 s, for some 15 s
///   then:    short bursts in slots of 20 s: the next three, then every third, then every fifteenth

#include <optional>

#include "crypto/node_identity.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// A round trip on most paths: the second try comes before the first one's answer could only when
/// it was lost.
inline constexpr Duration kBurstSpacingFirst = 100ms;
inline constexpr Duration kBurstSpacingLast = 3s;
/// 100 ms × 1.5ⁿ up to 3 s: the last of these is sent after about 15 s.
inline constexpr int kBurstTries = 12;
/// Within a NAT binding's life, as the shortest ones go.
inline constexpr std::chrono::seconds kSlot{20};
/// In a slot: enough that two clocks half a second apart still overlap.
inline constexpr int kSlotTries = 5;
inline constexpr Duration kSlotSpacing = 250ms;

/// One pair's attempts, from a beginning on.
class PairSchedule {
 public:
  PairSchedule(const crypto::NodeId& self, const crypto::NodeId& peer);
  /// Begins again with a burst now.
  void begin(TimePoint now);
  /// Nothing is to be tried.
  void stop() { next_.reset(); }
  [[nodiscard]] std::optional<TimePoint> next() const { return next_; }
  /// True, and the next moment is set, if a try is due.
  [[nodiscard]] bool take(Now now);
  /// The next moment of this pair's own in a rhythm of this `period`: other pairs have others.
  [[nodiscard]] TimePoint next_beat(Now now, std::chrono::milliseconds period) const;
  /// How many tries since the beginning.
  [[nodiscard]] int tries() const { return tries_; }

 private:
  [[nodiscard]] TimePoint next_slot(Now now) const;
  std::uint64_t number_;  ///< the pair's: places its moments within any period
  std::optional<TimePoint> next_;
  int tries_ = 0;
};

}  // namespace kadwire::rendezvous
