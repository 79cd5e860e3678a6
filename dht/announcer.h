#pragma once

/// Keeps this node's record findable: puts it under every active topic, checks by a get of its id
/// that it arrived, and puts it again before it expires. Sans-IO.
/// Every put has a fresh value id: a DHT refuses an update under an old id without saying so. "Put
/// ok" proves nothing, so a put counts only after a get has seen its very bytes; until then it is
/// tried again. A list of ids would prove less: anyone may list any id.

#include <deque>
#include <optional>
#include <vector>

#include "dht/directory.h"
#include "dht/topic.h"
#include "node/base/random.h"

namespace kadwire::dht {

/// Values expire after 10 minutes. A put that begins 8 minutes after the last confirmed one has two
/// left for failures: with pauses of 1, 2, 4 … 60 s that is six attempts or more where each is said
/// to have failed or is not seen, and four, at 0, 31, 63 and 97 s, where nobody ever answers.
/// Sooner would only fill the topic, and every listener's memory, where each old value stays until
/// it expires. Spread, so that members that started together do not stay together.
inline constexpr Duration kReannounceShortest = 7min;
inline constexpr Duration kReannounceLongest = 8min;
/// A put travels a few round trips, and the first retransmission comes after 1.25 s.
inline constexpr Duration kArrivalCheckDelay = 3s;
/// After a put that failed or was not seen.
inline constexpr Duration kPutRetryFirst = 1s;
inline constexpr Duration kPutRetryLast = 60s;
/// A request that the directory never answers is given up.
inline constexpr Duration kRequestPatience = 30s;

class Announcer {
 public:
  /// All three outlive this object.
  Announcer(const crypto::KeySchedule& keys, RandomSource& random, OperationIds& operations);

  /// Publishes this record from now on, in place of an earlier one. At most kValueRecordBytesMax.
  void set_record(Now now, Bytes record);
  /// Puts the record again now, unless a put or its check is under way: somebody seems to have
  /// missed it, as happens when nodes closer to the topic joined after the last put.
  void announce_again(Now now);
  /// Events of others' operations are ignored.
  void handle_event(Now now, const DirectoryEvent& event);
  void handle_timeout(Now now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<DirectoryRequest> poll_request();

  /// True if the current record was accepted under every active topic (see withdrawals at
  /// shutdown).
  [[nodiscard]] bool accepted() const;
  /// True if a get has seen the current record under the current hour's topic.
  [[nodiscard]] bool confirmed() const;

 private:
  enum class Stage { kDue, kPutting, kAccepted, kChecking, kConfirmed, kFailed };
  //  Due ──put──▶ Putting ──ok──▶ Accepted ──3 s──▶ Checking ──seen──▶ Confirmed ──7–8 min──▶ Due
  //   ▲              └──failed, unanswered──▶ Failed ◀──not seen──┘
  //   └───────────────── back-off 1 s → 60 s ────┘
  struct Publication {
    Topic topic;
    Stage stage = Stage::kDue;
    OperationId operation = 0;
    std::uint64_t value_id = 0;
    Bytes value;         ///< as put: a get must find these very bytes
    TimePoint deadline;  ///< when the stage ends by itself
    Duration retry = kPutRetryFirst;
    bool seen = false;
  };

  void follow_hours(Now now);
  void advance(Now now, Publication& publication);
  void put(Now now, Publication& publication);
  void check(Now now, Publication& publication);
  void retry_later(Now now, Publication& publication);
  void on_put_done(Now now, const PutDone& done);
  void on_values(const ValuesFound& found);
  void on_get_done(Now now, const GetDone& done);
  void on_connectivity(Now now, const ConnectivityChanged& change);
  Publication* find(OperationId operation, Stage stage);

  const crypto::KeySchedule& keys_;
  RandomSource& random_;
  OperationIds& operations_;
  Bytes record_;
  bool connected_ = false;
  TimePoint hours_change_{};
  std::vector<Publication> publications_;  ///< one per active hour, at most two
  std::deque<DirectoryRequest> requests_;
};

}  // namespace kadwire::dht
