#include "tools/lab/matrix_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kadwire::lab {
namespace {

PairRun connected(Duration first_ping, const char* path) {
  PairRun run;
  run.first_ping = first_ping;
  run.first_path = run.path = path;
  if (run.path == "direct") run.direct = first_ping + 40ms;
  return run;
}

/// Two cones, and a carrier's NAT that gives each destination a port.
class MatrixReport : public ::testing::Test {
 protected:
  MatrixReport() {
    matrix_.kinds = {find_surroundings("port-restricted"), find_surroundings("symmetric-random")};
    matrix_.cells = {{.row = matrix_.kinds[0], .column = matrix_.kinds[0]},
                     {.row = matrix_.kinds[1], .column = matrix_.kinds[0]},
                     {.row = matrix_.kinds[1], .column = matrix_.kinds[1], .possible = false}};
    matrix_.cells[0].runs = {connected(300ms, "direct"), connected(500ms, "direct")};
    matrix_.cells[1].runs = {connected(900ms, "direct"), connected(700ms, "relayed")};
  }
  Matrix matrix_;
};

TEST_F(MatrixReport, ShowsSharesAndMediansOfEachPair) {
  EXPECT_EQ(report_text(matrix_),
            "share                1     2\n"
            " 1 port-restricted   100%\n"
            " 2 symmetric-random  100r  -\n"
            "\n"
            "p50 ms               1    2\n"
            " 1 port-restricted   300\n"
            " 2 symmetric-random  700  -\n"
            "share: of runs with a tunnel, in percent; r: some were not direct at the end; "
            "-: there is no path\n"
            "4 of 4 runs connected, 3 direct; first ping p50 500 ms, p95 900 ms, slowest 900 ms; "
            "0 s\n");
  EXPECT_TRUE(all_well(matrix_));
}

TEST_F(MatrixReport, NamesAPairThatIsRelayedThoughItCouldBeDirect) {
  matrix_.cells[0].runs[1] = connected(500ms, "relayed");
  EXPECT_FALSE(all_well(matrix_));
  EXPECT_NE(report_text(matrix_).find(
                "port-restricted and port-restricted: direct relayed (has to be direct)\n"),
            std::string::npos);
}

TEST_F(MatrixReport, NamesAPairThatFailedAndOneThatCouldNotBeBuilt) {
  matrix_.cells[1].runs[0] = {};
  EXPECT_FALSE(all_well(matrix_));
  EXPECT_NE(report_text(matrix_).find("symmetric-random and port-restricted: no tunnel relayed\n"),
            std::string::npos);
  matrix_.cells[1].runs.pop_back();
  matrix_.cells[1].errors = {"no TUN"};
  EXPECT_NE(report_text(matrix_).find("port-restricted: [no TUN] no tunnel\n"), std::string::npos);
}

TEST_F(MatrixReport, KeepsEachRunInItsJson) {
  const auto json = report_json(matrix_);
  EXPECT_TRUE(json["ok"].get<bool>());
  EXPECT_EQ(json["pairs"].size(), 3U);
  const PairRun run = pair_run_of(json["pairs"][1]["runs"][0]);
  EXPECT_EQ(run.first_ping, 900ms);
  EXPECT_EQ(run.direct, 940ms);
  EXPECT_EQ(run.path, "direct");
  EXPECT_EQ(pair_run_of(json["pairs"][1]["runs"][1]).direct, std::nullopt);
  EXPECT_FALSE(json["pairs"][2]["possible"].get<bool>());
}

}  // namespace
}  // namespace kadwire::lab
