#include "node/adapters/netlink_network_monitor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/unit/node/adapters/event_loop.h"
#include "tests/unit/node/adapters/own_network.h"

namespace kadwire::node {
namespace {

using namespace std::chrono_literals;
using kadwire::testing::in_own_network;
using kadwire::testing::run_command;
using kadwire::testing::run_until;

/// A change is told 50 ms after it; only a failure takes so long.
constexpr auto kPatience = 20s;
/// What would be told wrongly is told by then, unless the machine is so busy that it goes unseen.
constexpr auto kQuiet = 200ms;

/// A started monitor that has delivered its first state.
class Watched {
 public:
  Watched() : monitor(NetlinkNetworkMonitor::open(context, "kadwire0").value()) {
    monitor->start([this](const NetworkState& state) { states.push_back(state); });
    EXPECT_TRUE(states.empty()) << "delivered from inside start";
    EXPECT_TRUE(run_until(
        context, [&] { return states.size() == 1; }, kPatience));
  }
  /// Until it has told something more: how everything is by then.
  bool next(std::chrono::milliseconds limit = kPatience) {
    const std::size_t count = states.size();
    return run_until(
        context, [&] { return states.size() > count; }, limit);
  }
  bool stays_silent() { return !next(kQuiet); }
  /// Until the address is there: the kernel takes up to a second to say that an interface runs.
  bool has_address(std::string_view text) {
    return run_until(
        context, [&] { return address(text) != nullptr; }, kPatience);
  }
  [[nodiscard]] const rendezvous::LocalAddress* address(std::string_view text) const {
    const auto& all = states.back().addresses;
    const auto found =
        std::ranges::find(all, *Prefix::parse(text), &rendezvous::LocalAddress::prefix);
    return found == all.end() ? nullptr : &*found;
  }

  asio::io_context context;
  std::unique_ptr<NetlinkNetworkMonitor> monitor;
  std::vector<NetworkState> states;
};

void make_veth() {
  run_command("ip link add v0 type veth peer name v1");
  run_command("ip link set v0 addrgenmode none && ip link set v1 addrgenmode none");
  run_command("ip link set v0 up && ip link set v1 up");
}

TEST(NetlinkNetworkMonitor, DeliversTheStateOnceAndStaysSilentWithoutAChange) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    Watched watched;
    ASSERT_NE(watched.address("127.0.0.1/8"), nullptr);
    EXPECT_EQ(watched.address("127.0.0.1/8")->interface, "lo");
    run_command("ip link set lo txqueuelen 77");  // a notice, but nothing that is reported
    EXPECT_TRUE(watched.stays_silent());
  });
}

TEST(NetlinkNetworkMonitor, ReportsAnAddedAndARemovedAddress) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    make_veth();
    Watched watched;
    run_command("ip address add 2001:db8::1/64 dev v0 nodad");
    ASSERT_TRUE(watched.has_address("2001:db8::1/64"));
    EXPECT_FALSE(watched.address("2001:db8::1/64")->tentative);
    run_command("ip address del 2001:db8::1/64 dev v0");
    ASSERT_TRUE(watched.next());
    EXPECT_EQ(watched.address("2001:db8::1/64"), nullptr);
  });
}

TEST(NetlinkNetworkMonitor, ReportsABurstOfChangesOnce) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    Watched watched;
    run_command("for i in $(seq 1 20); do ip address add 10.0.$i.1/24 dev lo; done");
    ASSERT_TRUE(watched.next());
    EXPECT_TRUE(watched.stays_silent());
    EXPECT_EQ(watched.states.size(), 2u);
    EXPECT_NE(watched.address("10.0.1.1/24"), nullptr);
    EXPECT_NE(watched.address("10.0.20.1/24"), nullptr);
  });
}

TEST(NetlinkNetworkMonitor, LeavesOutOurOwnInterfaceAndItsRoutes) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    make_veth();
    run_command("ip link add kadwire0 type bridge && ip link set v1 master kadwire0");
    run_command("ip address add 192.0.2.1/24 dev v0");
    Watched watched;
    ASSERT_TRUE(watched.has_address("192.0.2.1/24"));
    run_command("ip link set kadwire0 addrgenmode none && ip link set kadwire0 up");
    run_command("ip address add 10.1.0.1/16 dev kadwire0");
    EXPECT_TRUE(watched.stays_silent());
    EXPECT_EQ(watched.address("10.1.0.1/16"), nullptr);
    const LocalRoute other{*Prefix::parse("192.0.2.0/24"), "v0"};
    EXPECT_EQ(std::ranges::count(watched.states.back().routes, other), 1);
    for (const LocalRoute& route : watched.states.back().routes) {
      EXPECT_NE(route.interface, "kadwire0");
    }
  });
}

TEST(NetlinkNetworkMonitor, TellsBridgesDeprecatedAndUnusableAddressesApart) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    make_veth();
    run_command("ip link add br0 type bridge && ip link set v1 master br0 && ip link set br0 up");
    run_command("ip address add 172.17.0.1/16 dev br0");
    run_command("ip address add 2001:db8::1/64 dev v0 nodad preferred_lft 0");
    run_command("ip link add br1 type bridge && ip address add 172.18.0.1/16 dev br1");
    Watched watched;
    ASSERT_TRUE(watched.has_address("172.17.0.1/16"));
    EXPECT_TRUE(watched.address("172.17.0.1/16")->bridge);
    ASSERT_TRUE(watched.has_address("2001:db8::1/64"));
    EXPECT_TRUE(watched.address("2001:db8::1/64")->deprecated);
    EXPECT_FALSE(watched.address("2001:db8::1/64")->bridge);
    EXPECT_EQ(watched.address("172.18.0.1/16"), nullptr) << "its interface is down";
  });
}

TEST(NetlinkNetworkMonitor, ReportsGatewaysByTheirMetricAndNoDefaultRoutes) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    make_veth();
    run_command("ip address add 192.0.2.1/24 dev v0 && ip address add 198.51.100.1/24 dev v1");
    run_command("ip link add kadwire0 type bridge && ip link set kadwire0 up");
    run_command("ip address add 10.1.0.1/16 dev kadwire0");
    Watched watched;
    ASSERT_TRUE(watched.has_address("192.0.2.1/24") && watched.has_address("198.51.100.1/24"));
    EXPECT_TRUE(watched.states.back().gateways.empty());
    run_command(
        "ip route add default via 192.0.2.254 metric 300 && "
        "ip route add default via 198.51.100.254 metric 100 && "
        "ip route add default via 192.0.2.254 metric 50 table 52 && "
        "ip route add default via 10.1.0.9 metric 1");
    ASSERT_TRUE(watched.next());
    EXPECT_EQ(watched.states.back().gateways,
              (std::vector{*IpAddress::parse("192.0.2.254"), *IpAddress::parse("198.51.100.254")}));
    for (const LocalRoute& route : watched.states.back().routes) EXPECT_NE(route.prefix.length, 0U);
    run_command("ip route del default via 192.0.2.254 metric 50 table 52");
    ASSERT_TRUE(watched.next());
    EXPECT_EQ(watched.states.back().gateways.at(0), *IpAddress::parse("198.51.100.254"));
  });
}

TEST(NetlinkNetworkMonitor, StaysSilentAfterItsDestruction) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    Watched watched;
    run_command("ip address add 10.0.0.1/24 dev lo");
    watched.monitor.reset();
    EXPECT_TRUE(watched.stays_silent());
  });
}

}  // namespace
}  // namespace kadwire::node
