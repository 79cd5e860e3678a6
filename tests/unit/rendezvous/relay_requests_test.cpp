#include "rendezvous/relay_requests.h"

#include <gtest/gtest.h>

#include "tests/support/made_up.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::node;

constexpr TimePoint kStart{1h};

TEST(RelayRequests, AreRepeatedTwiceWithAGrowingPause) {
  RelayRequests requests;
  EXPECT_FALSE(requests.next());
  requests.add(kStart, node(1));
  for (const Duration after : {300ms, 900ms}) {
    EXPECT_EQ(requests.next(), kStart + after);
    EXPECT_FALSE(requests.take(kStart + after - 1ns));
    const auto repeat = requests.take(kStart + after);
    ASSERT_TRUE(repeat);
    EXPECT_EQ(repeat->relay, node(1));
    EXPECT_TRUE(repeat->unanswered);
    EXPECT_FALSE(requests.take(kStart + after));
  }
  EXPECT_FALSE(requests.next());
  EXPECT_TRUE(requests.note_answer(node(1))) << "the answer may still come";
}

TEST(RelayRequests, AreAnsweredOnceAndByThoseWhoWereAsked) {
  RelayRequests requests;
  requests.add(kStart, node(1));
  EXPECT_FALSE(requests.note_answer(node(2)));
  EXPECT_TRUE(requests.note_answer(node(1)));
  EXPECT_FALSE(requests.note_answer(node(1)));
}

TEST(RelayRequests, AreUnderWayForAWhileWhateverBecomesOfThem) {
  RelayRequests requests;
  EXPECT_FALSE(requests.is_under_way(kStart, node(1)));
  requests.add(kStart, node(1));
  EXPECT_TRUE(requests.note_answer(node(1)));
  EXPECT_TRUE(requests.is_under_way(kStart + kRelayRequestTime - 1ns, node(1)));
  EXPECT_FALSE(requests.is_under_way(kStart + kRelayRequestTime, node(1))) << "asked anew";
}

TEST(RelayRequests, AreStillRepeatedToThePeerOnceTheRelayHasAnswered) {
  RelayRequests requests;
  requests.add(kStart, node(1));
  EXPECT_TRUE(requests.note_answer(node(1)));
  const auto repeat = requests.take(kStart + kRelayRequestSpacing);
  ASSERT_TRUE(repeat);
  EXPECT_FALSE(repeat->unanswered);
}

TEST(RelayRequests, EndWhenTheyAreSettled) {
  RelayRequests requests;
  requests.add(kStart, node(1));
  requests.settle(node(1));
  EXPECT_FALSE(requests.next());
  EXPECT_FALSE(requests.is_under_way(kStart, node(1)));
  EXPECT_FALSE(requests.note_answer(node(1)));
}

TEST(RelayRequests, OfTooManyTheOldestIsForgotten) {
  RelayRequests requests;
  for (unsigned i = 0; i <= kRelaysAwaitedMax; ++i) requests.add(kStart, node(i));
  EXPECT_FALSE(requests.is_under_way(kStart, node(0)));
  for (unsigned i = 1; i <= kRelaysAwaitedMax; ++i)
    EXPECT_TRUE(requests.is_under_way(kStart, node(i)));
}

}  // namespace
}  // namespace kadwire::rendezvous
