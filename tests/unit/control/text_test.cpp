#include "node/control/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace kadwire::control {
namespace {

TEST(FormatBytes, UsesTheLargestUnitThatGivesAtLeastOne) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(1024 * 1024 - 1), "1023.9 KiB");
  EXPECT_EQ(format_bytes(1024 * 1024), "1.0 MiB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "15.9 EiB");
}

TEST(FormatDuration, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(format_duration(-5s), "0s");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(59s), "59s");
  EXPECT_EQ(format_duration(60s), "1m 0s");
  EXPECT_EQ(format_duration(3599s), "59m 59s");
  EXPECT_EQ(format_duration(3h + 5min), "3h 5m");
  EXPECT_EQ(format_duration(4 * 24h + 7h + 59min), "4d 7h");
}

TEST(FormatRfc3339, WritesUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(WallTime{0ms}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(WallTime{1'767'323'045'678ms}), "2026-01-02T03:04:05.678Z");
}

TEST(ParseRfc3339, ReadsBackWhatWasWritten) {
  for (const auto time : {0ms, 1'767'323'045'678ms, 1'709'164'800'001ms, 253'402'300'799'999ms}) {
    EXPECT_EQ(parse_rfc3339(format_rfc3339(WallTime{time})), WallTime{time});
  }
}

TEST(ParseRfc3339, RefusesEverythingElse) {
  for (const char* text :
       {"", "2026-01-02T03:04:05.678", "2026-01-02 03:04:05.678Z", "2026-01-02T03:04:05Z",
        "2026-02-29T03:04:05.678Z", "2026-13-01T03:04:05.678Z", "2026-01-02T24:04:05.678Z",
        "2026-01-02T03:60:05.678Z", "2026-01-02T03:04:60.678Z", "2026-01-02T03:04:05.678Zx",
        "2026-01-0xT03:04:05.678Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(Printable, ReplacesWhatCouldSteerATerminal) {
  EXPECT_EQ(printable("alpha-1.example"), "alpha-1.example");
  EXPECT_EQ(printable("a\033[2Jb\nc\x7f\xc3\xa9"), "a?[2Jb?c???");
}

TEST(Paint, LeavesTheTextAloneWhereColourIsOff) {
  EXPECT_EQ(paint("direct", Colour::kGreen, false), "direct");
  EXPECT_EQ(paint("direct", Colour::kPlain, true), "direct");
  EXPECT_EQ(paint("direct", Colour::kGreen, true), "\033[32mdirect\033[0m");
}

TEST(FormatTable, LinesColumnsUpByTheirWidestCell) {
  const std::string table =
      format_table({"HOST", "PATH"}, {{{"a"}, {"direct"}}, {{"longest"}, {"none"}}}, false);
  EXPECT_EQ(table,
            "HOST     PATH\n"
            "a        direct\n"
            "longest  none\n");
}

TEST(FormatTable, CountsNoColourAsWidth) {
  const std::string table = format_table({"A", "B"}, {{{"xy", Colour::kGreen}, {"z"}}}, true);
  EXPECT_NE(table.find("\033[32mxy\033[0m  z\n"), std::string::npos) << table;
}

}  // namespace
}  // namespace kadwire::control
