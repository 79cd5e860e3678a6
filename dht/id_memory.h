#pragma once

/// Remembers value ids for a while and then forgets them, within a bound: two generations, the
/// older of which goes when the younger is old or full. Pure: no clock.

#include <cstdint>
#include <unordered_set>

#include "node/base/time.h"

namespace kadwire::dht {

/// Ids of one generation: twice the busiest key ever measured.
inline constexpr std::size_t kIdsPerGenerationMax = 2048;

class IdMemory {
 public:
  /// An id is remembered for `shortest` to twice that; less if kIdsPerGenerationMax others come.
  explicit IdMemory(Duration shortest) : shortest_(shortest) {}

  void remember(TimePoint now, std::uint64_t id);
  /// `now` never goes back from call to call.
  [[nodiscard]] bool contains(TimePoint now, std::uint64_t id);

 private:
  void forget_old(TimePoint now);
  void begin_generation(TimePoint now);

  Duration shortest_;
  TimePoint begun_{};  ///< the younger generation
  std::unordered_set<std::uint64_t> younger_, older_;
};

}  // namespace kadwire::dht
