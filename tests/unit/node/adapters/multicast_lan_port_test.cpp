#include "node/adapters/multicast_lan_port.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/node/adapters/event_loop.h"
#include "tests/unit/node/adapters/own_network.h"

namespace kadwire::node {
namespace {

using kadwire::testing::in_own_network;
using kadwire::testing::run_command;

/// One program on the host: what it heard.
struct Listener {
  explicit Listener(asio::io_context& context, std::vector<std::string> links,
                    bool use_ipv6 = true) {
    auto opened = MulticastLanPort::open(context, use_ipv6);
    EXPECT_TRUE(opened) << opened.error().message;
    port = std::move(*opened);
    port->start([this](const Endpoint& from, ByteView datagram) {
      sources.push_back(from);
      heard.emplace_back(as_text(datagram));
    });
    port->set_links(links);
  }
  std::unique_ptr<MulticastLanPort> port;
  std::vector<std::string> heard;
  std::vector<Endpoint> sources;
};

void add_link(const std::string& name, const std::string& ipv4, const std::string& ipv6) {
  const std::string far = name + "-far";
  run_command("ip link add " + name + " type veth peer name " + far);
  run_command("ip link set " + far + " up && ip link set " + name + " up");
  run_command("ip addr add " + ipv4 + "/24 dev " + name);
  run_command("ip addr add " + ipv6 + "/64 dev " + name + " nodad");
}

class MulticastLanPortTest : public ::testing::Test {
 protected:
  void SetUp() override { KADWIRE_SKIP_WITHOUT_OWN_NETWORK(); }
  asio::io_context context_;
};

TEST_F(MulticastLanPortTest, IsHeardByEveryProgramOnTheLinkOnceInEachFamily) {
  in_own_network([&] {
    add_link("lan0", "192.168.7.1", "fe80::7");
    Listener a(context_, {"lan0"}), b(context_, {"lan0"});
    a.port->send(as_bytes("beacon"));
    kadwire::testing::run_until(context_, [&] { return b.heard.size() >= 2; });
    EXPECT_EQ(b.heard, (std::vector<std::string>{"beacon", "beacon"}));
    EXPECT_EQ(
        std::ranges::count_if(b.sources, [](const auto& from) { return from.address.is_v6(); }), 1);
  });
}

TEST_F(MulticastLanPortTest, LeavesIpv6OutWhenTold) {
  in_own_network([&] {
    add_link("lan0", "192.168.7.1", "fe80::7");
    Listener a(context_, {"lan0"}, false), b(context_, {"lan0"});
    a.port->send(as_bytes("beacon"));
    a.port->send(as_bytes("again"));
    kadwire::testing::run_until(context_, [&] { return b.heard.size() >= 2; });
    EXPECT_EQ(b.heard, (std::vector<std::string>{"beacon", "again"}));
  });
}

TEST_F(MulticastLanPortTest, SpeaksAndHearsOnTheLinksItWasToldAlone) {
  in_own_network([&] {
    add_link("lan0", "192.168.7.1", "fe80::7");
    add_link("lan1", "192.168.8.1", "fe80::8");
    Listener a(context_, {"lan0"}), b(context_, {"lan1"}), both(context_, {"lan0", "lan1"});
    a.port->send(as_bytes("zero"));
    b.port->send(as_bytes("one"));
    kadwire::testing::run_until(context_, [&] { return both.heard.size() >= 4; });
    EXPECT_EQ(std::ranges::count(a.heard, "one"), 0);
    EXPECT_EQ(std::ranges::count(b.heard, "zero"), 0);
    EXPECT_EQ(std::ranges::count(both.heard, "one"), 2);

    a.port->set_links(std::vector<std::string>{"lan1", "nowhere"});
    a.heard.clear();
    a.port->send(as_bytes("moved"));
    both.port->send(as_bytes("all"));
    kadwire::testing::run_until(context_, [&] { return a.heard.size() >= 4; });
    EXPECT_EQ(std::ranges::count(a.heard, "all"), 2) << "lan1's, and no longer lan0's";
    EXPECT_EQ(std::ranges::count(b.heard, "moved"), 2);
  });
}

TEST_F(MulticastLanPortTest, JoinsALinkAgainThatIsAnotherOneUnderTheSameName) {
  in_own_network([&] {
    add_link("lan0", "192.168.7.1", "fe80::7");
    Listener a(context_, {"lan0"}), b(context_, {"lan0"});
    run_command("ip link del lan0");
    add_link("lan0", "192.168.7.1", "fe80::7");
    for (Listener* each : {&a, &b}) each->port->set_links(std::vector<std::string>{"lan0"});
    a.port->send(as_bytes("beacon"));
    kadwire::testing::run_until(context_, [&] { return b.heard.size() >= 2; });
    EXPECT_EQ(b.heard.size(), 2U);
  });
}

TEST_F(MulticastLanPortTest, HearsNothingThatWasSentToTheHostAlone) {
  in_own_network([&] {
    add_link("lan0", "192.168.7.1", "fe80::7");
    Listener a(context_, {"lan0"}), b(context_, {"lan0"});
    const std::string port = std::to_string(kLanPort);
    run_command("bash -c 'echo -n x > /dev/udp/192.168.7.1/" + port +
                "; echo -n x > /dev/udp/::1/" + port + "' 2>/dev/null || true");
    a.port->send(as_bytes("beacon"));
    kadwire::testing::run_until(context_, [&] { return b.heard.size() >= 2; });
    EXPECT_EQ(std::ranges::count(b.heard, "x"), 0);
  });
}

}  // namespace
}  // namespace kadwire::node
