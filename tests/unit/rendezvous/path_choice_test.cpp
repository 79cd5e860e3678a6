#include "rendezvous/path_choice.h"

#include <gtest/gtest.h>

namespace kadwire::rendezvous {
namespace {

struct Case {
  const char* why;
  PathQuality better, worse;
};

TEST(PathChoice, GoesByProofThenRelaysThenLatencyThenLinkThenFamily) {
  const PathQuality fast{true, false, false, false, 20ms};
  const Case cases[] = {
      {"proven over claimed", {true, true, false, false, 300ms}, {false, false, true, true, 0ms}},
      {"direct over relayed", {true, false, false, false, 300ms}, {true, true, false, false, 5ms}},
      {"latency by more than noise", {true, false, false, false, 15ms}, fast},
      {"latency over the link", {true, false, false, false, 10ms}, {true, false, true, true, 20ms}},
      {"the link at equal", {true, false, true, false, 22ms}, fast},
      {"the link over the family",
       {true, false, true, false, 22ms},
       {true, false, false, true, 20ms}},
      {"IPv6 at equal", {true, false, false, true, 22ms}, fast},
  };
  for (const Case& one : cases) {
    EXPECT_TRUE(is_better_path(one.better, one.worse)) << one.why;
    EXPECT_FALSE(is_better_path(one.worse, one.better)) << one.why;
  }
}

TEST(PathChoice, LeavesWhatDiffersByNoiseOnly) {
  const PathQuality one{true, false, false, false, 100ms};
  const PathQuality other{true, false, false, false, 81ms};
  EXPECT_FALSE(is_better_path(one, other));
  EXPECT_FALSE(is_better_path(other, one));
}

PathQuality relayed(Duration rtt, std::uint8_t load) {
  return {.proven = true, .relayed = true, .rtt = rtt, .load = load};
}

TEST(PathChoice, TakesALongerWayRatherThanAFullRelay) {
  struct Pair {
    PathQuality better, worse;
  };
  const Pair pairs[] = {{relayed(20ms, 0), relayed(20ms, 75)},
                        {relayed(90ms, 0), relayed(10ms, 90)},
                        {relayed(150ms, 20), relayed(10ms, 100)},
                        {relayed(20ms, 75), relayed(20ms, 95)},
                        {relayed(10ms, 50), relayed(40ms, 0)},
                        {relayed(10ms, 100), relayed(400ms, 0)},
                        {{.proven = true, .rtt = 900ms}, relayed(1ms, 0)}};
  for (const auto& [better, worse] : pairs) {
    EXPECT_TRUE(is_better_path(better, worse)) << int{better.load} << ' ' << int{worse.load};
    EXPECT_FALSE(is_better_path(worse, better)) << int{better.load} << ' ' << int{worse.load};
  }
}

TEST(PathChoice, OfRelaysThatAreHalfFullAtMostTheNearerIsTheBetter) {
  EXPECT_FALSE(is_better_path(relayed(40ms, 0), relayed(40ms, 45)));
  EXPECT_EQ(relay_cost(40ms, 0), 40ms);
  EXPECT_EQ(relay_cost(40ms, kLoadMax), 40ms + kFullPenalty);
}

TEST(PathChoice, ATunnelLeavesForLoadOnlyWhatIsNearlyFullForWhatHasRoom) {
  const PathQuality full = relayed(20ms, kLoadNearlyFull);
  EXPECT_TRUE(is_worth_moving(relayed(20ms, kLoadRoomy), full, true));
  EXPECT_FALSE(is_worth_moving(relayed(20ms, kLoadRoomy), full, false)) << "old words";
  EXPECT_FALSE(is_worth_moving(relayed(20ms, kLoadRoomy + 1), full, true));
  EXPECT_FALSE(is_worth_moving(relayed(20ms, 0), relayed(20ms, kLoadNearlyFull - 1), true));
  EXPECT_FALSE(is_worth_moving(relayed(500ms, 0), full, true)) << "not at any price";
}

TEST(PathChoice, ATunnelMovesForAShorterWayWhateverTheWordsOfLoadsAre) {
  EXPECT_TRUE(is_worth_moving(relayed(20ms, 30), relayed(60ms, 30), false));
  EXPECT_TRUE(is_worth_moving({.proven = true, .rtt = 90ms}, relayed(20ms, 0), false));
  EXPECT_FALSE(is_worth_moving(relayed(20ms, 95), relayed(60ms, 0), false)) << "to a full one";
}

TEST(PathChoice, IsNeverTrueBothWaysRound) {
  std::vector<PathQuality> grid;
  for (int bits = 0; bits < 16; ++bits) {
    for (const Duration rtt :
         {0ms, 1ms, 4ms, 5ms, 6ms, 10ms, 25ms, 30ms, 31ms, 100ms, 125ms, 3000ms}) {
      for (const int load : {0, 50, 70, 80, 90, 100}) {
        grid.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, rtt,
                        static_cast<std::uint8_t>(load)});
      }
    }
  }
  for (const PathQuality& a : grid) {
    for (const PathQuality& b : grid) {
      EXPECT_FALSE(is_better_path(a, b) && is_better_path(b, a));
      EXPECT_FALSE(is_worth_moving(a, b, true) && !is_better_path(a, b));
    }
    EXPECT_FALSE(is_better_path(a, a));
  }
}

}  // namespace
}  // namespace kadwire::rendezvous
