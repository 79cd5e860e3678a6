#include "node/membership/hourly_quota.h"

#include <gtest/gtest.h>

#include "tests/support/made_up.h"

namespace kadwire::node {
namespace {

using kadwire::testing::node;

TEST(HourlyQuota, GivesEachMemberSoManyAnHour) {
  HourlyQuota quota(2, 100);
  const TimePoint start{5h};
  EXPECT_TRUE(quota.take(start, node(1)));
  EXPECT_TRUE(quota.take(start + 30min, node(1)));
  EXPECT_FALSE(quota.take(start + 59min, node(1)));
  EXPECT_TRUE(quota.take(start + 59min, node(2))) << "another member's is its own";
  EXPECT_TRUE(quota.take(start + 60min, node(1)));
}

TEST(HourlyQuota, GivesAllTogetherSoManyAnHour) {
  HourlyQuota quota(2, 3);
  const TimePoint start{5h};
  for (unsigned i = 0; i < 3; ++i) EXPECT_TRUE(quota.take(start, node(i)));
  EXPECT_FALSE(quota.take(start + 1min, node(3)));
  EXPECT_TRUE(quota.take(start + 1h, node(3)));
}

TEST(HourlyQuota, RemembersNoMoreMembersThanTheTotalOfTwoHours) {
  HourlyQuota quota(1, 10);
  for (unsigned minute = 0; minute < 600; ++minute) {
    (void)quota.take(TimePoint{5h} + std::chrono::minutes(minute), node(minute));
    ASSERT_LE(quota.size(), 20U);
  }
}

}  // namespace
}  // namespace kadwire::node
