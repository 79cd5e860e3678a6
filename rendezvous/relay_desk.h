#pragma once

/// The relay's side of relaying: which pairs of members asked for it, at which port each pair is
/// served, and where its two ends are. Sans-IO: datagrams themselves are forwarded by whoever owns
/// the ports, between the ends that this desk names, unread. Nobody is relayed without being a
/// member (requests come in pair sessions), nobody without the other's asking for the same.
///
/// A place is an end only once a member has shown that it receives there, by a bind with the proof
/// that was sent to that place: sources can be forged. Until then it gets nothing but challenges,
/// one for each bind and as long. Ports pass no bind on, so no port of this or another relay is
/// ever an end: what is relayed cannot go in a circle, whoever binds whatever to what.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "crypto/node_identity.h"
#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/random.h"
#include "node/base/time.h"
#include "rendezvous/relay_meter.h"

namespace kadwire::rendezvous {

/// Pairs served at once, and pairs of one member: a mesh behind one relay has a pair for each two.
inline constexpr std::size_t kRelayedPairsMax = 256;
inline constexpr std::size_t kRelayedPairsPerMemberMax = 64;
/// Of those the ones that the other side has not asked for: it may not be there at all, and who
/// starts asks for everybody it remembers. The oldest gives way.
inline constexpr std::size_t kRelayedAloneMax = 16;
/// A pair of which one side never asked gives its port back, and one that got no port its place.
inline constexpr Duration kRelayAskPatience = 30s;
/// A pair that one side has released goes on for so long, unless the other releases it too: that
/// one's WireGuard may still use it, and what it sends is followed by this side's. A member holds
/// on to it for kReleaseDelayMax (punch_session.h) at most.
inline constexpr Duration kRelayDrain = 60s;

using RelayId = std::uint32_t;

/// Open a UDP port for this pair, and say which (handle_port).
struct OpenRelay {
  RelayId id = 0;
};
/// Forward between these two from now on, and nothing else.
struct JoinRelay {
  RelayId id = 0;
  Endpoint a, b;
};
struct CloseRelay {
  RelayId id = 0;
};
/// Send this from the pair's port.
struct SendFromRelay {
  RelayId id = 0;
  Endpoint to;
  Bytes frame;
};
using RelayAction = std::variant<OpenRelay, JoinRelay, CloseRelay, SendFromRelay>;

/// "To this member: the port for you and your peer, and how full this relay is." Port 0: refused.
struct RelayAnswer {
  crypto::NodeId to;
  crypto::NodeId peer;
  std::uint16_t port = 0;
  std::uint8_t load = 0;
};

/// Who says to be where, for a pair, with which proof of it (RelayBind).
struct BindClaim {
  crypto::NodeId member, peer;
  Endpoint at;
  std::uint64_t proof = 0;
};

/// In pairs or places, since the start.
struct RelayDeskCounters {
  std::uint64_t refused = 0;     ///< requests: too many pairs, no port, or the quota is used up
  std::uint64_t challenged = 0;  ///< binds from places that are not proven
  std::uint64_t proven = 0;
};

class RelayDesk {
 public:
  /// `random` supplies the proofs and outlives the desk. `pairs_max`: places, at least 1.
  explicit RelayDesk(RandomSource& random, std::size_t pairs_max = kRelayedPairsMax)
      : random_(random), pairs_max_(pairs_max) {}
  /// A member asks for a path to another.
  void handle_request(TimePoint now, const crypto::NodeId& from, const crypto::NodeId& peer);
  /// The port for an OpenRelay; 0: none could be had.
  void handle_port(RelayId id, std::uint16_t port);
  /// A member's bind came in at this pair's port. The proof to challenge that place with; nullopt:
  /// it is proven, or has no business here.
  [[nodiscard]] std::optional<std::uint64_t> handle_bind(RelayId id, const BindClaim& claim);
  /// Has this sent from the pair's port, after what was said of the pair before.
  void send(RelayId id, const Endpoint& to, Bytes frame);
  /// A member needs no path to this peer any more.
  void handle_release(TimePoint now, const crypto::NodeId& from, const crypto::NodeId& peer);
  /// Nothing was forwarded for this pair for long.
  void handle_idle(RelayId id);
  void remove_member(const crypto::NodeId& node);
  /// How busy the ports are, by the limits that they have.
  void set_traffic(const RelayTraffic& traffic) { traffic_ = traffic; }
  /// How full this relay is for who wants a place: of places or of traffic, whichever is scarcer.
  [[nodiscard]] std::uint8_t load() const;
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<RelayAction> poll_action();
  [[nodiscard]] std::optional<RelayAnswer> poll_answer();
  [[nodiscard]] std::size_t pairs() const { return pairs_.size(); }
  [[nodiscard]] const RelayDeskCounters& counters() const { return counters_; }

 private:
  struct Challenge {
    Endpoint at;
    std::uint64_t proof = 0;
  };
  struct End {
    bool asked = false;
    bool released = false;               ///< since it asked last
    std::optional<Endpoint> at;          ///< proven
    std::optional<Challenge> challenge;  ///< the last place that was not; `at` stays meanwhile
  };
  struct Pair {
    RelayId id = 0;
    std::uint16_t port = 0;  ///< 0: not opened yet
    TimePoint made{};
    TimePoint released{};  ///< by the first side, if one has
    End low{}, high{};
  };
  using Key = std::pair<crypto::NodeId, crypto::NodeId>;  ///< the lower NodeId first
  using Pairs = std::map<Key, Pair>;

  [[nodiscard]] static Key key_of(const crypto::NodeId& a, const crypto::NodeId& b);
  [[nodiscard]] Pairs::iterator find(RelayId id);
  [[nodiscard]] static End& end_of(Pairs::value_type& entry, const crypto::NodeId& member);
  [[nodiscard]] static bool is_complete(const Pair& pair);
  /// When it is closed if nothing else is heard; nullopt: it stays.
  [[nodiscard]] static std::optional<TimePoint> end_of_patience(const Pair& pair);
  struct Alone {
    Pairs::iterator oldest;  ///< pairs_.end() if there is none
    std::size_t count = 0;
  };
  [[nodiscard]] Alone find_alone(const crypto::NodeId* asker);
  [[nodiscard]] bool make_room(const crypto::NodeId& asker, bool another_pair);
  Pairs::iterator close(Pairs::iterator pair);
  /// `placed`: it has had a place before.
  void answer(const crypto::NodeId& to, const crypto::NodeId& peer, std::uint16_t port,
              bool placed = false);

  RandomSource& random_;
  std::size_t pairs_max_;
  RelayTraffic traffic_;
  Pairs pairs_;
  RelayDeskCounters counters_;
  RelayId last_id_ = 0;
  std::deque<RelayAction> actions_;
  std::deque<RelayAnswer> answers_;
};

}  // namespace kadwire::rendezvous
