#include "tools/testnet/report/run_figures.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

NodeResult member(std::optional<Duration> first_tunnel) {
  NodeResult node;
  node.role = "member";
  node.first_tunnel = first_tunnel;
  return node;
}

TEST(RunFigures, LeaveOutWhatHasNoValue) {
  EXPECT_TRUE(figures_of(RunResult{}).empty());
}

TEST(RunFigures, TakePercentilesOverThoseWhoGotThere) {
  RunResult result;
  for (int i = 1; i <= 20; ++i) result.nodes.push_back(member(i * 1s));
  result.nodes.push_back(member(std::nullopt));
  const Figures figures = figures_of(result);
  EXPECT_EQ(figures.at("first_tunnel_p50_seconds"), 10);
  EXPECT_EQ(figures.at("first_tunnel_p95_seconds"), 19);
  EXPECT_FALSE(figures.contains("all_tunnels_p50_seconds"));
}

TEST(RunFigures, TellWhenAPairWasFirstDirectSinceBothRan) {
  RunResult result;
  result.nodes = {member(1s), member(1s), member(1s)};
  result.nodes[1].started = 10s;
  result.nodes[2].started = 4s;
  result.changes = {{5s, 0, 2, PairState::kRelayed},  {7s, 0, 2, PairState::kDirect},
                    {8s, 0, 2, PairState::kNone},     {12s, 0, 1, PairState::kDirect},
                    {20s, 1, 2, PairState::kRelayed}, {30s, 0, 2, PairState::kDirect}};
  EXPECT_EQ(times_to_direct(result), (std::vector<Duration>{3s, 2s}));
  const Figures figures = figures_of(result);
  EXPECT_EQ(figures.at("first_direct_p50_seconds"), 2);
  EXPECT_EQ(figures.at("first_direct_p95_seconds"), 3);
  EXPECT_EQ(figures.at("first_direct_slowest_seconds"), 3);
  result.changes_dropped = 1;
  EXPECT_FALSE(figures_of(result).contains("first_direct_p50_seconds"))
      << "the slow ones would be missing";
}

TEST(RunFigures, TakeSharesOfPairsFromTheLastSample) {
  RunResult result;
  result.samples.resize(2);
  result.samples[0].pairs_possible = 10;
  result.samples[0].pairs_direct = 10;
  result.samples[1].pairs_possible = 10;
  result.samples[1].pairs_direct = 6;
  result.samples[1].pairs_relayed = 3;
  const Figures figures = figures_of(result);
  EXPECT_DOUBLE_EQ(figures.at("direct_share"), 0.6);
  EXPECT_DOUBLE_EQ(figures.at("relayed_share"), 0.3);
}

TEST(RunFigures, CountOnlyMembersForWhatAMemberSends) {
  RunResult result;
  result.simulated = 10s;
  result.nodes = {member(1s), member(1s), NodeResult{}};
  result.nodes[0].sent[0].bytes = 100;
  result.nodes[1].sent[3].bytes = 300;
  result.nodes[2].sent[0].bytes = 999'999;
  EXPECT_DOUBLE_EQ(figures_of(result).at("member_sent_bytes_per_second"), 20);
}

TEST(RunFigures, TellTheSpeedWithAndWithoutTheStart) {
  RunResult result;
  result.simulated = 110s;
  result.wall_seconds = 3;
  result.startup_seconds = 1;
  result.nodes = {member(1s)};
  result.nodes[0].started = 10s;
  const Figures figures = figures_of(result);
  EXPECT_DOUBLE_EQ(figures.at("speed_factor"), 110.0 / 3);
  EXPECT_DOUBLE_EQ(figures.at("speed_after_startup_factor"), 50);
}

TEST(Spread, IsOfTheNearestRanks) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  const Spread spread = spread_of(values);
  EXPECT_EQ(spread.minimum, 1);
  EXPECT_EQ(spread.p5, 5);
  EXPECT_EQ(spread.median, 50);
  EXPECT_EQ(spread.p95, 95);
  EXPECT_EQ(spread.maximum, 100);
  EXPECT_EQ(spread_of({}).maximum, 0);
}

}  // namespace
}  // namespace kadwire::testnet
