#include "tools/testnet/internet/internet.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/testnet/internet_fixture.h"

namespace kadwire::testnet {
namespace {

using InternetPublic = InternetTest;
using InternetNat = InternetTest;
using InternetLan = InternetTest;
using InternetIpv6 = InternetTest;
using InternetMtu = InternetTest;

TEST_F(InternetPublic, CarriesADatagramBetweenPublicHosts) {
  const HostId a = add_host();
  const HostId b = add_host();
  internet.send(a, 1234, {v4(b), 99}, {std::byte{7}});
  queue.run_for(1s);
  ASSERT_EQ(arrivals[b].size(), 1U);
  EXPECT_EQ(arrivals[b][0], (Arrival{0s, {v4(a), 1234}, {v4(b), 99}, {std::byte{7}}}));
  EXPECT_EQ(internet.fates()[static_cast<std::size_t>(Drop::kNone)], 1U);
}

TEST_F(InternetPublic, GivesEveryHostPublicAddressesInNetworksOfItsOwn) {
  std::set<Prefix> networks;
  for (int i = 0; i < 1000; ++i) {
    for (const HostAddress& own : internet.addresses(add_host())) {
      const IpAddress& address = own.prefix.address;
      EXPECT_FALSE(address.is_private() || address.is_link_local() || address.is_multicast());
      EXPECT_TRUE(networks.insert(own.prefix.network()).second) << own.prefix.to_string();
    }
  }
  EXPECT_EQ(networks.size(), 2000U);
}

TEST_F(InternetPublic, TakesBothAccessLinksAndTheDistance) {
  const HostId a = add_host({.link = {.latency = {.low = 5ms}}, .city = "frankfurt"});
  const HostId b = add_host({.link = {.latency = {.low = 10ms}}, .city = "new-york"});
  const HostId nowhere = add_host();
  send(a, b);
  EXPECT_NEAR(static_cast<double>(arrivals[b][0].after.count()), 62e6, 5e6);
  const TimePoint sent = queue.now();
  send(nowhere, b);
  EXPECT_EQ(arrivals[b][1].after, sent - EventQueue::kStart + 10ms);
}

TEST_F(InternetPublic, HasNoRouteToAddressesNobodyHas) {
  const HostId a = add_host();
  for (const char* to : {"11.200.0.10:1", "11.0.0.11:1", "10.0.0.1:1", "192.168.1.2:1",
                         "100.64.1.10:1", "224.0.0.1:1", "8.8.8.8:1", "[2a00:0:99::1]:1",
                         "[2a00:0:1::2]:1", "[fe80::1]:1", "[2001:db8::1]:1"}) {
    EXPECT_EQ(send(a, *Endpoint::parse(to)), Drop::kNoRoute) << to;
  }
}

TEST_F(InternetPublic, NeedsAnAddressOfTheFamilyOnBothSides) {
  const HostId four = add_host({.families = Families::kIpv4});
  const HostId six = add_host({.families = Families::kIpv6});
  const HostId both = add_host();
  EXPECT_EQ(internet.addresses(four).size(), 1U);
  EXPECT_EQ(send(four, {v6(six), 1}), Drop::kNoRoute);
  EXPECT_EQ(send(six, {v4(four), 1}), Drop::kNoRoute);
  EXPECT_EQ(send(both, {v4(four), 1}), Drop::kNone);
  EXPECT_EQ(send(both, {v6(six), 1}), Drop::kNone);
}

TEST_F(InternetPublic, AHostReachesItselfWhateverItsFirewallAndLink) {
  const HostId a = add_host({.link = {.loss = 1}, .firewall = {.stateful = true}});
  EXPECT_EQ(send(a, a), Drop::kNone);
}

TEST_F(InternetPublic, AHostThatBlocksUdpNeitherSendsNorReceives) {
  const HostId blocked = add_host({.udp_blocked = true});
  const HostId other = add_host();
  EXPECT_EQ(send(blocked, other), Drop::kUdpBlocked);
  EXPECT_EQ(send(other, blocked), Drop::kUdpBlocked);
}

TEST_F(InternetPublic, AHostsFirewallLetsAnswersInForBothFamilies) {
  const HostId guarded = add_host({.firewall = {.stateful = true}});
  const HostId other = add_host();
  EXPECT_EQ(send(other, guarded), Drop::kFirewall);
  EXPECT_EQ(send_v6(other, guarded), Drop::kFirewall);
  EXPECT_EQ(send(guarded, other), Drop::kNone);
  EXPECT_EQ(send(other, guarded), Drop::kNone);
  EXPECT_EQ(send_v6(other, guarded), Drop::kFirewall);
  EXPECT_EQ(send_v6(guarded, other), Drop::kNone);
  EXPECT_EQ(send_v6(other, guarded), Drop::kNone);
}

TEST_F(InternetPublic, DuplicatesArriveTwice) {
  const HostId a = add_host({.link = {.duplicate = 1}});
  const HostId b = add_host({.link = {.duplicate = 1}});
  const HostId c = add_host();
  send(a, c);
  EXPECT_EQ(arrivals[c].size(), 2U);
  send(c, b);
  ASSERT_EQ(arrivals[b].size(), 2U);
  EXPECT_EQ(arrivals[b][0].payload, arrivals[b][1].payload);
}

TEST_F(InternetPublic, OutlivesNobodyWhenPacketsAreUnderWay) {
  auto gone = std::make_unique<Internet>(queue, 1);
  const HostId a = gone->add_host({.link = {.latency = {.low = 1s}}});
  int received = 0;
  gone->set_receiver(a, [&](const Packet&) { ++received; });
  gone->send(a, 1, {gone->addresses(a).front().prefix.address, 1}, {});
  gone.reset();
  queue.run_for(10s);
  EXPECT_EQ(received, 0);
}

TEST_F(InternetNat, ShowsTheGatewaysAddressAndLetsAnswersBackIn) {
  const HostId server = add_host();
  const HostId stranger = add_host();
  const HostId inside = add_host_behind(add_gateway("port-restricted"));
  const Endpoint seen = seen_by(server, inside);
  EXPECT_FALSE(seen.address.is_private());
  EXPECT_NE(seen.address, v4(inside));
  EXPECT_EQ(send(server, seen), Drop::kNone);
  EXPECT_EQ(arrivals[inside][0].from, (Endpoint{v4(server), kPort}));
  EXPECT_EQ(arrivals[inside][0].to, (Endpoint{v4(inside), kPort}));
  EXPECT_EQ(send(stranger, seen), Drop::kNatFiltered);
}

TEST_F(InternetNat, HomesUseTheSameAddressesInside) {
  const HostId a = add_host_behind(add_gateway("full-cone"));
  const HostId b = add_host_behind(add_gateway("full-cone"));
  EXPECT_EQ(v4(a), v4(b));
  EXPECT_EQ(v4(a), *IpAddress::parse("192.168.1.2"));
  EXPECT_EQ(internet.addresses(a)[0].prefix.length, 24U);
}

TEST_F(InternetNat, CarriersTranslateASecondTime) {
  const HostId server = add_host();
  const GatewayId carrier = add_gateway("full-cone");
  const GatewayId home = add_gateway("port-restricted", carrier);
  const HostId inside = add_host_behind(home);
  const Endpoint seen = seen_by(server, inside);
  EXPECT_FALSE(seen.address.is_private());
  EXPECT_EQ(internet.mappings(carrier), 1U);
  EXPECT_EQ(internet.mappings(home), 1U);
  EXPECT_EQ(send(server, seen), Drop::kNone);
  EXPECT_EQ(arrivals[inside][0].to, (Endpoint{v4(inside), kPort}));
  EXPECT_EQ(send(add_host(), seen), Drop::kNatFiltered) << "by the home's box";
}

TEST_F(InternetNat, NeighboursOfOneCarrierReachEachOthersCarrierAddress) {
  const HostId server = add_host();
  const GatewayId carrier = add_gateway("symmetric-random");
  const GatewayId home = add_gateway("full-cone", carrier);
  const HostId a = add_host_behind(home);
  const HostId b = add_host_behind(add_gateway("port-restricted", carrier));
  seen_by(server, a);  // opens a's mapping in its home: port 5000, preserved
  EXPECT_EQ(send(b, *Endpoint::parse("100.64.1.10:5000")), Drop::kNone);
  EXPECT_EQ(arrivals[a].back().from.address, *IpAddress::parse("100.64.1.11"));
}

TEST_F(InternetNat, HairpinsOnlyIfTheModelDoes) {
  const HostId server = add_host();
  for (const std::string_view kind : {"full-cone", "hairpin-cone"}) {
    const GatewayId gateway = add_gateway(kind);
    const HostId a = add_host_behind(gateway);
    const HostId b = add_host_behind(gateway);
    const Endpoint seen = seen_by(server, a);
    const Endpoint seen_other = seen_by(server, b);
    const bool hairpins = kind == "hairpin-cone";
    EXPECT_EQ(send(b, seen), hairpins ? Drop::kNone : Drop::kNatFiltered);
    EXPECT_EQ(arrivals[a].size(), hairpins ? 1U : 0U);
    if (!hairpins) continue;
    EXPECT_EQ(arrivals[a][0].from, seen_other) << "the external endpoint";
  }
}

TEST_F(InternetNat, AFullTableRefuses) {
  NatModel small;
  small.mappings_max = 1;
  const GatewayId gateway = internet.add_gateway({.nat = small});
  const HostId a = add_host_behind(gateway);
  const HostId b = add_host_behind(gateway);
  const HostId server = add_host();
  EXPECT_EQ(send(a, server), Drop::kNone);
  EXPECT_EQ(send(b, server), Drop::kNatFull);
  EXPECT_EQ(internet.mappings_peak(gateway), 1U);
}

TEST_F(InternetNat, ABlockedHomeReachesNobody) {
  const HostId inside = add_host_behind(add_gateway("blocked"));
  EXPECT_EQ(send(inside, add_host()), Drop::kUdpBlocked);
}

TEST_F(InternetNat, AnOuterGatewayWithoutHomesServesMoreHostsThanAHomeHasRoomFor) {
  const GatewayId gateway = add_gateway("full-cone");
  std::set<IpAddress> addresses;
  HostId last{};
  for (int i = 0; i < 300; ++i) addresses.insert(v4(last = add_host_behind(gateway)));
  EXPECT_EQ(addresses.size(), 300U);
  EXPECT_EQ(v4(last), *IpAddress::parse("100.64.1.56"));
  EXPECT_EQ(send(last, add_host()), Drop::kNone);
}

TEST_F(InternetLan, NeighboursReachEachOtherDirectly) {
  const GatewayId gateway = internet.add_gateway({.uplink = {.latency = {.low = 20ms}}});
  const HostId a = add_host_behind(gateway);
  const HostId b = add_host_behind(gateway);
  EXPECT_EQ(send(a, b), Drop::kNone);
  EXPECT_EQ(arrivals[b][0].from, (Endpoint{v4(a), kPort}));
  EXPECT_EQ(arrivals[b][0].after, 300us);
  EXPECT_EQ(internet.mappings(gateway), 0U);
}

TEST_F(InternetLan, EmptySeatsAreNobody) {
  const HostId a = add_host_behind(add_gateway("full-cone"));
  EXPECT_EQ(send(a, *Endpoint::parse("192.168.1.77:1")), Drop::kNoRoute);
  EXPECT_EQ(send(a, *Endpoint::parse("192.168.1.1:1")), Drop::kHostDown) << "the gateway's own";
}

TEST_F(InternetLan, PrivateAddressesOfOthersAreOutOfReach) {
  add_gateway("full-cone");
  add_gateway("full-cone");
  const HostId in_zero = add_host_behind(add_gateway("full-cone"));  // 192.168.0.0/24
  const HostId public_host = add_host();
  EXPECT_EQ(send(in_zero, *Endpoint::parse("192.168.1.2:5000")), Drop::kNoRoute);
  EXPECT_EQ(send(public_host, {v4(in_zero), kPort}), Drop::kNoRoute);
}

TEST_F(InternetIpv6, HostsBehindOneGatewayShareItsNetwork) {
  const GatewayId gateway = add_gateway("full-cone");
  const Prefix a = internet.addresses(add_host_behind(gateway)).at(1).prefix;
  const Prefix b = internet.addresses(add_host_behind(gateway)).at(1).prefix;
  EXPECT_EQ(a.length, 64U);
  EXPECT_EQ(a.network(), b.network());
  EXPECT_NE(a, b);
}

TEST_F(InternetIpv6, GatewaysRouteItUntranslatedThroughTheirFirewalls) {
  const GatewayId carrier = add_gateway("symmetric-random");
  const GatewayId home = internet.add_gateway({.nat = find_nat_kind("blocked").value(),
                                               .ipv6_firewall = {.stateful = true},
                                               .behind = carrier});
  const HostId inside = add_host_behind(home);
  const HostId outside = add_host();
  EXPECT_EQ(send_v6(outside, inside), Drop::kFirewall);
  EXPECT_EQ(send_v6(inside, outside), Drop::kNone);
  EXPECT_EQ(arrivals[outside][0].from, (Endpoint{v6(inside), kPort}));
  EXPECT_EQ(send_v6(outside, inside), Drop::kNone);
  EXPECT_EQ(internet.mappings(carrier), 0U);
}

TEST_F(InternetIpv6, TurnsAtTheInnermostGatewayInCommon) {
  const GatewayId carrier =
      internet.add_gateway({.ipv6_firewall = {.stateful = true}, .uplink = {.loss = 1}});
  const HostId a = add_host_behind(add_gateway("full-cone", carrier));
  const HostId b = add_host_behind(add_gateway("full-cone", carrier));
  const HostId neighbour = add_host_behind(*internet.gateway(a));
  EXPECT_EQ(send_v6(a, b), Drop::kNone);
  EXPECT_EQ(send_v6(a, neighbour), Drop::kNone);
  EXPECT_EQ(send_v6(a, add_host()), Drop::kLoss) << "only the carrier's uplink is dead";
}

TEST_F(InternetMtu, ASenderThatIsToldSendsFragments) {
  const HostId a = add_host();
  const HostId b = add_host({.link = {.mtu_bytes = 1280}});
  const Endpoint to{v4(b), kPort};
  EXPECT_EQ(send(a, to, 1280 - kHeaderBytesV4), Drop::kNone);
  EXPECT_EQ(send(a, to, 1281 - kHeaderBytesV4), Drop::kMtu);
  EXPECT_EQ(send(a, to, 1281 - kHeaderBytesV4), Drop::kNone);
  EXPECT_EQ(arrivals[b].back().payload.size(), 1281 - kHeaderBytesV4);
  EXPECT_EQ(send(a, {v6(b), kPort}, 1280), Drop::kMtu) << "another destination";
  queue.run_for(10min);
  EXPECT_EQ(send(a, to, 1400), Drop::kMtu) << "forgotten";
}

TEST_F(InternetMtu, ASenderLearnsTheSmallestMtuOfThePath) {
  const HostId a = add_host({.link = {.mtu_bytes = 1400}});
  const HostId b = add_host({.link = {.mtu_bytes = 1280}});
  const Endpoint to{v4(b), kPort};
  EXPECT_EQ(send(a, to, 1450), Drop::kMtu);
  EXPECT_EQ(send(a, to, 1450), Drop::kMtu);
  EXPECT_EQ(send(a, to, 1450), Drop::kNone);
}

TEST_F(InternetMtu, ASenderBehindANatIsToldToo) {
  const HostId a = add_host_behind(internet.add_gateway({.uplink = {.mtu_bytes = 1400}}));
  const Endpoint to{v4(add_host()), kPort};
  EXPECT_EQ(send(a, to, 1450), Drop::kMtu);
  EXPECT_EQ(send(a, to, 1450), Drop::kNone);
}

TEST_F(InternetMtu, ABlackHoleSwallowsLargePacketsForEver) {
  const HostId a = add_host();
  const HostId b = add_host({.link = {.mtu_bytes = 1280, .mtu_told = false}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send(a, {v4(b), kPort}, 1300), Drop::kMtu);
  EXPECT_EQ(send(a, {v4(b), kPort}, 1200), Drop::kNone);
}

}  // namespace
}  // namespace kadwire::testnet
