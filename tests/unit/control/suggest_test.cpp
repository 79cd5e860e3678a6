#include "node/control/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace kadwire::control {
namespace {

const std::vector<std::string> kCommands{"init", "join", "status", "peers", "version"};

TEST(EditDistance, CountsInsertedRemovedReplacedAndSwappedCharacters) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("join", "join"), 0U);
  EXPECT_EQ(edit_distance("", "join"), 4U);
  EXPECT_EQ(edit_distance("jon", "join"), 1U);
  EXPECT_EQ(edit_distance("joins", "join"), 1U);
  EXPECT_EQ(edit_distance("jain", "join"), 1U);
  EXPECT_EQ(edit_distance("jion", "join"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, FindsTheWordThatWasMeant) {
  EXPECT_EQ(nearest("pers", kCommands), "peers");
  EXPECT_EQ(nearest("staus", kCommands), "status");
  EXPECT_EQ(nearest("verison", kCommands), "version");
}

TEST(Nearest, GuessesNothingForAForeignWord) {
  EXPECT_EQ(nearest("deploy", kCommands), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'j'), kCommands), std::nullopt);
  EXPECT_EQ(nearest("join", {}), std::nullopt);
}

TEST(Suggestion, EndsALineWithAQuestionOrNotAtAll) {
  EXPECT_EQ(suggestion("jion", kCommands), "; did you mean 'join'?");
  EXPECT_EQ(suggestion("deploy", kCommands), "");
}

}  // namespace
}  // namespace kadwire::control
