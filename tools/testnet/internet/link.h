#pragma once

/// One direction of an access link: loses, delays, doubles and queues packets as its model says.
/// Sans-IO. The link's own latency is not in it (it is drawn once for a host, draw_latency); what
/// is here comes on top, and is different for each packet. Deviation: fragments of one packet share
/// its queueing and its jitter, but each may be lost.

#include <cstddef>
#include <optional>

#include "node/base/time.h"
#include "tools/testnet/internet/dice.h"
#include "tools/testnet/internet/link_model.h"
#include "tools/testnet/internet/packet.h"

namespace kadwire::testnet {

/// What became of a packet on a link.
struct Transit {
  Drop drop = Drop::kNone;
  Duration delay{0};        ///< on top of the link's latency
  bool duplicated = false;  ///< a copy comes right behind
};

/// One host's latency out of the distribution; never negative.
[[nodiscard]] Duration draw_latency(const LatencyModel& model, Dice& dice);

class Link {
 public:
  Link(const LinkModel& model, std::uint64_t seed);

  /// Sends a packet of `wire_bytes` in fragments of at most `fragment_bytes`. kMtu: these are
  /// larger than the link takes. Time does not run backwards between calls by more than the packets
  /// of one moment are apart; if it does, order is kept all the same.
  [[nodiscard]] Transit pass(TimePoint now, std::size_t wire_bytes, std::size_t fragment_bytes);

  [[nodiscard]] const LinkModel& model() const { return model_; }
  /// Whether every packet is lost, which is no chance.
  [[nodiscard]] bool is_dead() const { return model_.loss >= 1; }

 private:
  [[nodiscard]] bool loses_one_of(std::size_t fragments);
  [[nodiscard]] bool burst_step();
  /// Until the last bit is on the wire; nullopt: no room in the queue.
  [[nodiscard]] std::optional<Duration> serialise(TimePoint now, std::size_t wire_bytes);

  LinkModel model_;
  bool varies_;              ///< false: nothing but the MTU is to be looked at
  bool bad_ = false;         ///< in a burst
  double queued_bytes_ = 0;  ///< waiting for bandwidth, as of drained_at_
  TimePoint drained_at_{};
  TimePoint last_in_{};   ///< of the packets that keep their order, the one that came last
  TimePoint last_out_{};  ///< and when it comes out
  Dice dice_;
};

}  // namespace kadwire::testnet
