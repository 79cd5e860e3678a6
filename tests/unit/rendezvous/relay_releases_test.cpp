#include "rendezvous/relay_releases.h"

#include <gtest/gtest.h>

#include "tests/support/made_up.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::node;

constexpr TimePoint kStart{1h};

TEST(RelayReleases, AreSaidAtOnceAndThenEverMoreRarelyFourTimesInAll) {
  RelayReleases releases;
  EXPECT_FALSE(releases.next());
  releases.add(kStart, node(1));
  for (const Duration after : {0s, 1s, 3s, 7s}) {
    EXPECT_EQ(releases.next(), kStart + after);
    EXPECT_FALSE(releases.take(kStart + after - 1ns));
    EXPECT_EQ(releases.take(kStart + after), node(1));
    EXPECT_FALSE(releases.take(kStart + after));
  }
  EXPECT_FALSE(releases.next());
}

TEST(RelayReleases, EndWithTheAnswerOrWhereTheRelayIsNeededAgain) {
  RelayReleases releases;
  releases.add(kStart, node(1));
  releases.add(kStart, node(2));
  EXPECT_EQ(releases.take(kStart), node(1));
  EXPECT_EQ(releases.take(kStart), node(2));
  releases.settle(node(1));
  EXPECT_EQ(releases.take(kStart + 1s), node(2));
  EXPECT_FALSE(releases.take(kStart + 1s));
  releases.settle(node(2));
  EXPECT_FALSE(releases.next());
}

TEST(RelayReleases, OfTooManyTheOldestIsLeftToTheRelay) {
  RelayReleases releases;
  for (unsigned i = 0; i <= kRelaysReleasedMax; ++i) releases.add(kStart, node(i));
  std::size_t said = 0;
  while (const auto relay = releases.take(kStart)) {
    EXPECT_NE(relay, node(0));
    ++said;
  }
  EXPECT_EQ(said, kRelaysReleasedMax);
}

}  // namespace
}  // namespace kadwire::rendezvous
