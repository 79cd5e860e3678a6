#include "tools/testnet/judge.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

Expectations nothing() {
  Expectations expect;
  expect.connected = false;
  return expect;
}

RunResult with_first_tunnels(std::initializer_list<Duration> times) {
  RunResult result;
  for (const Duration time : times) {
    NodeResult node;
    node.role = "member";
    node.first_tunnel = time;
    result.nodes.push_back(node);
  }
  return result;
}

Verdict only(const Expectations& expect, const RunResult& result, const Findings& findings = {}) {
  const auto verdicts = judge(expect, result, findings);
  EXPECT_EQ(verdicts.size(), 1U);
  return verdicts.empty() ? Verdict{} : verdicts.front();
}

/// All members had started after 10 s.
Findings connected_at(std::optional<Duration> at) {
  Findings findings;
  findings.last_start = 10s;
  findings.all_connected = at;
  return findings;
}

TEST(Judge, SaysNothingWhenNothingIsExpected) {
  EXPECT_TRUE(judge(nothing(), {}, {}).empty());
}

TEST(Judge, NamesThePairsThatAreMissing) {
  Expectations expect;
  EXPECT_TRUE(only(expect, {}).met);
  Findings findings;
  findings.missing = {"a and b", "c and d", "e and f", "g and h"};
  const Verdict verdict = only(expect, {}, findings);
  EXPECT_FALSE(verdict.met);
  EXPECT_NE(verdict.measured.find("4 missing: a and b, c and d, e and f, …"), std::string::npos)
      << verdict.measured;
}

TEST(Judge, CountsConnectednessFromTheLastStart) {
  Expectations expect = nothing();
  expect.connected_within = 5s;
  EXPECT_FALSE(only(expect, {}, connected_at(std::nullopt)).met);
  EXPECT_TRUE(only(expect, {}, connected_at(15s)).met);
  EXPECT_FALSE(only(expect, {}, connected_at(15s + 1ms)).met);
}

TEST(Judge, HoldsEveryLostTunnelToTheLimit) {
  Expectations expect = nothing();
  expect.reconnected_within = 20s;
  EXPECT_TRUE(only(expect, {}).met);
  Findings findings;
  findings.longest_apart = {"a and b", 60s, 20s};
  EXPECT_TRUE(only(expect, {}, findings).met);
  findings.longest_apart->lasted += 1ms;
  const Verdict verdict = only(expect, {}, findings);
  EXPECT_FALSE(verdict.met);
  EXPECT_NE(verdict.measured.find("a and b"), std::string::npos) << verdict.measured;
}

TEST(Judge, TakesThePercentileOfThoseThatGotATunnel) {
  Expectations expect = nothing();
  expect.first_tunnel_p50 = 2s;
  EXPECT_TRUE(only(expect, with_first_tunnels({1s, 2s, 30s})).met);
  EXPECT_FALSE(only(expect, with_first_tunnels({1s, 2s + 1ms, 30s})).met);
  EXPECT_FALSE(only(expect, {}).met);
}

TEST(Judge, AddsUpThePingsOfAll) {
  Expectations expect = nothing();
  expect.pings_lost_max = 0.01;
  RunResult result = with_first_tunnels({1s, 1s});
  result.nodes[0].pings_sent = 150;
  result.nodes[1].pings_sent = 50;
  result.nodes[1].pings_lost = 2;
  EXPECT_TRUE(only(expect, result).met);
  ++result.nodes[0].pings_lost;
  EXPECT_FALSE(only(expect, result).met);
}

TEST(Judge, LooksAtTheLongestSilenceOfAll) {
  Expectations expect = nothing();
  expect.longest_silence = 1s;
  RunResult result = with_first_tunnels({1s, 1s});
  result.nodes[1].longest_silence = 1s;
  EXPECT_TRUE(only(expect, result).met);
  result.nodes[0].longest_silence = 1001ms;
  EXPECT_FALSE(only(expect, result).met);
}

TEST(Judge, AddsUpThePathsThatWereSwapped) {
  Expectations expect = nothing();
  expect.path_swaps_max = 3;
  RunResult result = with_first_tunnels({1s, 1s});
  result.nodes[0].paths.note(rendezvous::PathCause::kFaster);
  result.nodes[0].paths.note(rendezvous::PathCause::kRepeated);  // is none
  result.nodes[1].paths.note(rendezvous::PathCause::kPreferred);
  result.nodes[1].paths.note(rendezvous::PathCause::kRoomier);
  EXPECT_TRUE(only(expect, result).met);
  result.nodes[1].paths.note(rendezvous::PathCause::kFaster);
  EXPECT_FALSE(only(expect, result).met);
}

TEST(Judge, LooksAtTheThirstiestMemberOnly) {
  Expectations expect = nothing();
  expect.bytes_per_second_max = 100;
  RunResult result = with_first_tunnels({1s, 1s});
  result.simulated = 10s;
  result.nodes[1].sent[0].bytes = 1000;
  EXPECT_TRUE(only(expect, result).met);
  result.nodes[1].sent[1].bytes = 1;
  EXPECT_FALSE(only(expect, result).met);
  result.nodes[1].role = "dht";
  EXPECT_TRUE(only(expect, result).met);
}

TEST(Judge, MeasuresMemoryFromAThirdOfTheRunOn) {
  Expectations expect = nothing();
  expect.memory_growth_max = 0.10;
  Findings findings;
  findings.heap_early = 1'000'000;
  findings.heap_end = 1'090'000;
  EXPECT_TRUE(only(expect, {}, findings).met);
  findings.heap_end = 1'110'000;
  EXPECT_FALSE(only(expect, {}, findings).met);
}

TEST(Judge, SaysWhatCannotBeMetWithoutATunnel) {
  Expectations expect;
  expect.connected_within = expect.first_tunnel_p50 = expect.first_tunnel_p95 = 1s;
  expect.direct_share_min = 0.5;
  expect.pairs_min = 1;
  for (const Verdict& verdict : judge(expect, {}, {})) {
    EXPECT_EQ(verdict.met, !verdict.needs_tunnel) << verdict.expectation;
  }
  Expectations others = nothing();
  others.pairs_max = 0;
  others.pings_lost_max = 0;
  others.longest_silence = 0s;
  RunResult result = with_first_tunnels({1s});
  result.samples.resize(1);
  result.samples.back().pairs_direct = 1;
  result.nodes[0].pings_sent = result.nodes[0].pings_lost = 1;
  result.nodes[0].longest_silence = 1s;
  for (const Verdict& verdict : judge(others, result, {})) {
    EXPECT_FALSE(verdict.met || verdict.needs_tunnel) << verdict.expectation;
  }
}

TEST(Judge, HoldsTheNumberOfTunnelsBetweenItsBounds) {
  Expectations expect = nothing();
  expect.pairs_min = 2;
  expect.pairs_max = 3;
  RunResult result;
  result.samples.resize(1);
  for (const auto& [up, met] : {std::pair{1U, false}, {2U, true}, {3U, true}, {4U, false}}) {
    result.samples.back().pairs_direct = up;
    EXPECT_EQ(only(expect, result).met, met) << up;
  }
}

}  // namespace
}  // namespace kadwire::testnet
