#pragma once

/// Puts junk under the mesh's topic, of exactly the size that members' values have, so that only
/// opening tells it from theirs. Sans-IO.

#include <deque>
#include <functional>

#include "node/base/random.h"
#include "tools/testnet/nodes/directory_user.h"

namespace kadwire::testnet {

/// The topic of an hour. Whoever watches the DHT learns it; of the secret it tells nothing.
using TopicByHour = std::function<dht::InfoHash(Hour hour)>;

/// Ten values a second: more than a mesh of a thousand puts, and what one cheap host can.
inline constexpr auto kJunkPause = 100ms;
/// Values live for ten minutes; a flooder keeps so many of its own alive. Each costs every member
/// gets of its id, and memory of them in OpenDHT's searches: with a thousand, which a topic can
/// hold, members need more processor time than there is, and no simulation gets anywhere.
inline constexpr auto kJunkLifetime = 10min;
inline constexpr std::size_t kJunkValuesMax = 100;
/// Requests without an answer yet: a put takes a second or so, and 15 s when nobody answers.
inline constexpr std::size_t kPutsUnderWayMax = 32;

class HashFlooder final : public DirectoryUser {
 public:
  /// `random` outlives the flooder.
  HashFlooder(Now now, TopicByHour topic, RandomSource& random)
      : topic_(std::move(topic)), random_(random), next_(now.steady) {}

  void handle_event(Now now, const dht::DirectoryEvent& event) override;
  void handle_timeout(Now now) override;
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override { return next_; }
  [[nodiscard]] std::optional<dht::DirectoryRequest> poll_request() override;

 private:
  TopicByHour topic_;
  RandomSource& random_;
  dht::OperationIds operations_;
  TimePoint next_;
  std::deque<TimePoint> alive_;  ///< when each value was put, of those not expired
  std::size_t under_way_ = 0;
  std::deque<dht::DirectoryRequest> requests_;
};

}  // namespace kadwire::testnet
