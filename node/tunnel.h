#pragma once

/// One peer's tunnel, from "known" to "traffic flows" and back: when to make WireGuard initiate,
/// and towards which endpoint. Sans-IO. Not here: which peers there are, what the device is told
/// (mesh_node).
///
/// WireGuard initiates a handshake at once only on a fresh peer; after an unanswered initiation it
/// waits 5 s, and nothing but removing and adding the peer shortens that. As long as records are
/// the only channel the initiator cannot know that the other side has it yet, so it renews the peer
/// with a growing spacing, turning through the candidates. Initiations that cross destroy each
/// other: only the initiator dials, and the responder waits, except when it must assume that the
/// other side still believes in a session that is lost here
/// (`resume`), or when nothing came for long (the initiator may be unable to reach us). Where both
/// have been restarted both would resume; so on a proven path, of which the initiator knows first,
/// the responder leaves it the time of a handshake. Initiations that cross may even leave each side
/// with a session that the other has not, for the 15 s until WireGuard notices.

#include <optional>
#include <vector>

#include "node/base/random.h"
#include "node/ports/wireguard_device.h"

namespace kadwire::node {

/// A response needs one round trip, and renewing before it arrives would throw it away: so the
/// spacing grows until it fits any path.
inline constexpr Duration kDialSpacingFirst = 120ms;
inline constexpr Duration kDialSpacingLast = 30s;
/// How long a responder leaves the dialling to the other side.
inline constexpr Duration kResponderPatience = 4s;
/// RFC 4787 REQ-5 promises 2 min; real NATs and firewalls may forget after 30 s. Until it is known
/// how long this node's remembers (rendezvous/lifetime_watch.h).
inline constexpr std::chrono::seconds kKeepalive{25};
/// For what forgets sooner than any that was met: more would be a stream, not a keepalive.
inline constexpr std::chrono::seconds kKeepaliveMin{10};
/// However long it remembers: the other side doubts an idle tunnel no sooner.
inline constexpr std::chrono::seconds kKeepaliveMax{40};
/// The other side's keepalive may come so late without a doubt: it is as rare as kKeepaliveMax, and
/// sent up to kKeepaliveSlack later.
inline constexpr Duration kHeardLately = 45s;
/// WireGuard puts its own keepalive off when something came, which not every NAT counts: a side
/// that has only heard is made to send one, so much later than is due at most.
inline constexpr Duration kKeepaliveSlack = 2s;
/// Two lost keepalives of the rarest sort and a little: then a tunnel that was up counts as silent.
inline constexpr Duration kSilenceMax = 2 * kKeepaliveMax + 15s;
/// How often the counters of a standing tunnel are looked at: of an idle one rarely, for the sake
/// of batteries; of one that carries data so that its death is noticed within 2 s.
inline constexpr Duration kUpPoll = 10s;
inline constexpr Duration kActivePoll = 1s;
/// The same for a path over a relay, whose death is to be noticed within 1 s: another relay waits.
inline constexpr Duration kRelayedPoll = 100ms;
/// WireGuard follows the source of whatever arrives: packets of the old path that were under way
/// lead it back there, and what it then sends does the same to the other side. So it is told again,
/// sooner than most tunnels' next packet leaves, until it has stayed for kMoved; not for longer
/// than kMoving, as under a heavy load there is always a packet on the old path.
inline constexpr Duration kMoving = 8s;
inline constexpr Duration kMoved = 500ms;
inline constexpr Duration kMovingPoll = 20ms;
/// Once it was seen on the relay that it is to leave. Where a relay's round trip is the pause
/// between two pings, each arrives just before the other side's next one leaves, which follows it
/// into the relay, for as long as nothing comes between them.
inline constexpr Duration kStrayPoll = 3ms;
/// More than keepalives and a handshake: somebody uses the tunnel.
inline constexpr std::uint64_t kIdleBytesMax = 256;
/// WireGuard's data header and tag around nothing.
inline constexpr std::uint64_t kKeepaliveBytes = 32;
/// While somebody does, anything but a keepalive says that it goes on.
inline constexpr std::uint64_t kQuietBytesMax = kKeepaliveBytes;
/// Not used any more: nothing for so long.
inline constexpr Duration kQuietAfter = 3s;
/// A response and nothing else has come (WireGuard's white paper, §5.4.3): the keepalive that would
/// have made the other side believe in the session may be lost, and on an idle tunnel the next one
/// leaves after kKeepalive. One is sent then, and again with twice the pause, until something
/// comes: each is 32 bytes.
inline constexpr std::uint64_t kResponseBytes = 92;
inline constexpr Duration kNudgeAfter = 300ms;
inline constexpr int kNudgesMax = 3;
/// Nothing for so long where data was coming: worth a ping, which opens the own NAT again if that
/// has forgotten who we talk to, and which only this side can send.
inline constexpr Duration kHush = 900ms;
/// How often one that does not dial looks whether the other side has come; grows up to this like
/// the dial spacing.
inline constexpr Duration kWaitingPollLast = 2s;

class Tunnel {
 public:
  enum class Role { kInitiator, kResponder };
  enum class State { kWaiting, kDialling, kUp };

  /// `resume`: the peer may hold a session that this side lost; dial once whatever the role.
  Tunnel(TimePoint now, Role role, bool resume);

  /// Where the peer may be reached, best first. New ones are tried soon, unless the tunnel is up.
  void set_candidates(TimePoint now, std::vector<Endpoint> candidates);
  struct Path {
    Endpoint endpoint;
    Duration rtt{0};
    bool relayed = false;
  };
  /// A path to the peer is proven: it is the only candidate from now on. The initiator dials at
  /// once if the tunnel is not up.
  void set_path(TimePoint now, const Path& path);
  /// This host was suspended for so long, and the other side was not.
  void handle_resume(TimePoint now, Duration asleep);
  /// What passed through the tunnel since the last status.
  struct Traffic {
    /// More than a keepalive; or one, where the other side's do not come as they should.
    bool sent = false;
    bool received = false;
    /// What was coming has stopped, and nothing is sent either: the other side has no more to say,
    /// or the way here is gone, as when the own NAT forgets its mappings. Once for each stop, and
    /// not for a relayed path.
    bool fell_quiet = false;
    /// WireGuard sends to the relay that a direct path has replaced.
    bool on_left_relay = false;
    /// WireGuard has followed the peer here, away from the path that was set, and not because it is
    /// still moving there: what comes is no sign that the path lives.
    std::optional<Endpoint> roamed_to{};
    bool operator==(const Traffic&) const = default;
  };
  /// What the device says of this peer; nullptr: it does not have it.
  Traffic handle_status(TimePoint now, const PeerStatus* status);
  /// When a fresh status is wanted: to see whether the tunnel came up, or to dial.
  [[nodiscard]] TimePoint next_status() const { return next_status_; }
  /// Where WireGuard should be sending, if the last status says that it does not: while the tunnel
  /// moves to a new path, when nothing comes back from where it sends, and always where that is the
  /// relay it has left. Anywhere else the peer may have moved to, and WireGuard knows.
  [[nodiscard]] std::optional<Endpoint> astray(TimePoint now) const;
  /// True, once, when WireGuard is to send a keepalive now: the other side may not know yet that
  /// the handshake succeeded, or this side has sent nothing for as long as the own NAT may be
  /// trusted with. Call after handle_status.
  [[nodiscard]] bool take_nudge(TimePoint now);
  /// True if the next dial needs no status first: nothing was dialled yet, and the peer is too new
  /// for its tunnel to have come up from the other side.
  [[nodiscard]] bool may_dial_unseen(TimePoint now) const;
  /// The endpoint to renew the peer with now; nullopt: not yet. Call after handle_status.
  [[nodiscard]] std::optional<Endpoint> dial(TimePoint now, RandomSource& random);
  /// The device lost everything: begin anew.
  void reset(TimePoint now);
  /// The paths may be others now: dial at once, with all patience anew, if a status that is fetched
  /// first does not show that the tunnel has come up.
  void dial_soon(TimePoint now);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool up() const { return state_ == State::kUp; }
  /// False while there is no candidate this host could send to.
  [[nodiscard]] bool has_targets() const { return !candidates_.empty(); }
  /// How long the own side may be silent, kKeepalive at first.
  void set_keepalive(std::chrono::seconds keepalive) { keepalive_ = keepalive; }
  /// The persistent keepalive the device should have: off while this side must stay silent.
  [[nodiscard]] std::chrono::seconds keepalive() const;
  /// When something was last received, as far as seen.
  [[nodiscard]] std::optional<TimePoint> heard_at() const { return heard_at_; }

 private:
  //  Waiting ──candidates, role or patience──▶ Dialling ──handshake──▶ Up
  //     └───────────────handshake────────────────────────────────────▶ │
  //  Dialling (initiator) or Waiting (responder) ◀──95 s of silence────┘
  [[nodiscard]] Traffic count(TimePoint now, const PeerStatus& status);
  [[nodiscard]] bool falls_quiet(TimePoint now, const Traffic& traffic);
  [[nodiscard]] bool wants_answer(TimePoint now, std::uint64_t sent_bytes, bool received);
  /// When the own NAT may have seen nothing for too long.
  [[nodiscard]] TimePoint overdue() const { return sent_after_ + keepalive_ + kKeepaliveSlack; }
  [[nodiscard]] bool in_use(TimePoint now) const;
  [[nodiscard]] bool on_left_relay() const;
  [[nodiscard]] bool has_roamed(TimePoint now) const;
  /// The other side is not known to have heard of the session that was dialled.
  [[nodiscard]] bool unconfirmed() const;
  [[nodiscard]] Duration poll_spacing(TimePoint now) const;
  void rise(TimePoint now, const PeerStatus& status);
  void fall_silent(TimePoint now);

  Role role_;
  State state_ = State::kWaiting;
  std::vector<Endpoint> candidates_;
  std::optional<Endpoint> last_good_;  ///< where the tunnel last stood
  std::size_t dials_ = 0;
  bool looked_at_ = false;  ///< since the last reset: a status came, or a dial went
  TimePoint next_dial_;
  TimePoint next_status_;
  Duration spacing_ = kDialSpacingFirst;
  std::optional<WallTime> last_handshake_;  ///< as the device reports it: compared, never dated
  std::uint64_t last_rx_bytes_ = 0;
  std::uint64_t last_tx_bytes_ = 0;
  std::chrono::seconds keepalive_ = kKeepalive;
  TimePoint seen_at_;                 ///< the last status
  TimePoint sent_after_;              ///< the last packet left then or later
  bool asked_ = false;                ///< a keepalive has left since anything came
  std::optional<TimePoint> used_at_;  ///< last seen to carry data
  std::optional<TimePoint> came_at_;  ///< last seen to bring data; nullopt: or it was told
  std::optional<Path> path_;          ///< the proven one
  TimePoint path_set_;
  std::optional<Endpoint> left_relay_;  ///< that a direct path has replaced
  TimePoint strayed_;                   ///< last seen to send elsewhere
  std::optional<Endpoint> sends_to_;    ///< by the last status
  bool unanswered_ = false;             ///< since the status before
  bool doubted_ = false;                ///< the same, and more than a lone keepalive
  int nudges_left_ = 0;
  TimePoint next_nudge_;      ///< if any are left
  bool fell_silent_ = false;  ///< and nothing was dialled since: the session may still be good
  bool resume_;               ///< dial once whatever the role
  bool slept_ = false;        ///< this host was suspended, and no status came since
  Duration spacing_first_ = kDialSpacingFirst;
  std::optional<TimePoint> heard_at_;
};

}  // namespace kadwire::node
