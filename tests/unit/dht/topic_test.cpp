#include "dht/topic.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/test_mesh.h"

namespace kadwire::dht {
namespace {

constexpr Hour kHour = 490'000;

WallTime at(std::chrono::milliseconds into_hour) {
  return WallTime{std::chrono::hours(kHour)} + into_hour;
}

TEST(ActiveHours, NameTheNeighbourWithinTenMinutesOfAnHoursEnds) {
  struct Case {
    std::chrono::milliseconds into_hour;
    std::vector<Hour> expected;
  };
  const Case cases[] = {
      {0ms, {kHour, kHour - 1}},
      {10min - 1ms, {kHour, kHour - 1}},
      {10min, {kHour}},
      {30min, {kHour}},
      {50min - 1ms, {kHour}},
      {50min, {kHour, kHour + 1}},
      {60min - 1ms, {kHour, kHour + 1}},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.into_hour.count());
    const ActiveHours active(at(each.into_hour));
    EXPECT_EQ(std::vector<Hour>(active.hours().begin(), active.hours().end()), each.expected);
    for (Hour hour = kHour - 2; hour <= kHour + 2; ++hour) {
      EXPECT_EQ(active.contains(hour), std::ranges::count(each.expected, hour) == 1);
    }
  }
}

TEST(ActiveHours, ChangeExactlyWhenUntilHoursChangeSays) {
  const auto hours_at = [](WallTime wall) {
    const ActiveHours active(wall);
    return std::vector<Hour>(active.hours().begin(), active.hours().end());
  };
  for (auto into = 0ms; into < 2h; into += 7s) {
    SCOPED_TRACE(into.count());
    const WallTime now = at(into);
    const auto until =
        std::chrono::duration_cast<std::chrono::milliseconds>(until_hours_change(now));
    ASSERT_GT(until, 0ms) << "a timer of zero length would spin";
    ASSERT_LE(until, 40min);
    EXPECT_EQ(hours_at(now + until - 1ms), hours_at(now));
    EXPECT_NE(hours_at(now + until), hours_at(now));
  }
}

TEST(ActiveHours, OfTwoClocksLessThanTenMinutesApartAlwaysShareOne) {
  for (auto into = 0ms; into < 1h; into += 10s) {
    const ActiveHours a(at(into)), b(at(into + 10min - 1ms));
    EXPECT_TRUE(std::ranges::any_of(a.hours(), [&](Hour hour) { return b.contains(hour); }))
        << into.count();
  }
}

TEST(Topic, DiffersByHourAndMesh) {
  const testing::TestMesh mesh(1), other(2);
  const Topic topic = topic_of(mesh.keys(), kHour);
  EXPECT_EQ(topic.hour, kHour);
  EXPECT_EQ(topic.shard, kShard);
  EXPECT_EQ(topic.key, mesh.keys().topic(kHour, kShard));
  EXPECT_NE(topic.key, topic_of(mesh.keys(), kHour + 1).key);
  EXPECT_NE(topic.key, topic_of(other.keys(), kHour).key);
}

}  // namespace
}  // namespace kadwire::dht
