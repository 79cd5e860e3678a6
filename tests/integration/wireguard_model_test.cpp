/// The model of WireGuard against wireguard-go: the same script, many runs of each, and the medians
/// must agree. What the two say is printed, and kept as properties of the test.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/integration/lab_fixture.h"
#include "tests/integration/simulated_pair.h"
#include "tests/integration/wireguard_go_pairs.h"

namespace kadwire::lab {
namespace {

constexpr std::size_t kRuns = 24;

/// -1: none.
double milliseconds(const SideOutcome& side) {
  return side.handshake ? std::chrono::duration<double, std::milli>(*side.handshake).count() : -1;
}

struct Measure {
  const char* name;
  double (*of)(const SideOutcome& side);
  double disagreement_max;  ///< as a share of the larger of two medians
};
constexpr Measure kMeasures[] = {
    {"handshake_ms", milliseconds, 0.2},
    {"rx_bytes", [](const SideOutcome& side) { return static_cast<double>(side.rx_bytes); }, 0},
    {"tx_bytes", [](const SideOutcome& side) { return static_cast<double>(side.tx_bytes); }, 0},
};

/// Who was first in place of who was A, and both sides' bytes together.
Outcome sorted(const Outcome& outcome) {
  const auto& [a, b] = outcome;
  const bool a_first = a.handshake && (!b.handshake || *a.handshake <= *b.handshake);
  Outcome result;
  result[0].handshake = (a_first ? a : b).handshake;
  result[1].handshake = (a_first ? b : a).handshake;
  for (SideOutcome& side : result) {
    side.rx_bytes = a.rx_bytes + b.rx_bytes;
    side.tx_bytes = a.tx_bytes + b.tx_bytes;
  }
  return result;
}

/// The upper one of an even number.
double median(const std::vector<Outcome>& outcomes, std::size_t side, const Measure& measure) {
  std::vector<double> values;
  for (const Outcome& outcome : outcomes) values.push_back(measure.of(outcome[side]));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

std::vector<Outcome> simulate(const Script& script, std::size_t runs) {
  std::vector<Outcome> outcomes;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    outcomes.push_back(SimulatedPair(seed).play(script));
  }
  return outcomes;
}

class WireguardModel : public LabTest {
 protected:
  void expect_agreement(const Script& script) {
    WireguardGoPairs pairs(lab(), kRuns);
    auto real = pairs.play(script);
    auto model = simulate(script, 10 * kRuns);  // more runs, a steadier median
    if (script.symmetric) {
      std::ranges::transform(real, real.begin(), sorted);
      std::ranges::transform(model, model.begin(), sorted);
    }
    for (std::size_t side : {0U, 1U}) {
      for (const Measure& measure : kMeasures) compare(script, real, model, side, measure);
    }
  }

 private:
  static void compare(const Script& script, const std::vector<Outcome>& real,
                      const std::vector<Outcome>& model, std::size_t side, const Measure& measure) {
    const double there = median(real, side, measure);
    const double here = median(model, side, measure);
    const auto what = fmt::format("{}_{}", side == 0 ? "a" : "b", measure.name);
    const auto values = fmt::format("wireguard-go {:.0f}, model {:.0f}", there, here);
    std::printf("%-28s %-16s %s\n", script.name, what.c_str(), values.c_str());
    RecordProperty(what, values);
    EXPECT_LE(std::abs(there - here),
              measure.disagreement_max * std::max(std::abs(there), std::abs(here)))
        << what << ": " << values;
  }
};

TEST_F(WireguardModel, ADiallingPeerIsAnsweredByOneThatKnowsIt) {
  expect_agreement({.name = "dial",
                    .steps = {{0s, Side::kB, Act::kInstall}, {5ms, Side::kA, Act::kDial}},
                    .length = 500ms});
}

TEST_F(WireguardModel, InitiationsThatCrossDestroyEachOther) {
  expect_agreement({.name = "crossing",
                    .steps = {{0s, Side::kA, Act::kDial}, {0s, Side::kB, Act::kDial}},
                    .length = 6s,
                    .symmetric = true});
}

TEST_F(WireguardModel, AResponderAddedLateCostsARetry) {
  expect_agreement({.name = "late responder",
                    .steps = {{0s, Side::kA, Act::kDial}, {1s, Side::kB, Act::kInstall}},
                    .length = 6s});
}

TEST_F(WireguardModel, AnInitiationThatIsLostIsRepeated) {
  expect_agreement({.name = "lost initiation",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {0s, Side::kA, Act::kCut},
                              {1s, Side::kA, Act::kDial},
                              {3s, Side::kA, Act::kMend}},
                    .length = 7s});
}

TEST_F(WireguardModel, SettingTheEndpointAgainAndSendingDataSpeedNothingUp) {
  expect_agreement({.name = "no way to hurry",
                    .steps = {{0s, Side::kA, Act::kDial},
                              {1s, Side::kB, Act::kInstall},
                              {1500ms, Side::kA, Act::kDial},
                              {2s, Side::kA, Act::kSend}},
                    .length = 6s});
}

TEST_F(WireguardModel, APeerThatWasAddedAgainInitiatesAtOnce) {
  expect_agreement({.name = "added again",
                    .steps = {{0s, Side::kA, Act::kDial},
                              {1s, Side::kB, Act::kInstall},
                              {1500ms, Side::kA, Act::kRedial}},
                    .length = 2s});
}

TEST_F(WireguardModel, AnEndpointAloneSendsNothingAndDataStartsTheHandshake) {
  expect_agreement({.name = "data without session",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {0s, Side::kA, Act::kAddress},
                              {1s, Side::kA, Act::kSend},
                              {1010ms, Side::kA, Act::kSend}},
                    .length = 2s});
}

TEST_F(WireguardModel, AKeepaliveFollowsEverySilence) {
  expect_agreement({.name = "keepalives",
                    .steps = {{0s, Side::kB, Act::kInstall}, {5ms, Side::kA, Act::kDial}},
                    .length = 4600ms,
                    .keepalive = 1s});
}

TEST_F(WireguardModel, AnAnswerUnderAnotherPresharedKeyIsNone) {
  expect_agreement({.name = "another key",
                    .steps = {{0s, Side::kB, Act::kInstallAlien}, {5ms, Side::kA, Act::kDial}},
                    .length = 500ms});
}

/// What takes minutes: only when asked for.
class WireguardModelLong : public WireguardModel {
 protected:
  void SetUp() override {
    if (std::getenv("KADWIRE_LONG") == nullptr) GTEST_SKIP() << "KADWIRE_LONG is not set";
    WireguardModel::SetUp();
  }
};

TEST_F(WireguardModelLong, UnansweredDataIsAnsweredByAPassiveKeepalive) {
  expect_agreement({.name = "passive keepalive",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {0s, Side::kA, Act::kAddress},
                              {100ms, Side::kA, Act::kSend}},
                    .length = 11s});
}

TEST_F(WireguardModelLong, DataIntoSilenceStartsAHandshakeAfterFifteenSeconds) {
  expect_agreement({.name = "unheard",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {0s, Side::kA, Act::kAddress},
                              {1s, Side::kA, Act::kSend},
                              {3s, Side::kA, Act::kCut},
                              {5s, Side::kA, Act::kSend},
                              {15s, Side::kA, Act::kMend}},
                    .length = 22s});
}

TEST_F(WireguardModelLong, TwoInitiationsAtOnceCostARetry) {
  expect_agreement({.name = "two at once",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {5ms, Side::kA, Act::kDial},
                              {15ms, Side::kA, Act::kRedial}},
                    .length = 6s});
}

TEST_F(WireguardModelLong, AfterAMoveOnlyAHandshakeRepeatedForWantOfAnAnswerHelps) {
  expect_agreement({.name = "move",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {5ms, Side::kA, Act::kDial},
                              {3s, Side::kA, Act::kMove},
                              {6s, Side::kA, Act::kSend}},
                    .length = 25s,
                    .keepalive = 1s});
}

TEST_F(WireguardModelLong, AfterAMoveTheEndpointSetAgainHelpsAtOnce) {
  expect_agreement({.name = "move and set again",
                    .steps = {{0s, Side::kB, Act::kInstall},
                              {5ms, Side::kA, Act::kDial},
                              {3s, Side::kA, Act::kMove},
                              {8s, Side::kA, Act::kDial}},
                    .length = 11s,
                    .keepalive = 1s});
}

TEST_F(WireguardModelLong, TheInitiatorRenewsTheSessionAfterTwoMinutes) {
  expect_agreement({.name = "renewal",
                    .steps = {{0s, Side::kB, Act::kInstall}, {5ms, Side::kA, Act::kDial}},
                    .length = 150s});
}

TEST_F(WireguardModelLong, AHandshakeIsGivenUpAfterTwentyInitiations) {
  expect_agreement({.name = "given up",
                    .steps = {{0s, Side::kA, Act::kAddress}, {1s, Side::kA, Act::kSend}},
                    .length = 115s});
}

}  // namespace
}  // namespace kadwire::lab
