#pragma once

/// Which of two paths to a peer is the better one: pure, so that both ends and every test decide
/// alike. Proven over claimed; direct over relayed; lower latency if it is more than noise; IPv6 at
/// equal.

#include <optional>

#include "crypto/node_identity.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// Two round trips that differ by less than this, or by a smaller part than kLatencyNoisePart of
/// the longer, are the same: queues and radio links vary by as much from packet to packet.
inline constexpr Duration kLatencyNoise = 5ms;
inline constexpr int kLatencyNoisePart = 5;

/// What is known of a path to a peer, for choosing.
struct PathQuality {
  bool proven = false;  ///< a packet went there and its echo came back
  bool relayed = false;
  bool on_link = false;  ///< the endpoint is in a network of an own interface: no gateway between
  bool ipv6 = false;
  Duration rtt{0};  ///< of a proven path
  bool operator==(const PathQuality&) const = default;
};

/// True if a tunnel should move from `current` to `other`. Never true both ways round.
[[nodiscard]] bool is_better_path(const PathQuality& other, const PathQuality& current);

}  // namespace kadwire::rendezvous
