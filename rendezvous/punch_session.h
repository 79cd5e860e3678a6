#pragma once

/// One peer's checks: calls until there is a pair session, then pings over every path that could
/// be, until one carries both ways; watches the chosen one, and looks for another when it dies.
/// Sans-IO. Everything sent goes to endpoints that the peer's signed record names, that it sent
/// from itself, or through an introducer; the peer's are at most kCandidatesMax (candidate.h bounds
/// what a liar may name).
///
///   Calling ──answer, or the first message after ours──▶ Checking ──pong──▶ Connected
///      ▲                                                    ▲ └─ silence on the chosen path ─┘
///      └── nothing heard for kSessionDoubt, in slots ───────┘
///
/// Of the two the lower NodeId controls: it chooses the path that WireGuard uses (path_choice.h),
/// tells by a ping over it, and lets WireGuard initiate. The other follows.

#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "node/base/queue.h"
#include "rendezvous/pair_history.h"
#include "rendezvous/pair_link.h"
#include "rendezvous/pair_schedule.h"
#include "rendezvous/path_table.h"
#include "rendezvous/path_tally.h"
#include "rendezvous/port_guess.h"
#include "rendezvous/port_spray.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::rendezvous {

/// A peer that has a session may have lost it in a restart: after this silence it is called anew.
inline constexpr Duration kSessionDoubt = 10s;
/// A peer's `lost` means an older path than one that was chosen just now: what it sent before it
/// followed still arrives for a round trip.
inline constexpr Duration kLostGrace = 1s;
/// New candidates restart the attempts so often at most: a liar's victims get no more calls for
/// records that follow one another. Who really moves calls from its new address by itself.
inline constexpr Duration kNewsSpacing = 10s;
/// Endpoints a peer may name in a row; more wait. An honest one has two sets of them when it moves.
inline constexpr Rate kNewTargets{1, 2 * kCandidatesMax};
/// Checks that a peer's pings make us begin: their sources may be forged, so few packets must not
/// beget many for long.
inline constexpr Rate kPromptedChecks{1, 2 * kCandidatesMax};
/// A peer's word that its path or its addresses are gone puts all paths in doubt, five of these
/// tokens each time: four times in a row, then every five seconds.
inline constexpr Rate kPromptedDoubts{1, 20};
inline constexpr std::uint32_t kPromptedDoubtTokens = 5;
/// A direct path that lasted for so long needs no relay beside it. Not sooner: WireGuard on either
/// side takes some round trips to leave the relay (node/tunnel.h, kMoving), and what would be in
/// the relay then is lost.
inline constexpr Duration kReleaseDelay = 10s;
/// As long after WireGuard was last seen to use the relay all the same, if that is later; but a
/// tunnel under heavy load may do so for ever, since it follows each packet that comes.
inline constexpr Duration kReleaseDelayMax = 1min;
/// Introducers are asked only if nothing direct answered by then: on most paths it has.
inline constexpr Duration kDetourDelay = 200ms;
/// Nothing direct proven so long after a session came to be: a relay is asked. A direct path is
/// usually proven within one round trip.
inline constexpr Duration kRelayDelay = 150ms;

/// Relays that were asked together have answered by then, and a tunnel stays where it is.
inline constexpr Duration kRelaySettling = 2s;
/// How often the relays of a pair in use are asked how full they are, each pair at its own moment:
/// whoever finds its relay nearly full leaves alone, and the next one finds it emptier already.
inline constexpr std::chrono::milliseconds kLoadSpacing = 5min;
/// Words of two relays that are no older than this were said together: the answers to one question.
inline constexpr Duration kLoadNews = 5s;

/// Ports are not guessed for so long once all paths are in doubt: by then servers have told those
/// of now, and each side has told the other.
inline constexpr Duration kGuessDelay = 1s;
/// Side ports are opened if nothing direct is proven so long after a session came to be: whatever
/// needs no luck has worked by then.
inline constexpr Duration kOpeningDelay = 1s;
/// After a move of either side: by then servers have told the addresses of now, or those of before
/// are still the right ones.
inline constexpr Duration kMovedOpeningDelay = 3s;

/// Word that the peer is at one other place than the chosen path's is heeded so often.
inline constexpr Duration kRoamingSpacing = 10s;

struct OutgoingFrame {
  Way way;
  Bytes frame;
};

/// What every session of an agent shares; the agent keeps it up to date.
struct PunchContext {
  LinkContext link;
  Bytes own_record;  ///< encoded; empty: not made yet, so nobody can be called
  std::uint64_t own_sequence = 0;
  std::uint8_t epoch = 0;  ///< counts changes of own addresses
  std::vector<LocalAddress> addresses;
  PathTally& tally;  ///< of all sessions
};

/// One ping of a probe of all paths.
struct Probe {
  Way way;  ///< never an introducer's
  std::optional<crypto::NodeId> relay;
  std::uint32_t id = 0;
  TimePoint sent;
  std::optional<Duration> rtt;  ///< nullopt: no answer so far
};

/// The path chosen for WireGuard.
struct ChosenPath {
  Endpoint endpoint;
  PathQuality quality;
  std::optional<crypto::NodeId> relay;
  std::uint16_t side_port = 0;  ///< from which WireGuard's packets must leave; 0: its own port
};

class PunchSession {
 public:
  /// `context` outlives the session. `peer` is from a verified record.
  PunchSession(const PunchContext& context, const crypto::NodeId& peer, Now now);

  /// Pings every endpoint at which the peer may be, and each relay, once, for whoever wants to know
  /// the round trips of now: see probes(). False: there is no session to ping under. Silence
  /// changes nothing about a path; one that answers is proven.
  bool probe(Now now);
  /// What the last probe() sent.
  [[nodiscard]] const std::vector<Probe>& probes() const { return probes_; }
  /// What happened so far, as far as it is remembered. The agent adds what relays say.
  [[nodiscard]] const PairHistory& history() const { return history_; }
  [[nodiscard]] PairHistory& history() { return history_; }

  /// The endpoints of the peer's record that may be sent to, best first, and the record's sequence.
  void set_targets(Now now, std::span<const Endpoint> targets, std::uint64_t sequence);
  /// The peer's NAT gives ports in a row, and ours is such that guessing them makes sense.
  /// `own`: the own NAT's newest mapping that the peer is told of. Where either mapping is a new
  /// one, rounds that failed are gone through again.
  void set_guess(const std::optional<PortGuess>& guess, const std::optional<Endpoint>& own);
  /// True if the peer's ports are to be guessed now: a try is due, the peer is there to hear of it,
  /// and it was not too often of late.
  [[nodiscard]] bool wants_guesses(Now now) const;
  /// Guesses them, once. Only if wants_guesses().
  void guess_ports(Now now);
  /// Whether WireGuard is to use relays alone, as either side's operator wishes. A direct path in
  /// use stays until a relay works; frames go straight as ever.
  void set_relayed_only(Now now, bool only);
  /// No call is to be expected to get through by itself: a direct path takes guesses or luck, if
  /// there is one. It is tried all the same, but introducers and relays are not kept waiting.
  void set_direct_unlikely(bool unlikely) { direct_unlikely_ = unlikely; }
  [[nodiscard]] bool direct_unlikely() const { return direct_unlikely_; }
  /// Side ports may help: the own NAT's ports cannot be foreseen, and the peer's is the same for
  /// all.
  void set_opening(const std::optional<Opening>& opening);
  /// When side ports are to be opened towards the peer; nullopt: not now.
  [[nodiscard]] std::optional<TimePoint> opening_due() const;
  /// Opens them, kSidePorts from `first_port` on. Only if opening_due() says so.
  void open_ports(Now now, std::uint16_t first_port);
  /// True if the peer may be looked for at its NAT's ports: there is nothing better, and it was not
  /// too often of late.
  [[nodiscard]] bool may_spray(Now now) const;
  /// Looks for it there. `at`: IPv4, an address that its record names. Only if may_spray().
  void spray(Now now, const IpAddress& at);
  /// This host's own addresses changed: whatever was proven was so from the old ones.
  void network_changed(Now now);
  /// This host has more addresses than before, and all it had: what is proven still is, but there
  /// may be better.
  void network_grew(Now now);
  /// This host was suspended: mappings and sessions may have ended meanwhile, on either side. What
  /// was proven may still be good, so it stays while it is asked for, and calls go besides.
  void handle_resume(Now now);
  /// The peer is known to be there, and to try by itself: attempts begin anew, if it has no path.
  void prompt(Now now) {
    if (!chosen_) begin(now);
  }
  /// The own record changed.
  void record_changed(Now now);
  /// Answers a call of the peer's; the frame, to be kept for repetitions.
  Bytes handle_call(Now now, const Way& from, ReceivedCall call, std::uint64_t known_sequence);
  /// The same call came again, perhaps by another way.
  void repeat_answer(Now now, const Way& from, const Bytes& frame);
  void handle_answer(Now now, const Way& from, ByteView payload);
  /// A message under a session. What is not about paths is handed on.
  [[nodiscard]] std::optional<PairMessage> handle_message(Now now, const Way& from,
                                                          ByteView payload);
  /// What WireGuard's counters say since the last time: data left, data came.
  void handle_traffic(Now now, bool sent, bool received);
  /// The peer was heard, or WireGuard has followed it, elsewhere than on the chosen path, as when
  /// its NAT has forgotten its mapping: that may lead nowhere now, and there may be a path here.
  void handle_roaming(Now now, const Way& to);
  /// WireGuard sends to a relay's port just now, whatever path is chosen.
  void note_relay_used(Now now) { relay_used_ = now.steady; }
  /// An endpoint at a relay, through which the peer may be reached. Without a session the relay
  /// learns where this node is, and the path is checked once there is one.
  void add_relayed(Now now, const Endpoint& endpoint, const crypto::NodeId& relay);
  /// A relay says how full it is. Heard once after each question, the request for a port or a later
  /// one.
  void note_relay_load(Now now, const crypto::NodeId& relay, std::uint8_t load);
  /// A relay in use that is to be asked for the pair once more: its answer says how full it is.
  [[nodiscard]] std::optional<crypto::NodeId> poll_load_question();
  /// A member is none any more: nothing goes through it from now on. A path that WireGuard uses
  /// stays until it dies.
  void forget_member(const crypto::NodeId& node);
  /// True if a call is due that introducers could carry.
  [[nodiscard]] bool wants_introducers(Now now) const;
  /// `introducers`: members that may pass a call on; looked at only if wants_introducers().
  void handle_timeout(Now now, std::span<const crypto::NodeId> introducers = {});
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;

  /// What a relay and those whom it relays say at a pair's port, RelayBind or RelayChallenge, as a
  /// frame of type kBind; nullopt: no session.
  [[nodiscard]] std::optional<Bytes> seal_bind(Now now, const PairMessage& message);
  /// The message of such a frame; nullopt: not the peer's.
  [[nodiscard]] std::optional<PairMessage> open_bind(Now now, ByteView payload);
  /// A relay asks for the proof that this node is there. True if that is one of its ports for this
  /// pair; what could not be heard there so far is then said again.
  [[nodiscard]] bool handle_challenge(Now now, const Way& from, const crypto::NodeId& relay);
  /// Before the next frame, the relay must know where this node is.
  struct Bind {
    crypto::NodeId relay;
    Endpoint at;
  };
  [[nodiscard]] std::optional<Bind> poll_bind();
  /// A relay that is not needed any more.
  [[nodiscard]] std::optional<crypto::NodeId> poll_release();
  /// Sends over the best way there is; false: there is no session, or no way.
  bool send(Now now, const PairMessage& message);
  /// The same without introducers: for what they and relays are asked, or their answers. Frames
  /// within frames could go round in circles.
  bool send_straight(Now now, const PairMessage& message);
  [[nodiscard]] std::optional<OutgoingFrame> poll_frame();
  /// The chosen path, if it is another than when last asked.
  [[nodiscard]] bool poll_choice();
  /// Where the peer, at an endpoint that is proven, saw us: an own mapping, by its word.
  struct Seen {
    Endpoint peer;
    Endpoint mapped;
  };
  [[nodiscard]] std::optional<Seen> poll_seen();

  /// True if something was or is sent this way.
  [[nodiscard]] bool knows(const Way& way) const { return paths_.find(way) != nullptr; }
  [[nodiscard]] bool has_choice() const { return chosen_.has_value(); }
  [[nodiscard]] std::optional<ChosenPath> chosen() const;
  /// From which side port WireGuard must send to the peer, if the peer has hit one. Even before the
  /// path is proven: the peer may prove it, and use it, before this side does.
  [[nodiscard]] std::optional<FlowTie> tie() const;
  [[nodiscard]] bool controls() const { return controls_; }
  [[nodiscard]] bool established() const { return link_.established(); }
  /// kPathsMax at most (path_table.h).
  [[nodiscard]] std::size_t paths() const {
    return static_cast<std::size_t>(std::distance(paths_.begin(), paths_.end()));
  }
  /// When the peer last said anything under a session, by whatever way; nullopt: never.
  [[nodiscard]] std::optional<TimePoint> heard_at() const { return heard_; }
  /// Established, and without a direct path since when; nullopt: has one, or has no session.
  [[nodiscard]] std::optional<TimePoint> indirect_since() const;
  /// When a relay is to be asked for the first time; nullopt: as indirect_since().
  [[nodiscard]] std::optional<TimePoint> relay_due() const;
  /// Something the peer sealed came over this introducer lately: both have a session with it.
  [[nodiscard]] std::vector<crypto::NodeId> working_introducers() const {
    return paths_.working_introducers();
  }
  /// Members that relay to this peer, or may be found to.
  [[nodiscard]] std::vector<crypto::NodeId> relays() const { return paths_.relays(); }
  /// The relay that has a port for the two at this endpoint, or had one lately; nullopt: it is
  /// none.
  [[nodiscard]] std::optional<crypto::NodeId> relay_at(const Endpoint& endpoint) const {
    return paths_.relay_at(endpoint);
  }
  [[nodiscard]] bool relay_works(const crypto::NodeId& relay) const {
    return paths_.relay_works(relay);
  }
  /// Of the chosen path, if it is a direct one.
  [[nodiscard]] std::optional<Duration> direct_rtt() const;

 private:
  struct Luck;
  /// All pings of one have the same id.
  struct GuessRound {
    PortGuess guess;
    int number = 0;
    Check check;
  };
  bool adopt_targets(Now now);
  void begin(Now now);
  void begin_for_news(Now now);
  void call(Now now, std::span<const crypto::NodeId> introducers);
  // punch_ports.cpp
  void note_guesses_due(Now now);
  void restart_guesses(Now now);
  void note_met_port();
  void send_openings(Now now);
  void send_spray(Now now);
  void stop_ports();
  [[nodiscard]] std::optional<TimePoint> next_of_ports() const;
  [[nodiscard]] Luck& luck();
  [[nodiscard]] bool opened_towards(const Way& way) const;
  [[nodiscard]] std::optional<TimePoint> guess_sent_at(const Way& from, std::uint32_t id) const;
  // punch_session.cpp
  void start_checks(Now now);
  void send_check(Now now, Path& path);
  void on_ping(Now now, const Way& from, const Ping& ping);
  void on_pong(Now now, const Way& from, const Pong& pong);
  void on_epoch(Now now, std::uint8_t epoch);
  void confirm(Now now, const Way& from, Path* path);
  void on_lost(Now now, const Way& from);
  void check_prompted(Now now, Path& path, const Ping& ping);
  void on_relayed_ping(Now now, Path& path);
  static void estimate(Path& path, Duration rtt);
  void prove(Now now, Path& path);
  void doubt_all(Now now, PathCause cause);
  [[nodiscard]] bool fall_back(Now now, PathCause cause);
  [[nodiscard]] const Path* reserve() const;
  [[nodiscard]] std::optional<TimePoint> reserve_due() const;
  void keep_reserve(Now now);
  [[nodiscard]] std::optional<TimePoint> release_due() const;
  void release_relays(Now now);
  void ask_loads(Now now);
  [[nodiscard]] bool is_worth_choosing(Now now, const Path& path, const Path& current) const;
  /// `if_none`: the cause, if no path is in use.
  void choose(Now now, PathCause if_none = PathCause::kFirst);
  void choose(Now now, Path* path, PathCause cause);
  void note_loss(Now now, PathCause cause);
  [[nodiscard]] PathCause cause_for(const Path& path, const Path* before, PathCause if_none) const;
  std::optional<TimePoint> note_probe(Now now, const Way& from, std::uint32_t id);
  void seal_to(Now now, const Way& way, const PairMessage& message);
  [[nodiscard]] Path* find_or_add(Now now, const Way& way);
  [[nodiscard]] Path* chosen_path();
  [[nodiscard]] const Path* chosen_path() const;
  [[nodiscard]] const Path* best_way(bool straight) const;
  [[nodiscard]] PathQuality quality(const Path& path) const;
  [[nodiscard]] bool may_use(const Path& path) const;

  const PunchContext& context_;
  PairLink link_;
  const bool controls_;
  PairSchedule schedule_;
  TimePoint begun_;                      ///< of the present attempts
  std::optional<TimePoint> news_begun_;  ///< the last time that new candidates restarted them
  std::uint64_t peer_sequence_ = 0;
  std::vector<Endpoint> targets_;  ///< what the peer's record claims, as far as it may be sent to
  PathTable paths_;
  /// What guessing ports in a row takes: few peers ever need it.
  struct Guesses {
    std::optional<PortGuess> guess;
    Endpoint told;                   ///< the peer's newest mapping, by its record
    std::optional<Endpoint> own;     ///< the own one, by the own record
    std::optional<Endpoint> met;     ///< the peer's mapping where the two met, newer than `told`
    bool news = false;               ///< a mapping is another than at the last try
    std::optional<TimePoint> due;    ///< a try is
    TimePoint after;                 ///< nothing is guessed before
    int rounds = 0;                  ///< in these attempts
    std::optional<GuessRound> last;  ///< kept for the answers
    TokenBucket pace;
  };
  std::unique_ptr<Guesses> guesses_;  ///< nullptr: never needed yet
  /// What looking for ports takes that only chance finds: few peers ever need it.
  struct Luck {
    std::optional<Opening> to;  ///< where side ports may help
    std::optional<PortOpening> opening;
    std::optional<Opening> opened;  ///< where they were opened the last time
    LuckPace openings;
    std::optional<TimePoint> moved_at;  ///< either side has, since then
    std::optional<PortSpray> spray;
    LuckPace sprays;
    IpAddress sprayed_address;
    std::vector<Check> sprayed;  ///< each batch of the last spray, whose pings have one id
  };
  std::unique_ptr<Luck> luck_;  ///< nullptr: never needed yet
  std::optional<Way> chosen_;
  TimePoint chosen_at_;
  TimePoint relay_used_;                ///< last seen in use by WireGuard
  std::optional<TimePoint> loads_due_;  ///< when relays are asked how full they are
  std::optional<Way> roamed_to_;
  TimePoint roamed_at_;  ///< if it has
  bool choice_changed_ = false;
  bool relayed_only_ = false;
  bool direct_unlikely_ = false;
  bool lost_ = false;               ///< the path in use died, and the peer is to know
  std::optional<TimePoint> heard_;  ///< anything under a session
  TimePoint called_;                ///< last
  /// Where the last answer went, and when; holds no memory once that is of no use.
  std::vector<std::pair<Way, TimePoint>> answered_;
  bool record_owed_ = false;  ///< the peer has an older record of ours
  std::optional<std::uint8_t> peer_epoch_;
  std::optional<TimePoint> indirect_since_;
  TokenBucket new_targets_, prompted_checks_, prompted_doubts_;
  std::optional<Seen> seen_;
  PairHistory history_;
  std::vector<Probe> probes_;
  Queue<OutgoingFrame> frames_;
  Queue<Bind> binds_;
  Queue<crypto::NodeId> releases_;
  Queue<crypto::NodeId> load_questions_;
};

}  // namespace kadwire::rendezvous
