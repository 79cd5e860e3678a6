#pragma once

/// Listens at this node's own mailbox in the DHT, where a member that gets no answer leaves a call,
/// and opens what comes. Sans-IO. Who called, whether it is a replay, and how many calls of one
/// member are enough is the caller's question.
/// It only listens: unlike the topic (listener.h) it asks nothing besides, neither at first nor now
/// and then. A call that a lost notification hid is followed by another one, and a node that was
/// not there when it was called announces itself.

#include <deque>
#include <optional>
#include <vector>

#include "dht/directory.h"
#include "dht/id_memory.h"
#include "dht/mailbox_value.h"

namespace kadwire::dht {

/// A value expires after 10 minutes: what comes later is a replay, and costs one more opening.
inline constexpr Duration kOpenedCallMemory = 10min;
/// Opened calls that wait for the caller. Members alone can fill this; the oldest make room.
inline constexpr std::size_t kWaitingCallsMax = 32;

/// What a holder of the secret put into the mailbox.
struct ReceivedMail {
  Bytes call;
  Hour hour = 0;  ///< of the mailbox it lay in
};

class MailboxReader {
 public:
  /// Both references outlive this object.
  MailboxReader(const crypto::KeySchedule& keys, const crypto::NodeId& owner,
                OperationIds& operations);

  /// False: nobody needs the mailbox now, and nothing is listened at. True at first.
  void set_wanted(Now now, bool wanted);
  /// Events of others' operations are ignored.
  void handle_event(Now now, const DirectoryEvent& event);
  void handle_timeout(Now now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<DirectoryRequest> poll_request();
  [[nodiscard]] std::optional<ReceivedMail> poll_mail();
  [[nodiscard]] std::size_t waiting() const { return mail_.size(); }
  [[nodiscard]] bool has_mail() const { return !mail_.empty(); }

  /// Values that no member sealed, so far.
  [[nodiscard]] std::uint64_t foreign_values() const { return foreign_values_; }

 private:
  struct Subscription {
    MailboxAddress address;
    crypto::SecretBytes seal_key;
    OperationId listen = 0;
  };
  void follow_hours(Now now);
  void receive(Now now, const Subscription& subscription, ByteView value);

  const crypto::KeySchedule& keys_;
  const crypto::NodeId owner_;
  OperationIds& operations_;
  bool wanted_ = true;
  bool connected_ = false;
  TimePoint hours_change_{};
  std::vector<Subscription> subscriptions_;  ///< one per active hour, at most two
  IdMemory opened_{kOpenedCallMemory};       ///< by name_of(), so as not to open them twice
  std::deque<ReceivedMail> mail_;
  std::deque<DirectoryRequest> requests_;
  std::uint64_t foreign_values_ = 0;
};

}  // namespace kadwire::dht
