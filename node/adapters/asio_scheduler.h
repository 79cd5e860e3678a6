#pragma once

/// Production's Scheduler: the machine's two clocks and one asio timer.

#include <asio/io_context.hpp>

#include <chrono>
#include <memory>

#include "node/ports/scheduler.h"

namespace kadwire::node {

class AsioScheduler final : public Scheduler {
 public:
  /// `context` must outlive this object; every call and every wake happens on its one thread.
  /// `clock_offset` is added to the wall clock: tests move a node into another hour with it.
  explicit AsioScheduler(asio::io_context& context,
                         std::chrono::milliseconds clock_offset = std::chrono::milliseconds{0});
  ~AsioScheduler() override;

  [[nodiscard]] Now now() const override;
  void wake_at(TimePoint when, std::function<void()> wake) override;
  void cancel() override;

 private:
  struct Alarm;
  std::chrono::milliseconds clock_offset_;
  /// Shared with nobody: pending completions hold it weakly and do nothing once it is gone.
  std::shared_ptr<Alarm> alarm_;
};

}  // namespace kadwire::node
