#include "rendezvous/port_mapping.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/unit/rendezvous/fake_gateway.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{100h};
constexpr std::uint16_t kPort = 51820;
constexpr Duration kRoundTrip = 2ms;
const IpAddress kGateway = *IpAddress::parse("192.168.1.1");
const Endpoint kGatewayEndpoint{kGateway, kGatewayPort};
const std::set<MappingProtocol> kAll = {MappingProtocol::kPcp, MappingProtocol::kNatPmp,
                                        MappingProtocol::kUpnp};

const std::set<MappingProtocol> kNone = {};

LocalAddress own(const char* prefix) {
  return {.prefix = *Prefix::parse(prefix), .interface = "eth0"};
}

/// A host at a home gateway. Whatever it sends is answered after kRoundTrip.
class Home {
 public:
  explicit Home(std::set<MappingProtocol> speaks = kAll) : gateway(std::move(speaks)) {
    gateway.started = kStart - 1h;
  }

  void join(const char* address = "192.168.1.20/24", std::uint16_t port = kPort) {
    mapping.network_changed(now, std::vector{kGateway}, std::vector{own(address)}, port);
    exchange();
  }
  /// Lets time pass, with everything that falls due in it.
  void pass(Duration duration) {
    const TimePoint end = now + duration;
    while (true) {
      exchange();
      const auto due = mapping.next_timeout();
      if (!due || *due > end) break;
      now = std::max(now, *due);
      mapping.handle_timeout(now);
    }
    now = end;
  }
  /// Carries requests and answers to and fro until there are none.
  void exchange() {
    for (bool any = true; any;) {
      any = false;
      while (const auto transmit = mapping.poll_transmit()) {
        any = true;
        EXPECT_EQ(transmit->to, kGatewayEndpoint);
        sent.push_back({now, transmit->payload});
        if (const auto answer = gateway.answer(now, *transmit)) deliver(*answer);
      }
      while (const auto request = mapping.poll_upnp()) {
        any = true;
        asked_by_upnp.push_back(*request);
        if (upnp_answers) mapping.handle_upnp(now, gateway.answer(*request));
      }
    }
  }
  bool deliver(const Bytes& datagram) {
    now += kRoundTrip;
    return mapping.handle_datagram(now, kGatewayEndpoint, datagram);
  }
  [[nodiscard]] std::optional<Endpoint> mapped() const {
    const auto candidates = mapping.candidates();
    if (candidates.empty()) return std::nullopt;
    EXPECT_EQ(candidates.size(), 1U);
    EXPECT_EQ(candidates[0].kind, CandidateKind::kMapped);
    return candidates[0].endpoint;
  }
  [[nodiscard]] std::optional<MappingProtocol> protocol() const {
    if (!mapping.mapping()) return std::nullopt;
    return mapping.mapping()->protocol;
  }

  struct Sent {
    TimePoint at;
    Bytes payload;
  };
  TimePoint now = kStart;
  FakeGateway gateway;
  bool upnp_answers = true;
  testnet::SeededRandom random{7};
  PortMapping mapping{random, {*Prefix::parse("10.99.0.0/16")}};
  std::vector<Sent> sent;
  std::vector<UpnpRequest> asked_by_upnp;
};

const Endpoint kMapped = *Endpoint::parse("203.0.113.5:51820");

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

TEST(PortMapping, AnotherRefusalOfPcpIsNotHeldAgainstNatPmp) {
  Home home({MappingProtocol::kNatPmp});
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{own("192.168.1.20/24")},
                               kPort);
  const auto request = home.mapping.poll_transmit();
  const Bytes refusal = *home.gateway.answer(home.now, *request);
  EXPECT_TRUE(home.deliver(refusal));
  EXPECT_TRUE(home.deliver(refusal));
  home.exchange();
  EXPECT_EQ(home.protocol(), MappingProtocol::kNatPmp);
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

TEST(PortMapping, IsNotMadeToAskAllTheTimeByAGatewayThatGrantsASecond) {
  Home home;
  home.gateway.lease_max = 1s;
  home.join();
  home.pass(1h);
  EXPECT_LE(home.sent.size(), 61U);
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
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{own("192.168.1.20/24")},
                               kPort);
  const auto request = home.mapping.poll_transmit();
  const Bytes answer = *home.gateway.answer(home.now, *request);
  EXPECT_FALSE(
      home.mapping.handle_datagram(home.now, *Endpoint::parse("192.168.1.66:5351"), answer));
  EXPECT_FALSE(home.mapping.handle_datagram(home.now, {kGateway, 5350}, answer));
  EXPECT_EQ(home.mapped(), std::nullopt);
}

TEST(PortMapping, BelievesNoPcpAnswerWithoutItsNonceOrForAnotherPort) {
  Home home;
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{own("192.168.1.20/24")},
                               kPort);
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
  mapping.network_changed(home.now, std::vector{kGateway}, std::vector{own("192.168.1.20/24")},
                          kPort);
  const auto request = mapping.poll_transmit();
  mapping.handle_datagram(home.now, kGatewayEndpoint, *home.gateway.answer(home.now, *request));
  EXPECT_TRUE(mapping.mapping().has_value());
  EXPECT_TRUE(mapping.candidates().empty());
}

TEST(PortMapping, AsksNobodyWithoutAPrivateAddressBesideTheGateway) {
  for (const char* address : {"203.0.113.20/24", "192.168.2.20/24", "192.168.1.1/24"}) {
    testnet::SeededRandom random(1);
    PortMapping mapping(random, {});
    const std::vector gateways{kGateway, *IpAddress::parse("203.0.113.1"),
                               *IpAddress::parse("fe80::1")};
    mapping.network_changed(kStart, gateways, std::vector{own(address)}, kPort);
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
  home.mapping.network_changed(home.now, other, std::vector{own("10.0.0.9/24")}, kPort);
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
  home.pass(1749ms);
  EXPECT_EQ(home.sent.size(), 3U);
  EXPECT_FALSE(home.mapping.holds_nothing());
  home.pass(1ms);
  EXPECT_TRUE(home.mapping.holds_nothing());
}

TEST(PortMapping, GivesBackWhatWasAskedForAndNotYetGranted) {
  Home home({MappingProtocol::kPcp});
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{own("192.168.1.20/24")},
                               kPort);
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

TEST(PortMapping, AGrantForNoTimeOrOfNoPortIsNone) {
  for (const auto& [first, last] : {std::pair{4, 8}, std::pair{42, 44}}) {
    Home home;
    home.mapping.network_changed(home.now, std::vector{kGateway},
                                 std::vector{own("192.168.1.20/24")}, kPort);
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
                                 std::vector{own("192.168.1.20/24")}, kPort);
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
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{own("192.168.1.20/24")},
                               kPort);
  const auto request = home.mapping.poll_transmit();
  home.pass(2s);
  ASSERT_EQ(home.protocol(), MappingProtocol::kNatPmp);
  home.deliver(*slow.answer(home.now, *request));
  EXPECT_EQ(home.protocol(), MappingProtocol::kNatPmp);
  EXPECT_EQ(home.mapped(), kMapped);
}

TEST(PortMapping, AsksNobodyFromAnAddressThatIsStillTentative) {
  Home home;
  LocalAddress tentative = own("192.168.1.20/24");
  tentative.tentative = true;
  home.mapping.network_changed(home.now, std::vector{kGateway}, std::vector{tentative}, kPort);
  EXPECT_FALSE(home.mapping.poll_transmit());
}

}  // namespace
}  // namespace kadwire::rendezvous
