/// Hosts with several interfaces: by which one packets leave, and which answers find home.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/testnet/internet_fixture.h"

namespace kadwire::testnet {
namespace {

/// A host with Ethernet behind one box and Wi-Fi behind another, and a public server.
class HostInterfaces : public InternetTest {
 protected:
  [[nodiscard]] IpAddress own(InterfaceId interface, AddressFamily family) const {
    for (const HostAddress& each : internet.addresses(host)) {
      if (each.interface == interface && each.prefix.address.family() == family) {
        return each.prefix.address;
      }
    }
    ADD_FAILURE() << "no such address";
    return {};
  }
  Drop send_from(const SourceChoice& source, const Endpoint& to) {
    internet.send(host, kPort, to, {}, source);
    queue.run_for(10s);
    return last_fate;
  }
  void set_up(InterfaceId interface, bool up) { internet.set_interface_up(host, interface, up); }

  static constexpr InterfaceId kFirst = InterfaceId::kFirst;
  static constexpr InterfaceId kOther = InterfaceId::kOther;
  const GatewayId padding = add_gateway("full-cone");  ///< so that the next two have another LAN
  const GatewayId second_padding = add_gateway("full-cone");
  const GatewayId ethernet = add_gateway("full-cone");
  const GatewayId wifi = add_gateway("full-cone");
  const HostId server = add_host();
  const HostId by_ethernet = add_host_behind(ethernet);
  const HostId by_wifi = add_host_behind(wifi);
  const HostId host =
      add_host({.behind = ethernet, .other = InterfaceOptions{.behind = wifi, .link = {}}});
  const IpAddress outside_ethernet = seen_by(server, by_ethernet).address;
  const IpAddress outside_wifi = seen_by(server, by_wifi).address;
};

TEST_F(HostInterfaces, TheFirstHasTheDefaultRouteWhileItIsUp) {
  EXPECT_EQ(seen_by(server, host).address, outside_ethernet);
  set_up(kFirst, false);
  EXPECT_EQ(seen_by(server, host).address, outside_wifi);
  EXPECT_EQ(internet.addresses(host).size(), 2U);
  set_up(kOther, false);
  EXPECT_EQ(send(host, server), Drop::kNoRoute);
  EXPECT_TRUE(internet.addresses(host).empty());
  set_up(kFirst, true);
  EXPECT_EQ(seen_by(server, host).address, outside_ethernet);
}

TEST_F(HostInterfaces, OneThatIsDownIsNotReachedAndComesBackAsItWas) {
  const auto before = internet.addresses(host);
  ASSERT_EQ(before.size(), 4U);
  const Endpoint at{own(kOther, AddressFamily::kIpv4), kPort};
  set_up(kOther, false);
  EXPECT_EQ(send(by_wifi, at), Drop::kNoRoute);
  set_up(kOther, true);
  EXPECT_EQ(internet.addresses(host), before);
  EXPECT_EQ(send(by_wifi, at), Drop::kNone);
}

TEST_F(HostInterfaces, WhatIsOnALinkIsReachedByThatLink) {
  EXPECT_EQ(send(host, by_wifi), Drop::kNone);
  EXPECT_EQ(last(by_wifi).from.address, own(kOther, AddressFamily::kIpv4));
  EXPECT_EQ(send_v6(host, by_wifi), Drop::kNone);
  EXPECT_EQ(last(by_wifi).from.address, own(kOther, AddressFamily::kIpv6));
  EXPECT_EQ(send(host, by_ethernet), Drop::kNone);
  EXPECT_EQ(last(by_ethernet).from.address, own(kFirst, AddressFamily::kIpv4));
}

TEST_F(HostInterfaces, ASourceThatIsNamedDoesNotChangeTheRoute) {
  const IpAddress foreign = own(kOther, AddressFamily::kIpv4);
  EXPECT_EQ(send_from({.address = foreign}, {v4(server), kPort}), Drop::kNone);
  const Endpoint seen = last(server).from;
  EXPECT_EQ(seen.address, outside_ethernet) << "a NAT translates anything";
  EXPECT_EQ(send(server, seen), Drop::kNoRoute) << "and has nobody to bring the answer to";
  const IpAddress foreign6 = own(kOther, AddressFamily::kIpv6);
  EXPECT_EQ(send_from({.address = foreign6}, {v6(server), kPort}), Drop::kNoRoute)
      << "a provider drops what is not of its customer";
  EXPECT_EQ(send_from({.address = foreign6}, {v6(by_ethernet), kPort}), Drop::kNone)
      << "a link asks nobody";
}

TEST_F(HostInterfaces, WhoNamesTheInterfaceTooLeavesByIt) {
  const IpAddress other4 = own(kOther, AddressFamily::kIpv4);
  EXPECT_EQ(send_from({.address = other4, .pins_interface = true}, {v4(server), kPort}),
            Drop::kNone);
  const Endpoint seen = last(server).from;
  EXPECT_EQ(seen.address, outside_wifi);
  ASSERT_EQ(send(server, seen), Drop::kNone);
  EXPECT_EQ(last(host).to.address, other4);
}

TEST_F(HostInterfaces, ADatagramThatArrivesMayStillHaveNoAnswer) {
  const Endpoint first{own(kFirst, AddressFamily::kIpv6), kPort};
  const Endpoint other{own(kOther, AddressFamily::kIpv6), kPort};
  EXPECT_TRUE(internet.would_arrive(server, kPort, host, other));
  EXPECT_FALSE(internet.would_be_answered(server, kPort, host, other));
  EXPECT_TRUE(internet.would_be_answered(server, kPort, host, first));
  EXPECT_TRUE(internet.would_be_answered(by_wifi, kPort, host, other));
  set_up(kFirst, false);
  EXPECT_TRUE(internet.would_be_answered(server, kPort, host, other));
}

TEST_F(HostInterfaces, MulticastGoesToEveryLink) {
  internet.send_to_lan(host, kPort, {});
  queue.run_for(1s);
  EXPECT_EQ(arrivals[by_wifi].size(), 1U);
  EXPECT_EQ(arrivals[by_ethernet].size(), 1U);
  EXPECT_TRUE(arrivals[host].empty());
}

TEST_F(HostInterfaces, EachHasItsGateway) {
  EXPECT_EQ(internet.gateways(host), (std::vector{ethernet, wifi}));
  EXPECT_EQ(internet.gateway_addresses(host).size(), 2U);
  EXPECT_EQ(internet.gateway_addresses(host).front(), internet.gateway_addresses(by_ethernet)[0]);
  EXPECT_EQ(internet.surroundings(host).outermost, ethernet);
  set_up(kFirst, false);
  EXPECT_EQ(internet.gateway_addresses(host), internet.gateway_addresses(by_wifi));
  EXPECT_EQ(internet.surroundings(host).outermost, wifi);
}

TEST_F(HostInterfaces, OneNetworkChangesWithoutTheOther) {
  const IpAddress first = own(kFirst, AddressFamily::kIpv6);
  const IpAddress other = own(kOther, AddressFamily::kIpv6);
  internet.change_addresses(host, kOther);
  EXPECT_EQ(own(kFirst, AddressFamily::kIpv6), first);
  EXPECT_NE(own(kOther, AddressFamily::kIpv6), other);
  EXPECT_NE(seen_by(server, by_wifi).address, outside_wifi);
  EXPECT_EQ(seen_by(server, host).address, outside_ethernet);
}

TEST_F(HostInterfaces, ANeighbourWhoHasTheAddressOfTheOtherLanIsTakenForAForger) {
  const GatewayId here = add_gateway("full-cone");
  for (int i = 0; i < 2; ++i) (void)add_gateway("full-cone");
  const GatewayId there = add_gateway("full-cone");
  const HostId neighbour = add_host_behind(there);
  const HostId both =
      add_host({.behind = here, .other = InterfaceOptions{.behind = there, .link = {}}});
  ASSERT_EQ(v4(both), v4(neighbour)) << "both LANs are 192.168.1.0/24";
  EXPECT_EQ(send(neighbour, {internet.addresses(both)[2].prefix.address, kPort}), Drop::kNoRoute);
  EXPECT_EQ(send_v6(neighbour, both), Drop::kNone);
}

TEST_F(HostInterfaces, BothMayBeInOneLan) {
  const HostId docked =
      add_host({.behind = ethernet, .other = InterfaceOptions{.behind = ethernet, .link = {}}});
  for (const HostAddress& each : internet.addresses(docked)) {
    EXPECT_EQ(send(by_ethernet, {each.prefix.address, kPort}), Drop::kNone);
  }
  EXPECT_EQ(send(docked, by_ethernet), Drop::kNone);
  EXPECT_EQ(last(by_ethernet).from.address, v4(docked)) << "the first's route wins";
}

class Bridge : public InternetTest {
 protected:
  static IpAddress bridge_of(const std::vector<HostAddress>& addresses) {
    const auto found = std::ranges::find(addresses, InterfaceId::kBridge, &HostAddress::interface);
    return found == addresses.end() ? IpAddress{} : found->prefix.address;
  }
  const GatewayId gateway = add_gateway("full-cone");
  const HostId a = add_host({.behind = gateway, .bridge = true});
  const HostId b = add_host({.behind = gateway, .bridge = true});
  const HostId without = add_host_behind(gateway);
  const IpAddress address = *IpAddress::parse("172.17.0.1");
};

TEST_F(Bridge, HasTheSameAddressOnEveryHostAndEachReachesItsOwn) {
  EXPECT_EQ(bridge_of(internet.addresses(a)), address);
  EXPECT_EQ(bridge_of(internet.addresses(b)), address);
  EXPECT_EQ(send(a, {address, kPort}), Drop::kNone);
  EXPECT_EQ(arrivals[a].size(), 1U);
  EXPECT_TRUE(arrivals[b].empty());
}

TEST_F(Bridge, LeadsNowhere) {
  EXPECT_EQ(send(a, {*IpAddress::parse("172.17.0.2"), kPort}), Drop::kNoRoute);
  EXPECT_EQ(send(without, {address, kPort}), Drop::kNoRoute);
  EXPECT_EQ(send(a, b), Drop::kNone) << "everything else goes on as it did";
  internet.set_interface_up(a, InterfaceId::kFirst, false);
  EXPECT_EQ(send(a, b), Drop::kNoRoute);
}

}  // namespace
}  // namespace kadwire::testnet
