/// A node at home: what its gateway maps becomes a candidate of its record, and is given back.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "node/mesh_node.h"
#include "rendezvous/stun_message.h"
#include "tests/support/made_up.h"
#include "tests/support/test_mesh.h"
#include "tests/unit/rendezvous/fake_gateway.h"

namespace kadwire::testing {
namespace {

using rendezvous::CandidateKind;
using rendezvous::FakeGateway;
using rendezvous::MappingProtocol;

constexpr TimePoint kStart{100h};
constexpr std::uint16_t kPort = 51820;
const IpAddress kGateway = *IpAddress::parse("192.168.1.1");
const Endpoint kGatewayEndpoint{kGateway, rendezvous::kGatewayPort};
const Endpoint kMapped = *Endpoint::parse("203.0.113.5:51820");  // FakeGateway's own address
const Endpoint kStunServer = *Endpoint::parse("198.51.100.1:3478");

/// A MeshNode behind a FakeGateway, in virtual time, with nobody else in the world but one STUN
/// server. Everything is answered at once.
class MeshMapping : public ::testing::Test {
 protected:
  void speak(std::set<MappingProtocol> protocols) {
    gateway_.emplace(std::move(protocols));
    gateway_->started = kStart - 1h;
  }
  void start(bool maps_ports = true, bool frames = false) {
    node::MeshNodeConfig config;
    config.ipv4_network = mesh_.ipv4_network();
    config.ipv6_network = mesh_.ipv6_network();
    config.listen_port = kPort;
    config.maps_ports = maps_ports;
    config.frames = frames;
    node_.emplace(std::move(config), mesh_.keys(), identity_, mesh_.random(), now());
    join("192.168.1.20/24");
  }
  void join(std::string_view address, std::string_view other = "2001:db8::20/64") {
    node::NetworkState network;
    network.addresses = {local(address), local(other)};
    network.gateways = {kGateway};
    node_->handle_network(now(), network);
    exchange();
  }

  [[nodiscard]] Now now() const { return {at_, kNoonTwenty + (at_ - kStart) / 1ms * 1ms}; }
  /// Lets time pass, with everything that falls due in it.
  void pass(Duration duration) {
    const TimePoint end = at_ + duration;
    while (true) {
      exchange();
      const auto due = node_->next_timeout();
      if (!due || *due > end) break;
      at_ = std::max(at_, *due);
      node_->handle_timeout(now());
    }
    at_ = end;
  }
  void exchange() {
    for (bool any = true; any;) {
      any = false;
      while (auto action = node_->poll_action()) {
        any = true;
        carry_out(*action);
      }
      while (const auto transmit = node_->poll_gateway_transmit()) {
        any = true;
        EXPECT_EQ(transmit->to, kGatewayEndpoint);
        ++asked_;
        const auto answer = gateway_->answer(at_, *transmit);
        if (answer) node_->handle_gateway_datagram(now(), kGatewayEndpoint, *answer);
      }
      while (const auto transmit = node_->poll_transmit()) {
        any = true;
        if (transmit->transmit.to == kStunServer) answer_stun(transmit->transmit);
      }
    }
  }
  void answer_stun(const Transmit& request) {
    const auto transaction = rendezvous::parse_stun(request.payload)->transaction;
    const Bytes answer = rendezvous::StunWriter(rendezvous::StunClass::kSuccess,
                                                rendezvous::kStunBinding, transaction)
                             .xor_mapped_address(seen_outside_)
                             .take();
    node_->handle_datagram(now(), kStunServer, kPort, answer);
  }
  void carry_out(const node::Action& action) {
    if (const auto* upnp = std::get_if<rendezvous::UpnpRequest>(&action)) {
      ++asked_;
      if (upnp_answers_) node_->handle_upnp(now(), gateway_->answer(*upnp));
    } else if (const auto* notice = std::get_if<node::Notice>(&action)) {
      notices_.push_back(notice->text);
    } else if (std::holds_alternative<node::SaveNodeState>(action)) {
      ++published_;
    }
  }

  [[nodiscard]] bool announces(const Endpoint& endpoint) const {
    return std::ranges::count(node_->view(now()).candidates, endpoint) == 1;
  }
  [[nodiscard]] std::optional<node::PortMappingView> mapping() const {
    return node_->view(now()).port_mapping;
  }
  int take_asked() { return std::exchange(asked_, 0); }
  int take_published() { return std::exchange(published_, 0); }

  TestMesh mesh_{21};
  crypto::NodeIdentity identity_ = mesh_.make_identity();
  TimePoint at_ = kStart;
  std::optional<FakeGateway> gateway_;
  std::optional<node::MeshNode> node_;
  Endpoint seen_outside_ = kMapped;
  bool upnp_answers_ = true;
  int asked_ = 0;      ///< datagrams and errands to the gateway
  int published_ = 0;  ///< records, which are saved with each
  std::vector<std::string> notices_;
};

TEST_F(MeshMapping, IsAnnouncedAtOnceByWhicheverProtocolTheGatewaySpeaks) {
  for (const auto protocol :
       {MappingProtocol::kPcp, MappingProtocol::kNatPmp, MappingProtocol::kUpnp}) {
    SCOPED_TRACE(name_of(protocol));
    speak({protocol});
    start();
    pass(5s);
    EXPECT_TRUE(announces(kMapped));
    ASSERT_TRUE(mapping());
    EXPECT_EQ(mapping()->protocol, name_of(protocol));
    EXPECT_EQ(mapping()->external, kMapped);
    EXPECT_TRUE(mapping()->announced);
    EXPECT_LE(mapping()->lease, rendezvous::kMappingLease);
  }
}

TEST_F(MeshMapping, IsPublishedInTheMomentItIsGranted) {
  speak({MappingProtocol::kPcp});
  start();
  EXPECT_EQ(take_published(), 2);  // the addresses, then the mapping
  EXPECT_TRUE(announces(kMapped));
}

TEST_F(MeshMapping, IsRenewedWithoutBeingPublishedAgain) {
  speak({MappingProtocol::kPcp});
  start();
  pass(rendezvous::kMappingLease / 2 - 1s);
  take_asked();
  take_published();
  EXPECT_EQ(mapping()->lease, rendezvous::kMappingLease / 2 + 1s);
  pass(1s);
  EXPECT_EQ(take_asked(), 1);
  EXPECT_EQ(mapping()->lease, rendezvous::kMappingLease);
  EXPECT_EQ(take_published(), 0);
}

TEST_F(MeshMapping, WithoutTheWishNoGatewayIsAsked) {
  speak(std::set{MappingProtocol::kPcp});
  start(false);
  pass(10min);
  EXPECT_EQ(take_asked(), 0);
  EXPECT_FALSE(mapping());
  EXPECT_FALSE(announces(kMapped));
}

TEST_F(MeshMapping, AGatewayThatMapsNothingIsAskedLessAndLess) {
  speak({});
  start();
  pass(1min);
  EXPECT_LE(take_asked(), 20);
  pass(12h);
  take_asked();
  pass(24h);
  EXPECT_LE(take_asked(), 24 * 20);
}

TEST_F(MeshMapping, ChangesOfTheHostsIpv6AskNoGateway) {
  speak({});
  start();
  pass(2h);
  take_asked();
  join("192.168.1.20/24", "2001:db8::21/64");
  EXPECT_EQ(take_asked(), 0);
  join("192.168.1.21/24", "2001:db8::21/64");
  EXPECT_EQ(take_asked(), 1);
}

TEST_F(MeshMapping, AnotherOwnAddressIsMappedAnew) {
  speak({MappingProtocol::kPcp});
  start();
  gateway_->restart(at_);
  join("192.168.1.77/24");
  EXPECT_TRUE(announces(kMapped));
  EXPECT_EQ(gateway_->maps().count(kPort), 1U);
}

TEST_F(MeshMapping, AGatewayWithAPrivateAddressIsNotedAndNotAnnounced) {
  speak({MappingProtocol::kPcp});
  gateway_->external = *IpAddress::parse("100.64.3.4");
  start();
  ASSERT_TRUE(mapping());
  EXPECT_EQ(mapping()->external, (Endpoint{gateway_->external, kPort}));
  EXPECT_FALSE(mapping()->announced);
  EXPECT_FALSE(announces({gateway_->external, kPort}));
}

TEST_F(MeshMapping, AnAddressAtWhichNobodySeesThisHostIsTakenBack) {
  speak({MappingProtocol::kPcp});
  seen_outside_ = *Endpoint::parse("198.51.100.77:40000");
  start(true, true);
  EXPECT_TRUE(announces(kMapped));  // nobody said otherwise yet
  node_->set_stun_servers(now(), std::vector{kStunServer});
  pass(1s);
  EXPECT_FALSE(announces(kMapped));
  ASSERT_TRUE(mapping());
  EXPECT_FALSE(mapping()->announced);
}

TEST_F(MeshMapping, StaysAnnouncedWhereOthersSeeTheGatewaysAddressAtAnotherPort) {
  speak({MappingProtocol::kPcp});
  seen_outside_ = {kMapped.address, 40000};
  start(true, true);
  node_->set_stun_servers(now(), std::vector{kStunServer});
  pass(1s);
  EXPECT_TRUE(announces(seen_outside_));
  EXPECT_TRUE(announces(kMapped));
}

TEST_F(MeshMapping, ThatTheGatewayLosesIsWithdrawnAndSaidOnce) {
  speak({MappingProtocol::kPcp});
  start();
  gateway_->silent = true;
  pass(rendezvous::kMappingLease + 1s);
  EXPECT_FALSE(announces(kMapped));
  EXPECT_EQ(std::ranges::count(notices_, "port mapping lost"), 1);
}

TEST_F(MeshMapping, IsGivenBackBeforeTheNodeHasDeparted) {
  speak({MappingProtocol::kPcp});
  start();
  ASSERT_EQ(gateway_->maps().count(kPort), 1U);
  node_->leave(now());
  EXPECT_FALSE(node_->departed());
  exchange();
  EXPECT_TRUE(node_->departed());
  EXPECT_EQ(gateway_->maps().count(kPort), 0U);
}

TEST_F(MeshMapping, ADeadGatewayHoldsNobodyUpForMoreThanASecond) {
  for (const auto protocol : {MappingProtocol::kPcp, MappingProtocol::kUpnp}) {
    SCOPED_TRACE(name_of(protocol));
    speak({protocol});
    start();
    pass(5s);
    gateway_->silent = true;
    upnp_answers_ = false;
    node_->leave(now());
    pass(500ms);
    EXPECT_FALSE(node_->departed());
    pass(500ms);
    EXPECT_TRUE(node_->departed());
    upnp_answers_ = true;
  }
}

}  // namespace
}  // namespace kadwire::testing
