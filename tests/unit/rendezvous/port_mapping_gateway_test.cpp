/// What gateways, and who forges them, may say, and what becomes of it.

#include "rendezvous/port_mapping.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/unit/rendezvous/port_mapping_home.h"

namespace kadwire::rendezvous {
namespace {

TEST(PortMapping, AnotherRefusalOfPcpIsNotHeldAgainstNatPmp) {
  Home home({MappingProtocol::kNatPmp});
  home.mapping.network_changed(home.now, std::vector{kGateway},
                               std::vector{local("192.168.1.20/24")}, kPort);
  const auto request = home.mapping.poll_transmit();
  const Bytes refusal = *home.gateway.answer(home.now, *request);
  EXPECT_TRUE(home.deliver(refusal));
  EXPECT_TRUE(home.deliver(refusal));
  home.exchange();
  EXPECT_EQ(home.protocol(), MappingProtocol::kNatPmp);
}

TEST(PortMapping, IsNotMadeToAskAllTheTimeByAGatewayThatGrantsASecond) {
  Home home;
  home.gateway.lease_max = 1s;
  home.join();
  home.pass(1h);
  EXPECT_LE(home.sent.size(), 61U);
}

TEST(PortMapping, FindsAGatewayThatBeginsToMapAtItsAnnouncement) {
  Home home({MappingProtocol::kNatPmp});
  home.gateway.silent = true;
  home.join();
  home.pass(30s);
  home.gateway.silent = false;
  home.deliver(home.gateway.address_answer(home.now));
  home.exchange();
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, MapsAgainAtOnceWhenTheGatewaysEpochRunsBackwards) {
  for (const MappingProtocol protocol : {MappingProtocol::kPcp, MappingProtocol::kNatPmp}) {
    Home home({protocol});
    home.join();
    home.pass(5min);
    home.gateway.restart(home.now);
    ASSERT_TRUE(home.gateway.maps().empty());
    home.deliver(protocol == MappingProtocol::kPcp ? home.gateway.pcp_announcement(home.now)
                                                   : home.gateway.address_answer(home.now));
    home.exchange();
    EXPECT_EQ(home.gateway.maps().count(kPort), 1U) << name_of(protocol);
    EXPECT_EQ(home.mapped(), kMapped);
  }
}

TEST(PortMapping, AnEpochThatGoesOnIsNoReasonToAsk) {
  Home home({MappingProtocol::kPcp});
  home.join();
  home.sent.clear();
  home.pass(5min);
  home.gateway.started += 30s;  // a clock that runs a tenth slower
  home.deliver(home.gateway.pcp_announcement(home.now));
  home.exchange();
  EXPECT_TRUE(home.sent.empty());
}

TEST(PortMapping, ALostMappingIsNoCandidateForLong) {
  Home home({MappingProtocol::kPcp});
  home.join();
  home.pass(5min);
  home.gateway.restart(home.now);
  home.gateway.silent = true;
  home.deliver(home.gateway.pcp_announcement(home.now));
  home.pass(kLostMappingGrace);
  EXPECT_EQ(home.mapped(), std::nullopt);
}

TEST(PortMapping, HeedsAFloodOfAnnouncementsOnceInTenSecondsAndTheTrueOneAmongThem) {
  Home home({MappingProtocol::kPcp});
  home.join();
  home.sent.clear();
  const TimePoint begin = home.now;
  const Bytes forged = home.gateway.pcp_announcement(home.gateway.started);  // epoch 0
  while (home.now < begin + 60s) {
    home.deliver(forged);
    home.deliver(home.gateway.pcp_announcement(home.now));
    home.pass(10ms);
  }
  EXPECT_LE(home.sent.size(), 2U * 6U + 2U);
  home.gateway.restart(home.now);
  home.deliver(home.gateway.pcp_announcement(home.now));
  home.pass(kAnnouncementPause);
  EXPECT_EQ(home.gateway.maps().count(kPort), 1U);
}

TEST(PortMapping, FollowsAnAnnouncedExternalAddress) {
  Home home({MappingProtocol::kNatPmp});
  home.join();
  home.gateway.external = *IpAddress::parse("203.0.113.99");
  home.deliver(home.gateway.address_answer(home.now));
  home.exchange();
  EXPECT_EQ(home.mapped(), *Endpoint::parse("203.0.113.99:51820"));
}

TEST(PortMapping, HearsNobodyButTheGateway) {
  Home home;
  home.mapping.network_changed(home.now, std::vector{kGateway},
                               std::vector{local("192.168.1.20/24")}, kPort);
  const auto request = home.mapping.poll_transmit();
  const Bytes answer = *home.gateway.answer(home.now, *request);
  EXPECT_FALSE(
      home.mapping.handle_datagram(home.now, *Endpoint::parse("192.168.1.66:5351"), answer));
  EXPECT_FALSE(home.mapping.handle_datagram(home.now, {kGateway, 5350}, answer));
  EXPECT_EQ(home.mapped(), std::nullopt);
}

TEST(PortMapping, BelievesNoPcpAnswerWithoutItsNonceOrForAnotherPort) {
  Home home;
  home.mapping.network_changed(home.now, std::vector{kGateway},
                               std::vector{local("192.168.1.20/24")}, kPort);
  const auto request = home.mapping.poll_transmit();
  const Bytes answer = *home.gateway.answer(home.now, *request);
  for (const std::size_t byte : {std::size_t{24}, std::size_t{40}}) {
    Bytes forged = answer;
    forged[byte] ^= std::byte{1};
    EXPECT_TRUE(home.deliver(forged));
    EXPECT_EQ(home.mapped(), std::nullopt);
  }
  EXPECT_TRUE(home.deliver(answer));
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, BelievesNoNatPmpMappingThatWasNotAskedFor) {
  Home home({MappingProtocol::kNatPmp});
  home.join();
  home.deliver(*from_hex("0081000000000007ca6c9c4000000e10"));
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, ReportsAPrivateExternalAddressAndOffersNoCandidate) {
  for (const char* address : {"10.0.0.7", "100.64.3.2", "192.168.0.2"}) {
    Home home;
    home.gateway.external = *IpAddress::parse(address);
    home.join();
    EXPECT_EQ(home.mapped(), std::nullopt) << address;
    EXPECT_EQ(home.mapping.external_address(), IpAddress::parse(address));
    EXPECT_TRUE(home.mapping.poll_change());
  }
}

TEST(PortMapping, NeitherReportsNorOffersAnAddressThatIsNoHosts) {
  for (const char* address : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1",
                              "240.0.0.1", "0.1.2.3"}) {
    Home home;
    home.gateway.external = *IpAddress::parse(address);
    home.join();
    EXPECT_EQ(home.mapped(), std::nullopt) << address;
    EXPECT_EQ(home.mapping.external_address(), std::nullopt) << address;
  }
}

TEST(PortMapping, OffersNoAddressOfTheMesh) {
  Home home;
  testnet::SeededRandom random(1);
  PortMapping mapping(random, {*Prefix::parse("203.0.113.0/24")});
  mapping.network_changed(home.now, std::vector{kGateway}, std::vector{local("192.168.1.20/24")},
                          kPort);
  const auto request = mapping.poll_transmit();
  mapping.handle_datagram(home.now, kGatewayEndpoint, *home.gateway.answer(home.now, *request));
  EXPECT_TRUE(mapping.mapping().has_value());
  EXPECT_TRUE(mapping.candidates().empty());
}

/// The first request that a run with this secret makes.
Bytes first_request(const MappingSecret& secret, const char* address, std::uint16_t port) {
  testnet::SeededRandom random(1);
  PortMapping mapping(random, {}, secret);
  mapping.network_changed(kStart, std::vector{kGateway}, std::vector{local(address)}, port);
  return mapping.poll_transmit()->payload;
}

TEST(PortMapping, ALaterRunAsksWithTheSameNonceInTheSamePlaceOnly) {
  const auto nonce = [](const Bytes& request) {
    return Bytes(request.begin() + 24, request.begin() + 36);
  };
  const MappingSecret secret{std::byte{1}}, other{std::byte{2}};
  const Bytes first = nonce(first_request(secret, "192.168.1.20/24", kPort));
  EXPECT_EQ(nonce(first_request(secret, "192.168.1.20/24", kPort)), first);
  EXPECT_NE(nonce(first_request(secret, "192.168.1.21/24", kPort)), first);
  EXPECT_NE(nonce(first_request(secret, "192.168.1.20/24", kPort + 1)), first);
  EXPECT_NE(nonce(first_request(other, "192.168.1.20/24", kPort)), first);
}

TEST(PortMapping, IgnoresAUpnpResultOfThePast) {
  Home home({MappingProtocol::kUpnp});
  home.upnp_answers = false;
  home.join();
  home.pass(4s);
  home.join("192.168.1.20/24", 4000);
  home.pass(4s);
  ASSERT_EQ(home.asked_by_upnp.size(), 2U);
  home.mapping.handle_upnp(home.now, home.gateway.answer(home.asked_by_upnp[0]));
  EXPECT_FALSE(home.mapping.mapping().has_value());
  home.mapping.handle_upnp(home.now, home.gateway.answer(home.asked_by_upnp[1]));
  EXPECT_EQ(home.mapped(), (Endpoint{kMapped.address, 4000}));
}

TEST(PortMapping, ASecondRestartWithinTheAnnouncementPauseIsMendedAtItsEnd) {
  Home home({MappingProtocol::kPcp});
  home.join();
  home.pass(5min);
  for (int restart = 0; restart < 2; ++restart) {
    home.gateway.restart(home.now);
    home.deliver(home.gateway.pcp_announcement(home.now));
    if (restart == 0) home.pass(5s);
  }
  home.exchange();
  EXPECT_TRUE(home.gateway.maps().empty());
  home.pass(5s);
  EXPECT_EQ(home.gateway.maps().count(kPort), 1U);
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, AGrantForNoTimeOrOfNoPortIsNone) {
  for (const auto& [first, last] : {std::pair{4, 8}, std::pair{42, 44}}) {
    Home home;
    home.mapping.network_changed(home.now, std::vector{kGateway},
                                 std::vector{local("192.168.1.20/24")}, kPort);
    const auto request = home.mapping.poll_transmit();
    Bytes answer = *home.gateway.answer(home.now, *request);
    std::fill(answer.begin() + first, answer.begin() + last, std::byte{0});
    EXPECT_TRUE(home.deliver(answer));
    EXPECT_FALSE(home.mapping.mapping().has_value()) << first;
  }
  for (const char* answer :
       {"0081000000000007ca6c000000000e10", "0081000000000007ca6cca6c00000000"}) {
    Home home({MappingProtocol::kNatPmp});
    home.gateway.knows_old_version = false;
    home.mapping.network_changed(home.now, std::vector{kGateway},
                                 std::vector{local("192.168.1.20/24")}, kPort);
    home.deliver(*from_hex("0081000100000007"));  // PCP is unknown here
    home.deliver(home.gateway.address_answer(home.now));
    home.deliver(*from_hex(answer));
    EXPECT_FALSE(home.mapping.mapping().has_value()) << answer;
  }
}

TEST(PortMapping, APcpAnswerThatComesAfterNatPmpMappedChangesNothing) {
  Home home({MappingProtocol::kNatPmp});
  FakeGateway slow({MappingProtocol::kPcp});
  slow.external = *IpAddress::parse("203.0.113.99");
  home.gateway.knows_old_version = false;
  home.mapping.network_changed(home.now, std::vector{kGateway},
                               std::vector{local("192.168.1.20/24")}, kPort);
  const auto request = home.mapping.poll_transmit();
  home.pass(2s);
  ASSERT_EQ(home.protocol(), MappingProtocol::kNatPmp);
  home.deliver(*slow.answer(home.now, *request));
  EXPECT_EQ(home.protocol(), MappingProtocol::kNatPmp);
  EXPECT_EQ(home.mapped(), kMapped);
}

}  // namespace
}  // namespace kadwire::rendezvous
