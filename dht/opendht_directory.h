#pragma once

/// The one real Directory: a node of the OpenDHT network. This file is its conduct: it enters the
/// network, keeps requests until there is one, watches for silence, and makes the library's node
/// (opendht_node.h) anew when the network has been silent for too long or was in two parts.
/// Sans-IO as far as the library allows: that reads the steady clock by itself, so `now` must come
/// from that clock (simulations replace it, see tools/testnet/virtual_clock.h).
/// Requests act with the next handle_timeout, which is due at once: those made together are sent
/// together, and a datagram that asks for several things is one datagram.
/// Not here: names to addresses (bootstrap endpoints come resolved), sockets, what the values mean.

#include <array>
#include <deque>
#include <map>
#include <memory>

#include "dht/bootstrap_watch.h"
#include "dht/directory.h"
#include "dht/early_put.h"
#include "dht/opendht_node.h"
#include "dht/packet_guard.h"
#include "node/base/random.h"

namespace kadwire::dht {

/// Requests of one kind, put, question or listen, under way at once. A node needs a handful; a
/// bench a few hundred. One more is a bug of the requester.
inline constexpr std::size_t kOperationsMax = 1024;
/// Values handed out in one event; a full reply becomes several events.
inline constexpr std::size_t kValuesPerEventMax = 64;
inline constexpr std::size_t kIdsPerEventMax = 1024;
/// ValuesFound and IdsFound waiting for poll_event; what is found beyond is dropped and counted
/// until some are taken.
inline constexpr std::size_t kFoundEventsMax = 1024;

/// Pause between attempts to enter the network: doubled from the first to the last, and jittered.
/// The library repeats a ping after a second; half of that makes one lost packet cheap.
inline constexpr auto kEnterPauseFirst = 500ms;
inline constexpr auto kEnterPauseLast = 10s;
/// Saved nodes asked per attempt, in turn. Those that do not answer never enter the routing table,
/// where each would cost every search near it a second.
inline constexpr std::size_t kSavedNodesPerAttempt = 16;
/// Without a reply for so long the node asks its neighbours for a sign of life, again every so
/// often.
inline constexpr auto kProbeAfterSilence = 20s;
inline constexpr auto kProbePause = 10s;
inline constexpr std::size_t kProbeNodes = 4;
/// After a silence OpenDHT recovers in tens of minutes, a new node in a second: it is made anew
/// then. Also how long a put or get waits for the network before it is given up.
inline constexpr auto kSilenceMax = 60s;
inline constexpr auto kSilenceJitter = 5s;
/// A put or get under way is given up after this: a dead node costs three seconds, and there may be
/// a few in a row. The library itself forgets some gets for ten minutes.
inline constexpr auto kOperationPatience = 15s;
/// A node that has just come in knows few others, and a value put now may lie with the bootstrap
/// alone. What it puts in its first while it puts once more, after a look around: of fifty members
/// that start together, 95 % of the pairs find each other without this, and all with it.
inline constexpr auto kYoungFor = 15s;
inline constexpr auto kPutAgainAfter = 2s;
/// Values announced to us in fragments, all senders together: OpenDHT sets memory aside for each
/// and keeps it for seconds. A listener of a busy key meets a thousand a node.
inline constexpr std::uint64_t kAnnouncedValuesBurst = 8192;
inline constexpr std::uint64_t kAnnouncedValuesPerSecond = 2048;
/// Values kept for others; a member need not give more.
inline constexpr std::size_t kStoreBytesDefault = 8 * 1024 * 1024;

struct OpendhtOptions {
  std::uint32_t network = 0;  ///< OpenDHT's network id; nodes of others are not heard
  /// Lifts the limits on requests served (8192 a second, 1024 from one address): for test networks
  /// that share one address.
  bool unlimited_requests = false;
  std::size_t store_bytes_max = kStoreBytesDefault;
  std::vector<KnownNode> saved_nodes;  ///< from an earlier run: asked along with the bootstrap
};

class OpendhtDirectory final : public Directory {
 public:
  /// Draws its node id from `random`, which must outlive this object.
  OpendhtDirectory(Now now, OpendhtOptions options, RandomSource& random);
  ~OpendhtDirectory() override;

  /// A put, get or list made while not connected waits for the connection, at most kSilenceMax, and
  /// is answered at most kOperationPatience after it began. So waits a get by id or a list while
  /// another question about the same key is under way that the library takes for the same.
  /// Put a value of at most kSerializedValueMax - kValueOverheadMax bytes (asserted).
  /// Neither a get nor a list tells of this node's own puts unless others hold them too.
  void request(Now now, DirectoryRequest request) override;
  void set_bootstrap(Now now, std::span<const Endpoint> endpoints) override;
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram) override;
  void handle_timeout(Now now) override;
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override;
  [[nodiscard]] std::optional<Transmit> poll_transmit() override;
  [[nodiscard]] std::optional<DirectoryEvent> poll_event() override;
  [[nodiscard]] std::vector<KnownNode> known_nodes() const override;
  [[nodiscard]] DirectoryStats stats() const override;

  /// Exceptions of the library that were caught; each is a defect of the library or the guard.
  [[nodiscard]] std::uint64_t library_exceptions() const;
  /// Values and datagrams lost to the bounds above.
  [[nodiscard]] std::uint64_t dropped() const;
  /// Datagrams refused, by the guard's verdict; kAccepted: by the budget for announced values.
  [[nodiscard]] std::uint64_t refused(GuardVerdict verdict) const;

 private:
  struct Put {
    PutRequest request;
    TimePoint give_up_at;
    std::optional<TimePoint> started;
    bool young = false;  ///< started by a node that knew few others
  };
  struct Repeat {
    TimePoint at;
    PutRequest request;
  };
  /// A GetRequest or ListIdsRequest.
  struct Question {
    std::variant<GetRequest, ListIdsRequest> request;
    InfoHash key{};
    TimePoint give_up_at;
    bool started = false;
  };
  struct Listen {
    ListenRequest request;
    std::size_t token = 0;  ///< the node's; 0: not listening yet
  };

  void accept(Now now, PutRequest request);
  void accept(Now now, GetRequest request);
  void accept(Now now, ListIdsRequest request);
  void accept(Now now, ListenRequest request);
  void accept(Now now, CancelRequest request);
  template <typename Request>
  void ask(Now now, const Request& request);

  void renew(Now now);
  void enter_anew(Now now);
  void run(Now now, const Endpoint* from, ByteView datagram);
  void turn(Now now, const Endpoint* from, ByteView datagram);
  bool start_ready(Now now);
  bool start_puts(Now now);
  bool start_questions(Now now);
  [[nodiscard]] bool must_wait(const Question& question) const;
  [[nodiscard]] TimePoint next_operation() const;
  void hear_reply(Now now);
  void watch_sent(const Transmit& transmit);
  void confirm_stored(std::uint64_t value_id);
  bool afford_announced(Now now, std::uint32_t values);
  void update_connectivity(Now now);
  void begin_entering(Now now);
  void enter_network(Now now);
  void watch_silence(Now now);
  void watch_bootstrap(Now now);
  void give_up_overdue(Now now);
  void fail_operations();
  void collect();
  void collect_values();
  void collect_ids();
  template <typename Event>
  [[nodiscard]] Event* event_with_room(OperationId operation);
  void finish(const OpendhtNode::Done& done);
  void finish_put(std::map<OperationId, Put>::iterator position, bool ok);

  const OpendhtOptions options_;
  RandomSource& random_;
  const InfoHash node_id_;
  std::unique_ptr<OpendhtNode> node_;  ///< null only after the library's constructor threw

  //  Entering ──somebody answers──▶ Connected ──nobody does any more──▶ Entering
  //                                    └──a minute without any reply, or the network was in two
  //                                    parts
  //                                       (bootstrap_watch.h)──▶ Entering, with a new node
  bool connected_ = false;
  bool was_connected_ = false;  ///< since node_ was made
  std::vector<Endpoint> bootstrap_;
  std::size_t next_saved_ = 0;
  BootstrapWatch watch_;
  TimePoint enter_at_;  ///< next attempt, while not connected
  Duration enter_pause_ = kEnterPauseFirst;
  TimePoint young_until_;
  TimePoint probe_at_;
  TimePoint renew_at_;

  std::optional<TimePoint> start_due_;  ///< something may be started that was not there last turn
  std::map<OperationId, Put> puts_;
  std::map<OperationId, Question> questions_;
  std::map<OperationId, Listen> listens_;
  std::deque<Repeat> repeats_;  ///< soonest first
  EarlyPut early_;
  TimePoint turned_at_;  ///< the library's last turn: what it sends since is of that moment
  std::deque<DirectoryEvent> events_;
  std::size_t found_events_ = 0;

  std::uint64_t announced_credit_ = kAnnouncedValuesBurst;
  TimePoint announced_at_;
  std::array<std::uint64_t, kGuardVerdicts> refused_{};
  std::uint64_t dropped_ = 0;
  std::uint64_t exceptions_ = 0;  ///< of nodes that are gone
  DirectoryStats stats_;          ///< what this object counts, and what gone nodes sent
};

}  // namespace kadwire::dht
