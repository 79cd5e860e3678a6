#include "node/base/utf8.h"

#include <gtest/gtest.h>

namespace kadwire {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, TakesTheFirstAndLastCharacterOfEachLength) {
  for (const std::string_view text :
       {""sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv,
        "Grüße, 世界 🌍"sv}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesOverlongForms) {
  for (const std::string_view text :
       {"\xc0\x80"sv, "\xc0\xaf"sv, "\xc1\xbf"sv, "\xe0\x80\x80"sv, "\xe0\x9f\xbf"sv,
        "\xf0\x80\x80\x80"sv, "\xf0\x8f\xbf\xbf"sv}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Utf8, RefusesSurrogatesAndNumbersBeyondUnicode) {
  for (const std::string_view text : {"\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf4\x90\x80\x80"sv,
                                      "\xf5\x80\x80\x80"sv, "\xfe"sv, "\xff"sv}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Utf8, RefusesASequenceCutShortOrBrokenOff) {
  for (const std::string_view text : {"\x80"sv, "abc\xc3"sv, "\xe4\xb8"sv, "\xf0\x9f\x8c"sv,
                                      "\xc3\x28"sv, "\xe4\xb8 "sv, "\xf0\x9f\x8c\x41"sv}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

}  // namespace
}  // namespace kadwire
