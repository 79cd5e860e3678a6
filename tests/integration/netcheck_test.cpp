/// `kadwire netcheck` behind real NATs, asking the lab's bootstrap host, which answers STUN at two
/// IPv4 addresses and one IPv6 address. As nobody, since it is said to need no rights.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>

#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// What the command promises from when it runs.
constexpr auto kPromised = 5s;
/// What starting it may take, against a start beside it that does nothing: load comes and goes.
constexpr int kSlowerStart = 10;
constexpr auto kGiveUp = 20s;
/// What 20 ms of cable may become in a packet that finds both cores free, which one of many does.
constexpr double kRttMaxMs = 20.0 + 30.0 * kSlowdown;
constexpr int kRttChecks = 5;
constexpr int kNoUdp = 3;

struct Checked {
  int exit_code = -1;
  json report;
  Duration took{};
  Duration start{};  ///< the longer one of two that did nothing, before it and after it
};

class NetcheckTest : public MeshTest {
 protected:
  void SetUp() override {
    MeshTest::SetUp();
    if (!IsSkipped()) must(mesh().start_bootstrap());
  }

  Place place(const char* surroundings) {
    return must(build_place(lab(), *find_surroundings(surroundings),
                            {.name = "host", .cable = {.delay = 10ms}}));
  }

  Checked check(const Host& host) {
    std::string arguments = "netcheck --json";
    const Host& bootstrap = mesh().bootstrap_host();
    for (const std::string& server : {bootstrap.ipv4().to_string(), std::string(kSecondStunAddress),
                                      bootstrap.ipv6().to_string()}) {
      arguments += " --stun " + server;
    }
    Checked checked;
    checked.start = run(host, "--version").second;
    std::tie(checked.exit_code, checked.took) = run(host, arguments);
    checked.report = json::parse(read_text(host.outside("/run/out")), nullptr, false);
    checked.start = std::max(checked.start, run(host, "--version").second);
    EXPECT_TRUE(checked.report.is_object());
    expect_within(kPromised, checked);
    return checked;
  }
  /// The exit code and what it took, the start included.
  static std::pair<int, Duration> run(const Host& host, const std::string& arguments) {
    const std::string command = "setpriv --reuid=65534 --regid=65534 --clear-groups " +
                                (program_folder() / "kadwire").string() + " " + arguments;
    Process process = must(host.spawn({"sh", "-c", command + " >/run/out"}, "netcheck"));
    const int exit_code = process.wait(kGiveUp).value_or(-1);
    return {exit_code, std::chrono::steady_clock::now() - process.spawned()};
  }
  static void expect_within(Duration promised, const Checked& checked) {
    EXPECT_LT(checked.took, promised * kSlowdown + checked.start * kSlowerStart)
        << "a start takes " << checked.start.count() << " ns";
  }

  /// The shortest round trip to any server.
  static double rtt_ms(const Checked& checked) {
    double shortest = std::numeric_limits<double>::infinity();
    for (const json& server : checked.report.at("servers")) {
      if (server.at("rtt_ms").is_number()) {
        shortest = std::min(shortest, server.at("rtt_ms").get<double>());
      }
    }
    return shortest;
  }

  static std::string mapping(const Checked& checked) {
    return checked.report.at("nat").at("ipv4").at("mapping");
  }
  /// The finding about a topic; null: none.
  static json finding(const Checked& checked, const std::string& topic) {
    for (const json& each : checked.report.at("findings")) {
      if (each.at("topic") == topic) return each;
    }
    return nullptr;
  }
  /// What is to be expected with peers behind strict NATs.
  static std::string with_strict_nats(const Checked& checked) {
    return checked.report.at("expectations").back().at("prospect");
  }
};

TEST_F(NetcheckTest, SeesThatAPublicHostHasNoNat) {
  const Checked checked = check(*place("public").host);
  EXPECT_EQ(checked.exit_code, 0);
  EXPECT_EQ(mapping(checked), "none");
  EXPECT_EQ(with_strict_nats(checked), "direct");
}

TEST_F(NetcheckTest, SeesAUsualHomeNatAndThatItDoesNotTurnPacketsRound) {
  const Place behind = place("port-restricted");
  const Checked checked = check(*behind.host);
  EXPECT_EQ(checked.exit_code, 0);
  EXPECT_EQ(mapping(checked), "endpoint-independent");
  EXPECT_EQ(checked.report.at("nat").at("ipv4").at("preserves_port"), true);
  EXPECT_EQ(checked.report.at("hairpin"), false);
  EXPECT_EQ(with_strict_nats(checked), "direct");
  double rtt = rtt_ms(checked);
  for (int i = 1; i < kRttChecks && rtt >= kRttMaxMs; ++i) {
    rtt = std::min(rtt, rtt_ms(check(*behind.host)));
  }
  EXPECT_GE(rtt, 20.0);
  EXPECT_LT(rtt, kRttMaxMs);
}

TEST_F(NetcheckTest, SeesWhosePacketsEachKindLetsIn) {
  const std::pair<const char*, const char*> kinds[] = {
      {"public", "endpoint-independent"},
      {"full-cone", "endpoint-independent"},
      {"address-restricted", "address-dependent"},
      {"port-restricted", "address-and-port-dependent"},
      {"host-firewall", "address-and-port-dependent"}};
  for (const auto& [kind, expected] : kinds) {
    const Place behind = must(
        build_place(lab(), *find_surroundings(kind), {.name = kind, .cable = {.delay = 10ms}}));
    const Checked checked = check(*behind.host);
    EXPECT_EQ(checked.report.at("nat").at("ipv4").at("filtering"), expected) << kind;
    EXPECT_EQ(finding(checked, "filter-v4").at("certain"), true) << kind;
  }
}

TEST_F(NetcheckTest, SeesANatThatTurnsPacketsRound) {
  const Place behind = place("hairpin-cone");
  // Where the machine has br_netfilter, the gateway's bridge would translate before its router, and
  // send nothing back to where it came from.
  must(behind.gateways.front()->host().run(
      {"sh", "-c",
       "cd /proc/sys/net/bridge 2>/dev/null || exit 0; echo 0 >bridge-nf-call-iptables"}));
  EXPECT_EQ(check(*behind.host).report.at("hairpin"), true);
}

TEST_F(NetcheckTest, SeesARandomPortForEachDestinationAndAdvisesForwarding) {
  const Checked checked = check(*place("symmetric-random").host);
  EXPECT_EQ(mapping(checked), "endpoint-dependent");
  EXPECT_EQ(checked.report.at("nat").at("ipv4").at("random_ports"), true);
  EXPECT_EQ(finding(checked, "ports").at("certain"), false) << "two ports may be chance";
  EXPECT_EQ(with_strict_nats(checked), "relayed");
  EXPECT_NE(checked.report.at("changes").dump().find("forward UDP 51820"), std::string::npos);
}

TEST_F(NetcheckTest, SeesPortsThatFollowInARow) {
  const Checked checked = check(*place("symmetric-sequential").host);
  EXPECT_EQ(mapping(checked), "endpoint-dependent");
  EXPECT_EQ(checked.report.at("nat").at("ipv4").at("port_step"), 1);
}

TEST_F(NetcheckTest, SaysThatASecondNatCannotBeRuledOut) {
  const Checked checked = check(*place("cgnat").host);
  EXPECT_EQ(mapping(checked), "endpoint-independent");
  EXPECT_EQ(finding(checked, "nats").at("certain"), false);
}

TEST_F(NetcheckTest, FindsThatIpv6WorksWhereItDoes) {
  const Place behind = place("dual-stack");
  const Checked checked = check(*behind.host);
  EXPECT_EQ(checked.report.at("servers").at(2).at("mapped").get<std::string>().find(
                "[" + behind.host->ipv6().to_string() + "]"),
            0U);
  EXPECT_EQ(finding(checked, "ipv6").at("text"), "works, without translation");
}

TEST_F(NetcheckTest, SaysThatUdpIsBlockedWhereItIs) {
  const Checked checked = check(*place("blocked").host);
  EXPECT_EQ(checked.exit_code, kNoUdp);
  EXPECT_EQ(checked.report.at("udp"), false);
  EXPECT_EQ(finding(checked, "udp").at("certain"), true);
}

TEST_F(NetcheckTest, SaysAtOnceThatThereIsNoNetwork) {
  const Place lonely = place("public");
  must(lonely.host->run({"ip", "link", "set", "eth0", "down"}));
  const Checked checked = check(*lonely.host);
  EXPECT_EQ(checked.exit_code, kNoUdp);
  EXPECT_EQ(finding(checked, "udp").at("text"), "this host has no network");
  expect_within(1s, checked);
}

}  // namespace
}  // namespace kadwire::lab
