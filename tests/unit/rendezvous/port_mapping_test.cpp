/// The life of a mapping: which protocol, which port, for how long.

#include "rendezvous/port_mapping.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/rendezvous/port_mapping_home.h"

namespace kadwire::rendezvous {
namespace {

TEST(PortMapping, IsMappedByPcpWithinOneRoundTripWhereTheGatewaySpeaksIt) {
  Home home;
  home.join();
  EXPECT_EQ(home.mapped(), kMapped);
  EXPECT_EQ(home.protocol(), MappingProtocol::kPcp);
  EXPECT_EQ(home.sent.size(), 1U);
  EXPECT_TRUE(home.mapping.poll_change());
  EXPECT_FALSE(home.mapping.poll_change());
}

TEST(PortMapping, TurnsToNatPmpAtOnceWhenTheGatewaySaysThatPcpIsUnknown) {
  Home home({MappingProtocol::kNatPmp});
  home.join();
  EXPECT_EQ(home.mapped(), kMapped);
  EXPECT_EQ(home.protocol(), MappingProtocol::kNatPmp);
  EXPECT_LT(home.now - kStart, kGatewayRtoInitial);
}

TEST(PortMapping, TurnsToNatPmpAfterThreePcpRequestsWithoutAnAnswer) {
  Home home({MappingProtocol::kNatPmp});
  home.gateway.knows_old_version = false;
  home.join();
  home.pass(1749ms);
  EXPECT_EQ(home.mapped(), std::nullopt);
  std::vector<Duration> times;
  for (const auto& sent : home.sent) times.push_back(sent.at - kStart);
  EXPECT_EQ(times, (std::vector<Duration>{0ms, 250ms, 750ms}));
  home.pass(1ms);
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, TurnsToUpnpWhenNothingAnswersDatagrams) {
  Home home({MappingProtocol::kUpnp});
  home.join();
  home.pass(3499ms);
  EXPECT_TRUE(home.asked_by_upnp.empty());
  home.pass(1ms);
  EXPECT_EQ(home.mapped(), kMapped);
  EXPECT_EQ(home.protocol(), MappingProtocol::kUpnp);
  ASSERT_EQ(home.asked_by_upnp.size(), 1U);
  EXPECT_EQ(home.asked_by_upnp[0].gateway, kGateway);
  EXPECT_EQ(home.asked_by_upnp[0].own, *IpAddress::parse("192.168.1.20"));
}

TEST(PortMapping, TurnsToTheNextProtocolWhenOneRefuses) {
  Home home({MappingProtocol::kPcp, MappingProtocol::kNatPmp});
  home.gateway.refuses_with = 2;
  home.join();
  EXPECT_EQ(home.mapped(), std::nullopt);
  EXPECT_EQ(home.asked_by_upnp.size(), 1U);
}

TEST(PortMapping, TakesThePortThatTheGatewayChooses) {
  Home home;
  home.gateway.ports_taken = {kPort, kPort + 1};
  home.join();
  EXPECT_EQ(home.mapped(), (Endpoint{kMapped.address, kPort + 2}));
}

TEST(PortMapping, AsksUpnpForOtherPortsThreeTimesWhenTheWantedOneIsTaken) {
  Home home({MappingProtocol::kUpnp});
  home.gateway.ports_taken = {kPort};
  home.join();
  home.pass(4s);
  ASSERT_EQ(home.asked_by_upnp.size(), 2U);
  EXPECT_EQ(home.mapped(), (Endpoint{kMapped.address, home.asked_by_upnp[1].external_port}));

  Home full({MappingProtocol::kUpnp});
  for (unsigned port = 1; port <= 0xffff; ++port) {
    full.gateway.ports_taken.insert(static_cast<std::uint16_t>(port));
  }
  full.join();
  full.pass(10s);
  EXPECT_EQ(full.asked_by_upnp.size(), static_cast<std::size_t>(kUpnpPortsMax));
  EXPECT_EQ(full.mapped(), std::nullopt);
}

TEST(PortMapping, RenewsAtHalfTheLease) {
  for (const MappingProtocol protocol : kAll) {
    Home home({protocol});
    home.join();
    home.pass(5s);
    ASSERT_EQ(home.mapped(), kMapped);
    home.sent.clear();
    home.asked_by_upnp.clear();
    const TimePoint renewal = home.mapping.mapping()->ends_at - kMappingLease / 2;
    home.pass(renewal - home.now - 1ms);
    EXPECT_EQ(home.sent.size() + home.asked_by_upnp.size(), 0U) << name_of(protocol);
    home.pass(1ms);
    EXPECT_GE(home.sent.size() + home.asked_by_upnp.size(), 1U) << name_of(protocol);
    EXPECT_GE(home.mapping.mapping()->ends_at, renewal + kMappingLease) << name_of(protocol);
  }
}

TEST(PortMapping, RenewsWhatIsGrantedForLessAtHalfOfThat) {
  Home home;
  home.gateway.lease_max = 4min;
  home.join();
  EXPECT_EQ(home.mapping.mapping()->ends_at, home.now + 4min);
  EXPECT_EQ(home.mapping.next_timeout(), home.now + 2min);
}

TEST(PortMapping, TriesARenewalAgainEverMoreOftenUntilTheLeaseEndsAndThenAllProtocols) {
  Home home({MappingProtocol::kPcp});
  home.join();
  const TimePoint end = home.mapping.mapping()->ends_at;
  home.gateway.silent = true;
  home.sent.clear();
  home.pass(end - home.now - 1ms);
  EXPECT_EQ(home.mapped(), kMapped);
  EXPECT_GE(home.sent.size(), 3U * 4U);
  EXPECT_LE(home.sent.size(), 3U * 8U);
  EXPECT_TRUE(home.asked_by_upnp.empty());
  home.pass(1ms);
  EXPECT_EQ(home.mapped(), std::nullopt);
  home.pass(4s);
  EXPECT_EQ(home.asked_by_upnp.size(), 1U);
}

TEST(PortMapping, KeepsTheCandidateThroughAShortFailureOfTheGateway) {
  Home home;
  home.join();
  home.gateway.silent = true;
  home.pass(kMappingLease / 2 + 10s);
  home.gateway.silent = false;
  (void)home.mapping.poll_change();
  home.pass(kMappingLease);
  EXPECT_EQ(home.mapped(), kMapped);
  EXPECT_FALSE(home.mapping.poll_change());
}

TEST(PortMapping, AsksEverMoreSeldomWhereNobodyMaps) {
  Home home(kNone);
  home.join();
  home.pass(24h);
  // Of pauses of up to a minute, doubled up to an hour, half an hour to an hour each day long.
  EXPECT_GE(home.asked_by_upnp.size(), 24U);
  EXPECT_LE(home.asked_by_upnp.size(), 24U * 2U + 8U);
  EXPECT_EQ(home.mapped(), std::nullopt);
}

TEST(PortMapping, AsksNobodyWithoutAPrivateAddressBesideTheGateway) {
  for (const char* address : {"203.0.113.20/24", "192.168.2.20/24", "192.168.1.1/24"}) {
    testnet::SeededRandom random(1);
    PortMapping mapping(random, {});
    const std::vector gateways{kGateway, *IpAddress::parse("203.0.113.1"),
                               *IpAddress::parse("fe80::1")};
    mapping.network_changed(kStart, gateways, std::vector{local(address)}, kPort);
    EXPECT_FALSE(mapping.poll_transmit()) << address;
    EXPECT_FALSE(mapping.next_timeout()) << address;
    EXPECT_TRUE(mapping.holds_nothing());
  }
}

TEST(PortMapping, StartsAnewInAnotherNetworkAndForgetsTheMapping) {
  Home home({MappingProtocol::kPcp});
  home.join();
  home.sent.clear();
  const std::vector other{*IpAddress::parse("10.0.0.1")};
  home.mapping.network_changed(home.now, other, std::vector{local("10.0.0.9/24")}, kPort);
  EXPECT_EQ(home.mapped(), std::nullopt);
  const auto request = home.mapping.poll_transmit();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->to, (Endpoint{other[0], kGatewayPort}));
  EXPECT_FALSE(home.mapping.poll_transmit());
  home.mapping.network_changed(home.now, {}, {}, kPort);
  EXPECT_FALSE(home.mapping.next_timeout());
}

TEST(PortMapping, AnotherListenPortIsMappedAndTheOldOneGivenBack) {
  for (const MappingProtocol protocol : kAll) {
    Home home({protocol});
    home.join();
    home.pass(5s);
    home.join("192.168.1.20/24", 4000);
    home.pass(5s);
    EXPECT_EQ(home.mapped(), (Endpoint{kMapped.address, 4000})) << name_of(protocol);
    EXPECT_EQ(home.gateway.maps().size(), 1U) << name_of(protocol);
  }
}

TEST(PortMapping, TheSameNetworkAgainRenewsAndKeepsTheCandidate) {
  Home home;
  home.join();
  (void)home.mapping.poll_change();
  home.sent.clear();
  home.gateway.restart(home.now);
  home.join();
  EXPECT_EQ(home.sent.size(), 1U);
  EXPECT_EQ(home.gateway.maps().count(kPort), 1U);
  EXPECT_FALSE(home.mapping.poll_change());
}

TEST(PortMapping, GivesTheMappingBackOnExit) {
  for (const MappingProtocol protocol : kAll) {
    Home home({protocol});
    home.join();
    home.pass(5s);
    ASSERT_EQ(home.gateway.maps().size(), 1U);
    home.mapping.remove(home.now);
    EXPECT_TRUE(home.mapping.candidates().empty());
    EXPECT_FALSE(home.mapping.holds_nothing());
    home.exchange();
    EXPECT_TRUE(home.gateway.maps().empty()) << name_of(protocol);
    EXPECT_TRUE(home.mapping.holds_nothing()) << name_of(protocol);
    EXPECT_FALSE(home.mapping.next_timeout());
  }
}

TEST(PortMapping, RepeatsARemovalThatWasLostAndGivesUpInTheEnd) {
  Home home({MappingProtocol::kPcp});
  home.join();
  home.gateway.silent = true;
  home.sent.clear();
  home.mapping.remove(home.now);
  home.pass(749ms);
  EXPECT_EQ(home.sent.size(), 2U);
  EXPECT_FALSE(home.mapping.holds_nothing());
  home.pass(1ms);
  EXPECT_TRUE(home.mapping.holds_nothing());
}

TEST(PortMapping, GivesBackWhatWasAskedForAndNotYetGranted) {
  Home home({MappingProtocol::kPcp});
  home.mapping.network_changed(home.now, std::vector{kGateway},
                               std::vector{local("192.168.1.20/24")}, kPort);
  const auto request = home.mapping.poll_transmit();
  const Bytes answer = *home.gateway.answer(home.now, *request);
  home.mapping.remove(home.now);
  home.deliver(answer);
  EXPECT_EQ(home.mapped(), std::nullopt);
  home.exchange();
  EXPECT_TRUE(home.gateway.maps().empty());
}

TEST(PortMapping, AskedToRemoveNothingItIsDoneAtOnce) {
  Home home(kNone);
  home.join();
  home.pass(30s);
  home.mapping.remove(home.now);
  EXPECT_TRUE(home.mapping.holds_nothing());
  home.pass(24h);
  EXPECT_EQ(home.asked_by_upnp.size(), 1U);
}

TEST(PortMapping, WaitsForAHangingUpnpWithinBoundsAndTakesItsLateGrant) {
  Home home({MappingProtocol::kUpnp});
  home.upnp_answers = false;
  home.join();
  home.pass(3500ms + kUpnpPatience);
  EXPECT_EQ(home.mapped(), std::nullopt);
  ASSERT_EQ(home.asked_by_upnp.size(), 1U);
  home.mapping.handle_upnp(home.now, home.gateway.answer(home.asked_by_upnp[0]));
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, WaitsForAHangingUpnpRemovalWithinBoundsAndDoesNotRepeatIt) {
  Home home({MappingProtocol::kUpnp});
  home.join();
  home.pass(5s);
  home.upnp_answers = false;
  home.mapping.remove(home.now);
  home.pass(kUpnpRemovalPatience - 1ms);
  EXPECT_FALSE(home.mapping.holds_nothing());
  home.pass(1ms);
  EXPECT_TRUE(home.mapping.holds_nothing());
  EXPECT_EQ(home.asked_by_upnp.size(), 2U);
}

TEST(PortMapping, WishesForThePortThatItHadSoThatPeersNeedNotLearnAnother) {
  Home home;
  home.gateway.ports_taken = {kPort};
  home.join();
  ASSERT_EQ(home.mapped(), (Endpoint{kMapped.address, kPort + 1}));
  home.gateway.ports_taken.clear();
  home.gateway.restart(home.now);
  home.pass(kMappingLease / 2);
  EXPECT_EQ(home.gateway.maps().at(kPort), kPort + 1);
  EXPECT_EQ(home.mapped(), (Endpoint{kMapped.address, kPort + 1}));
}

TEST(PortMapping, AsksNobodyFromAnAddressThatIsStillTentative) {
  Home home;
  LocalAddress tentative = local("192.168.1.20/24");
  tentative.tentative = true;
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{tentative}, kPort);
  EXPECT_FALSE(home.mapping.poll_transmit());
}

}  // namespace
}  // namespace kadwire::rendezvous
