#include "node/control/answer_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "node/control/text.h"
#include "node/control/view_json.h"
#include "tests/support/fake_inspector.h"

namespace kadwire::control {
namespace {

using nlohmann::json;

constexpr WallTime kNow{1'767'323'045'678ms};

node::PeerView full_peer() {
  node::PeerView peer = kadwire::testing::peer_named("alpha", {0xab});
  peer.ipv4 = IpAddress::v4(0x0a050607);
  peer.endpoint = Endpoint::parse("192.0.2.1:51820");
  peer.last_handshake = kNow - 65s;
  peer.last_seen = kNow - 2s;
  peer.rx_bytes = 2048;
  peer.tx_bytes = 10;
  peer.discovered_via = {"dht", "cache"};
  return peer;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(DescribePeers, PutsEverythingThatIsKnownIntoOneRow) {
  const json list{{"peers", {to_json(full_peer())}}};
  const std::string text = describe_peers(list, kNow, false);
  for (const char* part : {"HOSTNAME", "alpha", "10.5.6.7", "192.0.2.1:51820", "direct",
                           "1m 5s ago", "2.0 KiB / 10 B"}) {
    EXPECT_TRUE(contains(text, part)) << part << " in\n" << text;
  }
  EXPECT_TRUE(contains(text, full_peer().node.short_form())) << text;
}

TEST(DescribePeers, SaysThatThereAreNone) {
  EXPECT_EQ(describe_peers({{"peers", json::array()}}, kNow, false), "No peers yet\n");
  EXPECT_EQ(describe_peers({}, kNow, false), "No peers yet\n");
}

TEST(DescribePeers, ColoursThePathOnlyOnRequest) {
  const json list{{"peers", {to_json(full_peer())}}};
  EXPECT_FALSE(contains(describe_peers(list, kNow, false), "\033"));
  EXPECT_TRUE(contains(describe_peers(list, kNow, true), "\033[32mdirect\033[0m"));
}

TEST(DescribePeer, ShowsADashForWhatIsMissingOrOfAnotherType) {
  const std::string nothing = describe_peer({}, kNow);
  EXPECT_TRUE(contains(nothing, "Hostname:       -\n")) << nothing;
  EXPECT_TRUE(contains(nothing, "Last seen:      -\n")) << nothing;
  const json odd{{"hostname", nullptr},
                 {"last_seen", "soon"},
                 {"rx_bytes", -1},
                 {"discovered_via", "x"},
                 {"endpoint", {1, 2}}};
  const std::string text = describe_peer(odd, kNow);
  EXPECT_TRUE(contains(text, "Last seen:      -\n")) << text;
  EXPECT_TRUE(contains(text, "Received:       0 B\n")) << text;
  EXPECT_TRUE(contains(text, "Discovered via: -\n")) << text;
}

TEST(DescribePeer, ShowsTheWholeNodeId) {
  const std::string text = describe_peer(to_json(full_peer()), kNow);
  EXPECT_TRUE(contains(text, full_peer().node.to_hex())) << text;
  EXPECT_TRUE(contains(text, "Discovered via: dht, cache\n")) << text;
}

TEST(DescribePeer, ShowsAHandshakeInTheFutureAsNow) {
  node::PeerView peer = full_peer();
  peer.last_handshake = kNow + 5s;
  EXPECT_TRUE(contains(describe_peer(to_json(peer), kNow), "Last handshake: 0s ago\n"));
}

TEST(DescribeStatus, ListsProblemsOnlyIfThereAreAny) {
  node::NodeView node;
  node.uptime = 3h;
  const std::string well = describe_status(to_json(node), false);
  EXPECT_FALSE(contains(well, "Problems")) << well;
  EXPECT_TRUE(contains(well, "Uptime:         3h 0m\n")) << well;
  EXPECT_TRUE(contains(well, "Peers:          0 active of 0\n")) << well;
  node.problems = {"no IPv6", "no DHT"};
  EXPECT_TRUE(contains(describe_status(to_json(node), false), "Problems:\n  no IPv6\n  no DHT\n"));
}

TEST(DescribeStatus, SaysWhatTheNatMapsAndLetsIn) {
  node::NodeView node;
  node.nat_ipv4.behavior.mapping = rendezvous::MappingBehavior::kEndpointIndependent;
  node.nat_ipv4.filtering = rendezvous::FilteringBehavior::kAddressDependent;
  const std::string text = describe_status(to_json(node), false);
  EXPECT_TRUE(
      contains(text, "NAT, IPv4:      mapping endpoint-independent, filtering address-dependent\n"))
      << text;
  EXPECT_TRUE(contains(text, "NAT, IPv6:      mapping unknown, filtering unknown\n")) << text;
  EXPECT_TRUE(contains(describe_status(json::object(), false), "NAT, IPv4:      -\n"));
}

TEST(DescribeStatus, SaysHowLongTheNatKeepsWhatIsIdle) {
  node::NodeView node;
  node.nat_ipv4.lifetime = {59s, 89s};
  node.nat_ipv6.lifetime = {179s, std::nullopt};
  const std::string text = describe_status(to_json(node), false);
  EXPECT_TRUE(contains(text, "filtering unknown, idle mappings kept 59 to 89 s\n")) << text;
  EXPECT_TRUE(contains(text, "filtering unknown, idle mappings kept 179 s or more\n")) << text;
  node.nat_ipv4.lifetime = {std::nullopt, 14s};
  EXPECT_TRUE(contains(describe_status(to_json(node), false), "idle mappings kept less than 14 s"));
}

TEST(DescribeStatus, SaysWhatTheGatewayMapsAndHow) {
  node::NodeView node;
  EXPECT_TRUE(contains(describe_status(to_json(node), false), "Port mapping:   -\n"));
  node.port_mapping = {"PCP", Endpoint::parse("203.0.113.5:51820"), 1200s, true};
  EXPECT_TRUE(contains(describe_status(to_json(node), false),
                       "Port mapping:   203.0.113.5:51820 by PCP, for another 20m 0s\n"));
  node.port_mapping = {"UPnP", std::nullopt, 59s, false};
  EXPECT_TRUE(contains(
      describe_status(to_json(node), false),
      "Port mapping:   - by UPnP, for another 59s; not announced: the gateway has no public "));
}

TEST(DescribeStatus, SaysThatAnOperatorWantsNoDirectPaths) {
  node::NodeView node;
  EXPECT_TRUE(contains(describe_status(to_json(node), false), "Paths:          direct where"));
  node.relayed_only = true;
  EXPECT_TRUE(contains(describe_status(to_json(node), false), "by the operator's wish"));
}

TEST(DescribeStatus, SaysWhatIsRelayedForOthers) {
  node::NodeView node;
  EXPECT_TRUE(contains(describe_status(to_json(node), false), "Relay:          -\n"));
  node.relay.emplace();
  node.relay->offered = true;
  node.relay->pairs = 3;
  node.relay->requests = {.refused = 4, .challenged = 5, .proven = 6};
  node.relay->traffic.forwarded_bytes = 3 << 20;
  node.relay->traffic.unheard = 8;
  node.relay->traffic.open_failed = 1;
  EXPECT_TRUE(contains(describe_status(to_json(node), false),
                       "Relay:          offered; 3 pairs, 3.0 MiB passed on, 0 % busy\n"));
  const json relay = to_json(node)["relay"];
  EXPECT_TRUE(relay["day_bytes_max"].is_null());
  EXPECT_EQ(relay["requests_refused"], 5);
  EXPECT_EQ(relay["ends_challenged"], 5);
  EXPECT_EQ(relay["ends_proven"], 6);
  EXPECT_EQ(relay["dropped"]["unheard"], 8);
  EXPECT_EQ(relay["pairs_max"], rendezvous::kRelayedPairsMax);
}

TEST(DescribeStatus, SaysWhatIsLeftOfARelaysQuota) {
  node::NodeView node;
  node.relay.emplace();
  node.relay->load = 40;
  node.relay->busy = {.load = 40, .day_bytes = 40ULL << 30, .quota_bytes = 100ULL << 30};
  EXPECT_TRUE(contains(describe_status(to_json(node), false),
                       "passed on, 40 % busy; 40.0 GiB of 100.0 GiB in 24 h\n"));
  node.relay->busy.used_up = true;
  EXPECT_TRUE(contains(describe_status(to_json(node), false), " in 24 h, used up\n"));
  const json relay = to_json(node)["relay"];
  EXPECT_EQ(relay["load_percent"], 40);
  EXPECT_EQ(relay["day_bytes"], 40ULL << 30);
  EXPECT_EQ(relay["day_bytes_max"], 100ULL << 30);
  EXPECT_EQ(relay["used_up"], true);
}

TEST(DescribeStatus, SurvivesAnAnswerOfAnotherShape) {
  EXPECT_EQ(describe_status(json::array(), false), "");
  EXPECT_TRUE(contains(describe_status({{"dht", 7}, {"peers", "x"}}, false), "DHT:"));
  const json odd = json::parse(R"({"port_mapping": {"protocol": 7}})");
  EXPECT_TRUE(contains(describe_status(odd, false), "Port mapping:   - by 7, for another 0s; not"));
}

}  // namespace
}  // namespace kadwire::control
