#include "rendezvous/relay_meter.h"

#include <gtest/gtest.h>

#include "rendezvous/path_choice.h"

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{1000h};
constexpr std::size_t kPiece = 50'000;
constexpr std::uint64_t kQuota = kDailyBytesMin;

/// Offers pieces for so long, `every` so often; how many bytes passed.
std::uint64_t offer(RelayMeter& meter, TimePoint from, Duration length, Duration every) {
  std::uint64_t passed = 0;
  for (TimePoint now = from; now < from + length; now += every) {
    if (meter.take(now, kPiece)) passed += kPiece;
  }
  return passed;
}

TEST(RelayMeter, WithoutLimitsLetsEverythingPassAndHasNoLoad) {
  RelayMeter meter({});
  EXPECT_EQ(offer(meter, kStart, 1s, 1ms), 1000 * kPiece);
  EXPECT_EQ(meter.traffic(kStart + 20s), (RelayTraffic{.day_bytes = 1000 * kPiece}));
}

TEST(RelayMeter, ItsLoadIsTheShareOfTheRateThatWasOfferedOfLate) {
  RelayMeter meter({.bytes_per_second = 1'000'000});
  EXPECT_EQ(offer(meter, kStart, 10s, 100ms), 100 * kPiece);
  EXPECT_EQ(int{meter.traffic(kStart + 10s).load}, 50);
  EXPECT_EQ(int{meter.traffic(kStart + 20s).load}, 0) << "nothing came any more";
  EXPECT_LT(offer(meter, kStart + 20s, 10s, 10ms), 500 * kPiece) << "five times what may pass";
  EXPECT_EQ(int{meter.traffic(kStart + 30s).load}, kLoadMax);
  EXPECT_EQ(int{meter.traffic(kStart + 1h).load}, 0);
}

TEST(RelayMeter, CountsWhatPassedInTheLast24Hours) {
  RelayMeter meter({.bytes_per_day = kQuota});
  for (int hour = 0; hour < 48; ++hour) offer(meter, kStart + hour * 1h, 1s, 100ms);
  EXPECT_EQ(meter.traffic(kStart + 47h).day_bytes, 25 * 10 * kPiece) << "and the present hour";
  EXPECT_EQ(meter.traffic(kStart + 60h).day_bytes, 12 * 10 * kPiece);
  EXPECT_EQ(meter.traffic(kStart + 200h).day_bytes, 0U);
}

TEST(RelayMeter, ItsLoadIsTheShareOfTheQuotaWhereThatIsScarcer) {
  RelayMeter meter({.bytes_per_second = 1'000'000'000, .bytes_per_day = kQuota});
  offer(meter, kStart, 95s, 10ms);
  EXPECT_EQ(int{meter.traffic(kStart + 95s).load}, 50) << "of the 95 hundredths that pass freely";
}

TEST(RelayMeter, WhereTheQuotaIsUsedUpATricklePassesAndTheQuotaIsKept) {
  RelayMeter meter({.bytes_per_day = kQuota});
  const std::uint64_t freely = offer(meter, kStart, 10s, 100us);
  EXPECT_NEAR(static_cast<double>(freely), 0.95 * kQuota, 200'000.0);
  EXPECT_TRUE(meter.traffic(kStart + 10s).used_up);
  EXPECT_EQ(int{meter.traffic(kStart + 10s).load}, kLoadMax);
  const std::uint64_t trickle = offer(meter, kStart + 10s, 24h - 10s, 1s);
  EXPECT_GT(trickle, kQuota / 25) << "some hundred bytes a second: tunnels live on";
  EXPECT_LE(freely + trickle, kQuota + kRelayBurstMin);
}

TEST(RelayMeter, OpensAgainWhenTheDayHasPassed) {
  RelayMeter meter({.bytes_per_day = kQuota});
  offer(meter, kStart, 10s, 100us);
  EXPECT_TRUE(meter.traffic(kStart + 24h).used_up);
  EXPECT_FALSE(meter.traffic(kStart + 25h).used_up);
  EXPECT_TRUE(meter.take(kStart + 25h, kPiece));
}

TEST(RelayMeter, DoesNotOpenForEachHourThatGoes) {
  RelayMeter meter({.bytes_per_day = kQuota});
  // A tenth of the quota in each hour, as long as it lasts.
  for (int hour = 0; hour < 10; ++hour) offer(meter, kStart + hour * 1h, 2s, 1ms);
  EXPECT_TRUE(meter.traffic(kStart + 10h).used_up);
  EXPECT_TRUE(meter.traffic(kStart + 25h).used_up) << "85 hundredths are left of the day";
  EXPECT_FALSE(meter.traffic(kStart + 26h).used_up);
}

}  // namespace
}  // namespace kadwire::rendezvous
