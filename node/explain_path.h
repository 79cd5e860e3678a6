#pragma once

/// Why a peer is reached the way it is, or is not: cause, evidence and remedy in plain words, from
/// what the node knows and remembers. Pure.
/// Not here: gathering it (mesh_node_view), printing (control/why_text).

#include <string>
#include <string_view>
#include <vector>

#include "node/peer_story.h"

namespace kadwire::node {

/// What decides between a direct path, a relay and none.
enum class Reason : std::uint8_t {
  kChosen,           ///< a direct path, and why this one
  kDialled,          ///< WireGuard found it without pair session
  kHandshake,        ///< a path is proven, the tunnel about to stand
  kNoAddress,        ///< the peer names none
  kNoCommonFamily,   ///< nothing it names can be reached from here
  kNotPunching,      ///< this node sends nothing beside WireGuard
  kPeerNotPunching,  ///< the peer does not
  kOperatorHere,     ///< this node's operator wants relays alone
  kOperatorThere,    ///< the peer's does
  kBothNatsStrict,   ///< each destination gets a port of its own, on both sides
  kOwnNatStrict,     ///< on this side, and theirs filters
  kPeerNatStrict,    ///< the other way round
  kNatUnknown,       ///< no STUN server tells
  kBlockedBetween,   ///< it should work, and does not
  kNoRelay,          ///< and no member offers to relay
  kRelayRefused,     ///< and the one asked refused
  kUnanswered,       ///< nothing was heard of the peer
  kPeerGone,         ///< the same, and its record is old
};
[[nodiscard]] std::string_view to_text(Reason reason);  // "chosen", "no-relay"

struct Explanation {
  std::string state;  ///< one sentence: what is
  Reason reason = Reason::kUnanswered;
  std::string cause;                  ///< one sentence: why
  std::vector<std::string> evidence;  ///< what the cause was concluded from
  std::vector<std::string> remedies;  ///< what to do, the best first; empty: nothing needs to be
};

[[nodiscard]] Explanation explain(const PeerStory& story);

}  // namespace kadwire::node
