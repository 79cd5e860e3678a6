#include "node/adapters/timerfd_suspend_monitor.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cassert>
#include <cstdint>
#include <ctime>
#include <limits>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

Duration reading(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Duration ahead() {
  return reading(CLOCK_BOOTTIME) - reading(CLOCK_MONOTONIC);
}

/// A timer that is never due, for the sake of its being cancelled. False: it cannot be had.
bool arm(int timer) {
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<std::time_t>::max();
  return timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0;
}

}  // namespace

std::optional<Duration> SuspensionMeter::read(Duration ahead) {
  const Duration asleep = ahead - std::exchange(ahead_, ahead);
  return asleep >= kSuspensionMin ? std::optional(asleep) : std::nullopt;
}

struct TimerfdSuspendMonitor::Watch : std::enable_shared_from_this<Watch> {
  Watch(asio::io_context& context, UniqueFd fd) : timer(context, fd.release()), meter(ahead()) {}

  void wait();
  void look();

  asio::posix::stream_descriptor timer;
  SuspensionMeter meter;
  Handler handler;
  bool closed = false;
};

void TimerfdSuspendMonitor::Watch::wait() {
  timer.async_wait(asio::posix::stream_descriptor::wait_read,
                   [watch = shared_from_this()](const std::error_code& error) {
                     if (error || watch->closed) return;
                     watch->look();
                     if (!watch->closed) watch->wait();  // the handler may have closed it
                   });
}

void TimerfdSuspendMonitor::Watch::look() {
  std::uint64_t expirations = 0;  // ECANCELED is what is waited for; other outcomes do no harm
  [[maybe_unused]] const auto size = read(timer.native_handle(), &expirations, sizeof expirations);
  arm(timer.native_handle());
  if (const auto asleep = meter.read(ahead())) handler(*asleep);
}

std::unique_ptr<TimerfdSuspendMonitor> TimerfdSuspendMonitor::open(asio::io_context& context) {
  UniqueFd fd(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fd || !arm(fd.get())) return nullptr;
  return std::unique_ptr<TimerfdSuspendMonitor>(
      new TimerfdSuspendMonitor(std::make_shared<Watch>(context, std::move(fd))));
}

TimerfdSuspendMonitor::TimerfdSuspendMonitor(std::shared_ptr<Watch> watch)
    : watch_(std::move(watch)) {}

TimerfdSuspendMonitor::~TimerfdSuspendMonitor() {
  watch_->closed = true;
  std::error_code ignored;
  watch_->timer.close(ignored);
}

void TimerfdSuspendMonitor::start(Handler on_resume) {
  assert(!watch_->handler && on_resume);
  watch_->handler = std::move(on_resume);
  watch_->wait();
}

}  // namespace kadwire::node
