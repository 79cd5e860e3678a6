#include "node/adapters/flow_table.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <vector>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/raw_wireguard_port.h"
#include "node/adapters/side_ports.h"
#include "tests/support/udp_packets.h"
#include "tests/unit/node/adapters/event_loop.h"
#include "tests/unit/node/adapters/own_network.h"
#include "tests/unit/node/adapters/wire.h"

namespace kadwire::node {
namespace {

using namespace kadwire::testing;

constexpr std::uint16_t kListenPort = 51820;
const Endpoint kPeer = *Endpoint::parse("198.51.100.7:4500");
const Endpoint kOther = *Endpoint::parse("198.51.100.7:4501");

TEST(FlowTable, HasTheInterfacesNameWithoutOddCharacters) {
  EXPECT_EQ(flow_table_name("kadwire0"), "kadwire-kadwire0");
  EXPECT_EQ(flow_table_name("a:b}c d"), "kadwire-a_b_c_d");
}

/// A host with a wire, a socket that plays WireGuard, and the port beside it.
struct World {
  World() {
    auto socket = AsioDatagramSocket::open(context, kListenPort);
    EXPECT_TRUE(socket && (*socket)->local_port() == kListenPort);
    wireguard = std::move(*socket);
    wireguard->start([this](const Endpoint& from, ByteView datagram) {
      if (datagram[0] == wireguard_like(4)[0]) heard.push_back(from);
    });
    open();
  }
  void open() {
    auto opened = RawWireguardPort::open(context, kListenPort, std::make_unique<FlowTable>("kw0"));
    EXPECT_TRUE(opened);
    port = std::move(*opened);
    port->start(
        [this](const Endpoint&, std::uint16_t to_port, ByteView) { frames_at.push_back(to_port); });
  }
  /// From which port WireGuard's data leaves.
  std::uint16_t source_towards(const Endpoint& to) {
    wireguard->send({to, wireguard_like(4)});
    const auto packet = wire.take_udp();
    return packet ? parse_udp_packet(*packet)->from.port : std::uint16_t{0};
  }
  void arrive(const Endpoint& from, ByteView payload, std::uint16_t to_port) {
    wire.arrive(udp_packet(from, {*IpAddress::parse(kWireIpv4), to_port}, payload));
  }

  asio::io_context context;
  Wire wire;
  std::unique_ptr<AsioDatagramSocket> wireguard;
  std::unique_ptr<RawWireguardPort> port;
  std::vector<Endpoint> heard;
  std::vector<std::uint16_t> frames_at;
};

class TiedFlows : public ::testing::Test {
 protected:
  void SetUp() override { KADWIRE_SKIP_WITHOUT_OWN_NETWORK(); }
  static void with_world(const std::function<void(World&, std::uint16_t first)>& body) {
    in_own_network([&] {
      World world;
      const auto first = world.port->open_side_ports();
      ASSERT_TRUE(first) << first.error();
      body(world, *first);
    });
  }
};

TEST_F(TiedFlows, AreWhatTheOperatorSeesInNftsWords) {
  in_own_network([] {
    FlowTable table("wg0");
    ASSERT_TRUE(table.set({kListenPort, 61'000, 256, {{kOther, 61'001}}}));
    ASSERT_TRUE(table.set({kListenPort, 61'000, 256, {{kPeer, 61'007}}})) << "replaces it";
    const std::string expected =
        "table ip kadwire-wg0 {\n"
        "\tchain leaving {\n"
        "\t\ttype filter hook output priority raw; policy accept;\n"
        "\t\tip daddr 198.51.100.7 udp sport 51820 udp dport 4500 @th,64,8 0x1-0x4"
        " udp sport set 61007\n"
        "\t}\n"
        "\n"
        "\tchain arriving {\n"
        "\t\ttype filter hook input priority mangle; policy accept;\n"
        "\t\tudp dport 61000-61255 @th,64,8 0x1-0x4 udp dport set 51820\n"
        "\t}\n"
        "}";
    run_command("test \"$(nft list ruleset)\" = '" + expected +
                "' || { nft list ruleset; false; }");
  });
}

TEST_F(TiedFlows, WireguardsDatagramsLeaveFromTheirSidePortAndNothingElseDoes) {
  with_world([](World& world, std::uint16_t first) {
    const auto side_port = static_cast<std::uint16_t>(first + 7);
    EXPECT_EQ(world.source_towards(kPeer), kListenPort);
    world.port->tie_flows(std::vector<rendezvous::FlowTie>{{kPeer, side_port}});
    EXPECT_EQ(world.source_towards(kPeer), side_port);
    EXPECT_EQ(world.source_towards(kOther), kListenPort);
    world.port->send({{kPeer, frame_like("")}});
    EXPECT_EQ(parse_udp_packet(*world.wire.take_udp())->from.port, kListenPort);
    world.port->tie_flows({});
    EXPECT_EQ(world.source_towards(kPeer), kListenPort);
  });
}

TEST_F(TiedFlows, ChecksumsAreThoseOfTheRewrittenPacket) {
  with_world([](World& world, std::uint16_t first) {
    world.port->tie_flows(std::vector<rendezvous::FlowTie>{{kPeer, first}});
    world.port->send({{kPeer, frame_like("the flow exists, under another port")}});
    (void)world.wire.take_udp();
    world.wireguard->send({kPeer, wireguard_like(1)});
    const auto packet = world.wire.take_udp();
    ASSERT_TRUE(packet);
    const Endpoint from{*IpAddress::parse(kWireIpv4), first};
    EXPECT_EQ(
        to_hex(ByteView(*packet).subspan(kIpv4HeaderBytes)),
        to_hex(ByteView(udp_packet(from, kPeer, wireguard_like(1))).subspan(kIpv4HeaderBytes)));
  });
}

TEST_F(TiedFlows, WhatArrivesAtASidePortIsWireguardsOrAFrame) {
  with_world([](World& world, std::uint16_t first) {
    const auto last = static_cast<std::uint16_t>(first + rendezvous::kSidePorts - 1);
    world.arrive(kPeer, wireguard_like(4), first);
    world.arrive(kOther, wireguard_like(4), last);
    world.arrive(kPeer, frame_like("hit"), last);
    EXPECT_TRUE(run_until(world.context,
                          [&] { return world.heard.size() == 2 && world.frames_at.size() == 1; }));
    EXPECT_EQ(world.heard, (std::vector<Endpoint>{kPeer, kOther}));
    EXPECT_EQ(world.frames_at, std::vector<std::uint16_t>{last});
    EXPECT_EQ(world.wire.take_icmp_errors(), 0);
  });
}

TEST_F(TiedFlows, PassAFirewallThatLetsInAnswersOnly) {
  with_world([](World& world, std::uint16_t first) {
    run_command(
        "nft 'table inet wall { chain input { type filter hook input priority filter; policy drop;"
        " ct state established,related accept; }; }'");
    world.port->tie_flows(std::vector<rendezvous::FlowTie>{{kPeer, first}});
    world.port->send({{kPeer, frame_like("opens")}, first});
    (void)world.wire.take_udp();
    world.arrive(kPeer, wireguard_like(4), first);
    EXPECT_TRUE(run_until(world.context, [&] { return world.heard.size() == 1; }));
    EXPECT_EQ(world.source_towards(kPeer), first) << "the flow that the frame began";
  });
}

TEST_F(TiedFlows, GoWithTheDaemonAndAnothersLeftoversToo) {
  with_world([](World& world, std::uint16_t first) {
    world.port->tie_flows(std::vector<rendezvous::FlowTie>{{kPeer, first}});
    run_command("nft add table ip foreign");
    world.port.reset();
    EXPECT_EQ(world.source_towards(kPeer), kListenPort);
    run_command("test \"$(nft list tables)\" = 'table ip foreign'");
    run_command("nft add table ip kadwire-kw0");  // as one leaves it that is killed
    world.open();
    run_command("test \"$(nft list tables)\" = 'table ip foreign'");
  });
}

TEST_F(TiedFlows, FollowTheListenPort) {
  with_world([](World& world, std::uint16_t first) {
    world.port->tie_flows(std::vector<rendezvous::FlowTie>{{kPeer, first}});
    world.port->set_listen_port(51999);
    EXPECT_EQ(world.source_towards(kPeer), kListenPort);
    const auto moved = AsioDatagramSocket::open(world.context, 51999);
    ASSERT_TRUE(moved && (*moved)->local_port() == 51999);
    (*moved)->send({kPeer, wireguard_like(4)});
    EXPECT_EQ(parse_udp_packet(*world.wire.take_udp())->from.port, first);
  });
}

TEST_F(TiedFlows, TwoDaemonsTakeDifferentPorts) {
  with_world([](World& world, std::uint16_t first) {
    auto other = RawWireguardPort::open(world.context, 51999, std::make_unique<FlowTable>("kw1"));
    ASSERT_TRUE(other);
    const auto others = (*other)->open_side_ports();
    ASSERT_TRUE(others);
    EXPECT_GE(std::abs(*others - first), int{rendezvous::kSidePorts});
  });
}

TEST_F(TiedFlows, PortsAreTakenWhereTheSystemGivesNoneByItself) {
  in_own_network([] {
    run_command("echo 20000 65400 > /proc/sys/net/ipv4/ip_local_port_range");
    const auto ports = SidePorts::find(rendezvous::kSidePorts);
    ASSERT_TRUE(ports);
    EXPECT_LE(ports->first() + rendezvous::kSidePorts, 20'000);
  });
}

/// Of the calling thread alone.
void give_up_network_administration() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  ASSERT_EQ(syscall(SYS_capget, &header, data), 0);
  data[0].effective &= ~CAP_TO_MASK(CAP_NET_ADMIN);
  ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
}

TEST_F(TiedFlows, WithoutTheRightToThereAreNoSidePorts) {
  in_own_network([] {
    World world;
    give_up_network_administration();
    const auto first = world.port->open_side_ports();
    ASSERT_FALSE(first);
    EXPECT_NE(first.error().find("not permitted"), std::string::npos) << first.error();
    EXPECT_NE(first.error().find("CAP_NET_ADMIN"), std::string::npos);
  });
}

}  // namespace
}  // namespace kadwire::node
