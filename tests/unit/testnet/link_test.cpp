#include "tools/testnet/internet/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace kadwire::testnet {
namespace {

constexpr TimePoint kStart{1h};
constexpr std::size_t kWhole = 65'536;

/// How many of `packets` the link loses, a millisecond apart.
int losses(Link& link, int packets, std::size_t bytes = 100, std::size_t fragment = kWhole) {
  int lost = 0;
  for (int i = 0; i < packets; ++i) {
    lost += link.pass(kStart + i * 1ms, bytes, fragment).drop == Drop::kLoss ? 1 : 0;
  }
  return lost;
}

TEST(Link, WithoutFaultsIsImmediate) {
  Link link({}, 1);
  const Transit transit = link.pass(kStart, 1500, kWhole);
  EXPECT_EQ(transit.drop, Drop::kNone);
  EXPECT_EQ(transit.delay, 0ns);
  EXPECT_FALSE(transit.duplicated);
}

TEST(Link, LosesTheShareItIsToldTo) {
  Link link({.loss = 0.05}, 42);
  EXPECT_NEAR(losses(link, 100'000), 5000, 5 * 69);  // five standard deviations
}

TEST(Link, LosesAPacketIfAnyOfItsFragmentsIsLost) {
  Link link({.loss = 0.1}, 42);
  // 1 - 0.9³ = 0.271 of them; the deviation is 141.
  EXPECT_NEAR(losses(link, 100'000, 3000, 1000), 27'100, 5 * 141);
}

TEST(Link, LosesInBurstsOfTheModelsLength) {
  Link link({.bursts = BurstModel{.enter = 0.01, .leave = 0.2, .loss = 1}}, 42);
  int bursts = 0;
  int lost = 0;
  bool before = false;
  for (int i = 0; i < 200'000; ++i) {
    const bool now = link.pass(kStart + i * 1ms, 100, kWhole).drop == Drop::kLoss;
    lost += now ? 1 : 0;
    bursts += now && !before ? 1 : 0;
    before = now;
  }
  EXPECT_NEAR(static_cast<double>(lost) / bursts, 5.0, 0.5);  // 1 / leave
  EXPECT_NEAR(lost / 200'000.0, 0.01 / 0.21, 0.006);          // enter / (enter + leave)
}

TEST(Link, JitterStaysInItsRangeAndKeepsTheOrder) {
  Link link({.jitter = 50ms}, 7);
  TimePoint last{};
  Duration longest{0};
  for (int i = 0; i < 10'000; ++i) {
    const TimePoint now = kStart + i * 1ms;
    const Transit transit = link.pass(now, 100, kWhole);
    EXPECT_GE(now + transit.delay, last);
    EXPECT_LE(transit.delay, 50ms);
    last = now + transit.delay;
    longest = std::max(longest, transit.delay);
  }
  EXPECT_GT(longest, 45ms);
}

TEST(Link, ReordersTheShareItIsToldTo) {
  Link link({.reorder = 0.1, .reorder_by = 10ms}, 7);
  int overtaken = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Duration delay = link.pass(kStart + i * 1ms, 100, kWhole).delay;
    EXPECT_TRUE(delay == 0ns || delay == 10ms);
    overtaken += delay == 10ms ? 1 : 0;
  }
  EXPECT_NEAR(overtaken, 1000, 150);
}

TEST(Link, DuplicatesTheShareItIsToldTo) {
  Link link({.duplicate = 0.2}, 7);
  int copies = 0;
  for (int i = 0; i < 10'000; ++i) {
    copies += link.pass(kStart + i * 1ms, 100, kWhole).duplicated ? 1 : 0;
  }
  EXPECT_NEAR(copies, 2000, 200);
}

TEST(Link, SendsOnePacketAfterTheOtherAtItsBandwidth) {
  Link link({.bits_per_second = 8'000'000, .queue_bytes = 10'000}, 1);  // a byte a microsecond
  EXPECT_EQ(link.pass(kStart, 1000, kWhole).delay, 1ms);
  EXPECT_EQ(link.pass(kStart, 1000, kWhole).delay, 2ms);
  EXPECT_EQ(link.pass(kStart + 500us, 500, kWhole).delay, 2ms);
  EXPECT_EQ(link.pass(kStart + 1s, 1000, kWhole).delay, 1ms) << "idle since long";
}

TEST(Link, DropsWhatItsQueueHasNoRoomFor) {
  Link link({.bits_per_second = 8'000'000, .queue_bytes = 3000}, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(link.pass(kStart, 1000, kWhole).drop, Drop::kNone);
  EXPECT_EQ(link.pass(kStart, 1000, kWhole).drop, Drop::kQueue);
  EXPECT_EQ(link.pass(kStart + 1ms, 1000, kWhole).drop, Drop::kNone) << "one has left";
}

TEST(Link, AnIdleLinkTakesAPacketLargerThanItsQueue) {
  Link link({.bits_per_second = 8'000'000, .queue_bytes = 100}, 1);
  EXPECT_EQ(link.pass(kStart, 1000, kWhole).drop, Drop::kNone);
}

TEST(Link, TakesNothingLargerThanItsMtuUnlessItComesInFragments) {
  Link link({.mtu_bytes = 1280}, 1);
  EXPECT_EQ(link.pass(kStart, 1280, kWhole).drop, Drop::kNone);
  EXPECT_EQ(link.pass(kStart, 1281, kWhole).drop, Drop::kMtu);
  EXPECT_EQ(link.pass(kStart, 1281, 1280).drop, Drop::kNone);
  EXPECT_EQ(link.pass(kStart, 1281, 1281).drop, Drop::kMtu);
}

TEST(Link, TakesAPacketThatComesEarlierThanOneLookedAtBefore) {
  LinkModel model;
  model.bits_per_second = 50'000'000;
  model.jitter = 1ms;
  Link link(model, 1);
  const Transit ahead = link.pass(kStart + 40ms, 1000, 1500);
  const Transit earlier = link.pass(kStart, 1000, 1500);
  EXPECT_EQ(ahead.drop, Drop::kNone);
  EXPECT_EQ(earlier.drop, Drop::kNone);
  EXPECT_LT(earlier.delay, 2ms);  // it waits for none that comes after it
}

TEST(Link, EqualSeedsDoTheSame) {
  const LinkModel model{.jitter = 5ms, .loss = 0.3, .duplicate = 0.3, .reorder = 0.3};
  Link first(model, 3);
  Link second(model, 3);
  Link third(model, 4);
  int different = 0;
  for (int i = 0; i < 1000; ++i) {
    const Transit a = first.pass(kStart + i * 1ms, 100, kWhole);
    const Transit b = second.pass(kStart + i * 1ms, 100, kWhole);
    const Transit c = third.pass(kStart + i * 1ms, 100, kWhole);
    EXPECT_EQ(a.drop, b.drop);
    EXPECT_EQ(a.delay, b.delay);
    EXPECT_EQ(a.duplicated, b.duplicated);
    different += a.drop != c.drop ? 1 : 0;
  }
  EXPECT_GT(different, 100);
}

TEST(DrawLatency, FollowsItsDistribution) {
  Dice dice(9);
  EXPECT_EQ(draw_latency({.low = 20ms}, dice), 20ms);
  std::vector<Duration> uniform;
  std::vector<Duration> log_normal;
  using Shape = LatencyModel::Shape;
  for (int i = 0; i < 10'001; ++i) {
    uniform.push_back(draw_latency({.shape = Shape::kUniform, .low = 10ms, .high = 30ms}, dice));
    log_normal.push_back(
        draw_latency({.shape = Shape::kLogNormal, .low = 20ms, .sigma = 0.5}, dice));
  }
  std::ranges::sort(uniform);
  std::ranges::sort(log_normal);
  EXPECT_GE(uniform.front(), 10ms);
  EXPECT_LE(uniform.back(), 30ms);
  EXPECT_NEAR(static_cast<double>(uniform[5000].count()), 20e6, 1e6);
  EXPECT_NEAR(static_cast<double>(log_normal[5000].count()), 20e6, 1e6);
  // One deviation above the median: 20 ms × e^0.5.
  EXPECT_NEAR(static_cast<double>(log_normal[8413].count()), 32.97e6, 2e6);
}

}  // namespace
}  // namespace kadwire::testnet
