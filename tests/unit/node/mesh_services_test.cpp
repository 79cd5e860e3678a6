/// What a node's record says that it does for others, and wants of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "node/mesh_node.h"
#include "rendezvous/beacon.h"
#include "rendezvous/stun_responder.h"
#include "tests/support/made_up.h"
#include "tests/support/test_mesh.h"

namespace kadwire::testing {
namespace {

constexpr std::uint16_t kPort = 51820;
constexpr const char* kPrivate = "10.20.30.40/24";
constexpr const char* kPublic = "192.0.2.9/24";
constexpr const char* kPublicIpv6 = "2001:db8:5::9/64";
constexpr const char* kName = "vpn.example.org:51820";
const Endpoint kServer = *Endpoint::parse("[2001:db8:77::1]:3478");

class MeshServices : public ::testing::Test {
 protected:
  MeshServices() {
    config_.ipv4_network = mesh_.ipv4_network();
    config_.ipv6_network = mesh_.ipv6_network();
    config_.listen_port = kPort;
    config_.frames = config_.relays = config_.lan = true;
  }
  /// The record of a node on a host with this address, as it tells those on its link.
  rendezvous::PeerRecord record_at(std::string_view address) {
    node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
    join(node, address);
    return last_record(node);
  }
  void join(node::MeshNode& node, std::string_view address) {
    node::NetworkState network;
    network.addresses = {local(address)};
    node.handle_network(now_, network);
  }
  rendezvous::PeerRecord last_record(node::MeshNode& node) {
    std::optional<Bytes> beacon;
    while (auto action = node.poll_action()) {
      if (auto* say = std::get_if<node::SendBeacon>(&*action)) beacon = std::move(say->beacon);
    }
    EXPECT_TRUE(beacon);
    rendezvous::FrameKeys frame_keys(mesh_.keys());
    const auto record =
        rendezvous::open_beacon(mesh_.keys(), frame_keys, hour_of(now_.wall), *beacon);
    return rendezvous::decode_record(record.value(), mesh_.keys().mesh_id()).value().record;
  }
  /// A STUN server answers what the node asks; a firewall may keep out what comes from elsewhere.
  void answer_stun(node::MeshNode& node, const Endpoint& own, bool firewall) {
    node.set_stun_servers(now_, std::vector{kServer});
    rendezvous::StunResponder server;
    while (auto request = node.poll_transmit()) {
      const auto reply =
          server.handle_datagram(now_.steady, own, {kServer, 3479}, request->transmit.payload);
      if (!reply || (firewall && reply->source != kServer)) continue;
      node.handle_datagram(now_, reply->source, own.port, reply->transmit.payload);
    }
  }

  /// Some time later, when its next beacon is due at once.
  void resolve(node::MeshNode& node, const std::vector<Endpoint>& resolved,
               const std::string& problem = "") {
    now_ = {now_.steady + 10s, now_.wall + 10s};
    node.set_static_name(now_, kName, resolved, problem);
    node.handle_timeout(now_);
  }

  Now now_{TimePoint{100h}, kNoonTwenty};
  TestMesh mesh_{1};
  crypto::NodeIdentity identity_ = mesh_.make_identity();
  node::MeshNodeConfig config_;
};

TEST_F(MeshServices, OffersToRelayWhereItHasAPublicAddress) {
  EXPECT_TRUE(record_at(kPublic).relays);
  EXPECT_FALSE(record_at(kPrivate).relays);
}

TEST_F(MeshServices, OffersToRelayOverIpv6OnceItKnowsThatNoFirewallIsInTheWay) {
  const Endpoint own{Prefix::parse(kPublicIpv6)->address, kPort};
  for (const bool firewall : {true, false}) {
    node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
    join(node, kPublicIpv6);
    EXPECT_FALSE(last_record(node).relays);
    answer_stun(node, own, firewall);
    now_ = {now_.steady + 1s, now_.wall + 1s};
    node.handle_timeout(now_);
    EXPECT_EQ(last_record(node).relays, !firewall);
  }
}

TEST_F(MeshServices, OffersToRelayAnywhereIfItsOperatorSaysSo) {
  config_.always_relays = true;
  EXPECT_TRUE(record_at(kPrivate).relays);
}

TEST_F(MeshServices, TakesItsOfferBackWhileItsQuotaIsUsedUp) {
  node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
  join(node, kPublic);
  EXPECT_TRUE(last_record(node).relays);
  for (const bool used_up : {true, false}) {
    now_ = {now_.steady + 10s, now_.wall + 10s};
    node.set_relay_traffic(now_, {.load = 100, .used_up = used_up});
    node.handle_timeout(now_);
    EXPECT_EQ(last_record(node).relays, !used_up);
  }
}

/// While it slept everybody may have dropped the record that it had.
TEST_F(MeshServices, SignsItsRecordAnewAfterALongSleepAndNotAfterAShortOne) {
  node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
  join(node, kPublic);
  WallTime issued = last_record(node).issued;
  for (const auto& [asleep, anew] : {std::pair(1min, false), std::pair(1500min, true)}) {
    now_ = {now_.steady + 10s, now_.wall + 10s + asleep};
    node.handle_resume(now_, asleep);
    node.handle_timeout(now_);
    const WallTime now_issued = last_record(node).issued;
    EXPECT_EQ(now_issued, anew ? now_.wall : issued);
    issued = now_issued;
  }
}

TEST_F(MeshServices, NeverOffersToRelayWithoutPortsForIt) {
  config_.always_relays = true;
  config_.relays = false;
  EXPECT_FALSE(record_at(kPublic).relays);
}

TEST_F(MeshServices, ThatUsesRelaysAloneSaysSoAndIsNone) {
  EXPECT_FALSE(record_at(kPublic).relayed_only);
  config_.relayed_only = true;
  EXPECT_TRUE(record_at(kPublic).relayed_only);
  EXPECT_FALSE(record_at(kPublic).relays);
}

std::vector<Endpoint> statics_of(const rendezvous::PeerRecord& record) {
  std::vector<Endpoint> endpoints;
  for (const rendezvous::Candidate& candidate : record.candidates) {
    if (candidate.kind != rendezvous::CandidateKind::kStatic) continue;
    endpoints.push_back(candidate.endpoint);
  }
  return endpoints;
}

int warnings_of(node::MeshNode& node) {
  int count = 0;
  while (const auto action = node.poll_action()) {
    const auto* notice = std::get_if<node::Notice>(&*action);
    if (notice != nullptr && notice->level == node::Notice::Level::kWarning) ++count;
  }
  return count;
}

TEST_F(MeshServices, PublishesWhatANameStandsForAndFollowsIt) {
  config_.static_endpoints = {endpoint("203.0.113.1:5")};
  node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
  join(node, kPrivate);
  const std::vector<Endpoint> resolved = {endpoint("203.0.113.7:51820"),
                                          endpoint("203.0.113.8:51820"),
                                          endpoint("[2001:db8::7]:51820")};
  resolve(node, resolved);
  EXPECT_EQ(statics_of(last_record(node)),
            (std::vector{endpoint("203.0.113.1:5"), endpoint("203.0.113.7:51820"),
                         endpoint("[2001:db8::7]:51820")}));

  const std::vector<Endpoint> moved = {endpoint("203.0.113.9:51820")};
  resolve(node, moved);
  EXPECT_EQ(statics_of(last_record(node)),
            (std::vector{endpoint("203.0.113.1:5"), endpoint("203.0.113.9:51820")}));

  resolve(node, moved, "no DNS");
  const std::vector<Endpoint> published = node.view(now_).candidates;
  EXPECT_NE(std::ranges::find(published, moved.front()), published.end()) << "what was known stays";
}

TEST_F(MeshServices, PublishesNoIpv6OfItsOperatorsIfItUsesNone) {
  config_.use_ipv6 = false;
  config_.static_endpoints = {endpoint("[2001:db8::6]:5")};
  node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
  join(node, kPrivate);
  resolve(node, {endpoint("[2001:db8::7]:5"), endpoint("203.0.113.7:5")});
  EXPECT_EQ(statics_of(last_record(node)), std::vector{endpoint("203.0.113.7:5")});
}

TEST_F(MeshServices, SaysOnceAndInItsStatusWhyANameIsOfNoUse) {
  node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now_);
  join(node, kPrivate);
  (void)warnings_of(node);
  const std::string problem = "Host name vpn.example.org cannot be resolved: no.";
  resolve(node, {}, problem);
  EXPECT_EQ(warnings_of(node), 1);
  EXPECT_EQ(node.view(now_).problems,
            std::vector{std::string("--endpoint ") + kName + ": " + problem});
  resolve(node, {}, problem);
  EXPECT_EQ(warnings_of(node), 0) << "said once";

  resolve(node, {endpoint("127.0.1.1:51820")});
  EXPECT_EQ(warnings_of(node), 1);
  ASSERT_EQ(node.view(now_).problems.size(), 1U);
  EXPECT_NE(node.view(now_).problems[0].find("127.0.1.1:51820 is left out: it is a loopback"),
            std::string::npos);
  resolve(node, {endpoint("203.0.113.9:51820")});
  EXPECT_TRUE(node.view(now_).problems.empty());
}

}  // namespace
}  // namespace kadwire::testing
