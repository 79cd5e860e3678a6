/// Sweeps and matrices as a user runs them: many runs, each of which that failed comes with the
/// command that repeats it.

#include "tests/integration/testnet_program.h"

#include <signal.h>

namespace kadwire::testnet {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

using TestnetBatch = TestnetProgram;

TEST_F(TestnetBatch, SweepsOneParameterOverValuesAndSeeds) {
  const Ran ran = run({"sweep", "open-5", "--until", "20s", "--parameter", "links.default.loss",
                       "--values", "0,1%", "--set", "expect.pings_lost=20%", "--seeds", "3",
                       "--json", path("sweep.json"), "--report", path("sweep.html")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json result = json::parse(text("sweep.json"));
  EXPECT_EQ(result.at("schema"), "kadwire-testnet/sweep/1");
  ASSERT_EQ(result.at("points").size(), 2U);
  EXPECT_EQ(result.at("points").at(1).at("value"), "1%");
  for (const json& point : result.at("points")) {
    EXPECT_EQ(point.at("runs"), 3);
    EXPECT_EQ(point.at("succeeded"), 3);
  }
  EXPECT_TRUE(is_whole_page(text("sweep.html")));
}

TEST_F(TestnetBatch, WritesTheFinishedRunsOfASweepAtCtrlC) {
  constexpr std::size_t kSeeds = 10'000;
  lab::Process process =
      spawn({"sweep", "open-5", "--until", "20s", "--seeds", std::to_string(kSeeds), "--jobs", "1",
             "--json", path("sweep.json"), "--report", path("sweep.html")});
  while (!std::regex_search(text("err"), std::regex("[1-9][0-9]* of 10000 runs"))) {
    ASSERT_FALSE(process.wait(10ms)) << text("err");
  }
  process.signal(SIGINT);
  const Ran ran = finish(process);
  EXPECT_EQ(ran.code, 130) << ran.err;
  const json point = json::parse(text("sweep.json")).at("points").at(0);
  const std::size_t runs = point.at("runs");
  EXPECT_GT(runs, 0U);
  EXPECT_EQ(point.at("succeeded"), runs) << "a run that Ctrl-C ended is no failure";
  ASSERT_EQ(point.at("unfinished_seeds").size(), kSeeds - runs);
  EXPECT_EQ(point.at("unfinished_seeds").front(), std::to_string(runs + 1));
  EXPECT_THAT(ran.out, HasSubstr(fmt::format("interrupted: {} runs not finished, the first with "
                                             "seed {}",
                                             kSeeds - runs, runs + 1)));
  EXPECT_TRUE(is_whole_page(text("sweep.html")));
}

TEST_F(TestnetBatch, WritesTheFinishedRunsOfAMatrixAtCtrlC) {
  lab::Process process = spawn({"matrix", "--kinds", "public,full-cone", "--seeds", "1000",
                                "--jobs", "1", "--json", path("matrix.json")});
  while (!std::regex_search(text("err"), std::regex("[1-9][0-9]* of 3000 runs"))) {
    ASSERT_FALSE(process.wait(10ms)) << text("err");
  }
  process.signal(SIGINT);
  EXPECT_EQ(finish(process).code, 130);
  const json result = json::parse(text("matrix.json"));
  EXPECT_TRUE(result.at("interrupted"));
  EXPECT_GT(result.at("cells").at(0).at(0).at("runs"), 0);
  EXPECT_EQ(result.at("cells").at(1).at(1).at("runs"), 0);
  EXPECT_TRUE(result.at("cells").at(1).at(1).at("possible")) << "nobody knows yet";
}

TEST_F(TestnetBatch, CrossesKindsOfNatInAMatrix) {
  const Ran ran = run({"matrix", "--kinds", "public,port-restricted", "--seeds", "2", "--json",
                       path("matrix.json")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json result = json::parse(text("matrix.json"));
  EXPECT_EQ(result.at("schema"), "kadwire-testnet/matrix/1");
  EXPECT_EQ(result.at("kinds"), json({"public", "port-restricted"}));
  EXPECT_EQ(result.at("cells").at(0).at(0).at("direct"), 2);
  EXPECT_EQ(result.at("cells").at(1).at(0).at("direct"), 2) << "a public member is always reached";
  EXPECT_EQ(result.at("cells").at(1).at(0), result.at("cells").at(0).at(1));
  expect_refused({"matrix", "--kinds", "publik"}, HasSubstr("there is no kind 'publik'"));
}

TEST_F(TestnetBatch, ChangesWhatAMatrixPlaysAndDrawsIt) {
  const Ran ran = run({"matrix", "--kinds", "public", "--seeds", "1", "--set", "groups.dht.count=3",
                       "--json", path("matrix.json"), "--picture", path("matrix.svg")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("1 direct, 0 relayed, 0 without a tunnel"));
  EXPECT_THAT(text("matrix.svg"), HasSubstr("--set groups.dht.count=3"));
  const json cell = json::parse(text("matrix.json")).at("cells").at(0).at(0);
  EXPECT_EQ(cell.at("p50_seconds"), cell.at("direct_p50_seconds"));
  EXPECT_EQ(cell.at("relayed_seeds"), json::array());
  expect_refused({"matrix", "--set", "groups.nobody.count=3"}, HasSubstr("nobody"));
}

/// The demands on punching: what is certain to work works in every run, and nobody is left alone.
TEST_F(TestnetBatch, ConnectsMembersBehindEveryPairOfTheseNats) {
  const Words kinds = {
      "port-restricted",      "port-changing",    "address-restricted", "dual-stack",
      "symmetric-sequential", "symmetric-random", "ipv6-only",          "blocked"};
  const std::size_t seeds = 3;
  const Ran ran = run({"matrix", "--kinds", fmt::format("{}", fmt::join(kinds, ",")), "--seeds",
                       std::to_string(seeds), "--json", path("matrix.json")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json cells = json::parse(text("matrix.json")).at("cells");
  const auto cell = [&](const std::string& row, const std::string& column) {
    const auto at = [&](const std::string& kind) {
      return static_cast<std::size_t>(std::ranges::find(kinds, kind) - kinds.begin());
    };
    return cells.at(at(row)).at(at(column));
  };
  using Pair = std::pair<std::string, std::string>;
  for (const auto& [row, column] :
       {Pair{"port-restricted", "port-changing"}, Pair{"address-restricted", "symmetric-random"},
        Pair{"address-restricted", "symmetric-sequential"}, Pair{"dual-stack", "ipv6-only"},
        Pair{"port-restricted", "symmetric-sequential"}}) {
    EXPECT_EQ(cell(row, column).at("direct"), seeds) << row << " and " << column;
  }
  for (const auto& [row, column] :
       {Pair{"symmetric-random", "symmetric-random"}, Pair{"ipv6-only", "port-restricted"}}) {
    EXPECT_EQ(cell(row, column).at("relayed"), seeds) << row << " and " << column;
  }
  EXPECT_EQ(cell("blocked", "port-restricted").at("possible"), false);
}

TEST_F(TestnetBatch, AMemberWhoseGatewayMapsItsPortIsReachedFromBehindEveryNat) {
  const std::size_t seeds = 4;
  const Words kinds = {"mapping-gateway", "port-restricted", "symmetric-random", "cgnat"};
  const Ran ran = run({"matrix", "--kinds", fmt::format("{}", fmt::join(kinds, ",")), "--seeds",
                       std::to_string(seeds), "--json", path("matrix.json")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json row = json::parse(text("matrix.json")).at("cells").at(0);
  for (std::size_t column = 0; column < kinds.size(); ++column) {
    EXPECT_EQ(row.at(column).at("direct"), seeds) << kinds[column];
  }
}

TEST_F(TestnetBatch, EndsWithOneAndACommandThatRepeatsAFailedRun) {
  std::filesystem::create_directory(path("its o'wn"));
  const std::string file = write("its o'wn/a b.toml", run({"scenarios", "open-5"}).out);
  const Ran failed = run({"run", file, "--until", "20s", "--nodes", "4", "--seed", "3", "--set",
                          "expect.first_tunnel_p95=1ms", "--set", "summary=\"$HOME; a 'word'\""});
  EXPECT_EQ(failed.code, 1) << failed.err;
  const auto replay = failed.out.find("  replay: ");
  ASSERT_NE(replay, std::string::npos) << failed.out;
  const std::string command = failed.out.substr(replay + 10);
  const Ran again = paste(command);
  EXPECT_EQ(again.code, 1) << again.err;
  const auto first_line = [](const std::string& text) { return text.find('\n'); };
  // But for how long it took, in the first line.
  EXPECT_EQ(again.out.substr(first_line(again.out)), failed.out.substr(first_line(failed.out)));
}

TEST_F(TestnetBatch, NamesTheFailedRunsOfASweepByCommandsThatRepeatThem) {
  const std::string file = write("a b.toml", run({"scenarios", "open-5"}).out);
  const Words words = {"sweep",       file,
                       "--until",     "20s",
                       "--nodes",     "4",
                       "--set",       "expect.first_tunnel_p95=1ms",
                       "--seeds",     "4",
                       "--jobs",      "2",
                       "--json",      path("sweep.json"),
                       "--parameter", "links.default.latency",
                       "--values",    "lognormal(20ms, 0.5),5ms"};
  const Ran ran = run(words);
  EXPECT_EQ(ran.code, 1) << ran.err;
  const auto failures = failures_of(ran.out);
  ASSERT_EQ(failures.size(), 6U) << ran.out;  // three for each value
  EXPECT_THAT(ran.out, HasSubstr("failed: links.default.latency=5ms, 1 more"));
  expect_replayed(failures.front());
  expect_replayed(failures.back());
  const json result = json::parse(text("sweep.json"));
  ASSERT_EQ(result.at("points").size(), 2U);
  const json& told = result.at("points").at(1).at("failures");
  EXPECT_EQ(told.at(0).at("replay"), failures.at(3).replay);
  EXPECT_EQ(told.at(0).at("complaints").back(), failures.at(3).complaint);

  const Ran again = paste(result.at("command").get<std::string>() + " --json -");
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(json::parse(again.out).at("points").at(0).at("failures"),
            result.at("points").at(0).at("failures"));
  EXPECT_EQ(failures_of("\n" + again.err).size(), 6U) << "nobody would see them";
}

TEST_F(TestnetBatch, FailsAMatrixForAnExpectationThatWasNotMet) {
  const Ran ran = run({"matrix", "--kinds", "public,cgnat", "--seeds", "1", "--set",
                       "expect.first_tunnel_p50=1ms", "--json", path("matrix.json")});
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("3 runs failed\n"), HasSubstr("failed: cgnat and public, seed 1\n")));
  const auto failures = failures_of(ran.out);
  ASSERT_EQ(failures.size(), 3U) << ran.out;
  expect_replayed(failures.at(1));
  const json cell = json::parse(text("matrix.json")).at("cells").at(1).at(0);
  EXPECT_EQ(cell.at("failed"), 1);
  EXPECT_EQ(cell.at("failed_seeds"), json({"1"}));
  EXPECT_EQ(cell.at("failures").at(0).at("replay"), failures.at(1).replay);
  EXPECT_EQ(cell.at("direct"), 1) << "it has its tunnel all the same";
}

TEST_F(TestnetBatch, FailsAMatrixForARunThatCrashed) {
  lab::Process process =
      spawn({"matrix", "--kinds", "public", "--seeds", "1", "--until", "7d", "--jobs", "1"});
  const std::string children = fmt::format("/proc/{0}/task/{0}/children", process.pid());
  while (lab::read_text(children).empty()) ASSERT_FALSE(process.wait(10ms)) << text("err");
  ASSERT_EQ(kill(std::stoi(lab::read_text(children)), SIGABRT), 0);
  const Ran ran = finish(process);
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("failed: public and public, seed 1\n"
                                 "  its process was ended by Aborted\n"
                                 "  replay: kadwire-testnet replay nat-pair:1 --until 7d --set "
                                 "groups.left.nat= --set groups.right.nat=\n"));
}

TEST_F(TestnetBatch, AsksNoTunnelOfAPairWithoutAPath) {
  const Ran ran =
      run({"matrix", "--kinds", "blocked,public", "--seeds", "1", "--set", "expect.pairs_min=3"});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("1 runs of pairs with a path: 1 direct, 0 relayed, 0 without"));
  const Ran silent = run({"matrix", "--kinds", "blocked,public", "--seeds", "1", "--set",
                          "expect.bytes_per_second=1"});
  EXPECT_EQ(silent.code, 1);
  EXPECT_THAT(silent.out, HasSubstr("failed: blocked and blocked, seed 1\n"));
}

TEST_F(TestnetBatch, PlaysNoMatrixInWhichThePairWouldNotMeet) {
  const Words matrix = {"matrix", "--kinds", "public", "--seeds", "1"};
  expect_refused(matrix + Words{"--until", "12s"},
                 HasSubstr("groups.right is to start at 15s, and the end is at 12s"));
  expect_refused(matrix + Words{"--set", "groups.left.starts=false"},
                 HasSubstr("groups.left is to start by an event alone"));
  expect_refused(matrix + Words{"--set", "groups.left.count=0"}, HasSubstr("one member each"));
}

}  // namespace
}  // namespace kadwire::testnet
