#include "rendezvous/pair_schedule.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/support/made_up.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::node;

constexpr WallTime kNoon{std::chrono::milliseconds{1'763'640'000'000}};

/// Wall-clock moments of all tries within `length`, on a clock that began at `begun`.
std::vector<WallTime> moments(PairSchedule schedule, TimePoint begun, WallTime wall,
                              Duration length) {
  std::vector<WallTime> found;
  schedule.begin(begun);
  while (schedule.next() && *schedule.next() <= begun + length) {
    const TimePoint due = *schedule.next();
    const auto at = wall + std::chrono::floor<std::chrono::milliseconds>(due - begun);
    EXPECT_TRUE(schedule.take({due, at}));
    EXPECT_GT(*schedule.next(), due);
    found.push_back(at);
  }
  return found;
}

TEST(PairSchedule, BeginsWithABurstThatSlowsDown) {
  const auto tries = moments({node(1), node(2)}, TimePoint{1h}, kNoon, 16s);
  ASSERT_GE(tries.size(), static_cast<std::size_t>(kBurstTries));
  EXPECT_EQ(tries[0], kNoon);
  EXPECT_EQ(tries[1] - tries[0], kBurstSpacingFirst);
  for (std::size_t i = 2; i < kBurstTries; ++i) {
    EXPECT_GE(tries[i] - tries[i - 1] + 1ms, tries[i - 1] - tries[i - 2]);
    EXPECT_LE(tries[i] - tries[i - 1], kBurstSpacingLast);
  }
}

TEST(PairSchedule, GivesBothSidesTheSameMomentsThoughTheyBeganApart) {
  const auto one = moments({node(1), node(2)}, TimePoint{1h}, kNoon, 3min);
  const auto other = moments({node(2), node(1)}, TimePoint{9h}, kNoon + 4321ms, 3min);
  // Where a slot's first try lies, with as many milliseconds' rounding as each clock reading has.
  const auto slots = [](const std::vector<WallTime>& tries) {
    std::vector<WallTime> firsts;
    for (std::size_t i = kBurstTries; i < tries.size(); i += kSlotTries) firsts.push_back(tries[i]);
    return firsts;
  };
  const auto a = slots(one), b = slots(other);
  ASSERT_GE(a.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LE(std::chrono::abs(a[i] - b[i]), 2ms) << i;
}

TEST(PairSchedule, GivesEachPairABeatOfItsOwnThatBothSidesKeep) {
  constexpr std::chrono::milliseconds kPeriod = 5min;
  const Now now{TimePoint{1h}, kNoon};
  std::set<TimePoint> beats;
  for (unsigned i = 2; i < 52; ++i) {
    const TimePoint beat = PairSchedule(node(1), node(i)).next_beat(now, kPeriod);
    EXPECT_GT(beat, now.steady);
    EXPECT_LE(beat, now.steady + kPeriod);
    EXPECT_EQ(beat, PairSchedule(node(i), node(1)).next_beat(now, kPeriod));
    const auto wait = std::chrono::floor<std::chrono::milliseconds>(beat - now.steady);
    const Now then{beat, kNoon + wait};
    EXPECT_EQ(PairSchedule(node(1), node(i)).next_beat(then, kPeriod), beat + kPeriod);
    beats.insert(beat);
  }
  EXPECT_GE(beats.size(), 48U) << "by chance two may be the same";
}

TEST(PairSchedule, GivesDifferentPairsDifferentSlots) {
  const auto one = moments({node(1), node(2)}, TimePoint{1h}, kNoon, 1min);
  const auto other = moments({node(1), node(7)}, TimePoint{1h}, kNoon, 1min);
  EXPECT_NE(one[kBurstTries], other[kBurstTries]);
}

TEST(PairSchedule, BacksOffToAFewTriesInFiveMinutes) {
  const auto tries = moments({node(1), node(2)}, TimePoint{1h}, kNoon, 24h);
  EXPECT_LE(tries.size(), 12U + 13 * kSlotTries + 24U * 12 * kSlotTries);
  EXPECT_GE(tries.size(), 24U * 11 * kSlotTries);
}

TEST(PairSchedule, StopsAndBeginsAgain) {
  PairSchedule schedule(node(1), node(2));
  EXPECT_FALSE(schedule.next());
  schedule.begin(TimePoint{1h});
  EXPECT_FALSE(schedule.take({TimePoint{1h} - 1ns, kNoon}));
  EXPECT_TRUE(schedule.take({TimePoint{1h}, kNoon}));
  schedule.stop();
  EXPECT_FALSE(schedule.take({TimePoint{2h}, kNoon}));
  schedule.begin(TimePoint{2h});
  EXPECT_EQ(schedule.tries(), 0);
}

}  // namespace
}  // namespace kadwire::rendezvous
