/// What the parser of scenarios refuses, and how it says so.

#include <gtest/gtest.h>

#include "tests/unit/testnet/small_scenario.h"

namespace kadwire::testnet {
namespace {

/// What is wrong with one more piece of a scenario that is right; the piece begins at line 5.
std::string errors_with(std::string_view piece) {
  return errors_of(std::string(kSmall) + std::string(piece));
}

struct Bad {
  std::string_view piece;
  std::string_view error;
};

TEST(ParseScenario, NamesLineAndFieldOfWhatItRefuses) {
  for (const Bad& bad : {
           Bad{"count = 3",
               "a.toml:5:9: Error while parsing key-value pair: cannot redefine existing"},
           Bad{"link = 5", "a.toml:5:8: groups.homes.link: needs a text in quotes"},
           Bad{"lnik = \"x\"", "a.toml:5:1: groups.homes.lnik: unknown; did you mean 'link'?"},
           Bad{"start = \"5x\"",
               "a.toml:5:9: groups.homes.start: '5x' is no duration or range; write it as 5s or "
               "5s..10s"},
           Bad{"start = 5",
               "a.toml:5:9: groups.homes.start: needs a text in quotes, as \"0s..5s\""},
           Bad{"per_nat = 0", "a.toml:5:11: groups.homes.per_nat: 0 is too few; 1 to 200"},
           Bad{"per_nat = 201", "a.toml:5:11: groups.homes.per_nat: 201 is too many; 1 to 200"},
           Bad{"per_nat = 2.0", "a.toml:5:11: groups.homes.per_nat: needs a whole number"},
           Bad{"starts = 1", "a.toml:5:10: groups.homes.starts: needs true or false"},
           Bad{"role = \"membr\"",
               "a.toml:5:8: groups.homes.role: 'membr' is unknown; did you mean 'member'?"},
           Bad{"families = \"v4\"",
               "a.toml:5:12: groups.homes.families: 'v4' is unknown; known: both, ipv4, ipv6"},
           Bad{"cities = []",
               "a.toml:5:10: groups.homes.cities: needs a list of texts, as [\"berlin\", "
               "\"tokyo\"]"},
           Bad{"clock_drift_ppm = nan",
               "a.toml:5:19: groups.homes.clock_drift_ppm: needs a number"},
           Bad{"[links.x]\nloss = \"200%\"",
               "a.toml:6:8: links.x.loss: '200%' is no share; write it as 5% or 0.05, from 0 to 1"},
           Bad{"[links.x]\nloss = true",
               "a.toml:6:8: links.x.loss: needs a share, as \"5%\" or 0.05"},
           Bad{"[links.x]\nmtu = 100", "a.toml:6:7: links.x.mtu: 100 is too few; 576 to 65535"},
           Bad{"[links.x.burst]\nenetr = 1",
               "a.toml:6:1: links.x.burst.enetr: unknown; did you mean 'enter'?"},
           Bad{"[links]\nx = 5", "a.toml:6:5: links.x: needs to be a table, as [links.x]"},
           Bad{"[links.X]",
               "a.toml:5:8: links.X: is no name: a to z, 0 to 9, - and _, 32 characters at most, a "
               "letter first"},
           Bad{"[gateways.x]\nexpiry = \"1s\"",
               "a.toml:6:10: gateways.x.expiry: 1s is too short; 5s to 10min"},
           Bad{"[gateways.x]\nkind = \"cone\"\n[gateways.y]\nstep = 0",
               "a.toml:8:8: gateways.y.step: 0 is too few; 1 to 1000"},
           Bad{"[ping]\nevery = \"999us\"",
               "a.toml:6:9: ping.every: 999us is too short; 1ms to 1d, or 0"},
           Bad{"[ping]\nevery = 5", "a.toml:6:9: ping.every: 5 has no unit; write it as \"5s\""},
           Bad{"[group.x]", "a.toml:5:2: group: unknown; did you mean 'groups'?"},
           Bad{"[expect]\npings_lost = \"much\"",
               "a.toml:6:14: expect.pings_lost: 'much' is no share; write it as 5% or 0.05, from 0 "
               "to 1"},
           Bad{"[events]\nat = \"1s\"",
               "a.toml:5:1: events: needs to be a list of tables, each [[events]]"},
           Bad{"[[events]]\nat = \"1s\"\nwho = \"homes\"", "a.toml:5:1: events[0]: needs do"},
       }) {
    const std::string errors = errors_with(bad.piece);
    EXPECT_NE(errors.find(bad.error), std::string::npos) << bad.piece << "\n" << errors;
  }
}

TEST(ParseScenario, NoticesWhatDoesNotFitTogether) {
  for (const Bad& bad : {
           Bad{"link = \"hoem\"",
               "a.toml:5:8: groups.homes.link: 'hoem' is unknown; known: default"},
           Bad{"nat = \"ful-cone\"",
               "a.toml:5:7: groups.homes.nat: 'ful-cone' is unknown; did you mean 'full-cone'?"},
           Bad{"cities = [\"berlni\"]",
               "a.toml:5:10: groups.homes.cities: 'berlni' is unknown; did you mean 'berlin'?"},
           Bad{"per_nat = 2",
               "a.toml:5:11: groups.homes.per_nat: needs nat: these hosts are behind none"},
           Bad{"start = \"1h\"", "a.toml:5:9: groups.homes.start: is after the end, 10min"},
           Bad{"[groups.members]",
               "a.toml:5:1: groups.members: means every member; choose another name"},
           Bad{"[groups.x]\ncount = 19_990", "groups: 20001 nodes are too many; 20000 at most"},
           Bad{"scales = true\n[groups.x]\nscales = true",
               "groups: only one group can have scales = true"},
           Bad{"[gateways.full-cone]",
               "a.toml:5:1: gateways.full-cone: 'full-cone' already means something; choose "
               "another name"},
           Bad{"[gateways.x]\nbehind = \"y\"",
               "a.toml:6:10: gateways.x.behind: 'y' is unknown; did you mean 'x'?"},
           Bad{"[gateways.x]\nbehind = \"y\"\n[gateways.y]\nbehind = \"x\"",
               "a.toml:6:10: gateways.x.behind: goes round in a circle"},
           Bad{"[gateways.x]\nports = \"random\"\nstep = 2",
               "a.toml:7:8: gateways.x.step: needs ports = \"sequential\", or a kind that has"},
           Bad{"[groups.x]\nother_up = true",
               "a.toml:6:12: groups.x.other_up: needs other_nat or other_link"},
           Bad{"[groups.x]\nfamilies = \"ipv6\"\nsecond_ipv4 = true",
               "a.toml:7:15: groups.x.second_ipv4: these hosts have no IPv4"},
           Bad{"[groups.x]\nfamilies = \"ipv4\"\ntemporary_ipv6 = \"1d\"",
               "a.toml:7:18: groups.x.temporary_ipv6: these hosts have no IPv6"},
           Bad{"[groups.x]\ntemporary_ipv6 = \"1s\"",
               "a.toml:6:18: groups.x.temporary_ipv6: 1s is too short"},
           Bad{"[expect]\nconnected_within = \"11min\"",
               "a.toml:6:20: expect.connected_within: 11min is after the end, 10min"},
           Bad{"[expect]\npairs_min = 46",
               "a.toml:6:13: expect.pairs_min: 10 members have 45 pairs at most"},
           Bad{"[expect]\npairs_min = 5\npairs_max = 4",
               "a.toml:7:13: expect.pairs_max: is less than pairs_min"},
       }) {
    EXPECT_NE(errors_with(bad.piece).find(bad.error), std::string::npos) << bad.piece << "\n"
                                                                         << errors_with(bad.piece);
  }
}

TEST(ParseScenario, NoticesEventsThatCannotHappen) {
  for (const Bad& bad : {
           Bad{"at = \"11min\"\ndo = \"crash\"\nwho = \"homes\"",
               "a.toml:6:6: events[0].at: 11min is after the end, 10min"},
           Bad{"do = \"crash\"\nwho = \"homes\"", "a.toml:5:1: events[0]: needs at, or every"},
           Bad{"at = \"1s\"\ndo = \"crash\"", "a.toml:5:1: events[0]: needs who"},
           Bad{"at = \"1s\"\ndo = \"crash\"\nwho = \"hoems\"",
               "a.toml:8:7: events[0].who: 'hoems' is unknown; did you mean 'homes'?"},
           Bad{"at = \"1s\"\ndo = \"crash\"\nwho = \"homes[10]\"",
               "a.toml:8:7: events[0].who: there is no homes[10]; homes[0] to homes[9]"},
           Bad{"at = \"1s\"\ndo = \"crash\"\nwho = \"11 of homes\"",
               "a.toml:8:7: events[0].who: there are 10 homes, not 11"},
           Bad{"at = \"1s\"\ndo = \"crash\"\nwho = \"homes\"\nlasting = \"1s\"",
               "a.toml:9:11: events[0].lasting: has no meaning for crash"},
           Bad{"at = \"1s\"\ndo = \"sleep\"\nwho = \"homes\"",
               "a.toml:5:1: events[0]: needs lasting"},
           Bad{"at = \"1s\"\ndo = \"clock-step\"\nwho = \"homes\"",
               "a.toml:5:1: events[0]: needs by"},
           Bad{"at = \"1s\"\ndo = \"nat-reboot\"\nwho = \"homes\"",
               "a.toml:8:7: events[0].who: none of these hosts is behind a NAT that could reboot"},
           Bad{"at = \"1s\"\ndo = \"interface-switch\"\nwho = \"homes\"",
               "a.toml:8:7: events[0].who: none of these hosts has an other_nat or other_link"},
           Bad{"at = \"1s\"\ndo = \"interface-down\"\nwho = \"homes\"\ninterface = \"other\"",
               "a.toml:9:13: events[0].interface: none of these hosts has other_up = true"},
           Bad{"at = \"1s\"\ndo = \"crash\"\nwho = \"homes\"\ninterface = \"first\"",
               "a.toml:9:13: events[0].interface: has no meaning for crash"},
           Bad{"at = \"1s\"\ndo = \"interface-switch\"\nwho = \"both\"\n[groups.both]\n"
               "other_nat = \"full-cone\"\nother_up = true",
               "a.toml:8:7: events[0].who: these hosts have both interfaces at once; use "
               "interface-down"},
           Bad{"at = \"1s\"\nuntil = \"2s\"\ndo = \"crash\"\nwho = \"homes\"",
               "a.toml:7:9: events[0].until: needs every: the event happens once"},
           Bad{"every = \"5s\"\nuntil = \"2s\"\ndo = \"crash\"\nwho = \"homes\"",
               "a.toml:7:9: events[0].until: is not within 5s..10min"},
           Bad{"at = \"1s\"\ndo = \"partition\"\nwho = \"homes\"\nfrom = \"homes\"",
               "a.toml:9:8: events[0].from: these are the same hosts as in who"},
           Bad{"at = \"1s\"\ndo = \"partition\"\nwho = \"homes[3]\"\nfrom = \"homes[3]\"",
               "a.toml:9:8: events[0].from: these are the same hosts as in who"},
           Bad{"at = \"1s\"\ndo = \"one-way-loss\"\nwho = \"homes\"\nshare = \"0%\"",
               "a.toml:9:9: events[0].share: 0% loses nothing"},
           Bad{"at = \"1s\"\ndo = \"crsh\"\nwho = \"homes\"",
               "a.toml:7:6: events[0].do: 'crsh' is unknown; did you mean 'crash'?"},
       }) {
    const std::string errors = errors_with("[[events]]\n" + std::string(bad.piece));
    EXPECT_NE(errors.find(bad.error), std::string::npos) << bad.piece << "\n" << errors;
  }
  EXPECT_NE(errors_of("until = \"1d\"\n" + std::string(kSmall) +
                      "[[events]]\nevery = \"1s\"\ndo = \"crash\"\nwho = \"homes\"")
                .find("events[0].every: happens 86399 times; 10000 at most"),
            std::string::npos);
}

TEST(ParseScenario, TakesWhatOnlyLooksAsIfItDidNotFit) {
  const auto event = [](std::string_view rest) {
    return errors_with("[[events]]\nat = \"1s\"\ndo = \"partition\"\n" + std::string(rest));
  };
  EXPECT_EQ(event("who = \"homes[3]\"\nfrom = \"homes[4]\""), "accepted");
  EXPECT_EQ(event("who = \"homes[3]\"\nfrom = \"homes\""), "accepted");
  EXPECT_EQ(event("who = \"2 of homes\"\nfrom = \"2 of homes\""), "accepted");
  EXPECT_EQ(errors_with("[gateways.x]\nkind = \"symmetric-sequential\"\nstep = 2"), "accepted");
  EXPECT_EQ(errors_with("[ping]\nevery = \"1ms\""), "accepted");
  EXPECT_EQ(errors_with("[ping]\nevery = 0"), "accepted");
  EXPECT_EQ(
      errors_of(std::string(kSmall) + "[expect]\nconnected_within = \"10min\"", {"until=1min"}),
      "accepted")
      << "whoever ends it earlier means less of it";
}

TEST(ParseScenario, LetsAGroupBeEmptyUnlessItIsNeeded) {
  constexpr std::string_view kEmpty =
      "[groups.boot]\nrole = \"bootstrap\"\n[groups.homes]\ncount = 0\n";
  EXPECT_EQ(errors_of(kEmpty), "accepted");
  EXPECT_NE(
      errors_of(std::string(kEmpty) + "[[events]]\nat = \"5s\"\ndo = \"crash\"\nwho = \"homes\"")
          .find("there are no homes: their count is 0"),
      std::string::npos);
  EXPECT_NE(errors_of("[groups.boot]\nrole = \"bootstrap\"\ncount = 0\n[groups.homes]")
                .find("nobody is the bootstrap node"),
            std::string::npos);
}

TEST(ParseScenario, RefusesAWorldWithoutAWayIn) {
  EXPECT_EQ(errors_of("until = \"1min\""),
            "a.toml:1:1: groups: nobody is there; add a group, as [groups.homes]");
  EXPECT_NE(errors_of("[groups.homes]").find("nobody is the bootstrap node"), std::string::npos);
}

TEST(ParseScenario, TellsEverythingThatIsWrongInTheOrderOfTheFile) {
  EXPECT_EQ(errors_of("util = \"1min\"\n[groups.homes]\ncount = -1\nfilterng = 1\n"),
            "a.toml:1:1: util: unknown; did you mean 'until'?\n"
            "a.toml:3:9: groups.homes.count: -1 is too few; 0 to 20000\n"
            "a.toml:4:1: groups.homes.filterng: unknown; known here: role, count, scales, "
            "families, second_ipv4, temporary_ipv6, nat, per_nat, link, other_nat, other_link, "
            "other_up, bridge, firewall, firewall_expiry, "
            "udp_blocked, cities, start, starts, clock_offset, clock_drift_ppm, announces, "
            "mailbox, lan, force_relay");
}

TEST(ParseScenario, StopsCollectingAtTwentyErrors) {
  std::string toml;
  for (int i = 0; i < 100; ++i) toml += "key" + std::to_string(i) + " = 1\n";
  const auto scenario = parse_scenario(toml, "a.toml");
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().size(), kScenarioErrorsMax);
}

TEST(ParseScenario, RefusesWhatIsNoToml) {
  EXPECT_TRUE(errors_of("until = ").starts_with("a.toml:1:")) << errors_of("until = ");
  EXPECT_EQ(errors_of(std::string(kScenarioBytesMax + 1, '#')),
            "a.toml: is longer than 1 MiB: no scenario");
}

}  // namespace
}  // namespace kadwire::testnet
