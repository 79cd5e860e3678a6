#include "tools/lab/recovery_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kadwire::lab {
namespace {

/// One that kept its limit, one that did not, and one that could not be played.
class RecoveryReport : public ::testing::Test {
 protected:
  std::vector<TroubleRuns> all_{
      {.trouble = find_trouble("relay-killed"),
       .runs = {{400ms, "relayed"}, {1s, "relayed"}, {500ms, "relayed"}}},
      {.trouble = find_trouble("nat-both"), .runs = {{80ms, "direct"}, {5001ms, "direct"}}},
      {.trouble = find_trouble("ipv6-dies"), .errors = {"no tunnel"}}};
};

TEST_F(RecoveryReport, ShowsTheMedianAndTheLongestSilenceBesideWhatIsAsked) {
  EXPECT_EQ(report_text(all_),
            "case          runs  silent ms p50  max   asked  ok   what happens\n"
            "relay-killed  3     500            1000  1000   yes  the relay in use is killed, "
            "another one is in reserve\n"
            "nat-both      2     80             5001  5000   NO   a NAT forgets its mappings, "
            "both sides send\n"
            "ipv6-dies     0     -              -     6500   NO   the IPv6 path dies silently, "
            "IPv4 is left\n"
            "ipv6-dies: no tunnel\n");
}

TEST_F(RecoveryReport, IsWellIfEveryRunKeptTheLimitAndCouldBeMade) {
  EXPECT_TRUE(all_well(all_[0]));
  EXPECT_FALSE(all_well(all_[1]));
  EXPECT_FALSE(all_well(all_[2]));
  EXPECT_FALSE(all_well(all_));
  all_.resize(1);
  EXPECT_TRUE(all_well(all_));
  all_[0].errors = {"no tunnel"};
  EXPECT_FALSE(all_well(all_));
}

TEST_F(RecoveryReport, HasEveryRunInItsJson) {
  const auto report = report_json(all_);
  ASSERT_EQ(report.size(), 3U);
  EXPECT_EQ(report[0]["silent_ms"]["p50"], 500.0);
  EXPECT_EQ(report[0]["limit_ms"], 1000.0);
  EXPECT_EQ(report[0]["runs"][1], (nlohmann::json{{"silent_ms", 1000.0}, {"path", "relayed"}}));
  EXPECT_EQ(report[1]["ok"], false);
  EXPECT_TRUE(report[2]["silent_ms"]["max"].is_null());
  EXPECT_EQ(report[2]["errors"][0], "no tunnel");
}

TEST(Recovery, ComesOutOfItsJsonAsItWentIn) {
  const Recovery recovery = recovery_of(to_json(Recovery{1234567us, "relayed"}));
  EXPECT_EQ(recovery.silence, 1234567us);
  EXPECT_EQ(recovery.path, "relayed");
}

TEST(Troubles, HaveNamesOfTheirOwnAndSurroundingsThatThereAre) {
  for (const Trouble& trouble : all_troubles()) {
    EXPECT_EQ(find_trouble(trouble.name), &trouble);
    EXPECT_NE(find_surroundings(trouble.first), nullptr) << trouble.name;
    EXPECT_NE(find_surroundings(trouble.second), nullptr) << trouble.name;
    EXPECT_NE(trouble.happen, nullptr) << trouble.name;
  }
  EXPECT_EQ(find_trouble("good fortune"), nullptr);
}

}  // namespace
}  // namespace kadwire::lab
