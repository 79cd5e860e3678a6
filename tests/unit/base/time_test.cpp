#include "node/base/time.h"

#include <gtest/gtest.h>

#include <limits>

namespace kadwire {
namespace {

TEST(Hour, ChangesExactlyOnTheHour) {
  const WallTime noon = std::chrono::sys_days{std::chrono::year{2025} / 11 / 24} + 12h;
  EXPECT_EQ(hour_of(noon) - hour_of(noon - 1ms), 1U);
  EXPECT_EQ(hour_of(noon), hour_of(noon + 59min + 59s + 999ms));
  EXPECT_EQ(hour_of(noon), static_cast<Hour>(noon.time_since_epoch() / 1h));
  EXPECT_EQ(hour_of(WallTime{}), 0U);
}

TEST(UnixMilliseconds, AreTheirOwnInverse) {
  for (const std::uint64_t milliseconds : {0ULL, 1ULL, 1'764'000'000'123ULL}) {
    EXPECT_EQ(unix_milliseconds(wall_from_unix_milliseconds(milliseconds)), milliseconds);
  }
}

TEST(UnixMilliseconds, OfAHostileRecordAreAFarFutureAndNeverThePast) {
  const WallTime latest = wall_from_unix_milliseconds(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(latest, wall_from_unix_milliseconds(std::uint64_t{1} << 63));
  EXPECT_GT(latest, WallTime{});
  EXPECT_EQ(std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(latest)}.year(),
            std::chrono::year{9999});
}

}  // namespace
}  // namespace kadwire
