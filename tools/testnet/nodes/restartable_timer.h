#pragma once

/// A timer that is moved with almost every packet: moving it costs nothing, because the one event
/// under way looks at when it comes whether it is due, and otherwise goes on waiting.

#include <optional>
#include <utility>

#include "tools/testnet/nodes/host_timers.h"

namespace kadwire::testnet {

class RestartableTimer {
 public:
  /// `timers` outlives the timer; `owner` is that of whom the timer is a part. `expired` runs when
  /// it is due, and never after the owner's end.
  RestartableTimer(HostTimers& timers, const Lifetime& owner, EventQueue::Task expired)
      : timers_(timers), owner_(owner), expired_(std::move(expired)) {}
  RestartableTimer(const RestartableTimer&) = delete;
  RestartableTimer& operator=(const RestartableTimer&) = delete;

  /// From now; whatever it was set to before is forgotten.
  void restart(Duration delay) {
    due_ = timers_.now().steady + delay;
    if (!wakes_at_ || *wakes_at_ > *due_) wait_until(*due_, delay);
  }
  void cancel() { due_.reset(); }
  [[nodiscard]] bool pending() const { return due_.has_value(); }

 private:
  void wait_until(TimePoint when, Duration delay) {
    wakes_at_ = when;
    timers_.after(delay, owner_.guard([this, when] { wake(when); }));
  }
  void wake(TimePoint meant_for) {
    if (wakes_at_ != meant_for) return;  // an earlier one was set since
    wakes_at_.reset();
    if (!due_) return;
    const TimePoint now = timers_.now().steady;
    if (now < *due_) return wait_until(*due_, *due_ - now);
    due_.reset();
    expired_();
  }

  HostTimers& timers_;
  const Lifetime& owner_;
  EventQueue::Task expired_;
  std::optional<TimePoint> due_;
  std::optional<TimePoint> wakes_at_;  ///< the event under way that counts
};

}  // namespace kadwire::testnet
