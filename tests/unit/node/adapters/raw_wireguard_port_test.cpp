#include "node/adapters/raw_wireguard_port.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/udp_packet.h"
#include "tests/support/udp_packets.h"
#include "tests/unit/node/adapters/event_loop.h"
#include "tests/unit/node/adapters/own_network.h"
#include "tests/unit/node/adapters/wire.h"

namespace kadwire::node {
namespace {

using kadwire::testing::frame_like;
using kadwire::testing::in_own_network;
using kadwire::testing::kTestHopLimit;
using kadwire::testing::kWireIpv4;
using kadwire::testing::kWireIpv6;
using kadwire::testing::run_command;
using kadwire::testing::run_until;
using kadwire::testing::stun_request;
using kadwire::testing::udp_packet;
using kadwire::testing::Wire;
using kadwire::testing::wireguard_like;

constexpr std::uint16_t kListenPort = 51820;
const Endpoint kPeerV4 = *Endpoint::parse("198.51.100.7:4500");
const Endpoint kPeerV6 = *Endpoint::parse("[2001:db8:1::7]:4500");

struct Arrival {
  Endpoint from;
  std::uint16_t to_port = 0;
  Bytes datagram;
};

/// A host with a wire, and the port under test listening on it.
struct World {
  explicit World(std::uint16_t listen_port) {
    auto opened = RawWireguardPort::open(context, listen_port);
    EXPECT_TRUE(opened) << opened.error().message;
    port = std::move(*opened);
    port->start([this](const Endpoint& from, std::uint16_t to_port, ByteView datagram) {
      arrivals.push_back({from, to_port, Bytes(datagram.begin(), datagram.end())});
    });
  }

  static Endpoint own(const Endpoint& peer, std::uint16_t at_port = kListenPort) {
    return {*IpAddress::parse(peer.address.is_v4() ? kWireIpv4 : kWireIpv6), at_port};
  }
  void arrive(const Endpoint& from, ByteView payload, std::uint16_t to_port = kListenPort) {
    wire.arrive(udp_packet(from, own(from, to_port), payload));
  }
  /// Everything that has arrived so far: a last frame goes through, and is taken out again.
  std::vector<Arrival> delivered() {
    const Bytes last = frame_like("the last one");
    arrive(kPeerV4, last, mark_port);
    EXPECT_TRUE(
        run_until(context, [&] { return !arrivals.empty() && arrivals.back().datagram == last; }));
    arrivals.pop_back();
    return std::exchange(arrivals, {});
  }

  asio::io_context context;
  Wire wire;
  std::unique_ptr<RawWireguardPort> port;
  std::vector<Arrival> arrivals;
  std::uint16_t mark_port = kListenPort;
};

class RawWireguardPortTest : public ::testing::Test {
 protected:
  void SetUp() override { KADWIRE_SKIP_WITHOUT_OWN_NETWORK(); }

  static void with_world(const std::function<void(World&)>& body) {
    in_own_network([&] {
      World world(kListenPort);
      body(world);
    });
  }
};

TEST_F(RawWireguardPortTest, SendsFromTheListenPortOverBothFamiliesWithRightChecksums) {
  with_world([](World& world) {
    for (const Endpoint& peer : {kPeerV4, kPeerV6}) {
      for (const std::string text : {"even", "odd"}) {
        const Bytes frame = frame_like(text);
        world.port->send({{peer, frame}});
        const auto packet = world.wire.take_udp();
        ASSERT_TRUE(packet);
        const auto udp = *parse_udp_packet(*packet);
        EXPECT_EQ(udp.from, World::own(peer));
        EXPECT_EQ(udp.to, peer);
        // As the host itself would have made it, checksum included.
        const std::size_t header = peer.address.is_v4() ? kIpv4HeaderBytes : kIpv6HeaderBytes;
        EXPECT_EQ(to_hex(ByteView(*packet).subspan(header)),
                  to_hex(ByteView(udp_packet(udp.from, peer, frame)).subspan(header)));
      }
    }
    EXPECT_EQ(world.port->counters().sent, 4U);
    EXPECT_EQ(world.port->counters().send_failed, 0U);
  });
}

TEST_F(RawWireguardPortTest, SendsWithTheHopLimitThatIsAskedForAndElseTheSystemsDefault) {
  with_world([](World& world) {
    const auto hop_limit_of = [&](const Endpoint& peer, std::uint8_t asked) {
      world.port->send({{peer, frame_like("")}, 0, asked});
      const auto packet = world.wire.take_udp();
      return packet ? std::to_integer<int>((*packet)[peer.address.is_v4() ? 8 : 7]) : 0;
    };
    for (const Endpoint& peer : {kPeerV4, kPeerV6}) {
      EXPECT_EQ(hop_limit_of(peer, 3), 3);
      EXPECT_EQ(hop_limit_of(peer, 0), kTestHopLimit);
    }
  });
}

TEST_F(RawWireguardPortTest, SendsFromASidePort) {
  with_world([](World& world) {
    world.port->set_side_ports(40000, 256);
    for (const Endpoint& peer : {kPeerV4, kPeerV6}) {
      world.port->send({{peer, frame_like("")}, 40255, 0});
      const auto packet = world.wire.take_udp();
      ASSERT_TRUE(packet);
      EXPECT_EQ(parse_udp_packet(*packet)->from, World::own(peer, 40255));
    }
  });
}

TEST_F(RawWireguardPortTest, CountsWhatCannotBeSent) {
  with_world([](World& world) {
    run_command("ip route del default");
    world.port->send({{kPeerV4, frame_like("no route")}});
    world.port->send({{{kPeerV4.address, 0}, frame_like("no port")}});
    world.port->set_listen_port(0);
    world.port->send({{kPeerV6, frame_like("no listen port")}});
    EXPECT_EQ(world.port->counters().send_failed, 3U);
    EXPECT_EQ(world.port->counters().sent, 0U);
    EXPECT_FALSE(world.wire.take_udp());
  });
}

TEST_F(RawWireguardPortTest, TakesTheNewSourceAddressAtOnce) {
  with_world([](World& world) {
    const auto source = [&] {
      world.port->send({{kPeerV4, frame_like("")}});
      return parse_udp_packet(*world.wire.take_udp())->from.address.to_string();
    };
    EXPECT_EQ(source(), "192.0.2.2");
    run_command(
        "ip addr del 192.0.2.2/24 dev wire0; ip addr add 192.0.2.9/24 dev wire0; "
        "ip route replace default dev wire0");
    EXPECT_EQ(source(), "192.0.2.9");
  });
}

TEST_F(RawWireguardPortTest, AReplyLeavesFromTheAddressThatItWasAskedAt) {
  with_world([](World& world) {
    run_command(
        "ip addr add 192.0.2.77/32 dev wire0; ip addr add 2001:db8::77 dev wire0 nodad "
        "preferred_lft 0");
    for (const auto& [peer, asked] :
         {std::pair(kPeerV4, "192.0.2.77"), std::pair(kPeerV6, "2001:db8::77")}) {
      const Endpoint own{*IpAddress::parse(asked), kListenPort};
      world.wire.arrive(udp_packet(peer, own, frame_like("question")));
      ASSERT_TRUE(run_until(world.context, [&] { return !world.arrivals.empty(); }));
      world.arrivals.clear();
      world.port->send({{peer, frame_like("answer")}});
      const Bytes answer = *world.wire.take_udp();
      EXPECT_EQ(to_hex(answer).substr(2 * answer.size() - 12), to_hex(as_bytes("answer")));
      EXPECT_EQ(parse_udp_packet(answer)->from, own);
      const Endpoint other{peer.address, 4501};
      world.port->send({{other, frame_like("news")}});
      EXPECT_EQ(parse_udp_packet(*world.wire.take_udp())->from, World::own(peer));
    }
  });
}

TEST_F(RawWireguardPortTest, AReplyFindsAnotherWayWhenTheAskedAddressIsGone) {
  with_world([](World& world) {
    run_command("ip addr add 192.0.2.77/32 dev wire0");
    const Endpoint own{*IpAddress::parse("192.0.2.77"), kListenPort};
    world.wire.arrive(udp_packet(kPeerV4, own, frame_like("question")));
    ASSERT_TRUE(run_until(world.context, [&] { return !world.arrivals.empty(); }));
    run_command("ip addr del 192.0.2.77/32 dev wire0");
    world.port->send({{kPeerV4, frame_like("answer")}});
    EXPECT_EQ(parse_udp_packet(*world.wire.take_udp())->from, World::own(kPeerV4));
    EXPECT_EQ(world.port->counters().send_failed, 0U);
  });
}

TEST_F(RawWireguardPortTest, DeliversFramesAndStunOnceWithWhereTheyCameFromAndTo) {
  with_world([](World& world) {
    world.port->set_side_ports(40000, 256);
    for (const Endpoint& peer : {kPeerV4, kPeerV6}) {
      world.arrive(peer, frame_like("frame"));
      world.arrive(peer, stun_request(), 40128);
      const auto arrivals = world.delivered();
      ASSERT_EQ(arrivals.size(), 2U);
      // The two families have a socket each: order holds within one.
      EXPECT_EQ(arrivals[0].from, peer);
      EXPECT_EQ(arrivals[0].to_port, kListenPort);
      EXPECT_EQ(arrivals[0].datagram, frame_like("frame"));
      EXPECT_EQ(arrivals[1].from, peer);
      EXPECT_EQ(arrivals[1].to_port, 40128);
      EXPECT_EQ(arrivals[1].datagram, stun_request());
    }
    EXPECT_EQ(world.port->counters().refused, 0U);
  });
}

TEST_F(RawWireguardPortTest, DeliversOnceOverLoopback) {
  with_world([](World& world) {
    for (const auto* to : {"127.0.0.1:51820", "[::1]:51820"}) {
      world.port->send({{*Endpoint::parse(to), frame_like(to)}});
      EXPECT_TRUE(run_until(world.context, [&] { return !world.arrivals.empty(); }));
      const auto arrivals = world.delivered();
      ASSERT_EQ(arrivals.size(), 1U);
      EXPECT_EQ(arrivals[0].from, *Endpoint::parse(to));
      EXPECT_EQ(arrivals[0].datagram, frame_like(to));
    }
  });
}

TEST_F(RawWireguardPortTest, IsNotGivenWireguardsOwnDatagramsNorWhatItSendsItself) {
  with_world([](World& world) {
    for (const int type : {1, 2, 3, 4}) {
      world.arrive(kPeerV4, wireguard_like(type));
      world.arrive(kPeerV6, wireguard_like(type));
    }
    world.port->send({{kPeerV4, frame_like("outgoing")}});
    EXPECT_TRUE(world.delivered().empty());
    EXPECT_EQ(world.port->counters().received, 1U);
    EXPECT_EQ(world.port->counters().refused, 0U);
  });
}

TEST_F(RawWireguardPortTest, HearsWhatTheHostsFirewallDrops) {
  if (system("nft --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "needs the package nftables";
  with_world([](World& world) {
    run_command(
        "nft 'table inet wall { chain in { type filter hook input priority 0; "
        "policy drop; }; }'");
    world.arrive(kPeerV4, frame_like("frame"));
    EXPECT_EQ(world.delivered().size(), 1U);
  });
}

TEST_F(RawWireguardPortTest, RefusesPacketsThatArePassingThroughOrMalformed) {
  with_world([](World& world) {
    const Bytes frame = frame_like("frame");
    const Endpoint own = World::own(kPeerV4);
    const Endpoint stranger{*IpAddress::parse("203.0.113.5"), kListenPort};
    world.wire.arrive(udp_packet(kPeerV4, stranger, frame));
    const Endpoint loopback{*IpAddress::parse("127.0.0.1"), 53};
    world.wire.arrive(udp_packet(loopback, own, frame));
    Bytes cut = udp_packet(kPeerV4, own, frame);
    cut.pop_back();
    world.wire.arrive(cut);
    Bytes longer_than_the_packet = udp_packet(kPeerV6, World::own(kPeerV6), frame);
    longer_than_the_packet[45] = std::byte{200};
    world.wire.arrive(longer_than_the_packet);
    const Bytes too_long(kPacketBytesMax, frame.front());
    world.arrive(kPeerV4, too_long);

    EXPECT_TRUE(world.delivered().empty());
    world.arrive(kPeerV6, frame);  // after what came over IPv6
    EXPECT_TRUE(run_until(world.context, [&] { return !world.arrivals.empty(); }));
    EXPECT_EQ(world.port->counters().refused, 5U);
  });
}

TEST_F(RawWireguardPortTest, HearsAtAnAddressThatCameLater) {
  with_world([](World& world) {
    world.arrive(kPeerV4, frame_like("at the first"));
    run_command("ip addr add 192.0.2.99/32 dev wire0");
    const Endpoint later{*IpAddress::parse("192.0.2.99"), kListenPort};
    world.wire.arrive(udp_packet(kPeerV4, later, frame_like("at the later")));
    EXPECT_EQ(world.delivered().size(), 2U);
    EXPECT_EQ(world.port->counters().refused, 0U);
  });
}

TEST_F(RawWireguardPortTest, FollowsTheListenPort) {
  with_world([](World& world) {
    world.arrive(kPeerV4, frame_like("queued for the old port"));
    world.port->set_listen_port(51999);
    world.mark_port = 51999;
    world.arrive(kPeerV4, frame_like("old"));
    world.arrive(kPeerV4, frame_like("new"), 51999);
    const auto arrivals = world.delivered();
    ASSERT_EQ(arrivals.size(), 1U);
    EXPECT_EQ(arrivals[0].datagram, frame_like("new"));
    EXPECT_EQ(world.port->counters().refused, 1U);
    world.port->send({{kPeerV4, frame_like("")}});
    EXPECT_EQ(parse_udp_packet(*world.wire.take_udp())->from.port, 51999);
  });
}

TEST_F(RawWireguardPortTest, HoldsItsSidePortsSoThatNoArrivalIsAnsweredByIcmp) {
  with_world([](World& world) {
    for (const Endpoint& peer : {kPeerV4, kPeerV6}) {
      world.arrive(peer, frame_like("nobody's port"), 40000);
      EXPECT_EQ(world.wire.take_icmp_errors(), 1);
      world.port->set_side_ports(40000, rendezvous::kSidePorts);
      EXPECT_EQ(world.port->counters().side_ports_missing, 0U);
      world.arrive(peer, frame_like("a side port"), 40000);
      EXPECT_EQ(world.wire.take_icmp_errors(), 0);
      world.port->set_side_ports(0, 0);
    }
  });
}

TEST_F(RawWireguardPortTest, CountsTheSidePortsThatOthersHaveTaken) {
  with_world([](World& world) {
    const auto other = AsioDatagramSocket::open(world.context, 40007);
    ASSERT_TRUE(other && (*other)->local_port() == 40007);
    world.port->set_side_ports(40000, 16);
    EXPECT_EQ(world.port->counters().side_ports_missing, 1U);
  });
}

TEST_F(RawWireguardPortTest, LeavesOthersDatagramsToTheSocketThatOwnsThePort) {
  with_world([](World& world) {
    const auto owner = AsioDatagramSocket::open(world.context, kListenPort);
    ASSERT_TRUE(owner && (*owner)->local_port() == kListenPort);
    std::vector<Bytes> seen;
    (*owner)->start([&](const Endpoint&, ByteView datagram) {
      seen.emplace_back(datagram.begin(), datagram.end());
    });
    world.arrive(kPeerV4, wireguard_like(4));
    world.arrive(kPeerV4, frame_like("frame"));
    EXPECT_EQ(world.delivered().size(), 1U);
    EXPECT_TRUE(run_until(world.context, [&] { return seen.size() == 3; }));  // with the last one
    EXPECT_EQ(seen[0], wireguard_like(4));
    EXPECT_EQ(world.wire.take_icmp_errors(), 0);
  });
}

TEST_F(RawWireguardPortTest, MayBeDestroyedFromItsOwnHandler) {
  in_own_network([] {
    asio::io_context context;
    auto port = std::move(*RawWireguardPort::open(context, kListenPort));
    int deliveries = 0;
    port->start([&](const Endpoint&, std::uint16_t, ByteView) {
      ++deliveries;
      port.reset();
    });
    for (int i = 0; i < 3; ++i) {
      port->send({{*Endpoint::parse("127.0.0.1:51820"), frame_like("")}});
    }
    EXPECT_TRUE(run_until(context, [&] { return !port; }));
    context.restart();
    context.run();  // what was pending ends, and delivers no more
    EXPECT_EQ(deliveries, 1);
  });
}

/// In a child: becomes an ordinary user who has these capabilities and no other.
bool become_nobody_with(std::uint32_t capabilities) {
  constexpr uid_t kNobody = 65534;
  if (prctl(PR_SET_KEEPCAPS, 1) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  data[0].permitted = data[0].effective = capabilities;
  return syscall(SYS_capset, &header, data.data()) == 0;
}

/// The exit code of a child that ran `body` in this thread's network.
int exit_code_of(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// 0: a frame went to the host itself and came back.
int exchange_with_itself() {
  asio::io_context context;
  auto port = RawWireguardPort::open(context, kListenPort);
  if (!port) return 2;
  bool received = false;
  (*port)->start([&](const Endpoint&, std::uint16_t, ByteView) { received = true; });
  (*port)->set_side_ports(40000, 4);
  (*port)->send({{*Endpoint::parse("127.0.0.1:51820"), frame_like("")}, 40001, 9});
  return run_until(context, [&] { return received; }) ? 0 : 3;
}

TEST_F(RawWireguardPortTest, NeedsTheCapabilityForRawSocketsAndNoOther) {
  in_own_network([] {
    EXPECT_EQ(exit_code_of([] {
                if (!become_nobody_with(CAP_TO_MASK(CAP_NET_RAW))) return 1;
                return exchange_with_itself();
              }),
              0);
  });
}

TEST_F(RawWireguardPortTest, SaysWhatIsMissingWithoutTheCapability) {
  in_own_network([] {
    EXPECT_EQ(
        exit_code_of([] {
          if (!become_nobody_with(0)) return 1;
          asio::io_context context;
          const auto port = RawWireguardPort::open(context, kListenPort);
          if (port) return 2;
          const std::string& message = port.error().message;
          return message.find("CAP_NET_RAW") != std::string::npos && message.back() == '.' ? 0 : 3;
        }),
        0);
  });
}

}  // namespace
}  // namespace kadwire::node
