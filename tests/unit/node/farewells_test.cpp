#include "node/membership/farewells.h"

#include <gtest/gtest.h>

#include "tests/support/made_up.h"

namespace kadwire::node {
namespace {

constexpr TimePoint kStart{1h};
constexpr Duration kNear = 40ms;
constexpr Duration kPatience = kFarewellSpacings * kFarewellSpacing;

rendezvous::SignedRecord withdrawal(unsigned number, std::uint64_t sequence = 1) {
  rendezvous::SignedRecord record;
  record.record.node = kadwire::testing::node(number);
  record.record.sequence = sequence;
  record.record.tombstone = true;
  return record;
}

TEST(Farewells, HoldOnceTheMemberHasBeenAskedForHalfASecond) {
  Farewells farewells;
  EXPECT_FALSE(farewells.next());
  farewells.add(kStart, withdrawal(1), kNear);
  int questions = 0;
  TimePoint now = kStart;
  while (farewells.next() && now < kStart + kPatience) {
    EXPECT_FALSE(farewells.take_settled(now));
    ASSERT_GT(*farewells.next(), now) << "a look that stays due spins";
    now = *farewells.next();
    while (const auto node = farewells.take_question(now)) {
      EXPECT_EQ(*node, withdrawal(1).record.node);
      ++questions;
    }
  }
  EXPECT_EQ(questions, 2) << "and once by who added it";
  const auto settled = farewells.take_settled(now);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->record.node, withdrawal(1).record.node);
  EXPECT_FALSE(farewells.take_settled(now));
  EXPECT_FALSE(farewells.next());
}

TEST(Farewells, OfAFarMemberLeaveItsAnswersTheTimeToCome) {
  Farewells farewells;
  farewells.add(kStart, withdrawal(1), 400ms);
  EXPECT_EQ(farewells.next(), kStart + 600ms);
  EXPECT_TRUE(farewells.take_question(kStart + 600ms));
  EXPECT_EQ(farewells.next(), kStart + 1200ms);
  EXPECT_FALSE(farewells.take_settled(kStart + 1799ms));
  EXPECT_TRUE(farewells.take_settled(kStart + 1800ms));
}

TEST(Farewells, AreForgottenOfWhoeverAnswers) {
  Farewells farewells;
  farewells.add(kStart, withdrawal(1), kNear);
  farewells.add(kStart, withdrawal(2), kNear);
  farewells.drop_if([](const auto& node) { return node == withdrawal(1).record.node; });
  EXPECT_EQ(farewells.take_settled(kStart + 1s)->record.node, withdrawal(2).record.node);
  EXPECT_FALSE(farewells.take_settled(kStart + 1s));
}

TEST(Farewells, OfOneMemberAreOneAndCannotBePutOffByOthers) {
  Farewells farewells;
  farewells.add(kStart, withdrawal(1, 7), kNear);
  farewells.add(kStart + 350ms, withdrawal(1, 9), kNear);
  farewells.add(kStart + 400ms, withdrawal(1, 8), kNear);
  const auto settled = farewells.take_settled(kStart + kPatience);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->record.sequence, 9U);
}

}  // namespace
}  // namespace kadwire::node
