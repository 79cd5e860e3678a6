#pragma once

/// PORT: hears that this host runs again after it was suspended (asleep, hibernated). The steady
/// clock stands still meanwhile, so no timer knows, while mappings and sessions elsewhere grow old.

#include <functional>

#include "node/base/time.h"

namespace kadwire::node {

class SuspendMonitor {
 public:
  /// `asleep`: for how long, all but exactly.
  using Handler = std::function<void(Duration asleep)>;
  virtual ~SuspendMonitor() = default;
  /// Calls `on_resume` soon after each end of a suspension, not from inside; called once.
  virtual void start(Handler on_resume) = 0;
};

}  // namespace kadwire::node
