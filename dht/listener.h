#pragma once

/// Hears what other members publish: listens on every active topic and opens what comes. The first
/// look is a get of everything beside it, which is the fastest; afterwards it asks now and then for
/// the ids, a request a node, and fetches what the listening did not bring (backing.h). Sans-IO.
/// Strangers may store anything under a topic: what does not open is counted and dropped, and what
/// was opened once is not opened again. Whose word a record is, and how old, is the caller's
/// question.

#include <deque>
#include <optional>
#include <vector>

#include "dht/backing.h"
#include "dht/directory.h"
#include "dht/id_memory.h"
#include "dht/topic.h"
#include "node/base/random.h"

namespace kadwire::dht {

/// Values expire after 10 minutes: what comes later is a replay, and costs one more opening.
inline constexpr Duration kOpenedValueMemory = 10min;
/// Opened records that wait for the caller; what comes beyond is met again by a later question.
inline constexpr std::size_t kReceivedRecordsMax = 1024;

/// A record that a holder of the secret sealed.
struct ReceivedRecord {
  Bytes record;
  Hour hour = 0;               ///< of the topic it was found under
  bool outside_hours = false;  ///< found by ask_neighbouring_hours: some clock is wrong
};

class Listener {
 public:
  /// All three outlive this object.
  Listener(const crypto::KeySchedule& keys, RandomSource& random, OperationIds& operations);

  void start(Now now);
  /// Events of others' operations are ignored.
  void handle_event(Now now, const DirectoryEvent& event);
  void handle_timeout(Now now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<DirectoryRequest> poll_request();
  [[nodiscard]] std::optional<ReceivedRecord> poll_record();

  /// Asks once for the hours beside the active ones: a member whose clock is an hour wrong would
  /// otherwise stay alone without a word.
  void ask_neighbouring_hours(Now now);

  /// Values that were not sealed by a member, so far.
  [[nodiscard]] std::uint64_t foreign_values() const { return foreign_values_; }

 private:
  struct Subscription {
    Topic topic;
    Backing backing;
    OperationId listen = 0;
    OperationId look = 0;      ///< the get of everything; 0: none since the last connecting
    OperationId question = 0;  ///< for the ids
    std::vector<OperationId> fetches{};  ///< gets of one id each, after the last question
    bool outside_hours = false;          ///< one look, no listening
  };

  void follow_hours(Now now);
  void subscribe(Now now, Hour hour);
  void look(Subscription& subscription);
  void ask(Now now, Subscription& subscription);
  void fetch(Now now, Subscription& subscription, bool answer_ok);
  void on_values(Now now, const ValuesFound& found);
  void on_ids(Now now, const IdsFound& found);
  void on_get_done(Now now, const GetDone& done);
  void on_connectivity(Now now, const ConnectivityChanged& change);
  bool receive(Now now, Subscription& subscription, const FoundValue& found);

  const crypto::KeySchedule& keys_;
  RandomSource& random_;
  OperationIds& operations_;
  bool started_ = false;
  bool connected_ = false;
  TimePoint hours_change_{};
  std::vector<Subscription> subscriptions_;  ///< at most two active and two neighbouring hours
  IdMemory opened_{kOpenedValueMemory};      ///< by their nonces, so as not to open them twice
  std::deque<ReceivedRecord> records_;
  std::deque<DirectoryRequest> requests_;
  std::uint64_t foreign_values_ = 0;
};

}  // namespace kadwire::dht
