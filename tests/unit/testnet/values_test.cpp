#include "tools/testnet/scenario/values.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

TEST(ParseDuration, ReadsEveryUnit) {
  struct Case {
    std::string_view text;
    Duration duration;
  };
  for (const Case& good : {
           Case{"0", 0s},
           Case{"0s", 0s},
           Case{"7ns", 7ns},
           Case{"3us", 3us},
           Case{"250ms", 250ms},
           Case{"5s", 5s},
           Case{"2min", 2min},
           Case{"1h30min", 90min},
           Case{"1d", 24h},
           Case{"2.5s", 2500ms},
           Case{"0.001ms", 1us},
           Case{"1d1h1min1s", 25h + 61s},
           Case{"366d", kDurationMax},
       }) {
    const auto parsed = parse_duration(good.text);
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(*parsed, good.duration) << good.text;
  }
}

TEST(ParseDuration, RefusesWhatNobodyMeant) {
  for (const std::string_view bad : {"",
                                     "5",
                                     "s",
                                     "5x",
                                     "5 s",
                                     "-5s",
                                     "1.5",
                                     "1.s",
                                     ".5s",
                                     "2.5555s",
                                     "0.5ns",
                                     "30min1h",
                                     "1s1s",
                                     "367d",
                                     "366d1ns",
                                     "999999999999999d",
                                     "9999999999999999s",
                                     "1e3s",
                                     "5S",
                                     "+5s",
                                     "0x5s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(ParseDuration, SaysWhatItExpected) {
  EXPECT_EQ(parse_duration("5x").error(), "'5x' is no duration; write it as 250ms, 5s or 1h30min");
  EXPECT_EQ(parse_duration("400d").error(), "'400d' is more than a year");
  EXPECT_EQ(parse_duration(std::string(1000, '\x1b')).error(),
            "'" + std::string(40, '?') + "…' is no duration; write it as 250ms, 5s or 1h30min");
}

TEST(ParseDuration, TakesASignOnlyWhereTimeMayGoBack) {
  EXPECT_EQ(parse_signed_duration("-3min"), Duration(-3min));
  EXPECT_EQ(parse_signed_duration("3min"), Duration(3min));
  EXPECT_FALSE(parse_signed_duration("--3min"));
  EXPECT_FALSE(parse_signed_duration("-"));
}

TEST(FormatDuration, WritesWhatParseDurationReads) {
  for (const Duration duration : std::initializer_list<Duration>{
           0s, 1ns, 1500us, 250ms, 2500ms, 90min, 25h + 61s, 1s + 1ns, kDurationMax, 59s + 999ms}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
  EXPECT_EQ(format_duration(90min), "1h30min");
  EXPECT_EQ(format_duration(2500ms), "2.5s");
  EXPECT_EQ(format_duration(-2min), "-2min");
  EXPECT_EQ(format_duration(0s), "0s");
}

TEST(ParseDurationRange, ReadsOneEndOrTwo) {
  const auto range = parse_duration_range("-3min..5s");
  ASSERT_TRUE(range) << range.error();
  EXPECT_EQ(range->low, Duration(-3min));
  EXPECT_EQ(range->high, Duration(5s));
  EXPECT_EQ(format_duration_range(*range), "-3min..5s");
  const auto single = parse_duration_range("5s");
  ASSERT_TRUE(single);
  EXPECT_EQ(single->low, single->high);
  EXPECT_EQ(format_duration_range(*single), "5s");
  for (const std::string_view bad : {"5s..", "..5s", "10s..5s", "5s...10s", "5s-10s", ""}) {
    EXPECT_FALSE(parse_duration_range(bad)) << bad;
  }
}

TEST(ParseLatency, KnowsThreeShapes) {
  const auto fixed = parse_latency("20ms");
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->shape, LatencyModel::Shape::kFixed);
  EXPECT_EQ(fixed->low, Duration(20ms));
  const auto uniform = parse_latency("10ms..40ms");
  ASSERT_TRUE(uniform);
  EXPECT_EQ(uniform->shape, LatencyModel::Shape::kUniform);
  EXPECT_EQ(uniform->high, Duration(40ms));
  const auto lognormal = parse_latency("lognormal(35ms, 0.4)");
  ASSERT_TRUE(lognormal);
  EXPECT_EQ(lognormal->shape, LatencyModel::Shape::kLogNormal);
  EXPECT_EQ(lognormal->low, Duration(35ms));
  EXPECT_EQ(lognormal->sigma, 0.4);
  for (const std::string_view text : {"20ms", "10ms..40ms", "lognormal(35ms, 0.4)"}) {
    EXPECT_EQ(format_latency(*parse_latency(text)), text);
  }
  for (const std::string_view bad :
       {"20", "-5ms", "11s", "lognormal(20ms)", "lognormal(20ms, 3)", "lognormal(20ms, -1)",
        "lognormal(20ms, nan)", "lognormal(20ms, 0.5", "normal(20ms, 1)", "40ms..10ms"}) {
    EXPECT_FALSE(parse_latency(bad)) << bad;
  }
}

TEST(ParseBitRate, CountsInDecimalUnits) {
  EXPECT_EQ(parse_bit_rate("20Mbit"), 20'000'000U);
  EXPECT_EQ(parse_bit_rate("512kbit"), 512'000U);
  EXPECT_EQ(parse_bit_rate("1.5Gbit"), 1'500'000'000U);
  EXPECT_EQ(parse_bit_rate("9600bit"), 9600U);
  EXPECT_EQ(parse_bit_rate("unlimited"), 0U);
  EXPECT_EQ(format_bit_rate(1'500'000'000), "1500Mbit");
  EXPECT_EQ(format_bit_rate(0), "unlimited");
  for (const std::string_view bad : {"20", "20MB", "0Mbit", "1.5bit", "1001Gbit", "20 Mbit"}) {
    EXPECT_FALSE(parse_bit_rate(bad)) << bad;
  }
}

TEST(ParseSize, TellsThousandsFromPowersOfTwo) {
  EXPECT_EQ(parse_size("1500"), 1500U);
  EXPECT_EQ(parse_size("1500B"), 1500U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("64kB"), 64000U);
  EXPECT_EQ(parse_size("2MiB"), 2U << 20);
  EXPECT_EQ(parse_size("1.5MB"), 1'500'000U);
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(1500), "1500B");
  for (const std::string_view bad : {"", "-1", "64K", "1.0001", "1025MiB", "1e3"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(ParseShare, StaysWithinTheWhole) {
  EXPECT_EQ(parse_share("5%"), 0.05);
  EXPECT_EQ(parse_share("0.05"), 0.05);
  EXPECT_EQ(parse_share("0.5%"), 0.005);
  EXPECT_EQ(parse_share("100%"), 1.0);
  EXPECT_EQ(format_share(0.05), "5%");
  for (const std::string_view bad : {"", "5", "101%", "-1%", "nan", "inf", "5 %", "%", "1e-3"}) {
    EXPECT_FALSE(parse_share(bad)) << bad;
  }
}

TEST(ParseSelector, ReadsEveryWayToNameNodes) {
  const auto group = parse_selector("homes");
  ASSERT_TRUE(group);
  EXPECT_EQ(group->group, "homes");
  EXPECT_EQ(group->share, 1);
  EXPECT_FALSE(group->index || group->count);
  EXPECT_EQ(parse_selector("homes[3]")->index, 3U);
  EXPECT_EQ(parse_selector("25% of homes")->share, 0.25);
  EXPECT_EQ(parse_selector("3 of homes")->count, 3U);
  EXPECT_EQ(parse_selector("members")->group, "");
  EXPECT_EQ(parse_selector("50% of members")->group, "");
  for (const std::string_view text :
       {"homes", "homes[3]", "25% of homes", "3 of homes", "members", "50% of members"}) {
    EXPECT_EQ(format_selector(*parse_selector(text)), text);
  }
  for (const std::string_view bad :
       {"", "Homes", "homes[]", "homes[x]", "homes[-1]", "homes[1", "[1]", "0 of homes",
        "0% of homes", "101% of homes", "x of homes", "2 of homes[1]", "2 of", "homes ", "3homes",
        "homes[1234567]", "homes]"}) {
    EXPECT_FALSE(parse_selector(bad)) << bad;
  }
}

TEST(IsName, KeepsNamesApartFromSelectorsAndPaths) {
  EXPECT_TRUE(is_name("home-box_2"));
  for (const std::string_view bad : {"", "2homes", "Home", "a.b", "a b", "a[1]", "-a", "ü"}) {
    EXPECT_FALSE(is_name(bad)) << bad;
  }
  EXPECT_FALSE(is_name(std::string(33, 'a')));
}

}  // namespace
}  // namespace kadwire::testnet
