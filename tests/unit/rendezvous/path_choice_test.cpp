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

TEST(PathChoice, IsNeverTrueBothWaysRound) {
  std::vector<PathQuality> grid;
  for (int bits = 0; bits < 16; ++bits) {
    for (const Duration rtt :
         {0ms, 1ms, 4ms, 5ms, 6ms, 10ms, 25ms, 30ms, 31ms, 100ms, 125ms, 3000ms}) {
      grid.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, rtt});
    }
  }
  for (const PathQuality& a : grid) {
    for (const PathQuality& b : grid) {
      EXPECT_FALSE(is_better_path(a, b) && is_better_path(b, a));
    }
    EXPECT_FALSE(is_better_path(a, a));
  }
}

}  // namespace
}  // namespace kadwire::rendezvous
