#pragma once

/// What a node knows of how it reaches one peer: plain values for `why` and `ping`. Read-only
/// copies; what they mean is explain_path's.

#include <optional>
#include <string>
#include <vector>

#include "node/node_view.h"
#include "rendezvous/nat_behavior.h"
#include "rendezvous/pair_history.h"

namespace kadwire::node {

/// A rendezvous::PairEvent with names and dates.
struct StoryEvent {
  WallTime at;
  rendezvous::PairEventKind kind = rendezvous::PairEventKind::kCalled;
  rendezvous::PathCause cause = rendezvous::PathCause::kNone;
  unsigned count = 1;
  std::optional<Endpoint> endpoint{};
  std::string member{};  ///< the introducer's or relay's hostname or short NodeId; empty: none
};

struct PeerStory {
  PeerView peer;
  WallTime now;                    ///< when this was so
  bool punches_here = true;        ///< this node sends and hears beside WireGuard
  bool punches_there = true;       ///< the peer's record says so of it
  bool relayed_only_here = false;  ///< by this node's operator's wish, as far as it concerns both
  bool relayed_only_there = false;
  bool session = false;            ///< the two have a pair session
  std::optional<WallTime> heard;   ///< the peer's last word under one
  std::optional<Endpoint> chosen;  ///< the path that the two agreed on
  bool chosen_relayed = false;     ///< it leads through a relay
  std::string relay{};             ///< through which WireGuard sends now; empty: straight there
  std::optional<Duration> rtt;     ///< of it, measured by own pings
  std::size_t claims = 0;          ///< endpoints that the peer's record names
  std::size_t targets = 0;         ///< of these, those that may be sent to from here
  bool common_ipv6 = false;        ///< both publish a global IPv6 address
  bool common_ipv4 = false;        ///< both publish some IPv4 endpoint
  bool public_here = false;        ///< this host has a public IPv4 address itself
  bool public_there = false;       ///< the same of the peer, as its record says
  rendezvous::NatBehavior nat_here;
  std::optional<rendezvous::NatBehavior> nat_there;
  WallTime issued;                    ///< the peer's newest record
  std::vector<StoryEvent> events;     ///< the oldest first
  std::vector<std::string> problems;  ///< of this node as a whole, as in NodeView
};

/// One path to a peer, as the last probe of all of them found it.
struct PathView {
  Endpoint endpoint;              ///< the peer's, or the relay's port
  std::string relay{};            ///< hostname or short NodeId; empty: straight
  bool on_link = false;           ///< in a network of an own interface
  bool in_use = false;            ///< WireGuard sends here now
  std::optional<Duration> rtt{};  ///< nullopt: no answer so far
  Duration age{};                 ///< since the probe left
};

}  // namespace kadwire::node
