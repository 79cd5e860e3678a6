#include "node/adapters/asio_scheduler.h"

#include <asio/steady_timer.hpp>

#include <cstdint>
#include <utility>

namespace kadwire::node {

struct AsioScheduler::Alarm {
  explicit Alarm(asio::io_context& context) : timer(context) {}

  asio::steady_timer timer;
  std::function<void()> wake;
  /// Counts the wishes. A timer that has expired can no longer be recalled: its completion is
  /// queued and reports success, so only this number tells that it was replaced meanwhile.
  std::uint64_t wish = 0;
};

AsioScheduler::AsioScheduler(asio::io_context& context, std::chrono::milliseconds clock_offset)
    : clock_offset_(clock_offset), alarm_(std::make_shared<Alarm>(context)) {}

AsioScheduler::~AsioScheduler() = default;

Now AsioScheduler::now() const {
  const auto wall = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return {std::chrono::steady_clock::now(), wall + clock_offset_};
}

void AsioScheduler::wake_at(TimePoint when, std::function<void()> wake) {
  alarm_->wake = std::move(wake);
  const std::uint64_t wish = ++alarm_->wish;
  alarm_->timer.expires_at(when);
  alarm_->timer.async_wait([weak = std::weak_ptr(alarm_), wish](const std::error_code& error) {
    const auto alarm = weak.lock();
    if (error || !alarm || alarm->wish != wish) return;
    std::exchange(alarm->wake, nullptr)();
  });
}

void AsioScheduler::cancel() {
  ++alarm_->wish;
  alarm_->wake = nullptr;
  alarm_->timer.cancel();
}

}  // namespace kadwire::node
