#include "node/adapters/asio_scheduler.h"

#include <gtest/gtest.h>

#include <asio/steady_timer.hpp>

#include <memory>

namespace kadwire::node {
namespace {

TEST(AsioScheduler, WakesOnceAndNotBeforeTheTimeAsked) {
  asio::io_context context;
  AsioScheduler scheduler(context);
  const TimePoint when = scheduler.now().steady + 5ms;
  int wakes = 0;
  TimePoint woken;
  scheduler.wake_at(when, [&] {
    ++wakes;
    woken = scheduler.now().steady;
  });
  context.run();
  EXPECT_EQ(wakes, 1);
  EXPECT_GE(woken, when);
}

TEST(AsioScheduler, NeverWakesFromInsideTheCallEvenForAPastTime) {
  asio::io_context context;
  AsioScheduler scheduler(context);
  bool woken = false;
  scheduler.wake_at(scheduler.now().steady - 1s, [&] { woken = true; });
  EXPECT_FALSE(woken);
  context.run();
  EXPECT_TRUE(woken);
}

TEST(AsioScheduler, ReplacesAnEarlierWishEvenWhenItsCompletionIsAlreadyQueued) {
  asio::io_context context;
  AsioScheduler scheduler(context);
  bool first = false;
  bool second = false;
  // Both timers have expired, so the reactor queues both completions; this one runs first.
  asio::steady_timer earlier(context, scheduler.now().steady - 2s);
  earlier.async_wait([&](const std::error_code&) {
    scheduler.wake_at(scheduler.now().steady, [&] { second = true; });
  });
  scheduler.wake_at(scheduler.now().steady - 1s, [&] { first = true; });
  context.run();
  EXPECT_FALSE(first);
  EXPECT_TRUE(second);
}

TEST(AsioScheduler, StaysSilentAfterCancel) {
  asio::io_context context;
  AsioScheduler scheduler(context);
  bool woken = false;
  scheduler.wake_at(scheduler.now().steady, [&] { woken = true; });
  scheduler.cancel();
  context.run();
  EXPECT_FALSE(woken);
}

TEST(AsioScheduler, StaysSilentAfterItsDestruction) {
  asio::io_context context;
  auto scheduler = std::make_unique<AsioScheduler>(context);
  bool woken = false;
  scheduler->wake_at(scheduler->now().steady, [&] { woken = true; });
  scheduler.reset();
  context.run();
  EXPECT_FALSE(woken);
}

TEST(AsioScheduler, MayBeArmedAgainFromItsOwnWake) {
  asio::io_context context;
  AsioScheduler scheduler(context);
  int wakes = 0;
  std::function<void()> again = [&] {
    if (++wakes < 3) scheduler.wake_at(scheduler.now().steady, again);
  };
  scheduler.wake_at(scheduler.now().steady, again);
  context.run();
  EXPECT_EQ(wakes, 3);
}

TEST(AsioScheduler, AddsItsOffsetToTheWallClockOnly) {
  asio::io_context context;
  const AsioScheduler plain(context);
  const AsioScheduler shifted(context, 1h);
  const auto wall_difference = shifted.now().wall - plain.now().wall;
  EXPECT_GE(wall_difference, 1h - 1s);
  EXPECT_LE(wall_difference, 1h + 1s);
  EXPECT_LT(shifted.now().steady - plain.now().steady, 1min);
}

}  // namespace
}  // namespace kadwire::node
