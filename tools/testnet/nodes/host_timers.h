#pragma once

/// What runs on a simulated host waits through this: its clock stands still while the host sleeps.

#include "node/base/time.h"
#include "tools/testnet/event_queue.h"

namespace kadwire::testnet {

class HostTimers {
 public:
  virtual ~HostTimers() = default;
  /// The host's own clocks.
  [[nodiscard]] virtual Now now() const = 0;
  /// Runs `task` once, on the host, when its steady clock has advanced by `delay`. Cancel with a
  /// Lifetime.
  virtual void after(Duration delay, EventQueue::Task task) = 0;
};

}  // namespace kadwire::testnet
