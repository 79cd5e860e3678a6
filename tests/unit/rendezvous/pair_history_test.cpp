#include "rendezvous/pair_history.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "rendezvous/path_tally.h"
#include "tests/support/made_up.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::node;

const TimePoint kStart{1h};
const Endpoint kHome = *Endpoint::parse("203.0.113.5:51820");
const Endpoint kOther = *Endpoint::parse("[2001:db8::1]:51820");

TEST(PairHistory, KeepsWhatHappenedInItsOrder) {
  PairHistory history;
  history.note(kStart, PairEventKind::kCalled);
  history.note(kStart + 1s, PairEventKind::kAnswered, PathCause::kNone, kHome);
  history.note(kStart + 1s, PairEventKind::kPathChosen, PathCause::kFirst, kHome);
  ASSERT_EQ(history.events().size(), 3U);
  EXPECT_EQ(history.events()[0].endpoint(), std::nullopt);
  EXPECT_EQ(history.events()[1].endpoint(), kHome);
  EXPECT_EQ(history.events()[2].cause, PathCause::kFirst);
}

TEST(PairHistory, CountsWhatRepeatsItselfAndDatesTheLast) {
  PairHistory history;
  history.note(kStart, PairEventKind::kCalled);
  history.note(kStart + 1s, PairEventKind::kCalledBy, PathCause::kNone, {}, node(7));
  history.note(kStart + 2s, PairEventKind::kCalled);
  ASSERT_EQ(history.events().size(), 2U);
  EXPECT_EQ(history.events()[1].count, 2);
  EXPECT_EQ(history.events()[1].at, kStart + 2s);
  EXPECT_TRUE(history.events()[0].is_through(node(7)));
  EXPECT_FALSE(history.events()[0].is_through(node(8)));
}

TEST(PairHistory, TellsWaysAndCausesApart) {
  PairHistory history;
  history.note(kStart, PairEventKind::kPathProven, PathCause::kNone, kHome);
  history.note(kStart, PairEventKind::kPathProven, PathCause::kNone, kOther);
  history.note(kStart, PairEventKind::kRelayAsked, PathCause::kNone, {}, node(1));
  history.note(kStart, PairEventKind::kRelayAsked, PathCause::kNone, {}, node(2));
  EXPECT_EQ(history.events().size(), 4U);
}

TEST(PairHistory, DoesNotCountAcrossAChangeOfPath) {
  PairHistory history;
  history.note(kStart, PairEventKind::kCalled);
  history.note(kStart, PairEventKind::kPathLost, PathCause::kSilent, kHome);
  history.note(kStart + 1s, PairEventKind::kCalled);
  ASSERT_EQ(history.events().size(), 3U);
  EXPECT_EQ(history.events()[2].count, 1);
}

TEST(PairHistory, ForgetsTheOldestWhereItIsFull) {
  PairHistory history;
  for (std::uint16_t port = 1; port <= 2 * kPairEventsMax; ++port) {
    history.note(kStart, PairEventKind::kPathChosen, PathCause::kFaster, {kHome.address, port});
  }
  ASSERT_EQ(history.events().size(), kPairEventsMax);
  EXPECT_EQ(history.events().front().port, kPairEventsMax + 1);
}

TEST(PairHistory, StopsCountingBeforeItOverflows) {
  PairHistory history;
  for (int i = 0; i < 70'000; ++i) history.note(kStart, PairEventKind::kCalled);
  EXPECT_EQ(history.events().front().count, 65'535);
}

TEST(PairHistory, FindsTheNewestOfAKind) {
  PairHistory history;
  EXPECT_EQ(history.last(PairEventKind::kPathLost), nullptr);
  history.note(kStart, PairEventKind::kPathLost, PathCause::kSilent, kHome);
  history.note(kStart + 5s, PairEventKind::kPathLost, PathCause::kOwnMove, kOther);
  ASSERT_NE(history.last(PairEventKind::kPathLost), nullptr);
  EXPECT_EQ(history.last(PairEventKind::kPathLost)->cause, PathCause::kOwnMove);
}

TEST(PathTally, TellsWhatWasChosenFromWhatWasLostAndWhatWasSwapped) {
  PathTally tally;
  for (std::size_t cause = 0; cause < kPathCauses; ++cause) {
    tally.note(static_cast<PathCause>(cause));
  }
  EXPECT_EQ(tally.chosen(), 9U);
  EXPECT_EQ(tally.swapped(), 3U);
  tally += tally;
  EXPECT_EQ(tally.of(PathCause::kPeerMove), 2U);
  EXPECT_EQ(tally.chosen(), 18U);
}

TEST(PathTally, HasAnotherNameForEachCause) {
  std::set<std::string_view> names;
  for (std::size_t cause = 0; cause < kPathCauses; ++cause) {
    names.insert(name_of(static_cast<PathCause>(cause)));
  }
  EXPECT_EQ(names.size(), kPathCauses);
}

}  // namespace
}  // namespace kadwire::rendezvous
