/// What a node's record says that it does for others, and wants of them.

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

#include "node/mesh_node.h"
#include "rendezvous/beacon.h"
#include "tests/support/test_mesh.h"

namespace kadwire::testing {
namespace {

constexpr std::uint16_t kPort = 51820;
constexpr const char* kPrivate = "10.20.30.40/24";
constexpr const char* kPublic = "192.0.2.9/24";

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
    const Now now{TimePoint{100h}, kNoonTwenty};
    node::MeshNode node(config_, mesh_.keys(), identity_, mesh_.random(), now);
    node::NetworkState network;
    rendezvous::LocalAddress local;
    local.prefix = *Prefix::parse(address);
    local.interface = "eth0";
    network.addresses = {local};
    node.handle_network(now, network);
    const auto beacon = first_beacon(node);
    EXPECT_TRUE(beacon);
    rendezvous::FrameKeys frame_keys(mesh_.keys());
    const auto record =
        rendezvous::open_beacon(mesh_.keys(), frame_keys, hour_of(now.wall), *beacon);
    return rendezvous::decode_record(record.value(), mesh_.keys().mesh_id()).value().record;
  }
  static std::optional<Bytes> first_beacon(node::MeshNode& node) {
    while (auto action = node.poll_action()) {
      if (const auto* say = std::get_if<node::SendBeacon>(&*action)) return say->beacon;
    }
    return std::nullopt;
  }

  TestMesh mesh_{1};
  crypto::NodeIdentity identity_ = mesh_.make_identity();
  node::MeshNodeConfig config_;
};

TEST_F(MeshServices, OffersToRelayWhereItHasAPublicAddress) {
  EXPECT_TRUE(record_at(kPublic).relays);
  EXPECT_FALSE(record_at(kPrivate).relays);
}

TEST_F(MeshServices, OffersToRelayAnywhereIfItsOperatorSaysSo) {
  config_.always_relays = true;
  EXPECT_TRUE(record_at(kPrivate).relays);
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

}  // namespace
}  // namespace kadwire::testing
