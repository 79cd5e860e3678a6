#pragma once

/// Production's SuspendMonitor. How long the host was suspended is what its boot clock has gained
/// on its steady one. When to look, the kernel tells: it cancels wall-clock timers as soon as the
/// host runs again (and whenever the clock is set, which is looked at in vain).

#include <asio/io_context.hpp>

#include <memory>
#include <optional>

#include "node/base/time.h"
#include "node/ports/suspend_monitor.h"

namespace kadwire::node {

/// Shorter is no suspension: the two clocks are not read at one moment.
inline constexpr Duration kSuspensionMin = 1s;

/// What readings of the two clocks say. Pure.
class SuspensionMeter {
 public:
  /// `ahead`: by how much the boot clock is ahead of the steady one.
  explicit SuspensionMeter(Duration ahead) : ahead_(ahead) {}
  /// How long the host was suspended since the last reading; nullopt: it was not.
  [[nodiscard]] std::optional<Duration> read(Duration ahead);

 private:
  Duration ahead_;
};

class TimerfdSuspendMonitor final : public SuspendMonitor {
 public:
  /// nullptr: the kernel has no such timers. `context` must outlive this object; everything happens
  /// on its one thread.
  [[nodiscard]] static std::unique_ptr<TimerfdSuspendMonitor> open(asio::io_context& context);
  ~TimerfdSuspendMonitor() override;

  void start(Handler on_resume) override;

 private:
  struct Watch;
  explicit TimerfdSuspendMonitor(std::shared_ptr<Watch> watch);
  std::shared_ptr<Watch> watch_;  ///< with a pending completion, which ends when it is closed
};

}  // namespace kadwire::node
