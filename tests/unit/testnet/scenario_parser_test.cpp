#include "tools/testnet/scenario/scenario_parser.h"

#include <gtest/gtest.h>

#include "tests/unit/testnet/small_scenario.h"
#include "tools/testnet/scenario/scaling.h"

namespace kadwire::testnet {
namespace {

Scenario parse(std::string_view toml, std::vector<std::string> overrides = {}) {
  auto scenario = parse_scenario(toml, "folder/small.toml", overrides);
  EXPECT_TRUE(scenario) << to_text(scenario.error());
  return std::move(scenario).value();  // throws if the parser refused it
}

TEST(ParseScenario, GivesDefaultsToWhatIsNotSaid) {
  const Scenario scenario = parse(kSmall);
  EXPECT_EQ(scenario.name, "small");
  EXPECT_EQ(scenario.until, Duration(10min));
  ASSERT_EQ(scenario.groups.size(), 2U);
  EXPECT_EQ(scenario.groups[1].name, "homes");
  EXPECT_EQ(scenario.groups[1].role, Role::kMember);
  EXPECT_EQ(scenario.groups[1].link, "default");
  EXPECT_EQ(scenario.links.at("default").latency.low, Duration(10ms));
  EXPECT_TRUE(scenario.expect.connected);
  EXPECT_EQ(count_nodes(scenario), 11U);
  EXPECT_EQ(count_members(scenario), 10U);
}

TEST(ParseScenario, ReadsTheTop) {
  const Scenario scenario = parse(R"(summary = "Ten."
until = "1h30min"
starts_at = "2026-01-01T02:20:00+02:00"
sample_every = "5s"
[ping]
every = "30s"
peers = 3
early = true
[groups.bootstrap]
role = "bootstrap"
)");
  EXPECT_EQ(scenario.summary, "Ten.");
  EXPECT_EQ(scenario.until, Duration(90min));
  EXPECT_EQ(scenario.wall_start, Scenario{}.wall_start);
  EXPECT_EQ(scenario.sample_every, Duration(5s));
  EXPECT_EQ(scenario.ping_every, Duration(30s));
  EXPECT_EQ(scenario.ping_peers_max, 3U);
  EXPECT_TRUE(scenario.ping_early);
}

TEST(ParseScenario, TakesADateWithAndWithoutQuotes) {
  const std::string rest = "\n" + std::string(kSmall);
  const WallTime quoted = parse("starts_at = \"2026-01-01T00:50:00Z\"" + rest).wall_start;
  EXPECT_EQ(quoted, parse("starts_at = 2026-01-01T00:50:00Z" + rest).wall_start);
  EXPECT_EQ(quoted - Scenario{}.wall_start, std::chrono::minutes(30));
}

TEST(ParseScenario, ReadsLinks) {
  const Scenario scenario = parse(std::string(kSmall) + R"toml(
[links.default]
loss = 0.01
[links.mobile]
latency = "lognormal(35ms, 0.4)"
jitter = "3ms"
burst = { enter = "0.5%", leave = "20%", loss = "90%" }
duplicate = "1%"
reorder = "2%"
reorder_by = "15ms"
bandwidth = "20Mbit"
queue = "64KiB"
mtu = 1400
mtu_told = false
)toml");
  EXPECT_EQ(scenario.links.at("default").loss, 0.01);
  const LinkModel& mobile = scenario.links.at("mobile");
  EXPECT_EQ(mobile.latency.shape, LatencyModel::Shape::kLogNormal);
  EXPECT_EQ(mobile.jitter, Duration(3ms));
  ASSERT_TRUE(mobile.bursts);
  EXPECT_EQ(mobile.bursts->enter, 0.005);
  EXPECT_EQ(mobile.bursts->leave, 0.2);
  EXPECT_EQ(mobile.bursts->loss, 0.9);
  EXPECT_EQ(mobile.duplicate, 0.01);
  EXPECT_EQ(mobile.reorder, 0.02);
  EXPECT_EQ(mobile.reorder_by, Duration(15ms));
  EXPECT_EQ(mobile.bits_per_second, 20'000'000U);
  EXPECT_EQ(mobile.queue_bytes, 65'536U);
  EXPECT_EQ(mobile.mtu_bytes, 1400U);
  EXPECT_FALSE(mobile.mtu_told);
}

TEST(ParseScenario, ChangesAKindOfNatByWhatElseIsSaid) {
  const Scenario scenario = parse(std::string(kSmall) + R"(
[gateways.carrier]
expiry = "30s"
kind = "symmetric-random"
subscribers = 128
mapping_protocol = "both"
mapping_lease = "10min"
mapping_refused = true
[gateways.box]
behind = "carrier"
mapping = "address-dependent"
filtering = "endpoint-independent"
ports = "sequential"
step = 2
refresh = "outbound"
hairpin = true
mappings = 100
ipv6_firewall = "none"
)");
  const GatewayModel& carrier = scenario.gateways.at("carrier");
  EXPECT_EQ(carrier.nat.mapping, Dependence::kAddressAndPortDependent);
  EXPECT_EQ(carrier.nat.expiry, Duration(30s));
  EXPECT_EQ(carrier.subscribers, 128U);
  EXPECT_EQ(carrier.mapping.protocols, MappingProtocols::kBoth);
  EXPECT_EQ(carrier.mapping.lease_max, 10min);
  EXPECT_TRUE(carrier.mapping.refuses);
  EXPECT_TRUE(carrier.ipv6_firewall.stateful);
  const GatewayModel& box = scenario.gateways.at("box");
  EXPECT_EQ(box.behind, "carrier");
  const NatModel expected{Dependence::kAddressDependent,
                          Dependence::kEndpointIndependent,
                          PortAllocation::kSequential,
                          2,
                          NatModel{}.expiry,
                          Refresh::kOutbound,
                          true,
                          100,
                          false};
  EXPECT_EQ(box.nat, expected);
  EXPECT_FALSE(box.ipv6_firewall.stateful);
}

TEST(ParseScenario, ReadsGroupsInTheOrderOfTheFile) {
  const Scenario scenario = parse(R"([groups.zebras]
role = "bootstrap"
[groups.homes]
count = 4
scales = true
families = "ipv4"
second_ipv4 = true
nat = "port-restricted"
per_nat = 2
link = "home"
other_nat = "none"
other_link = "default"
other_up = true
bridge = true
firewall = "stateful"
firewall_expiry = "1min"
udp_blocked = true
cities = ["berlin", "tokyo"]
start = "5s..10s"
starts = false
clock_offset = "-3min..3min"
clock_drift_ppm = -20.5
announces = false
[links.home]
)");
  ASSERT_EQ(scenario.groups.size(), 2U);
  EXPECT_EQ(scenario.groups[0].name, "zebras");
  const Group& homes = scenario.groups[1];
  EXPECT_EQ(homes.count, 4U);
  EXPECT_TRUE(homes.scales);
  EXPECT_EQ(homes.families, Families::kIpv4);
  EXPECT_TRUE(homes.second_ipv4);
  EXPECT_EQ(homes.temporary_ipv6, Duration{0});
  EXPECT_EQ(homes.nat, "port-restricted");
  EXPECT_EQ(homes.per_nat, 2U);
  EXPECT_EQ(homes.link, "home");
  EXPECT_EQ(homes.other_nat, "");
  EXPECT_TRUE(homes.other_up);
  EXPECT_TRUE(homes.bridge);
  EXPECT_EQ(homes.other_link, "default");
  EXPECT_EQ(homes.firewall, (FirewallModel{true, 1min}));
  EXPECT_TRUE(homes.udp_blocked);
  EXPECT_EQ(homes.cities, (std::vector<std::string>{"berlin", "tokyo"}));
  EXPECT_EQ(homes.start.high, Duration(10s));
  EXPECT_FALSE(homes.starts);
  EXPECT_EQ(homes.clock_offset.low, Duration(-3min));
  EXPECT_EQ(homes.clock_drift_ppm, -20.5);
  EXPECT_FALSE(homes.announces);
}

TEST(ParseScenario, ReadsEvents) {
  const Scenario scenario = parse(std::string(kSmall) + R"(
[[events]]
every = "30s"
until = "5min"
do = "restart"
who = "1 of homes"
[[events]]
at = "1min"
do = "partition"
who = "homes[0]"
from = "25% of members"
lasting = "2min"
[[events]]
at = "2min"
do = "one-way-loss"
who = "homes"
share = "50%"
[[events]]
at = "3min"
do = "clock-step"
who = "home*"
by = "-90s"
)");
  ASSERT_EQ(scenario.events.size(), 4U);
  EXPECT_EQ(scenario.events[0].kind, EventKind::kRestart);
  EXPECT_EQ(scenario.events[0].at, Duration(30s));
  EXPECT_EQ(scenario.events[0].every, Duration(30s));
  EXPECT_EQ(scenario.events[0].until, Duration(5min));
  EXPECT_EQ(scenario.events[0].who.count, 1U);
  ASSERT_TRUE(scenario.events[1].from);
  EXPECT_EQ(scenario.events[1].from->share, 0.25);
  EXPECT_EQ(scenario.events[1].lasting, Duration(2min));
  EXPECT_EQ(scenario.events[2].share, 0.5);
  EXPECT_EQ(scenario.events[3].by, Duration(-90s));
  EXPECT_TRUE(means(scenario.events[3].who, scenario.groups[1]));
  EXPECT_FALSE(means(scenario.events[3].who, scenario.groups[0]));
}

TEST(ParseScenario, ReadsExpectations) {
  const Expectations expect = parse(std::string(kSmall) + R"(
[expect]
connected = false
connected_within = "30s"
reconnected_within = "20s"
first_tunnel_p50 = "2s"
first_tunnel_p95 = "4s"
pings_lost = "1%"
longest_silence = "900ms"
path_swaps = 3
direct_share = "90%"
pairs_min = 40
pairs_max = 45
bytes_per_second = "2kB"
)")
                                  .expect;
  EXPECT_FALSE(expect.connected);
  EXPECT_EQ(expect.connected_within, Duration(30s));
  EXPECT_EQ(expect.reconnected_within, Duration(20s));
  EXPECT_EQ(expect.first_tunnel_p50, Duration(2s));
  EXPECT_EQ(expect.first_tunnel_p95, Duration(4s));
  EXPECT_EQ(expect.pings_lost_max, 0.01);
  EXPECT_EQ(expect.longest_silence, 900ms);
  EXPECT_EQ(expect.path_swaps_max, 3U);
  EXPECT_EQ(expect.direct_share_min, 0.9);
  EXPECT_EQ(expect.pairs_min, 40U);
  EXPECT_EQ(expect.pairs_max, 45U);
  EXPECT_EQ(expect.bytes_per_second_max, 2000.0);
}

TEST(Overrides, ChangeOneValue) {
  const Scenario scenario =
      parse(std::string(kSmall) + "[[events]]\nat = \"1min\"\ndo = \"crash\"\nwho = \"homes\"",
            {"groups.homes.count=20", "until=2h", "links.default.loss=5%", "events[0].at=\"90s\"",
             "expect.connected=false", "starts_at=2026-01-01T00:50:00Z", "ping.every=0",
             "summary=two words and a \"quote\""});
  EXPECT_EQ(scenario.groups[1].count, 20U);
  EXPECT_EQ(scenario.until, Duration(2h));
  EXPECT_EQ(scenario.links.at("default").loss, 0.05);
  EXPECT_EQ(scenario.events[0].at, Duration(90s));
  EXPECT_FALSE(scenario.expect.connected);
  EXPECT_EQ(scenario.wall_start - Scenario{}.wall_start, std::chrono::minutes(30));
  EXPECT_EQ(scenario.summary, "two words and a \"quote\"");
}

TEST(Overrides, RefuseAPathThatLeadsNowhere) {
  struct Case {
    std::string text;
    std::string_view error;
  };
  for (const Case& bad : {
           Case{"groups.hoems.count=20",
                "--set groups.hoems.count=20: groups: 'hoems' is unknown; did you mean "
                "'homes'?"},
           Case{"groups.homes.cuont=20",
                "--set groups.homes.cuont=20: groups.homes.cuont: unknown; did you mean 'count'?"},
           Case{"groups.homes.count=-1",
                "--set groups.homes.count=-1: groups.homes.count: -1 is too few; 0 to 20000"},
           Case{"groups.homes=5",
                "--set groups.homes=5: groups.homes: is a table; name one of its values"},
           Case{"groups.homes.count.x=5",
                "--set groups.homes.count.x=5: groups.homes.count: is a value and holds no others"},
           Case{"events[3].at=5s",
                "--set events[3].at=5s: events: there is no [3]: 0 of them, the first is [0]"},
           Case{"util=5s", "--set util=5s: util: unknown; did you mean 'until'?"},
           Case{"until", "--set until: needs KEY=VALUE, as"},
           Case{"=5", "--set =5: needs KEY=VALUE, as"},
           Case{"a..b=5", "--set a..b=5: needs KEY=VALUE, as"},
           Case{"events[x].at=5", "--set events[x].at=5: needs KEY=VALUE, as"},
           Case{"until=5s\nsummary=\"x\"", "until: needs a text in quotes"},
       }) {
    const std::string errors = errors_of(kSmall, {bad.text});
    if (bad.text.find('\n') != std::string::npos) {
      EXPECT_NE(errors, "accepted") << "a line break brings in no second key";
      continue;
    }
    EXPECT_NE(errors.find(bad.error), std::string::npos) << bad.text << "\n" << errors;
  }
}

TEST(Overrides, OfTheEndLeaveOutWhatWouldComeAfter) {
  const std::string toml =
      std::string(kSmall) + "[[events]]\nat = \"5min\"\ndo = \"crash\"\nwho = \"homes\"";
  EXPECT_EQ(parse(toml, {"until=1min"}).until, Duration(1min));
  EXPECT_NE(errors_of("until = \"1min\"\n" + toml), "accepted");
}

TEST(ScaleMembers, ChangesTheLargestGroupOfMembers) {
  Scenario scenario = parse(std::string(kSmall) + "[groups.servers]\ncount = 5\n");
  ASSERT_TRUE(scale_members(scenario, 50));
  EXPECT_EQ(find_group(scenario, "homes")->count, 50U);
  EXPECT_EQ(find_group(scenario, "servers")->count, 5U);
}

TEST(ScaleMembers, ChangesTheGroupThatSaysSo) {
  Scenario scenario = parse(std::string(kSmall) + "[groups.dht]\nrole = \"dht\"\nscales = true\n");
  ASSERT_TRUE(scale_members(scenario, 50));
  EXPECT_EQ(find_group(scenario, "dht")->count, 50U);
  EXPECT_EQ(find_group(scenario, "homes")->count, 10U);
}

TEST(ScaleMembers, LeavesOutWhatWasExpectedOfAllMembersTogether) {
  const Scenario whole = parse(std::string(kSmall) +
                               "[groups.dht]\nrole = \"dht\"\n[expect]\npairs_min = 45\npairs_max "
                               "= 45\npath_swaps = 3\npings_lost = \"1%\"\n");
  Scenario scenario = whole;
  ASSERT_TRUE(scale_members(scenario, 10));
  EXPECT_EQ(scenario.expect.pairs_min, 45U) << "as many as before";
  ASSERT_TRUE(scale_members(scenario, 5));
  EXPECT_EQ(scenario.expect.pairs_min, std::nullopt);
  EXPECT_EQ(scenario.expect.pairs_max, std::nullopt);
  EXPECT_EQ(scenario.expect.path_swaps_max, std::nullopt);
  EXPECT_EQ(scenario.expect.pings_lost_max, 0.01);
  EXPECT_TRUE(scenario.expect.connected);
  scenario = whole;
  scenario.groups.back().scales = true;
  ASSERT_TRUE(scale_members(scenario, 50));
  EXPECT_EQ(scenario.expect.pairs_min, 45U) << "as many members as before";
}

TEST(ScaleMembers, RefusesWhatWouldNotFitAndChangesNothing) {
  Scenario scenario =
      parse(std::string(kSmall) + "[[events]]\nat = \"1min\"\ndo = \"crash\"\nwho = \"homes[5]\"");
  const auto too_few = scale_members(scenario, 5);
  ASSERT_FALSE(too_few);
  EXPECT_EQ(too_few.error(),
            "the event crash at 1min would find nobody: there is no homes[5]; homes[0] to "
            "homes[4]");
  EXPECT_FALSE(scale_members(scenario, 0));
  EXPECT_FALSE(scale_members(scenario, kNodesMax));
  EXPECT_EQ(find_group(scenario, "homes")->count, 10U);
  Scenario nobody = parse("[groups.bootstrap]\nrole = \"bootstrap\"");
  EXPECT_FALSE(scale_members(nobody, 5));
}

}  // namespace
}  // namespace kadwire::testnet
