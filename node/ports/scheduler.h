#pragma once

/// PORT: what time it is, and being woken later. Production: asio's timers. Simulation: an event queue.

#include <functional>

#include "node/base/time.h"

namespace kadwire::node {

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  [[nodiscard]] virtual Now now() const = 0;
  /// Calls `wake` once, not before `when`, replacing any earlier wish. Never calls it from inside.
  virtual void wake_at(TimePoint when, std::function<void()> wake) = 0;
  virtual void cancel() = 0;
};

}  // namespace kadwire::node
