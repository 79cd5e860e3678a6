#include "tools/testnet/event_queue.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace kadwire::testnet {
namespace {

constexpr WallTime kWall{std::chrono::milliseconds{1'700'000'000'000}};

TEST(EventQueue, RunsEventsInTheOrderOfTheirTimes) {
  EventQueue queue(kWall);
  std::string order;
  queue.after(3s, [&] { order += 'c'; });
  queue.after(1s, [&] { order += 'a'; });
  queue.after(2s, [&] { order += 'b'; });
  queue.run_for(10s);
  EXPECT_EQ(order, "abc");
}

TEST(EventQueue, RunsEventsOfOneMomentInTheOrderTheyWereGiven) {
  EventQueue queue(kWall);
  std::string order;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    queue.after(1s, [&order, letter] { order += letter; });
  }
  queue.run_for(1s);
  EXPECT_EQ(order, "abcdefghijklmnopqrstuvwxyz");
}

TEST(EventQueue, TakesThePastForNow) {
  EventQueue queue(kWall);
  queue.run_for(5s);
  TimePoint ran;
  queue.at(EventQueue::kStart, [&] { ran = queue.now(); });
  queue.run_for(1s);
  EXPECT_EQ(ran, EventQueue::kStart + 5s);
}

TEST(EventQueue, ShowsTheTimeOfTheEventThatRuns) {
  EventQueue queue(kWall);
  Now seen;
  queue.after(90s, [&] { seen = queue.reading(-1s); });
  queue.run_for(2min);
  EXPECT_EQ(seen.steady, EventQueue::kStart + 90s);
  EXPECT_EQ(seen.wall, kWall + 89s);
  EXPECT_EQ(queue.now(), EventQueue::kStart + 2min);
}

TEST(EventQueue, LeavesLaterEventsForLater) {
  EventQueue queue(kWall);
  int runs = 0;
  queue.after(2s, [&] { ++runs; });
  queue.run_for(1s);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(queue.next(), EventQueue::kStart + 2s);
  queue.run_for(1s);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(queue.next(), TimePoint::max());
}

TEST(EventQueue, StopsWhenTheConditionHolds) {
  EventQueue queue(kWall);
  int runs = 0;
  for (int i = 1; i <= 5; ++i) queue.after(i * 1s, [&] { ++runs; });
  EXPECT_TRUE(queue.run_for(10s, [&] { return runs == 3; }));
  EXPECT_EQ(queue.now(), EventQueue::kStart + 3s);
}

TEST(EventQueue, RefusesToGoRoundInACircle) {
  EventQueue queue(kWall);
  std::function<void()> again = [&] { queue.after(0s, again); };
  queue.after(1s, again);
  EXPECT_THROW(queue.run_for(2s), std::logic_error);
}

TEST(Lifetime, TurnsTasksOfADestroyedObjectIntoNothing) {
  EventQueue queue(kWall);
  int runs = 0;
  auto lifetime = std::make_unique<Lifetime>();
  queue.after(1s, lifetime->guard([&] { ++runs; }));
  queue.after(3s, lifetime->guard([&] { ++runs; }));
  queue.run_for(2s);
  lifetime.reset();
  queue.run_for(2s);
  EXPECT_EQ(runs, 1);
}

TEST(Lifetime, ForgetsWhatWasGuardedBeforeItWasRenewed) {
  EventQueue queue(kWall);
  Lifetime lifetime;
  std::string ran;
  queue.after(1s, lifetime.guard([&] { ran += "old"; }));
  lifetime.renew();
  queue.after(1s, lifetime.guard([&] { ran += "new"; }));
  queue.run_for(2s);
  EXPECT_EQ(ran, "new");
}

}  // namespace
}  // namespace kadwire::testnet
