#include "tools/testnet/scenario/library.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tools/testnet/scenario/describe.h"
#include "tools/testnet/scenario/scaling.h"
#include "tools/testnet/scenario/scenario_parser.h"

namespace kadwire::testnet {
namespace {

Scenario parse(const LibraryEntry& entry) {
  auto scenario = parse_scenario(entry.text, entry.name + ".toml");
  EXPECT_TRUE(scenario) << to_text(scenario.error());
  return std::move(scenario).value();  // throws if the parser refused it
}

TEST(Library, HoldsTheScenariosThatWerePromised) {
  std::vector<std::string> names;
  for (const LibraryEntry& entry : list_scenarios()) names.push_back(entry.name);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const std::string_view promised :
       {"open-5", "open-100", "home-nats", "cgnat", "mixed-100", "flash-crowd-200", "churn",
        "partition-heal", "hour-rollover", "bootstrap-gone", "hostile-dht", "hostile-members",
        "lossy-mobile", "sleep-wake", "address-change", "idle-day"}) {
    EXPECT_TRUE(std::ranges::count(names, promised) == 1) << promised;
  }
}

TEST(Library, HasNoScenarioWithAnError) {
  for (const LibraryEntry& entry : list_scenarios()) {
    const Scenario scenario = parse(entry);
    EXPECT_EQ(scenario.name, entry.name);
    EXPECT_GE(count_members(scenario), 2U) << entry.name;
  }
}

TEST(Library, TellsOfEachScenarioWhatItIsAbout) {
  for (const LibraryEntry& entry : list_scenarios()) {
    EXPECT_TRUE(entry.text.starts_with("# ")) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_LE(entry.summary.size(), 95U) << entry.name;
    EXPECT_FALSE(describe(parse(entry)).empty()) << entry.name;
  }
}

TEST(Library, KeepsItsExpectationsWithinTheRun) {
  for (const LibraryEntry& entry : list_scenarios()) {
    const Scenario scenario = parse(entry);
    Duration last_start{0};
    for (const Group& group : scenario.groups) {
      if (group.role == Role::kMember) last_start = std::max(last_start, group.start.high);
    }
    if (scenario.expect.connected_within) {
      EXPECT_LT(last_start + *scenario.expect.connected_within, scenario.until) << entry.name;
    }
  }
}

TEST(Library, FindsScenariosByName) {
  ASSERT_TRUE(find_scenario("open-5"));
  EXPECT_NE(find_scenario("open-5")->find("[groups.servers]"), std::string_view::npos);
  EXPECT_FALSE(find_scenario("open-5.toml"));
  EXPECT_FALSE(find_scenario(""));
  EXPECT_EQ(unknown_scenario("open5"), "'open5' is unknown; did you mean 'open-5'?");
}

TEST(Library, HasAWeekInIdleDay) {
  const auto week = parse_scenario(*find_scenario("idle-day"), "idle-day.toml",
                                   std::vector<std::string>{"until=7d"});
  ASSERT_TRUE(week) << to_text(week.error());
  EXPECT_EQ(week->until, Duration(24h * 7));
}

TEST(Library, ScalesEveryScenarioToAnotherSize) {
  for (const LibraryEntry& entry : list_scenarios()) {
    Scenario scenario = parse(entry);
    const std::size_t before = count_nodes(scenario);
    const auto scaled = scale_members(scenario, 400);
    ASSERT_TRUE(scaled) << entry.name << ": " << scaled.error();
    EXPECT_GT(count_nodes(scenario), before) << entry.name;
  }
}

}  // namespace
}  // namespace kadwire::testnet
