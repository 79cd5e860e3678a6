#pragma once

/// Ends a test of which something goes round in a circle, so that a bug costs a line and not the
/// machine's memory.

#include <cstddef>
#include <stdexcept>

#include "node/base/time.h"

namespace kadwire::testing {

/// Steps within kMoment at the most: a hundred times what the busiest test of agents needs, who try
/// many ports at once.
inline constexpr std::size_t kStepsPerMomentMax = 10'000;
/// Not an instant: a timer that creeps on by nanoseconds goes round in a circle, too.
inline constexpr Duration kMoment = 1ms;

/// Counts what happens in one world of virtual time.
class StepBound {
 public:
  /// Something happens at `now`. Throws std::logic_error, by which GoogleTest fails the test and
  /// ends it, if it is more than kStepsPerMomentMax in one moment.
  void take(TimePoint now) {
    if (now - moment_ >= kMoment || now < moment_) {
      moment_ = now;
      steps_ = 0;
    }
    if (++steps_ > kStepsPerMomentMax) throw std::logic_error("time stands still");
  }

 private:
  TimePoint moment_{};
  std::size_t steps_ = 0;
};

}  // namespace kadwire::testing
