#include "tools/testnet/commands/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

using ::testing::ElementsAre;

TEST(SplitList, SeparatesAtCommasThatAreInNothing) {
  EXPECT_THAT(split_list("0,1%,5%"), ElementsAre("0", "1%", "5%"));
  EXPECT_THAT(split_list("lognormal(20ms, 0.5),5ms"), ElementsAre("lognormal(20ms, 0.5)", "5ms"));
  EXPECT_THAT(split_list(R"(["a","b"],["c,d"])"), ElementsAre(R"(["a","b"])", R"(["c,d"])"));
  EXPECT_THAT(split_list(R"({ enter = "(", loss = 1 },x)"),
              ElementsAre(R"({ enter = "(", loss = 1 })", "x"));
  EXPECT_THAT(split_list("a),b"), ElementsAre("a)", "b"));
}

TEST(SplitList, KeepsWhatIsEmpty) {
  EXPECT_THAT(split_list(""), ElementsAre(""));
  EXPECT_THAT(split_list("a,,b,"), ElementsAre("a", "", "b", ""));
}

TEST(ParseSeed, TakesSixtyFourBitsAndNoMore) {
  EXPECT_EQ(parse_seed("0"), 0U);
  EXPECT_EQ(parse_seed("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_seed(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace kadwire::testnet
