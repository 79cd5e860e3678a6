/// STUN and frames on the port that a real wireguard-go owns, through a real NAT and a real
/// firewall:
///
///   alice ── wireguard-go kw0 21820, RawWireguardPort ──cable── core (NAT) ──cable── bob, the same
///                                                                └──────────cable── server (STUN)

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/raw_wireguard_port.h"
#include "rendezvous/stun_message.h"
#include "rendezvous/stun_responder.h"
#include "tests/integration/lab_fixture.h"
#include "tests/integration/wireguard_go_interface.h"
#include "tests/support/udp_packets.h"
#include "tools/lab/ping_board.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::lab {
namespace {

using kadwire::testing::frame_like;
using kadwire::testing::stun_request;

/// Below Linux's ephemeral ports (32768 on), of which wireguard-go takes one by chance at first.
constexpr std::uint16_t kListenPort = 21820;
constexpr std::uint16_t kStunPort = 3478;
constexpr std::uint16_t kSideFirst = 40000;
/// Far beyond a round trip of 8 ms; only a failure waits so long.
constexpr auto kPatience = 20s;

struct Arrival {
  Endpoint from;
  std::uint16_t to_port = 0;
  Bytes datagram;
};

/// A host with WireGuard, and beside it the port under test.
struct Member {
  Member(Lab& lab, asio::io_context& context, std::string name, const char* inner)
      : host(*must(lab.add_host({.name = std::move(name), .cable = {.delay = 2ms}}))),
        device(host, "kw0"),
        inner_address(*IpAddress::parse(inner)) {
    testnet::SeededRandom random(host.number());
    device.configure(crypto::NodeIdentity::generate(random), kListenPort);
    device.set_up({inner_address, 24});
    must(host.in_network([&] {
      port = std::move(*node::RawWireguardPort::open(context, kListenPort));
      port->set_side_ports(kSideFirst, rendezvous::kSidePorts);
    }));
    port->start([this](const Endpoint& from, std::uint16_t to_port, ByteView datagram) {
      arrivals.push_back({from, to_port, Bytes(datagram.begin(), datagram.end())});
    });
  }

  [[nodiscard]] Endpoint at(AddressFamily family) const {
    return {family == AddressFamily::kIpv4 ? host.ipv4() : host.ipv6(), kListenPort};
  }
  /// Installs the other; with an endpoint it dials at once.
  void meet(const Member& other, std::optional<Endpoint> endpoint) const {
    node::PeerConfig config;
    config.key = other.device.key();
    config.allowed_ips = {Prefix::of_host(other.inner_address)};
    if (endpoint) config.keepalive = 25s;
    config.endpoint = endpoint;
    std::vector<node::PeerChange> changes;
    changes.emplace_back(node::RenewPeer{config, crypto::SecretBytes(32)});
    device.apply(changes);
  }
  [[nodiscard]] bool has_heard(const Bytes& datagram) const {
    return std::ranges::find(arrivals, datagram, &Arrival::datagram) != arrivals.end();
  }
  /// "Destination unreachable" sent by this host since its start, both families.
  [[nodiscard]] int unreachables_sent() const {
    must(host.run({"sh", "-c", "nstat -asz IcmpOutDestUnreachs Icmp6OutDestUnreachs > /run/icmp"}));
    std::istringstream lines(read_text(host.outside("/run/icmp")));
    int sum = 0;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name;
      int value = 0;
      if (words >> name >> value) sum += value;
    }
    return sum;
  }

  Host& host;
  WireguardGoInterface device;
  IpAddress inner_address;
  std::unique_ptr<node::RawWireguardPort> port;
  std::vector<Arrival> arrivals;
};

class WireguardPort : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    if (IsSkipped()) return;
    server_host_ = must(lab().add_host({.name = "server", .cable = {.delay = 2ms}}));
    must(server_host_->in_network(
        [&] { server_ = std::move(*node::AsioDatagramSocket::open(context_, kStunPort)); }));
    server_->start([this](const Endpoint& from, ByteView datagram) { serve(from, datagram); });
    alice_ = std::make_unique<Member>(lab(), context_, "alice", "10.99.0.1");
    bob_ = std::make_unique<Member>(lab(), context_, "bob", "10.99.0.2");
  }

  void TearDown() override {
    alice_.reset();
    bob_.reset();
    if (!IsSkipped()) run_in_core("nft flush ruleset");  // the core outlives the lab
    LabTest::TearDown();
  }

  bool eventually(const std::function<bool()>& condition) {
    return board_.run_until(
        [&] {
          context_.restart();
          context_.poll();
          return condition();
        },
        kPatience);
  }

  [[nodiscard]] Endpoint server(AddressFamily family) const {
    const bool v4 = family == AddressFamily::kIpv4;
    return {v4 ? server_host_->ipv4() : server_host_->ipv6(), kStunPort};
  }

  /// What a STUN answer among the arrivals says; nullopt if there is none.
  static std::optional<Endpoint> mapped_endpoint(const Member& member) {
    for (const Arrival& arrival : member.arrivals) {
      const auto message = rendezvous::parse_stun(arrival.datagram);
      if (message) return message->xor_mapped_address();
    }
    return std::nullopt;
  }

  /// The core gives what comes from alice a random port for each destination.
  void put_alice_behind_a_nat() {
    run_in_core(
        "nft 'table ip nat { chain post { type nat hook postrouting priority srcnat; "
        "iifname \"host2\" masquerade fully-random; }; }'");
  }
  void run_in_core(const std::string& command) {
    must(run_command({.argv = {"sh", "-c", command}, .output = "/run/lab/core.log"}));
  }

  std::vector<Endpoint> wireguard_seen_from_;  ///< by the server, which dialling peers may take
  asio::io_context context_;
  PingBoard board_;
  Host* server_host_ = nullptr;
  std::unique_ptr<node::AsioDatagramSocket> server_;
  std::unique_ptr<Member> alice_;
  std::unique_ptr<Member> bob_;

 private:
  void serve(const Endpoint& from, ByteView datagram) {
    if (datagram.size() > 3 && datagram[0] == std::byte{1}) wireguard_seen_from_.push_back(from);
    const TimePoint now = std::chrono::steady_clock::now();
    const auto reply = responder_.handle_datagram(now, from, {}, datagram);
    if (reply) server_->send(reply->transmit);
  }

  rendezvous::StunResponder responder_;
};

TEST_F(WireguardPort, StunShowsTheMappingThatWireguardsOwnPacketsHave) {
  put_alice_behind_a_nat();
  const Endpoint server_v4 = server(AddressFamily::kIpv4);
  alice_->port->send({{server_v4, stun_request()}});
  ASSERT_TRUE(eventually([&] { return mapped_endpoint(*alice_).has_value(); }));
  const Endpoint mapped = *mapped_endpoint(*alice_);
  EXPECT_EQ(mapped.address.to_string(), "198.18.1.1");  // the core's, towards the server
  EXPECT_NE(mapped.port, kListenPort);

  alice_->meet(*bob_, server_v4);  // WireGuard dials, to the same place
  ASSERT_TRUE(eventually([&] { return !wireguard_seen_from_.empty(); }));
  EXPECT_EQ(wireguard_seen_from_.front(), mapped);
}

TEST_F(WireguardPort, ASidePortHasAMappingOfItsOwnAndHearsWhatComesBack) {
  put_alice_behind_a_nat();
  alice_->port->send({{server(AddressFamily::kIpv4), stun_request()}});
  ASSERT_TRUE(eventually([&] { return mapped_endpoint(*alice_).has_value(); }));
  const Endpoint own_mapping = *mapped_endpoint(*alice_);
  alice_->arrivals.clear();

  alice_->port->send({{server(AddressFamily::kIpv4), stun_request()}, kSideFirst + 7, 0});
  ASSERT_TRUE(eventually([&] { return mapped_endpoint(*alice_).has_value(); }));
  EXPECT_EQ(alice_->arrivals[0].to_port, kSideFirst + 7);
  EXPECT_NE(*mapped_endpoint(*alice_), own_mapping);
}

TEST_F(WireguardPort, StunOverIpv6ShowsTheHostsOwnEndpoint) {
  alice_->port->send({{server(AddressFamily::kIpv6), stun_request()}});
  ASSERT_TRUE(eventually([&] { return mapped_endpoint(*alice_).has_value(); }));
  EXPECT_EQ(*mapped_endpoint(*alice_), alice_->at(AddressFamily::kIpv6));
}

TEST_F(WireguardPort, AFrameWithTooLowAHopLimitGoesOutAndNeverArrives) {
  const Endpoint bob = bob_->at(AddressFamily::kIpv4);
  alice_->port->send({{bob, frame_like("dies at the core")}, 0, 1});
  alice_->port->send({{bob, frame_like("arrives")}, 0, 2});
  ASSERT_TRUE(eventually([&] { return !bob_->arrivals.empty(); }));
  ASSERT_EQ(bob_->arrivals.size(), 1U);
  EXPECT_EQ(bob_->arrivals[0].datagram, frame_like("arrives"));
  EXPECT_EQ(alice_->port->counters().sent, 2U);
}

class WireguardPortOver : public WireguardPort,
                          public ::testing::WithParamInterface<AddressFamily> {};

TEST_P(WireguardPortOver, FramesTravelBesideATunnelThatNoticesNothing) {
  constexpr std::size_t kFrames = 100;
  bob_->meet(*alice_, std::nullopt);
  alice_->meet(*bob_, bob_->at(GetParam()));
  const auto first =
      must(board_.add(alice_->host, bob_->inner_address, PingBoard::Until::kFirstReply));
  ASSERT_TRUE(eventually([&] { return board_.flow(first).received > 0; }));

  const auto flow = must(board_.add(alice_->host, bob_->inner_address, PingBoard::Until::kForever));
  std::size_t sent = 0;
  ASSERT_TRUE(eventually([&] {
    if (sent < kFrames) {
      alice_->port->send({{bob_->at(GetParam()), frame_like("a" + std::to_string(sent))}});
      bob_->port->send({{alice_->at(GetParam()), frame_like("b" + std::to_string(sent))}});
      ++sent;
    }
    return alice_->arrivals.size() >= kFrames && bob_->arrivals.size() >= kFrames &&
           board_.flow(flow).received >= kFrames;
  }));
  board_.end(flow);
  EXPECT_TRUE(eventually([&] { return board_.flow(flow).received == board_.flow(flow).sent; }))
      << board_.flow(flow).received << " of " << board_.flow(flow).sent << " pings answered";
  for (const auto& [member, other] : {std::pair(&*alice_, &*bob_), std::pair(&*bob_, &*alice_)}) {
    // Each frame once, and of WireGuard's datagrams none.
    EXPECT_EQ(member->port->counters().received, kFrames);
    EXPECT_EQ(member->port->counters().refused, 0U);
    EXPECT_EQ(member->port->counters().send_failed, 0U);
    EXPECT_EQ(member->arrivals.front().from, other->at(GetParam()));
    EXPECT_EQ(member->unreachables_sent(), 0);
  }
  EXPECT_EQ(bob_->device.status().peers.at(0).endpoint, alice_->at(GetParam()));
}

TEST_P(WireguardPortOver, ATunnelInUseWakesNobody) {
  bob_->meet(*alice_, std::nullopt);
  alice_->meet(*bob_, bob_->at(GetParam()));
  const auto flow = must(board_.add(alice_->host, bob_->inner_address, PingBoard::Until::kForever));
  std::size_t handlers_run = 0;
  const auto pings_pass = [&](std::uint64_t count) {
    return board_.run_until(
        [&] {
          context_.restart();
          handlers_run += context_.poll();
          return board_.flow(flow).received >= count;
        },
        kPatience);
  };
  ASSERT_TRUE(pings_pass(100));
  EXPECT_EQ(handlers_run, 0U);
  alice_->port->send({{bob_->at(GetParam()), frame_like("this does")}});
  ASSERT_TRUE(eventually([&] { return !bob_->arrivals.empty(); }));
}

TEST_P(WireguardPortOver, NoFrameIsAnsweredByIcmpAsItWouldBeAtAFreePort) {
  const Endpoint bob = bob_->at(GetParam());
  alice_->port->send({{bob, frame_like("to WireGuard's port")}});
  alice_->port->send({{{bob.address, kSideFirst + 200}, frame_like("to a side port")}});
  ASSERT_TRUE(eventually([&] { return bob_->arrivals.size() == 2; }));
  EXPECT_EQ(bob_->unreachables_sent(), 0);

  alice_->port->send({{{bob.address, 9}, frame_like("to nobody")}});
  alice_->port->send({{bob, frame_like("the last one")}});
  ASSERT_TRUE(eventually([&] { return bob_->arrivals.size() == 3; }));
  EXPECT_EQ(bob_->unreachables_sent(), 1);
}

/// What packet sockets are good for: bob's firewall lets in answers only.
TEST_P(WireguardPortOver, WhatIsHeardThroughAFirewallIsAnsweredAndThenWireguardPassesToo) {
  must(bob_->host.run({"nft",
                       "table inet wall { chain in { type filter hook input priority 0; "
                       "policy drop; ct state established accept; "
                       "iifname \"kw0\" accept; }; }"}));
  std::unique_ptr<node::AsioDatagramSocket> ordinary;
  bool ordinary_heard = false;
  must(bob_->host.in_network(
      [&] { ordinary = std::move(*node::AsioDatagramSocket::open(context_, 4000)); }));
  ordinary->start([&](const Endpoint&, ByteView) { ordinary_heard = true; });

  const Endpoint bob = bob_->at(GetParam());
  alice_->port->send({{{bob.address, 4000}, frame_like("to an ordinary socket")}});
  alice_->port->send({{bob, frame_like("probe")}});
  ASSERT_TRUE(eventually([&] { return bob_->has_heard(frame_like("probe")); }));
  EXPECT_FALSE(ordinary_heard);  // sent before the probe: the firewall does drop

  bob_->port->send({{bob_->arrivals.front().from, frame_like("answer")}});
  ASSERT_TRUE(eventually([&] { return alice_->has_heard(frame_like("answer")); }));
  bob_->meet(*alice_, std::nullopt);
  alice_->meet(*bob_, bob);
  const auto flow =
      must(board_.add(alice_->host, bob_->inner_address, PingBoard::Until::kFirstReply));
  EXPECT_TRUE(eventually([&] { return board_.flow(flow).received > 0; }));
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, WireguardPortOver,
                         ::testing::Values(AddressFamily::kIpv4, AddressFamily::kIpv6),
                         [](const auto& parameters) {
                           return parameters.param == AddressFamily::kIpv4 ? "IPv4" : "IPv6";
                         });

}  // namespace
}  // namespace kadwire::lab
