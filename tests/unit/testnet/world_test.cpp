#include "tools/testnet/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/testnet/small_scenario.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/outputs.h"

namespace kadwire::testnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A bootstrap node and two members, for a minute.
Scenario small_world() {
  return parse_scenario(kSmall, "small.toml",
                        std::vector<std::string>{"groups.homes.count=2", "until=60s"})
      .value();
}

/// Of the node that is asked for the two hundredth time.
World::Rule broken_after_a_while() {
  return [asked = 0](const Program&) mutable {
    return ++asked == 200 ? std::optional<std::string>("did it once too often") : std::nullopt;
  };
}

RunResult played(const World::Rule& rule) {
  const Scenario scenario = small_world();
  Trace trace;
  World world(scenario, 1, trace, rule);
  return world.run();
}

TEST(World, StopsWhereARuleIsBrokenAndSaysWhoBrokeIt) {
  const RunResult whole = played({});
  ASSERT_EQ(whole.simulated, 60s);
  ASSERT_TRUE(succeeded(whole));
  const RunResult broken = played(broken_after_a_while());
  EXPECT_THAT(broken.violations, ElementsAre(HasSubstr(": did it once too often")));
  EXPECT_LT(broken.simulated, 60s);
  EXPECT_LT(broken.events, whole.events);
  EXPECT_TRUE(broken.interrupted);
  EXPECT_FALSE(succeeded(broken));
  EXPECT_EQ(std::ranges::count(broken.timeline, "violation", &TimelineEntry::kind), 1);
}

TEST(World, CountsThePathsOfAMembersEarlierRunsToo) {
  const std::string text = std::string(kSmall) + R"(
[[events]]
at = "30s"
do = "restart"
who = "homes[0]"
)";
  const Scenario scenario =
      parse_scenario(text, "small.toml",
                     std::vector<std::string>{"groups.homes.count=2", "until=60s"})
          .value();
  Trace trace;
  World world(scenario, 1, trace);
  const RunResult result = world.run();
  const auto home = std::ranges::find(result.nodes, "homes[0]", &NodeResult::name);
  ASSERT_NE(home, result.nodes.end());
  EXPECT_EQ(home->paths.chosen(), 2U) << "one in each run";
}

TEST(Outputs, TellABrokenRuleAndTheCommandThatReplaysIt) {
  RunResult result = played(broken_after_a_while());
  result.command = "kadwire-testnet run small.toml --seed 1";
  ::testing::internal::CaptureStdout();
  const int code = leave_outputs(OutputOptions{}, result);
  const std::string summary = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, kExitFailed);
  EXPECT_THAT(summary, HasSubstr("  RULE BROKEN  " + result.violations.front() + "\n"));
  EXPECT_THAT(summary, HasSubstr("  replay: kadwire-testnet run small.toml --seed 1\n"));
}

/// Two kinds; the pair of both has no path.
MatrixResult matrix_with(MatrixCell cell) {
  MatrixResult result;
  result.kinds = {"public", "blocked"};
  MatrixCell well;
  well.runs = well.direct = 1;
  result.cells.assign(2, std::vector<MatrixCell>(2, well));
  cell.runs = 1;
  cell.possible = false;
  result.cells[1][0] = result.cells[0][1] = cell;
  return result;
}

TEST(Outputs, FailAMatrixForWhatWasBrokenWhereNoPathIs) {
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(leave_outputs(OutputOptions{}, matrix_with({})), kExitSuccess);
  MatrixCell cell;
  cell.failed = 5;
  cell.failures = {{7, "kadwire-testnet replay nat-pair:7", {"its process was ended by Aborted"}}};
  EXPECT_EQ(leave_outputs(OutputOptions{}, matrix_with(cell)), kExitFailed);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(),
              HasSubstr("5 runs failed\n"
                        "0.0 s\n"
                        "failed: blocked and public, seed 7\n"
                        "  its process was ended by Aborted\n"
                        "  replay: kadwire-testnet replay nat-pair:7\n"
                        "failed: blocked and public, 4 more\n"));
}

}  // namespace
}  // namespace kadwire::testnet
