#pragma once

/// Virtual time: an ordered queue of what will happen, and a clock that jumps from one to the next.
/// An hour passes in as long as its events take. Single-threaded; the same calls give the same run.

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "node/base/time.h"

namespace kadwire::testnet {

class EventQueue {
 public:
  using Task = std::function<void()>;
  using Predicate = std::function<bool()>;

  /// Far from zero, as on a machine that has been up for a while.
  static constexpr TimePoint kStart{Duration(1000h)};
  /// More events than this at one moment: somebody goes round in a circle.
  static constexpr std::uint64_t kEventsPerMomentMax = 1'000'000;

  /// `wall` is the wall-clock time at the start, kStart.
  explicit EventQueue(WallTime wall) : wall_(wall) {}

  [[nodiscard]] TimePoint now() const { return now_; }
  /// Both clocks, the wall clock wrong by `offset`.
  [[nodiscard]] Now reading(std::chrono::milliseconds offset = {}) const {
    return {now_, wall_ + std::chrono::floor<std::chrono::milliseconds>(now_ - kStart) + offset};
  }

  /// Tasks of one moment run in the order in which they were given; the past is now.
  void at(TimePoint when, Task task) {
    events_.push_back({std::max(when, now_), ++order_, std::move(task)});
    std::ranges::push_heap(events_, later);
  }
  void after(Duration delay, Task task) { at(now_ + delay, std::move(task)); }

  /// When the next event is; TimePoint::max() if there is none.
  [[nodiscard]] TimePoint next() const {
    return events_.empty() ? TimePoint::max() : events_.front().when;
  }
  [[nodiscard]] std::size_t size() const { return events_.size(); }

  /// Moves to the next event, which there must be, and runs it.
  /// Throws std::logic_error when time stands still.
  void step() {
    std::ranges::pop_heap(events_, later);
    const Event event = std::move(events_.back());
    events_.pop_back();
    at_this_moment_ = event.when == now_ ? at_this_moment_ + 1 : 0;
    if (at_this_moment_ > kEventsPerMomentMax) throw std::logic_error("time stands still");
    now_ = event.when;
    event.task();
  }
  /// Runs until `end`, or until `done` holds after some event; true if it came to hold.
  bool run_until(TimePoint end, const Predicate& done = {}) {
    if (done && done()) return true;
    while (next() <= end) {
      step();
      if (done && done()) return true;
    }
    now_ = end;
    return false;
  }
  bool run_for(Duration duration, const Predicate& done = {}) {
    return run_until(now_ + duration, done);
  }

 private:
  struct Event {
    TimePoint when;
    std::uint64_t order;
    Task task;
  };
  [[nodiscard]] static bool later(const Event& a, const Event& b) {
    return std::tie(a.when, a.order) > std::tie(b.when, b.order);  // the earliest on top
  }

  WallTime wall_;
  TimePoint now_ = kStart;
  std::uint64_t order_ = 0;
  std::uint64_t at_this_moment_ = 0;
  std::vector<Event> events_;  ///< a heap
};

/// Whether an object is still there when a delayed task about it runs.
class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;
  /// `task` as long as this object lives, nothing afterwards.
  template <typename Task>
  [[nodiscard]] EventQueue::Task guard(Task task) const {
    return [alive = std::weak_ptr<int>(token_), task = std::move(task)]() mutable {
      if (alive.lock()) task();
    };
  }
  /// Tasks guarded so far become nothing.
  void renew() { token_ = std::make_shared<int>(0); }

 private:
  std::shared_ptr<int> token_ = std::make_shared<int>(0);
};

}  // namespace kadwire::testnet
