#pragma once

/// A node's dealings with all its peers on WireGuard's port: takes frames apart, keeps a punch
/// session for each peer, passes calls between members, and says which path WireGuard should use.
/// Sans-IO. Not here: who is a peer (node/peer_table), WireGuard (node/data_plane), sockets.
///
///   frame ─▶ Agent ─▶ PunchSession of the sender ─▶ PathChanged
///              │ a stranger's call: its record goes out as RecordReceived, and the call is
///              answered │ once set_peer() says that its sender is a peer └ Forward: to the session
///              of the one it names

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "node/base/queue.h"
#include "node/base/transmit.h"
#include "rendezvous/peer_record.h"
#include "rendezvous/punch_session.h"
#include "rendezvous/relay_desk.h"
#include "rendezvous/relay_releases.h"
#include "rendezvous/relay_requests.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::rendezvous {

/// Calls cost key agreements. A carrier's NAT may hold many members; a whole mesh that restarts at
/// once makes some thousand calls in some seconds.
inline constexpr Rate kCallsPerSource{50, 100};
inline constexpr Rate kCallsInAll{500, 1000};
/// Frames passed on for one member. A newcomer behind a strict NAT calls and pings everybody
/// through its introducers, a few dozen frames for each peer; 70 KB a second at most.
inline constexpr Rate kForwardsPerMember{100, 1000};
/// Where one call came from and its answer goes: all ways that a caller may try at once.
inline constexpr std::size_t kCallWaysMax = kCandidatesMax + 4;
/// Calls whose sender is not a peer yet, and how long they wait to become one's.
inline constexpr std::size_t kStrangersMax = 64;
inline constexpr Duration kStrangerPatience = 2s;
/// Answers remembered for a peer, so that a repeated call gets the same one again: a call made anew
/// every five seconds, for two thirds of a minute.
inline constexpr std::size_t kAnswersMax = 8;
/// Introducers asked at once for one peer, one in turn besides.
inline constexpr std::size_t kNearestIntroducers = 2;

/// A relay that did not lead to a path by then is passed over for the next one.
inline constexpr Duration kRelayPatience = 2s;
/// Relays asked for one pair: the one in use and one in reserve.
inline constexpr std::size_t kRelaysMax = 2;
/// While one works, each further try to find a second waits twice as long as the last, up to this:
/// there may be none.
inline constexpr Duration kReserveRelayPatience = 30s;

/// What a relay last said of its load goes before nothing for so long: by then it may be another.
inline constexpr Duration kLoadMemory = 10min;

/// A spray is some 100 KB to one address that a member names, a whole mesh's a flood: four of these
/// at once, then one each ten seconds.
inline constexpr Rate kSpraysInAll{1, 40};
inline constexpr std::uint32_t kSprayTokens = 10;
/// Each opening is kSidePorts mappings in the own NAT, which keeps them for two minutes or so and
/// may have room for two thousand: two at once, then one each thirty seconds.
inline constexpr Rate kOpeningsInAll{1, 60};
inline constexpr std::uint32_t kOpeningTokens = 30;
/// A try to guess ports is kGuessesPerTry packets to an address that a member names: 64 of these at
/// once, as two dozen members may meet when one starts, then one each second.
inline constexpr Rate kGuessesInAll{1, 64};
/// Whoever found no token looks again after this.
inline constexpr Duration kOpeningPatience = 5s;

/// A signed record that a member sent of itself. Not verified here beyond what a call needs.
struct RecordReceived {
  Bytes record;
};
/// WireGuard is to use this path from now on. `initiate`: and to begin the handshake if none
/// stands.
struct PathChanged {
  crypto::NodeId node;
  ChosenPath path;
  bool initiate = false;
};
/// A peer that had a path has none.
struct PathLost {};
/// A peer told from where it hears this node: one peer's word.
struct SeenByPeer {
  Endpoint peer;
  Endpoint mapped;
};
/// kSidePorts ports are to be opened, and set_side_ports() called.
struct SidePortsWanted {};
using AgentEvent = std::variant<RecordReceived, PathChanged, PathLost, SeenByPeer, SidePortsWanted>;

/// Counters for people, since the start.
struct AgentStats {
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t frames_refused = 0;  ///< malformed, or with a wrong tag
  std::uint64_t calls_limited = 0;
  std::uint64_t forwarded = 0;  ///< for others
  PathTally paths;              ///< to all peers
};

struct AgentOptions {
  bool introduces = true;   ///< passes calls on for others
  bool relays = true;       ///< relays for others when asked
  bool side_ports = false;  ///< may ask for side ports
  /// Wants no direct path but to members that relay, or there would be no relay to use.
  bool relayed_only = false;
  std::size_t relayed_pairs = kRelayedPairsMax;  ///< at once, for others; fewer in tests
};

class Agent {
 public:
  /// All outlive the agent, which stays where it is: sessions refer to it.
  Agent(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity, RandomSource& random,
        AgentOptions options = {});
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// The own record as it is published now.
  void set_own_record(Now now, const SignedRecord& record);
  /// The host's addresses. Whatever was learnt of paths from other ones is void.
  void set_network(Now now, std::vector<LocalAddress> addresses, std::vector<Prefix> mesh_networks);
  /// This host runs again after it was suspended, and hears of a new network, if there is one, by
  /// set_network.
  void handle_resume(Now now);
  /// The NAT before this host's IPv4.
  void set_own_nat(const NatBehavior& nat);
  /// This member is a peer, and this its newest record.
  void set_peer(Now now, const PeerRecord& record);
  /// This peer was heard of just now, by a way that leads nowhere else: a mailbox, a beacon.
  /// Attempts to reach it begin anew, if it has no path.
  void prompt(Now now, const crypto::NodeId& node);
  void remove_peer(const crypto::NodeId& node);
  /// Removes every peer that `stays` denies.
  void keep_only(const std::function<bool(const crypto::NodeId&)>& stays);

  /// The first of kSidePorts ports in a row that are this agent's; 0: there are none to be had.
  void set_side_ports(Now now, std::uint16_t first);
  /// True if it was a frame, good or bad. `side_port`: where it came in; 0: at WireGuard's port.
  bool handle_datagram(Now now, const Endpoint& from, ByteView datagram,
                       std::uint16_t side_port = 0);
  /// As a relay: what arrived at a pair's port and is not to be passed on.
  void handle_bind(Now now, RelayId id, const Endpoint& from, ByteView datagram);
  /// The port that an OpenRelay led to; 0: none.
  void handle_relay_port(Now now, RelayId id, std::uint16_t port);
  void handle_relay_idle(RelayId id) { desk_.handle_idle(id); }
  /// How busy the ports are.
  void set_relay_traffic(const RelayTraffic& traffic) { desk_.set_traffic(traffic); }
  /// What WireGuard's counters say of a peer since the last time.
  void handle_traffic(Now now, const crypto::NodeId& node, bool sent, bool received);
  /// WireGuard has followed this peer away from its chosen path.
  void handle_roaming(Now now, const crypto::NodeId& node, const Endpoint& to);
  /// WireGuard sends to this peer through a relay that a direct path has replaced: it stays.
  void note_relay_used(Now now, const crypto::NodeId& node);
  void handle_timeout(Now now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<PortTransmit> poll_transmit();
  [[nodiscard]] std::optional<AgentEvent> poll_event();
  /// From where WireGuard must send to whom, if it is not its own port: all of them, each endpoint
  /// once, in order; nullopt: as before.
  [[nodiscard]] std::optional<std::vector<FlowTie>> poll_ties();
  [[nodiscard]] std::optional<RelayAction> poll_relay_action() { return desk_.poll_action(); }

  /// True if a member's call came in at an own address without anything having been sent to it
  /// before: no NAT or firewall is in the way of such packets.
  [[nodiscard]] bool reached_unasked(AddressFamily family) const {
    return reached_unasked_.contains(family);
  }
  /// Pings this peer over every path, once: see PunchSession::probe. False: there is no session.
  bool probe(Now now, const crypto::NodeId& node);
  /// nullptr: no such peer.
  [[nodiscard]] const PunchSession* session(const crypto::NodeId& node) const;
  /// With whom there is a session, or an attempt at one.
  [[nodiscard]] std::size_t sessions() const { return peers_.size(); }
  /// Calls of those who are no peers yet, kStrangersMax at most.
  [[nodiscard]] std::size_t strangers() const { return strangers_.size(); }
  [[nodiscard]] const AgentStats& stats() const { return stats_; }
  [[nodiscard]] const RelayDesk& relay_desk() const { return desk_; }

 private:
  /// What no other call has: its ephemeral key.
  using CallId = ByteArray<32>;
  struct Peer {
    Peer(const PunchContext& context, const crypto::NodeId& node, Now now)
        : punch(context, node, now) {}
    PunchSession punch;
    TokenBucket forwards;    ///< frames passed on for it
    TokenBucket calls;       ///< that it passed on to us
    Queue<CallId> answered;  ///< its calls, the oldest first; each has its entry in answers_
    RelayRequests requests;  ///< to relays, for the path to it
    RelayReleases releases;  ///< of relays to it
    std::vector<Candidate> candidates;
    std::optional<NatBehavior> nat;
    std::uint64_t sequence = 0;
    bool relays = false;                       ///< offers to
    std::uint8_t relay_load = 0;               ///< how full it is, as it last said
    TimePoint load_said;                       ///< when that was
    bool relayed_only = false;                 ///< wants to be, as its record says
    TimePoint relays_asked;                    ///< for the path to this peer
    bool relays_missed = false;                ///< none was reached then
    Duration relay_patience = kRelayPatience;  ///< how long these are waited for
    std::size_t introduction_turn = 0;
    std::size_t relay_turn = 0;    ///< so that each round asks others than the last
    TimePoint opening_after;       ///< side ports are not opened before
    std::optional<FlowTie> tie;    ///< as of the last collect()
    std::optional<TimePoint> due;  ///< the next timeout, kept by collect(): asked for very often
  };
  struct Call {
    CallId id;
    crypto::NodeId node;
    ReceivedCall call;
    std::uint64_t known_sequence = 0;
  };
  struct Stranger {
    Call call;
    std::vector<Way> ways;  ///< at least one
    TimePoint came;
  };
  struct Answer {
    crypto::NodeId node;
    Bytes frame;
  };

  using Peers = std::map<crypto::NodeId, Peer>;

  [[nodiscard]] bool may_hear(const Endpoint& from) const;
  [[nodiscard]] bool may_relay_to(const Endpoint& end) const;
  void handle_frame(Now now, const Way& from, ByteView datagram);
  void on_call(Now now, const Way& from, ByteView payload);
  void on_answer(Now now, const Way& from, ByteView payload);
  void on_message(Now now, const Way& from, ByteView payload);
  void act(Now now, const crypto::NodeId& sender, const Way& from, PairMessage message);
  void ask_relays(Now now, const crypto::NodeId& node, Peer& peer);
  void ask_missed_relays(Now now);
  [[nodiscard]] std::vector<crypto::NodeId> relays_for(Now now, const crypto::NodeId& node,
                                                       const Peer& peer) const;
  void ask_loads(Now now, const crypto::NodeId& node, Peer& peer);
  void on_challenge(Now now, const Way& from, ByteView payload);
  void ask_ahead(Now now, const crypto::NodeId& node, Peer& peer,
                 std::span<const crypto::NodeId> introducers);
  [[nodiscard]] static bool is_under_way(Now now, const Peer& peer, const crypto::NodeId& relay);
  void request_relay(Now now, const crypto::NodeId& relay, const crypto::NodeId& peer);
  void repeat_requests(Now now, const crypto::NodeId& node, Peer& peer);
  void on_use_relay(Now now, const crypto::NodeId& sender, const UseRelay& use);
  void on_relay_reply(Now now, const crypto::NodeId& relay, const RelayReply& reply);
  void note_load(Now now, Peers::value_type& peer, const crypto::NodeId& relay, std::uint8_t load);
  void tell_relay_answers(Now now);
  void send_releases(Now now, const crypto::NodeId& node, Peer& peer);
  void on_release(Now now, const crypto::NodeId& sender, const RelayRelease& release);
  void pass_on(Now now, const crypto::NodeId& sender, const Forward& forward);
  void answer(Now now, Peer& peer, const Way& from, Call call);
  void answer_strangers(Now now, const crypto::NodeId& node, Peer& peer);
  [[nodiscard]] bool repeat_answer(Now now, const Way& from, const CallId& call);
  [[nodiscard]] bool is_waiting(const Way& from, const CallId& call);
  void forget(const crypto::NodeId& node, const Peer& peer);
  [[nodiscard]] bool may_call(Now now, const Way& from);
  void find_peers_due();
  void collect(Now now, const crypto::NodeId& node, Peer& peer);
  [[nodiscard]] bool relayed_only(const Peer& peer) const;
  [[nodiscard]] std::optional<PortGuess> guess_for(const Peer& peer) const;
  [[nodiscard]] std::optional<Opening> opening_for(const Peer& peer) const;
  [[nodiscard]] bool direct_unlikely(const Peer& peer) const;
  void note_external(const PeerRecord& own);
  void look_for_ports();
  void aim(Peer& peer) const;
  /// When side ports are to be opened towards this peer; nullopt: not now.
  [[nodiscard]] std::optional<TimePoint> opening_due(const Peer& peer) const;
  void open_ports(Now now, Peer& peer);
  void guess_ports(Now now, Peer& peer);
  void on_ports_opened(Now now, const crypto::NodeId& sender, const PortsOpened& opened);
  [[nodiscard]] bool is_chosen(const Endpoint& endpoint) const;
  void retarget(Now now, Peer& peer);
  [[nodiscard]] Peer* owner_of(ByteView payload, crypto::NodeId& node);
  /// When a relay is to be asked for the path to this peer; nullopt: it needs none.
  [[nodiscard]] static std::optional<TimePoint> relay_due(const Peer& peer);
  [[nodiscard]] std::vector<crypto::NodeId> introducers_for(const crypto::NodeId& node,
                                                            Peer& peer) const;

  AgentOptions options_;
  AgentStats stats_;
  FrameKeys frame_keys_;
  SessionIndices indices_;
  PunchContext context_;
  bool offers_relay_ = false;  ///< as the own record says
  NatBehavior own_nat_;
  std::optional<Endpoint> external_;  ///< of the NAT before the own IPv4, its newest mapping known
  enum class SidePorts { kUnknown, kWanted, kOpen, kRefused };
  SidePorts side_ports_ = SidePorts::kUnknown;
  std::uint16_t side_port_first_ = 0;  ///< if they are open
  TokenBucket sprays_in_all_, openings_in_all_, guesses_in_all_;
  bool ties_changed_ = false;
  std::vector<Prefix> mesh_networks_;
  bool network_known_ = false;
  Peers peers_;
  std::optional<TimePoint> peers_due_;  ///< no peer's `due` is earlier; asked for very often
  std::vector<Stranger> strangers_;
  std::map<CallId, Answer> answers_;
  SourceLimiter call_sources_;
  TokenBucket calls_in_all_;
  RelayDesk desk_;
  std::set<AddressFamily> reached_unasked_;  ///< since the addresses changed
  std::deque<PortTransmit> transmits_;
  std::deque<AgentEvent> events_;
};

}  // namespace kadwire::rendezvous
