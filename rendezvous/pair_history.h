#pragma once

/// What happened between this node and one peer, for whoever asks why: a bounded list of dated
/// events, plain data. PunchSession and Agent write it; node/explain_path puts it into words.
/// What repeats itself is counted, not listed, so that ten calls do not push out why a path died.

#include <cstdint>
#include <optional>
#include <vector>

#include "crypto/node_identity.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"
#include "rendezvous/path_table.h"

namespace kadwire::rendezvous {

enum class PairEventKind : std::uint8_t {
  kCalled,        ///< this node called, straight at the peer's candidates
  kCalledBy,      ///< the same through an introducer
  kHeardCall,     ///< the peer called
  kAnswered,      ///< the peer answered a call
  kPathProven,    ///< a ping or handshake came back
  kPathChosen,    ///< WireGuard uses it from now on; has a cause
  kPathLost,      ///< it does not any more; has a cause
  kRelayAsked,    ///< a member was asked to relay
  kRelayGranted,  ///< it opened a port
  kRelayRefused,
  kNoRelay,  ///< a relay was wanted, and no member that this node reaches offers to be one
};

/// Why a path was chosen or lost.
enum class PathCause : std::uint8_t {
  kNone,
  // Chosen.
  kFirst,      ///< the first that answered, there being none
  kDirect,     ///< it leads straight there, the one before went through a relay
  kFaster,     ///< its round trip is shorter by more than noise
  kPreferred,  ///< as fast: on an own link, or IPv6
  kRoomier,    ///< a relay that is less full
  kPeerChose,  ///< the peer, whose id is lower, chose it
  kReserve,    ///< the relay before died; this one had been kept in reserve
  kRepeated,   ///< the one before was given up by either side
  kOperator,   ///< an operator wants relays alone, and the one before was direct
  // Lost.
  kSilent,      ///< data or pings left, and nothing came back
  kPeerLostIt,  ///< the peer says that it is silent there
  kOwnMove,     ///< this host's addresses changed
  kPeerMove,    ///< the peer says that its addresses changed
};

/// As much of a NodeId as its short form has: enough to know a member by.
inline constexpr std::size_t kMemberBytes = 8;

/// 40 bytes.
struct PairEvent {
  TimePoint at;  ///< of the last one, if there were several
  PairEventKind kind = PairEventKind::kCalled;
  PathCause cause = PathCause::kNone;
  std::uint16_t count = 1;  ///< how many in a row; stays at its maximum
  std::uint16_t port = 0;   ///< with `address`: where to or from; 0: nowhere in particular
  IpAddress address{};
  /// The beginning of the introducer's or relay's NodeId; zeroes: none.
  ByteArray<kMemberBytes> member{};

  [[nodiscard]] std::optional<Endpoint> endpoint() const;
  [[nodiscard]] bool is_through(const crypto::NodeId& node) const;
};

/// An episode, from one path to the next, has fewer kinds of events.
inline constexpr std::size_t kPairEventsMax = 10;
static_assert(kPairEventsMax * sizeof(PairEvent) <= 512, "a table of 1000 peers must stay small");

class PairHistory {
 public:
  /// `through`: the introducer or relay. An event that equals one since the last change of path is
  /// counted there and becomes the newest; else the oldest makes room.
  void note(TimePoint now, PairEventKind kind, PathCause cause = PathCause::kNone,
            const Endpoint& endpoint = {}, const std::optional<crypto::NodeId>& through = {});
  /// The oldest first.
  [[nodiscard]] const std::vector<PairEvent>& events() const { return events_; }
  /// The newest of this kind; nullptr: none is remembered.
  [[nodiscard]] const PairEvent* last(PairEventKind kind) const;

 private:
  std::vector<PairEvent> events_;  ///< at most kPairEventsMax
};

}  // namespace kadwire::rendezvous
