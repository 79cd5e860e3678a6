/// What can be shown without suspending the machine: what the meter makes of the clocks, and that
/// the watch stays silent while nothing happens, and ends when it is told to.

#include "node/adapters/timerfd_suspend_monitor.h"

#include <gtest/gtest.h>

#include "tests/unit/node/adapters/event_loop.h"

namespace kadwire::node {
namespace {

TEST(SuspensionMeter, TellsHowFarTheBootClockGotAhead) {
  SuspensionMeter meter(5s);
  EXPECT_EQ(meter.read(95s), 90s);
  EXPECT_EQ(meter.read(95s), std::nullopt) << "told once";
  EXPECT_EQ(meter.read(97s), 2s);
}

TEST(SuspensionMeter, TakesReadingsThatLieApartForNoSuspension) {
  SuspensionMeter meter(0s);
  EXPECT_EQ(meter.read(kSuspensionMin - 1ns), std::nullopt);
  EXPECT_EQ(meter.read(-10ms), std::nullopt);
  EXPECT_EQ(meter.read(kSuspensionMin - 10ms), kSuspensionMin);
}

TEST(TimerfdSuspendMonitor, IsSilentWhileTheHostRuns) {
  asio::io_context context;
  const auto monitor = TimerfdSuspendMonitor::open(context);
  ASSERT_NE(monitor, nullptr);
  int resumed = 0;
  monitor->start([&](Duration) { ++resumed; });
  EXPECT_FALSE(kadwire::testing::run_until(
      context, [&] { return resumed > 0; }, std::chrono::milliseconds(50)));
}

TEST(TimerfdSuspendMonitor, KeepsNoLoopRunningOnceItIsGone) {
  asio::io_context context;
  auto monitor = TimerfdSuspendMonitor::open(context);
  ASSERT_NE(monitor, nullptr);
  monitor->start([](Duration) {});
  monitor.reset();
  context.run();  // returns: nothing is left to wait for
}

}  // namespace
}  // namespace kadwire::node
