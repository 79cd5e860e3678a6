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
/// Values live for ten minutes; a topic with this many of one flooder's is as full as the busiest
/// key ever measured in the public DHT (packet_guard.h).
inline constexpr auto kJunkLifetime = 10min;
inline constexpr std::size_t kJunkValuesMax = 1000;
/// A directory takes some hundreds of requests at once; whoever waits for answers needs fewer.
inline constexpr std::size_t kPutsUnderWayMax = 128;

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
