#include "tools/statistics.h"

#include <gtest/gtest.h>

namespace kadwire::lab {
namespace {

TEST(Percentile, OfOneValueIsThatValue) {
  for (const double share : {0.01, 0.5, 1.0}) EXPECT_EQ(percentile({7ms}, share), 7ms);
}

TEST(Percentile, IsTheNearestRankWhateverTheOrder) {
  std::vector<Duration> values;
  for (int i = 100; i >= 1; --i) values.push_back(i * 1ms);
  EXPECT_EQ(percentile(values, 0.50), 50ms);
  EXPECT_EQ(percentile(values, 0.95), 95ms);
  EXPECT_EQ(percentile(values, 1.0), 100ms);
  EXPECT_EQ(percentile(values, 0.001), 1ms);
}

TEST(Percentile, NeverInterpolates) {
  EXPECT_EQ(percentile({1ms, 10ms}, 0.5), 1ms);
  EXPECT_EQ(percentile({1ms, 10ms}, 0.51), 10ms);
}

}  // namespace
}  // namespace kadwire::lab
