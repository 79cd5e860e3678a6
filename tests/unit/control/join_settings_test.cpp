#include "node/control/join_settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <set>

#include "crypto/mesh_address.h"

namespace kadwire::control {
namespace {

TEST(InterfaceName, IsALetterThenLettersDigitsUnderscoresOrDashes) {
  for (const char* good : {"a", "kadwire0", "Office_2-b", "abcdefghijklmno"}) {
    EXPECT_TRUE(is_interface_name(good)) << good;
  }
  for (const std::string& bad :
       {std::string(""), std::string("0a"), std::string("_a"), std::string("abcdefghijklmnop"),
        std::string("a.b"), std::string("a/b"), std::string(".."), std::string("a\\b"),
        std::string("a b"), std::string("a\0b", 3), std::string("\xc3\xa4")}) {
    EXPECT_FALSE(is_interface_name(bad)) << bad;
  }
}

TEST(ParseBootstrapHost, TakesNamesAndAddressesWithAndWithoutPort) {
  struct Case {
    const char* text;
    const char* host;
    std::uint16_t port;
  };
  for (const Case& good :
       {Case{"example.org", "example.org", 4222}, Case{"example.org:5", "example.org", 5},
        Case{"192.0.2.1", "192.0.2.1", 4222}, Case{"192.0.2.1:65535", "192.0.2.1", 65535},
        Case{"2001:db8::1", "2001:db8::1", 4222}, Case{"[2001:db8::1]:7", "2001:db8::1", 7}}) {
    const auto host = node::parse_bootstrap_host(good.text);
    ASSERT_TRUE(host) << good.text;
    EXPECT_EQ(host->host, good.host);
    EXPECT_EQ(host->port, good.port);
  }
}

TEST(ParseBootstrapHost, RefusesEverythingElse) {
  for (const std::string& bad :
       {std::string(""), std::string(":4222"), std::string("host:"), std::string("host:0"),
        std::string("host:65536"), std::string("host:4222x"), std::string("-host"),
        std::string("ho st"), std::string("[2001:db8::1]"), std::string("[2001:db8::1]:"),
        std::string("host:1:2"), std::string("http://host"), std::string(254, 'a')}) {
    EXPECT_FALSE(node::parse_bootstrap_host(bad)) << bad;
  }
}

TEST(MeshHostname, IsWhatIsLeftOfTheMachinesFirstLabel) {
  EXPECT_EQ(mesh_hostname("alpha.example.org"), "alpha");
  EXPECT_EQ(mesh_hostname("alpha"), "alpha");
  EXPECT_EQ(mesh_hostname("my laptop!"), "mylaptop");
  EXPECT_EQ(mesh_hostname("--x"), "x");
  EXPECT_EQ(mesh_hostname(""), "node");
  EXPECT_EQ(mesh_hostname(".local"), "node");
  EXPECT_EQ(mesh_hostname("--"), "node");
  EXPECT_EQ(mesh_hostname("\xc3\xa4\n"), "node");
  EXPECT_EQ(mesh_hostname(std::string(100, 'a')), std::string(63, 'a'));
}

TEST(MeshHostname, IsAlwaysOneThatTheHostnameSettingTakes) {
  const auto settings = join_settings();
  const auto hostname = std::ranges::find(settings, "hostname", &Setting::name);
  ASSERT_NE(hostname, settings.end());
  for (const char* machine : {"alpha.example", "-_x", "my laptop", "", "a-", "\xff"}) {
    JoinSettings chosen;
    EXPECT_TRUE(hostname->apply(chosen, mesh_hostname(machine))) << machine;
  }
}

TEST(JoinSettingsTable, HasOneSettingForEachName) {
  std::set<std::string_view> names;
  for (const Setting& setting : join_settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(setting.value_name.empty(), setting.kind == ValueKind::kSwitch) << setting.name;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
  }
}

TEST(Overlay, KeepsWhatTheUpperLayerDoesNotMention) {
  JoinSettings base, over;
  base.interface = "office";
  base.listen_port = 1;
  base.bootstrap.emplace(2);
  base.no_ipv6 = true;
  over.listen_port = 2;
  over.bootstrap.emplace();
  const JoinSettings merged = overlay(base, over);
  EXPECT_EQ(merged.interface, "office");
  EXPECT_EQ(merged.listen_port, 2);
  EXPECT_TRUE(merged.bootstrap->empty());
  EXPECT_EQ(merged.no_ipv6, true);
  EXPECT_EQ(merged.dht_port, std::nullopt);
}

TEST(Overlay, CarriesEverySettingOfTheTable) {
  for (const Setting& setting : join_settings()) {
    const std::string_view value = setting.kind == ValueKind::kSwitch   ? "true"
                                   : setting.kind == ValueKind::kNumber ? "7"
                                   : setting.name == "log-level"        ? "warn"
                                   : setting.name == "endpoint"         ? "192.0.2.1:51820"
                                                                        : "name";
    JoinSettings over;
    ASSERT_TRUE(setting.apply(over, value)) << setting.name;
    // Merged over nothing, the layer must be as full as it was: applying again changes nothing.
    const JoinSettings merged = overlay({}, over);
    const bool kept =
        merged.secret_file || merged.interface || merged.hostname || merged.listen_port ||
        merged.dht_port || merged.bootstrap || merged.dht_network || merged.state_dir ||
        merged.socket_path || merged.log_level || merged.no_ipv6 || merged.start_afresh ||
        merged.clock_offset || merged.stun || merged.endpoints || merged.no_punching ||
        merged.introducer || merged.relay || merged.relay_rate_mbit || merged.relay_quota_gb ||
        merged.force_relay || merged.no_portmap || merged.no_lan;
    EXPECT_TRUE(kept) << setting.name << " is lost";
  }
}

JoinSettings with(std::string_view name, std::initializer_list<std::string_view> values) {
  JoinSettings settings;
  for (const Setting& setting : join_settings()) {
    if (setting.name != name) continue;
    for (const std::string_view value : values) EXPECT_TRUE(setting.apply(settings, value));
  }
  return settings;
}

node::DaemonOptions options_of(const JoinSettings& settings) {
  return to_daemon_options(settings, crypto::MeshSecret{}, "machine");
}

TEST(StunServers, HaveTheirOwnPortUnlessOneIsNamed) {
  const auto stun = options_of(with("stun", {"stun.example", "2001:db8::1", "a.example:5"})).stun;
  ASSERT_EQ(stun.size(), 3U);
  EXPECT_EQ(stun[0].port, 3478);
  EXPECT_EQ(stun[1].port, 3478);
  EXPECT_EQ(stun[2].port, 5);
}

TEST(StunServers, AreTheBootstrapHostsIfNobodySaysOtherwise) {
  const auto stun = options_of(with("bootstrap", {"own.example:4222"})).stun;
  ASSERT_EQ(stun.size(), 1U);
  EXPECT_EQ(stun[0].host, "own.example");
  EXPECT_EQ(stun[0].port, 3478);
  EXPECT_TRUE(options_of(with("bootstrap", {"none"})).stun.empty());
  EXPECT_TRUE(options_of(with("stun", {"none"})).stun.empty());
  EXPECT_GE(options_of({}).stun.size(), 2U) << "one alone cannot tell the kinds of NAT apart";
}

TEST(StaticEndpoints, AreWhereOthersCanSendTo) {
  const auto settings = join_settings();
  const auto setting = std::ranges::find(settings, "endpoint", &Setting::name);
  ASSERT_NE(setting, settings.end());
  for (const char* bad : {"0.0.0.0:7",
                          "[::]:7",
                          "127.0.0.1:7",
                          "127.9.9.9:7",
                          "[::1]:7",
                          "[::ffff:127.0.0.1]:7",
                          "224.0.0.1:7",
                          "239.1.2.3:7",
                          "[ff02::1]:7",
                          "255.255.255.255:7",
                          "169.254.1.2:7",
                          "[fe80::1]:7",
                          "192.0.2.1:0",
                          "192.0.2.1:65536",
                          "192.0.2.1",
                          "[2001:db8::1]",
                          "",
                          "192.0.2:7",
                          "192.0.2.256:7",
                          "name",
                          "name:0",
                          "name:",
                          ":7",
                          "na me:7",
                          "none"}) {
    JoinSettings into;
    EXPECT_FALSE(setting->apply(into, bad)) << bad;
    EXPECT_FALSE(into.endpoints) << bad;
  }
  for (const char* good : {"192.0.2.1:1", "10.0.0.1:51820", "192.168.1.2:7", "100.64.0.1:7",
                           "[2001:db8::1]:65535", "[fd00::1]:7"}) {
    JoinSettings into;
    EXPECT_TRUE(setting->apply(into, good)) << good;
  }
}

TEST(StaticEndpoints, MayBeNames) {
  const auto options =
      options_of(with("endpoint", {"vpn.example.org:51820", "192.0.2.1:5", "[2001:db8::1]:6"}));
  ASSERT_EQ(options.static_names.size(), 1U);
  EXPECT_EQ(options.static_names[0].host, "vpn.example.org");
  EXPECT_EQ(options.static_names[0].port, 51820);
  EXPECT_EQ(options.static_endpoints,
            (std::vector{*Endpoint::parse("192.0.2.1:5"), *Endpoint::parse("[2001:db8::1]:6")}));
}

TEST(StaticEndpoints, HaveHalfOfARecordsPlacesOfWhichANameTakesTwo) {
  const auto settings = join_settings();
  const auto setting = std::ranges::find(settings, "endpoint", &Setting::name);
  ASSERT_NE(setting, settings.end());
  JoinSettings full = with("endpoint", {"a.example:1", "192.0.2.1:1", "192.0.2.2:1"});
  EXPECT_FALSE(setting->apply(full, "192.0.2.3:1"));
  JoinSettings nearly = with("endpoint", {"a.example:1", "192.0.2.1:1"});
  EXPECT_FALSE(setting->apply(nearly, "b.example:1"));
  EXPECT_TRUE(setting->apply(nearly, "192.0.2.2:1"));
  EXPECT_EQ(nearly.endpoints->size(), 3U);
}

TEST(StaticEndpoints, AreOutsideTheMesh) {
  const crypto::MeshSecret secret = *crypto::parse_mesh_secret(
      "kadwire://v1/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8?net=10.20.0.0/16");
  const auto inside = crypto::mesh_ipv6_network(crypto::KeySchedule(secret)).address.to_string();
  EXPECT_TRUE(check_endpoints({}, secret));
  EXPECT_TRUE(check_endpoints(with("endpoint", {"10.21.0.1:7", "[fd00::1]:7"}), secret));
  EXPECT_FALSE(check_endpoints(with("endpoint", {"192.0.2.1:7", "10.20.0.1:7"}), secret));
  EXPECT_FALSE(check_endpoints(with("endpoint", {"[" + inside + "]:7"}), secret));
}

TEST(RelayWishes, AreKeptApartFromSayingNothing) {
  EXPECT_TRUE(options_of({}).relays);
  EXPECT_FALSE(options_of({}).always_relays);
  EXPECT_TRUE(options_of(with("relay", {"true"})).always_relays);
  EXPECT_FALSE(options_of(with("no-relay", {"true"})).relays);
  EXPECT_FALSE(options_of(with("relay", {"false"})).relays);
  EXPECT_TRUE(options_of(with("no-relay", {"false"})).relays);
  EXPECT_FALSE(options_of(with("no-relay", {"false"})).always_relays);
}

TEST(RelayRate, IsInMegabitsForTheOperatorAndInBytesForTheRelay) {
  EXPECT_EQ(options_of({}).relay_limits.bytes_per_second, 0U) << "no limit";
  EXPECT_EQ(options_of(with("relay-rate", {"1"})).relay_limits.bytes_per_second, 125'000U);
  EXPECT_EQ(options_of(with("relay-rate", {"10000"})).relay_limits.bytes_per_second,
            1'250'000'000U);
}

TEST(RelayRate, IsAWholeNumberWithinItsRange) {
  const auto settings = join_settings();
  const auto rate = std::ranges::find(settings, "relay-rate", &Setting::name);
  ASSERT_NE(rate, settings.end());
  for (const char* wrong : {"", "0", "-1", "10001", "1.5", "20M", " 20", "99999999999"}) {
    JoinSettings into;
    const auto applied = rate->apply(into, wrong);
    ASSERT_FALSE(applied) << wrong;
    EXPECT_NE(applied.error().message.find("(1 to 10000)"), std::string::npos);
    EXPECT_FALSE(into.relay_rate_mbit);
  }
}

TEST(RelayQuota, IsInGigabytesForTheOperatorAndInBytesForTheRelay) {
  EXPECT_EQ(options_of({}).relay_limits.bytes_per_day, 0U) << "no limit";
  EXPECT_EQ(options_of(with("relay-quota", {"1"})).relay_limits.bytes_per_day, 1'000'000'000U);
  EXPECT_EQ(options_of(with("relay-quota", {"100000"})).relay_limits.bytes_per_day,
            100'000'000'000'000U);
}

TEST(RelayQuota, IsAWholeNumberWithinItsRange) {
  const auto settings = join_settings();
  const auto quota = std::ranges::find(settings, "relay-quota", &Setting::name);
  ASSERT_NE(quota, settings.end());
  for (const char* wrong : {"", "0", "-1", "100001", "1.5", "20G", " 20", "99999999999"}) {
    JoinSettings into;
    const auto applied = quota->apply(into, wrong);
    ASSERT_FALSE(applied) << wrong;
    EXPECT_NE(applied.error().message.find("(1 to 100000)"), std::string::npos);
    EXPECT_FALSE(into.relay_quota_gb);
  }
}

TEST(RelayWishes, OfOneWhoForcesRelaysAreNotToBeOne) {
  const auto options = options_of(with("force-relay", {"true"}));
  EXPECT_TRUE(options.relayed_only);
  EXPECT_FALSE(options.relays);
}

TEST(IntroducerWish, IsTheDefaultAndCanBeTurnedOffEitherWay) {
  EXPECT_TRUE(options_of({}).introduces);
  EXPECT_TRUE(options_of(with("introducer", {"true"})).introduces);
  EXPECT_FALSE(options_of(with("no-introducer", {"true"})).introduces);
  EXPECT_FALSE(options_of(with("introducer", {"false"})).introduces);
}

TEST(CheckSettings, RefusesWhatCannotBeKeptTogether) {
  EXPECT_TRUE(check_settings({}));
  JoinSettings both = with("force-relay", {"true"});
  EXPECT_TRUE(check_settings(both));
  both.relay = true;
  EXPECT_FALSE(check_settings(both));
  both = with("no-punching", {"true"});
  EXPECT_TRUE(check_settings(both));
  both.force_relay = true;
  EXPECT_FALSE(check_settings(both));
  for (const char* forbids : {"no-relay", "force-relay", "no-punching"}) {
    both = with(forbids, {"true"});
    EXPECT_TRUE(check_settings(both));
    both.relay_rate_mbit = 20;
    EXPECT_FALSE(check_settings(both)) << forbids;
    both.relay_rate_mbit.reset();
    both.relay_quota_gb = 20;
    EXPECT_FALSE(check_settings(both)) << forbids;
  }
  both = with("relay", {"true"});
  both.relay_rate_mbit = both.relay_quota_gb = 20;
  EXPECT_TRUE(check_settings(both));
}

TEST(Overlay, LetsAFlagContradictTheFile) {
  EXPECT_EQ(overlay(with("no-relay", {"true"}), with("relay", {"true"})).relay, true);
  EXPECT_EQ(overlay(with("introducer", {"true"}), with("no-introducer", {"true"})).introducer,
            false);
}

TEST(SocketPathOf, FollowsTheInterface) {
  JoinSettings settings;
  EXPECT_EQ(socket_path_of(settings), "/run/kadwire/kadwire0.sock");
  settings.interface = "office";
  EXPECT_EQ(socket_path_of(settings), "/run/kadwire/office.sock");
  settings.socket_path = "/tmp/x.sock";
  EXPECT_EQ(socket_path_of(settings), "/tmp/x.sock");
}

}  // namespace
}  // namespace kadwire::control
