#include "rendezvous/source_limiter.h"

#include <gtest/gtest.h>

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{1h};

int taken(TokenBucket& bucket, TimePoint now, const Rate& rate) {
  int count = 0;
  while (count < 1000 && bucket.take(now, rate)) ++count;
  return count;
}

TEST(TokenBucket, HoldsItsBurstAndNoMore) {
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, kStart, {10, 5}), 5);
}

TEST(TokenBucket, FillsAtItsRate) {
  TokenBucket bucket;
  const Rate rate{10, 5};
  taken(bucket, kStart, rate);
  EXPECT_EQ(taken(bucket, kStart + 99ms, rate), 0);
  EXPECT_EQ(taken(bucket, kStart + 200ms, rate), 2);
  EXPECT_EQ(taken(bucket, kStart + 1h, rate), 5);
}

TEST(TokenBucket, GivesManyTokensAtOnceOrNone) {
  TokenBucket bucket;
  const Rate rate{400'000'000, 3000};  // 2.5 ns a token: no whole number of the clock's
  EXPECT_FALSE(bucket.take(kStart, rate, 3001));
  EXPECT_TRUE(bucket.take(kStart, rate, 1600));
  EXPECT_FALSE(bucket.take(kStart, rate, 1600));
  EXPECT_TRUE(bucket.take(kStart, rate, 1400));
  EXPECT_FALSE(bucket.take(kStart + 3us, rate, 1201));
  EXPECT_TRUE(bucket.take(kStart + 3us, rate, 1200));
}

class SourceLimiterTest : public ::testing::Test {
 protected:
  bool take(std::string_view source, TimePoint now = kStart) {
    return limiter_.take(now, *IpAddress::parse(source));
  }
  SourceLimiter limiter_{{1, 1}};
};

TEST_F(SourceLimiterTest, CountsAnIpv4NetworkOf24BitsAsOne) {
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_FALSE(take("192.0.2.254"));
  EXPECT_TRUE(take("192.0.3.1"));
}

TEST_F(SourceLimiterTest, CountsAnIpv6NetworkOf56BitsAsOne) {
  EXPECT_TRUE(take("2001:db8:0:100::1"));
  EXPECT_FALSE(take("2001:db8:0:1ff::1"));
  EXPECT_TRUE(take("2001:db8:0:200::1"));
}

TEST_F(SourceLimiterTest, ForgetsTheNetworkNotSeenForTheLongestTime) {
  EXPECT_TRUE(take("10.0.0.1"));
  EXPECT_TRUE(take("10.0.1.1"));
  EXPECT_FALSE(take("10.0.0.1"));  // seen again: now the other is the oldest
  for (std::uint32_t i = 2; i <= kSourcesMax; ++i) {
    EXPECT_TRUE(limiter_.take(kStart, IpAddress::v4(0x0a000000 + (i << 8))));
  }
  EXPECT_EQ(limiter_.size(), kSourcesMax);
  EXPECT_FALSE(take("10.0.0.1"));
  EXPECT_TRUE(take("10.0.1.1"));
  EXPECT_EQ(limiter_.size(), kSourcesMax);
}

}  // namespace
}  // namespace kadwire::rendezvous
