#pragma once

/// Calls through members' DHT mailboxes, for pairs that have no other way to hear of each other: a
/// member that was found and to which no path came about is left a call in its mailbox; whoever
/// left one in ours is to be called back. Sans-IO.
///   watch ──4 s without a path──▶ call ──▶ PutRequest under the other's mailbox
///   MailboxReader ──▶ read, once each, four an hour from one member ──▶ poll_call
/// Not here: who is a peer (peer_table.h), punching (rendezvous/agent.h).

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "dht/mailbox_reader.h"
#include "node/base/random.h"
#include "node/membership/hourly_quota.h"
#include "rendezvous/mailbox_call.h"

namespace kadwire::node {

/// After a member's record came, or changed: by then calls and introducers have led to a path,
/// where both sides know of each other; a put and its notification take one second more.
inline constexpr Duration kMailboxDelay = 4s;
/// Then again, since a notification may be lost: after 20 s and after 100 s more.
inline constexpr unsigned kMailboxTries = 3;
inline constexpr Duration kMailboxPause = 20s;
inline constexpr int kMailboxPauseFactor = 5;
/// From one sender to one mailbox. The writer keeps to it; the reader believes no more.
inline constexpr unsigned kMailboxCallsPerMember = 4;
/// Left for all others together: a cache full of members that are away costs no more puts.
inline constexpr unsigned kMailboxCallsWritten = 64;
/// Believed of all members together: each costs at most one burst of calls.
inline constexpr unsigned kMailboxCallsBelieved = 256;
/// Calls read at once, before a pause: a read costs some hundred microseconds. What does
/// not get its turn in time is dropped, the oldest first (dht/mailbox_reader.h).
inline constexpr unsigned kMailReadAtOnce = 8;
/// Calls left at once: after a start the whole cache may be watched, and a put is some 30 packets.
inline constexpr unsigned kMailLeftAtOnce = 4;
inline constexpr Duration kMailPause = 1s;
/// A call is good for its hour and the overlap on either side (dht/topic.h).
inline constexpr Duration kMailboxCallMemory = 2h;

class MailboxDesk {
 public:
  /// Whether a member is still there, and still without a path.
  using Predicate = std::function<bool(const crypto::NodeId&)>;

  /// All outlive the desk.
  MailboxDesk(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
              RandomSource& random, dht::OperationIds& operations);

  /// The own record as it is published now.
  void set_own_record(const rendezvous::SignedRecord& record);
  /// Whether calls left for us are worth listening for. True at first.
  void set_wanted(Now now, bool wanted) { reader_.set_wanted(now, wanted); }
  /// This member's record came, or changed: it is to be called if no path comes about. At most
  /// kPeersMax of them (peer_table.h).
  void watch(Now now, const crypto::NodeId& node);
  /// Events of others' operations are ignored.
  void handle_event(Now now, const dht::DirectoryEvent& event);
  /// Leaves calls for those whose time has come and of whom `lacks_path` is true; the watch over
  /// the others ends.
  void handle_timeout(Now now, const Predicate& lacks_path);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  /// Members that may be left a call.
  [[nodiscard]] std::size_t watched() const { return watched_.size(); }
  /// Calls that were left for us and not read yet, dht::kWaitingCallsMax at most.
  [[nodiscard]] std::size_t waiting() const { return reader_.waiting(); }
  [[nodiscard]] std::optional<dht::DirectoryRequest> poll_request();
  /// A call that was left for us: new, and its sender's. To be polled after each input.
  [[nodiscard]] std::optional<rendezvous::SignedRecord> poll_call(Now now);

 private:
  struct Watch {
    TimePoint due;
    Duration pause = kMailboxPause;
    unsigned tries = 0;
  };
  void call(Now now, const crypto::NodeId& node);
  [[nodiscard]] std::optional<rendezvous::SignedRecord> read(Now now,
                                                             const dht::ReceivedMail& mail);
  [[nodiscard]] bool may_read(TimePoint now);
  void find_due(TimePoint now);

  const crypto::KeySchedule& keys_;
  const crypto::NodeIdentity& identity_;
  RandomSource& random_;
  dht::OperationIds& operations_;
  dht::MailboxReader reader_;
  Bytes own_record_;  ///< empty: not made yet
  bool connected_ = false;
  std::map<crypto::NodeId, Watch> watched_;
  std::optional<TimePoint> watch_due_;  ///< no watch is due earlier; asked for very often
  HourlyQuota written_{kMailboxCallsPerMember, kMailboxCallsWritten};
  HourlyQuota believed_{kMailboxCallsPerMember, kMailboxCallsBelieved};
  std::map<rendezvous::MailboxCallId, TimePoint> known_calls_;  ///< believed, and until when known
  TimePoint reading_since_{};
  unsigned read_ = 0;  ///< since then
  std::deque<dht::DirectoryRequest> requests_;
};

}  // namespace kadwire::node
