#pragma once

/// Which of two paths to a peer is the better one: pure, so that both ends and every test decide
/// alike. Proven over claimed; direct over relayed; lower latency if it is more than noise, of
/// relays with a penalty for how full they say they are; IPv6 at equal.

#include <cstdint>
#include <optional>

#include "crypto/node_identity.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// Two round trips that differ by less than this, or by a smaller part than kLatencyNoisePart of
/// the longer, are the same: queues and radio links vary by as much from packet to packet.
inline constexpr Duration kLatencyNoise = 5ms;
inline constexpr int kLatencyNoisePart = 5;

/// How full a relay says it is, in hundredths: of its pairs' places, and of what it may pass on.
inline constexpr std::uint8_t kLoadMax = 100;
/// What a full relay costs beside its round trip: one with room is the better one wherever it is on
/// the same continent. The penalty goes by the load's fourth power, so nobody walks away from a
/// relay that is half full (12 ms), some do from one at three quarters (63 ms), and most at nine
/// tenths (131 ms).
inline constexpr Duration kFullPenalty = 200ms;
/// A relay in use is left for its load's sake from here on; below, moving gains nothing that is
/// worth a move.
inline constexpr std::uint8_t kLoadNearlyFull = 90;
/// And only for one that says no more than this: two that fill at the same pace do not pass their
/// pairs to and fro, and who takes many sees its word rise before it is nearly full itself.
inline constexpr std::uint8_t kLoadRoomy = 70;

/// What is known of a path to a peer, for choosing.
struct PathQuality {
  bool proven = false;  ///< a packet went there and its echo came back
  bool relayed = false;
  bool on_link = false;  ///< the endpoint is in a network of an own interface: no gateway between
  bool ipv6 = false;
  Duration rtt{0};        ///< of a proven path
  std::uint8_t load = 0;  ///< of the relay, by its last word
  bool operator==(const PathQuality&) const = default;
};

/// Round trip and penalty: by this relays are compared, before they are asked and afterwards.
[[nodiscard]] Duration relay_cost(Duration rtt, std::uint8_t load);

/// True if `other` is the one to take of these two. Never true both ways round.
[[nodiscard]] bool is_better_path(const PathQuality& other, const PathQuality& current);

/// The same for a tunnel that has been on `current` for a while: it does not move because relays
/// fill and empty, but if its own is nearly full and the other has room. `loads_are_news`: both
/// have just said so; else load alone moves nobody.
[[nodiscard]] bool is_worth_moving(const PathQuality& other, const PathQuality& current,
                                   bool loads_are_news);

}  // namespace kadwire::rendezvous
