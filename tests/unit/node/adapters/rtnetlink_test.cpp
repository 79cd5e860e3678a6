#include "node/adapters/rtnetlink.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/node/adapters/own_network.h"

namespace kadwire::node {
namespace {

using kadwire::testing::in_own_network;
using kadwire::testing::run_command;

Prefix prefix(std::string_view text) {
  return *Prefix::parse(text);
}

Link link_named(Rtnetlink& netlink, std::string_view name) {
  const auto link = netlink.find_link(name);
  EXPECT_TRUE(link && *link) << name;
  return link && *link ? **link : Link{};
}

/// The addresses of one link but fe80::/10, sorted.
std::vector<Prefix> addresses_of(Rtnetlink& netlink, const Link& link) {
  std::vector<Prefix> result;
  const auto all = netlink.addresses().value();
  for (const InterfaceAddress& address : all) {
    if (address.link_index != link.index || address.prefix.address.is_link_local()) continue;
    result.push_back(address.prefix);
  }
  std::ranges::sort(result);
  return result;
}

TEST(Rtnetlink, ListsLinksWithTheirKindAndState) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip link add br0 type bridge && ip link add v0 mtu 1300 type veth peer name v1");
    run_command("ip link set v0 up && ip link set v1 up");
    auto netlink = Rtnetlink::open().value();
    const Link bridge = link_named(netlink, "br0");
    EXPECT_EQ(bridge.kind, "bridge");
    EXPECT_FALSE(bridge.up || bridge.running);
    const Link loopback = link_named(netlink, "lo");
    EXPECT_TRUE(loopback.up && loopback.running);
    const Link veth = link_named(netlink, "v0");
    EXPECT_EQ(veth.kind, "veth");
    EXPECT_TRUE(veth.up);
    EXPECT_EQ(veth.mtu_bytes, 1300u);
    EXPECT_EQ(netlink.find_link("v2").value(), std::nullopt);
  });
}

TEST(Rtnetlink, LeavesAnInterfaceWithExactlyTheWantedAddresses) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip tuntap add t0 mode tun && ip tuntap add t1 mode tun");
    run_command("ip address add 10.1.0.1/16 dev t0 && ip address add 10.1.0.2/16 dev t0");
    run_command("ip address add fe80::1/64 dev t0 && ip address add 10.1.0.1/16 dev t1");
    auto netlink = Rtnetlink::open().value();
    const Link link = link_named(netlink, "t0");
    ASSERT_TRUE(netlink.set_up(link, 1280));
    // Removing the primary 10.1.0.1 takes the secondary 10.1.0.2 along, which is wanted.
    const std::vector<Prefix> wanted{prefix("10.1.0.2/16"), prefix("10.9.0.1/24"),
                                     prefix("fd00::1/64")};
    ASSERT_TRUE(netlink.set_addresses(link, wanted));
    EXPECT_EQ(addresses_of(netlink, link), wanted);
    EXPECT_EQ(addresses_of(netlink, link_named(netlink, "t1")),
              (std::vector{prefix("10.1.0.1/16")}))
        << "another interface's addresses are not ours to touch";
    run_command("ip -6 address show dev t0 | grep -q fe80::1/64");
    const auto all = netlink.addresses().value();
    const auto ours = std::ranges::find(all, prefix("fd00::1/64"), &InterfaceAddress::prefix);
    ASSERT_NE(ours, all.end());
    EXPECT_FALSE(ours->tentative);
    EXPECT_EQ(link_named(netlink, "t0").mtu_bytes, 1280u);

    ASSERT_TRUE(netlink.set_addresses(link, std::vector{prefix("fd00::1/128")}));
    EXPECT_EQ(addresses_of(netlink, link), (std::vector{prefix("fd00::1/128")}))
        << "another prefix length is another address";
    ASSERT_TRUE(netlink.set_addresses(link, {}));
    EXPECT_TRUE(addresses_of(netlink, link).empty());
  });
}

TEST(Rtnetlink, AddsTheOtherAddressesWhenOneIsRefused) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip tuntap add t0 mode tun");
    auto netlink = Rtnetlink::open().value();
    const Link link = link_named(netlink, "t0");
    const auto done =
        netlink.set_addresses(link, std::vector{prefix("ff02::1/64"), prefix("10.1.0.2/16")});
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message.find("ff02::1/64"), std::string::npos);
    EXPECT_EQ(addresses_of(netlink, link), (std::vector{prefix("10.1.0.2/16")}));
  });
}

TEST(Rtnetlink, ListsRoutesWithoutLocalOnesAndTheLeftOutLinks) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
    run_command("ip address add 192.0.2.1/24 dev v0 && ip address add 198.51.100.1/24 dev v1");
    run_command("ip route add default via 192.0.2.254");
    run_command("ip route add 10.0.0.0/8 via 192.0.2.254 table 52");
    run_command("ip route add blackhole 10.66.0.0/16");
    auto netlink = Rtnetlink::open().value();
    const Link left_out = link_named(netlink, "v1");
    std::vector<Prefix> prefixes;
    const auto routes = netlink.routes(left_out.index).value();
    for (const InterfaceRoute& route : routes) {
      EXPECT_EQ(route.link_index, link_named(netlink, "v0").index);
      if (route.prefix.address.is_v4()) prefixes.push_back(route.prefix);
    }
    std::ranges::sort(prefixes);
    EXPECT_EQ(prefixes,
              (std::vector{prefix("0.0.0.0/0"), prefix("10.0.0.0/8"), prefix("192.0.2.0/24")}));
  });
}

TEST(Rtnetlink, KnowsARoutesNextHopAndMetricAlsoOfSeveral) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
    run_command("ip address add 192.0.2.1/24 dev v0 && ip address add 2001:db8::1/64 dev v0 nodad");
    run_command("ip route add default via 192.0.2.254 metric 7");
    run_command("ip -6 route add default via 2001:db8::ff metric 9");
    run_command("ip route add 10.0.0.0/8 nexthop via 192.0.2.9 nexthop via 192.0.2.10");
    auto netlink = Rtnetlink::open().value();
    const auto routes = netlink.routes(0).value();
    const auto find = [&](const char* text) {
      return std::ranges::find(routes, prefix(text), &InterfaceRoute::prefix);
    };
    ASSERT_NE(find("0.0.0.0/0"), routes.end());
    EXPECT_EQ(find("0.0.0.0/0")->gateway, IpAddress::parse("192.0.2.254"));
    EXPECT_EQ(find("0.0.0.0/0")->metric, 7U);
    ASSERT_NE(find("::/0"), routes.end());
    EXPECT_EQ(find("::/0")->gateway, IpAddress::parse("2001:db8::ff"));
    EXPECT_EQ(find("10.0.0.0/8")->gateway, IpAddress::parse("192.0.2.9"));
    EXPECT_EQ(find("10.0.0.0/8")->link_index, link_named(netlink, "v0").index);
    EXPECT_EQ(find("192.0.2.0/24")->gateway, std::nullopt);
  });
}

TEST(Rtnetlink, ReadsListingsThatTakeManyMessages) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command(
        "for i in $(seq 0 249); do for j in 1 2 3 4; do echo address add 10.$j.$i.1/24 dev lo; "
        "done; done | ip -batch -");
    auto netlink = Rtnetlink::open().value();
    EXPECT_EQ(addresses_of(netlink, link_named(netlink, "lo")).size(), 1000u + 2u);
  });
}

TEST(Rtnetlink, DeletesALinkAndIsContentWhenItIsGone) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip link add br0 type bridge");
    auto netlink = Rtnetlink::open().value();
    const Link link = link_named(netlink, "br0");
    EXPECT_TRUE(netlink.delete_link(link));
    EXPECT_EQ(netlink.find_link("br0").value(), std::nullopt);
    EXPECT_TRUE(netlink.delete_link(link));
    const auto up = netlink.set_up(link, 1280);
    ASSERT_FALSE(up);
    EXPECT_NE(up.error().message.find("br0"), std::string::npos);
  });
}

}  // namespace
}  // namespace kadwire::node
