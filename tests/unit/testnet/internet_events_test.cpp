/// What happens to networks while packets flow.

#include <gtest/gtest.h>

#include "tests/unit/testnet/internet_fixture.h"

namespace kadwire::testnet {
namespace {

using InternetEvents = InternetTest;

TEST_F(InternetEvents, AHostThatIsDownNeitherSendsNorReceives) {
  const HostId a = add_host();
  const HostId b = add_host({.link = {.latency = {.low = 1s}}});
  internet.send(a, kPort, {v4(b), kPort}, {});
  internet.set_up(b, false);
  queue.run_for(10s);
  EXPECT_EQ(last_fate, Drop::kHostDown) << "it went down before the packet came";
  EXPECT_EQ(send(b, a), Drop::kHostDown);
  internet.set_up(b, true);
  EXPECT_EQ(send(a, b), Drop::kNone);
}

TEST_F(InternetEvents, NothingReachesAHostThatHasNoReceiver) {
  const HostId a = add_host();
  const HostId b = internet.add_host({});
  EXPECT_EQ(send(a, b), Drop::kHostDown);
}

TEST_F(InternetEvents, ARebootedGatewayForgetsWhoMayAnswer) {
  const GatewayId gateway = internet.add_gateway({.ipv6_firewall = {.stateful = true}});
  const HostId inside = add_host_behind(gateway);
  const HostId server = add_host();
  const Endpoint seen = seen_by(server, inside);
  EXPECT_EQ(send_v6(inside, server), Drop::kNone);
  internet.reboot(gateway);
  EXPECT_EQ(send(server, seen), Drop::kNatFiltered);
  EXPECT_EQ(send_v6(server, inside), Drop::kFirewall);
  EXPECT_EQ(seen_by(server, inside), seen) << "the port is preserved";
}

TEST_F(InternetEvents, APublicHostThatChangesAddressesIsReachedOnlyByTheNewOnes) {
  const HostId a = add_host();
  const HostId b = add_host();
  const Endpoint old4{v4(b), kPort};
  const Endpoint old6{v6(b), kPort};
  internet.change_addresses(b);
  EXPECT_NE(v4(b), old4.address);
  EXPECT_NE(v6(b), old6.address);
  EXPECT_EQ(send(a, old4), Drop::kNoRoute);
  EXPECT_EQ(send(a, old6), Drop::kNoRoute);
  EXPECT_EQ(send(a, b), Drop::kNone);
  EXPECT_EQ(send_v6(a, b), Drop::kNone);
}

TEST_F(InternetEvents, ANatChangesItsOutermostAddressAndItsHostsTheirIpv6) {
  const HostId server = add_host();
  const GatewayId carrier = add_gateway("full-cone");
  const GatewayId home = add_gateway("full-cone", carrier);
  const HostId inside = add_host_behind(home);
  const HostId neighbour = add_host_behind(home);
  const Endpoint seen = seen_by(server, inside);
  const IpAddress lan = v4(inside);
  const Endpoint old6{v6(neighbour), kPort};
  internet.change_addresses(inside);
  EXPECT_EQ(v4(inside), lan);
  EXPECT_EQ(send(server, seen), Drop::kNoRoute);
  EXPECT_EQ(send(server, old6), Drop::kNoRoute);
  EXPECT_EQ(send_v6(server, neighbour), Drop::kNone);
  EXPECT_NE(seen_by(server, inside).address, seen.address);
}

TEST_F(InternetEvents, APacketToAnAddressThatWasLostOnItsWayHasNoRoute) {
  const HostId a = add_host();
  const HostId b = add_host({.link = {.latency = {.low = 1s}}});
  internet.send(a, kPort, {v4(b), kPort}, {});
  internet.change_addresses(b);
  queue.run_for(10s);
  EXPECT_EQ(last_fate, Drop::kNoRoute);
}

TEST_F(InternetEvents, AMovedHostIsBehindTheOtherGatewayOnTheOtherLink) {
  const HostId server = add_host();
  const GatewayId home = add_gateway("full-cone");
  const GatewayId office = add_gateway("full-cone");
  const HostId roaming = add_host_behind(home);
  const Endpoint at_home = seen_by(server, roaming);
  const IpAddress home6 = v6(roaming);
  internet.move(roaming, office, {.latency = {.low = 40ms}});
  EXPECT_EQ(internet.gateway(roaming), office);
  EXPECT_NE(v6(roaming), home6);
  EXPECT_EQ(send(server, at_home), Drop::kNoRoute) << "its seat is empty";
  const TimePoint sent = queue.now();
  EXPECT_NE(seen_by(server, roaming).address, at_home.address);
  EXPECT_EQ(arrivals[server].back().after, sent + 40ms - EventQueue::kStart);

  internet.move(roaming, std::nullopt, {});
  EXPECT_FALSE(internet.gateway(roaming));
  EXPECT_FALSE(v4(roaming).is_private());
  EXPECT_EQ(send(server, roaming), Drop::kNone);
  internet.move(roaming, home, {});
  EXPECT_EQ(v4(roaming), *IpAddress::parse("192.168.1.2")) << "its old seat was free";
  EXPECT_EQ(send(roaming, server), Drop::kNone);
}

TEST_F(InternetEvents, ACutSeparatesItsTwoSidesAndNobodyElse) {
  const HostId a = add_host();
  const HostId b = add_host();
  const HostId c = add_host();
  internet.cut(1, std::array{a}, std::array{b});
  EXPECT_EQ(send(a, b), Drop::kPartition);
  EXPECT_EQ(send(b, a), Drop::kPartition);
  EXPECT_EQ(send(a, c), Drop::kNone);
  EXPECT_EQ(send(c, b), Drop::kNone);
  internet.heal(1);
  EXPECT_EQ(send(a, b), Drop::kNone);
}

TEST_F(InternetEvents, ACutWithoutASecondSideIsFromEverybodyElse) {
  const HostId a = add_host();
  const HostId b = add_host();
  const HostId c = add_host();
  internet.cut(1, std::array{a, b}, {});
  const HostId late = add_host();
  EXPECT_EQ(send(a, b), Drop::kNone);
  EXPECT_EQ(send(a, a), Drop::kNone);
  EXPECT_EQ(send(a, c), Drop::kPartition);
  EXPECT_EQ(send(late, b), Drop::kPartition);
  EXPECT_EQ(send(late, c), Drop::kNone);
}

TEST_F(InternetEvents, CutsAddUpAndHealOneByOne) {
  const HostId a = add_host();
  const HostId b = add_host();
  internet.cut(1, std::array{a}, {});
  internet.cut(2, std::array{b}, {});
  internet.heal(1);
  EXPECT_EQ(send(a, b), Drop::kPartition);
  internet.heal(2);
  EXPECT_EQ(send(a, b), Drop::kNone);
}

TEST_F(InternetEvents, LossInOneDirectionLeavesTheOtherAlone) {
  const HostId a = add_host();
  const HostId b = add_host();
  internet.set_outbound_loss(a, 1);
  EXPECT_EQ(send(a, b), Drop::kLoss);
  EXPECT_EQ(send(b, a), Drop::kNone);
  internet.set_outbound_loss(a, 0);
  internet.set_inbound_loss(a, 1);
  EXPECT_EQ(send(a, b), Drop::kNone);
  EXPECT_EQ(send(b, a), Drop::kLoss);
}

TEST_F(InternetEvents, PartialLossLosesItsShare) {
  const HostId a = add_host();
  const HostId b = add_host();
  internet.set_outbound_loss(a, 0.3);
  for (int i = 0; i < 10'000; ++i) internet.send(a, kPort, {v4(b), kPort}, {});
  queue.run_for(1s);
  EXPECT_NEAR(static_cast<double>(arrivals[b].size()), 7000, 5 * 46);
}

TEST_F(InternetEvents, PacketsOfOneFlowStayInOrderUnderJitter) {
  const LinkModel shaky{.latency = {.low = 5ms}, .jitter = 30ms};
  const GatewayId gateway = internet.add_gateway({.uplink = shaky});
  const HostId a = add_host({.link = shaky});
  const HostId b = add_host_behind(gateway);
  EXPECT_EQ(send(b, a), Drop::kNone);
  const Endpoint to = arrivals[a].back().from;
  for (std::uint8_t i = 0; i < 200; ++i) {
    internet.send(a, kPort, to, {std::byte{i}});
    queue.run_for(1ms);
  }
  queue.run_for(1s);
  ASSERT_EQ(arrivals[b].size(), 200U);
  for (std::uint8_t i = 0; i < 200; ++i) EXPECT_EQ(arrivals[b][i].payload[0], std::byte{i});
}

}  // namespace
}  // namespace kadwire::testnet
