/// A NetCheck on a host at home, in virtual time: STUN servers 20 ms away behind a FakeNat, and a
/// FakeGateway on the link.

#include "rendezvous/net_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "rendezvous/stun_responder.h"
#include "tests/support/step_bound.h"
#include "tests/unit/rendezvous/fake_gateway.h"
#include "tests/unit/rendezvous/nat_observer_fixture.h"

namespace kadwire::rendezvous {
namespace {

using testing::endpoint;
using testing::FakeMapping;
using testing::FakeNat;
using testing::FakePorts;
using testing::kServerA;
using testing::kServerA2;
using testing::kServerB;
using testing::kServerC;
using testing::kServerV6;
using testing::kStart;

constexpr std::uint16_t kMainPort = 40'000;
constexpr std::uint16_t kSecondPort = 40'001;
constexpr Duration kServerRtt = 20ms;
const IpAddress kRouter = *IpAddress::parse("192.168.1.1");
const IpAddress kInside = *IpAddress::parse("192.168.1.10");
const IpAddress kInsideV6 = *IpAddress::parse("2001:db8:1::10");

class NetCheckTest : public ::testing::Test {
 protected:
  void use_nat(FakeMapping mapping, FakePorts ports) {
    main_nat_.emplace(mapping, ports, nat_random_);
    second_nat_.emplace(mapping, ports, nat_random_);
  }
  /// Everything from the first question to the end.
  NetReport check(const std::vector<Endpoint>& servers) {
    NetCheck check({.addresses = addresses_,
                    .routers = routers_,
                    .main_port = kMainPort,
                    .second_port = kSecondPort},
                   random_, now_);
    for (const Endpoint& server : servers) {
      const bool has_route = server.address.is_v4() || has_ipv6_;
      const IpAddress source = server.address.is_v4() ? inside_ : kInsideV6;
      check.add_server(now_,
                       {"stun.example", server, has_route ? std::optional(source) : std::nullopt});
    }
    check.names_complete(now_);
    exchange(check);
    while (took() <= 2 * kNetCheckMax && (check.next_timeout() || !arriving_.empty())) {
      if (!next_event(check)) break;
      exchange(check);
    }
    EXPECT_TRUE(check.finished());
    EXPECT_FALSE(check.poll_transmit());
    return check.report();
  }
  [[nodiscard]] Duration took() const { return now_ - kStart; }

  TimePoint now_ = kStart;
  bool has_ipv6_ = true;
  bool turns_round_ = false;  ///< the NAT hairpins
  std::set<Endpoint> able_;   ///< servers that can answer from elsewhere
  bool lets_in_ = false;      ///< the NAT, such answers
  std::vector<LocalAddress> addresses_ = {testing::local("192.168.1.10/24"),
                                          testing::local("2001:db8:1::10/64")};
  std::vector<IpAddress> routers_ = {kRouter};
  IpAddress inside_ = kInside;
  std::set<Endpoint> silent_;
  FakeGateway gateway_{{}};
  std::map<Endpoint, int> requests_;

 private:
  struct Arrival {
    CheckSocket at;
    Endpoint from;
    Bytes datagram;
  };

  void exchange(NetCheck& check) {
    while (const auto transmit = check.poll_transmit()) carry(*transmit);
    while (const auto request = check.poll_upnp()) {
      steps_.take(now_);
      check.handle_upnp(now_, gateway_.answer(*request));
    }
  }
  /// The earlier of the next arrival and the next timeout.
  bool next_event(NetCheck& check) {
    steps_.take(now_);
    const auto timeout = check.next_timeout();
    const auto arrival = arriving_.begin();
    if (arrival != arriving_.end() && (!timeout || arrival->first <= *timeout)) {
      now_ = arrival->first;
      const Arrival arrived = arrival->second;
      arriving_.erase(arrival);
      check.handle_datagram(now_, arrived.at, arrived.from, arrived.datagram);
      return true;
    }
    if (!timeout) return false;
    now_ = std::max(now_, *timeout);
    check.handle_timeout(now_);
    return true;
  }
  void carry(const CheckTransmit& sent) {
    steps_.take(now_);
    const Endpoint to = sent.transmit.to;
    if (sent.from == CheckSocket::kMain) ++requests_[to];
    if (to.address == kRouter) {
      if (auto answer = gateway_.answer(now_, sent.transmit)) {
        arriving_.emplace(now_ + 1ms, Arrival{CheckSocket::kMain, to, *std::move(answer)});
      }
      return;
    }
    const bool main = sent.from == CheckSocket::kMain;
    const Endpoint inside{to.address.is_v4() ? inside_ : kInsideV6, main ? kMainPort : kSecondPort};
    Endpoint mapped = inside;
    if (to.address.is_v4()) mapped = (main ? main_nat_ : second_nat_)->translate(now_, inside, to);
    const auto message = parse_stun(sent.transmit.payload);
    ASSERT_TRUE(message);
    if (message->message_class == StunClass::kIndication) {
      if (!turns_round_) return;
      const CheckSocket other = main ? CheckSocket::kSecond : CheckSocket::kMain;
      arriving_.emplace(now_ + 2ms, Arrival{other, mapped, sent.transmit.payload});
    } else if (able_.contains(to)) {
      const auto reply =
          able_servers_.handle_datagram(now_, mapped, {to, 3479}, sent.transmit.payload);
      if (!reply || (reply->source != to && !lets_in_)) return;
      arriving_.emplace(now_ + kServerRtt,
                        Arrival{sent.from, reply->source, reply->transmit.payload});
    } else if (!silent_.contains(to)) {
      Bytes answer = StunWriter(StunClass::kSuccess, kStunBinding, message->transaction)
                         .xor_mapped_address(mapped)
                         .take();
      arriving_.emplace(now_ + kServerRtt, Arrival{sent.from, to, std::move(answer)});
    }
  }

  testnet::SeededRandom random_{1};
  testnet::SeededRandom nat_random_{2};
  std::optional<FakeNat> main_nat_{std::in_place, FakeMapping::kEndpointIndependent,
                                   FakePorts::kPreserving, nat_random_};
  std::optional<FakeNat> second_nat_{std::in_place, FakeMapping::kEndpointIndependent,
                                     FakePorts::kPreserving, nat_random_};
  std::multimap<TimePoint, Arrival> arriving_;
  StunResponder able_servers_;
  kadwire::testing::StepBound steps_;
};

GatewayOutcome outcome_of(const NetReport& report, MappingProtocol protocol) {
  return std::ranges::find(report.gateways, protocol, &GatewayReport::protocol)->outcome;
}

TEST_F(NetCheckTest, SeesAHomeNatThatMapsAllDestinationsAlike) {
  const NetReport report = check({kServerA, kServerB, kServerV6});
  EXPECT_EQ(report.ipv4.mapping, MappingBehavior::kEndpointIndependent);
  EXPECT_TRUE(report.ipv4.mapping_certain);
  EXPECT_EQ(report.ipv4.preserves_port, true);
  EXPECT_EQ(report.ipv6.mapping, MappingBehavior::kNone);
  EXPECT_TRUE(answered(report, AddressFamily::kIpv4));
  EXPECT_TRUE(answered(report, AddressFamily::kIpv6));
  EXPECT_EQ(report.servers[0].mapped, endpoint("203.0.113.5:40000"));
}

TEST_F(NetCheckTest, SeesANatThatMapsEachDestinationForItself) {
  use_nat(FakeMapping::kAddressAndPortDependent, FakePorts::kSequential);
  const NetReport report = check({kServerA, kServerA2, kServerB, kServerC});
  EXPECT_EQ(report.ipv4.mapping, MappingBehavior::kAddressAndPortDependent);
  EXPECT_EQ(report.ipv4.port_step, 1);
  EXPECT_TRUE(report.ipv4.ports_certain);
  EXPECT_EQ(report.hairpin, std::nullopt);
}

TEST_F(NetCheckTest, MeasuresTheRoundTripOfEachServer) {
  const NetReport report = check({kServerA, kServerV6});
  EXPECT_EQ(report.servers[0].rtt, kServerRtt);
  EXPECT_EQ(report.servers[1].rtt, kServerRtt);
  EXPECT_EQ(requests_[kServerA], kAnswersWanted);
}

TEST_F(NetCheckTest, FindsOutWhoseAnswersAreLetIn) {
  EXPECT_EQ(check({kServerA}).filtering_ipv4, FilteringBehavior::kUnknown);
  able_ = {kServerA, kServerB, kServerV6};
  const TimePoint begun = now_;
  const NetReport strict = check({kServerA, kServerB, kServerV6});
  EXPECT_EQ(strict.filtering_ipv4, FilteringBehavior::kAddressAndPortDependent);
  EXPECT_EQ(strict.filtering_ipv6, FilteringBehavior::kAddressAndPortDependent);
  EXPECT_LT(now_ - begun, kNetCheckMax);
  lets_in_ = true;
  const NetReport open = check({kServerA, kServerB, kServerV6});
  EXPECT_EQ(open.filtering_ipv4, FilteringBehavior::kEndpointIndependent);
  EXPECT_EQ(open.filtering_ipv6, FilteringBehavior::kPortIndependent);
}

TEST_F(NetCheckTest, IsDoneWithinASecondWhereEverythingAnswers) {
  gateway_ = FakeGateway({MappingProtocol::kPcp, MappingProtocol::kNatPmp, MappingProtocol::kUpnp});
  check({kServerA, kServerB, kServerV6});
  EXPECT_LT(took(), 1s);
}

TEST_F(NetCheckTest, EndsInTimeWhereNothingAnswers) {
  silent_ = {kServerA, kServerB};
  const NetReport report = check({kServerA, kServerB});
  EXPECT_LE(took(), kNetCheckMax);
  EXPECT_FALSE(answered(report, AddressFamily::kIpv4));
  EXPECT_EQ(report.ipv4.mapping, MappingBehavior::kUnknown);
  EXPECT_GE(requests_[kServerA], 4);
}

TEST_F(NetCheckTest, WaitsLessForASilentServerBesideOneThatAnswers) {
  silent_ = {kServerB};
  gateway_ = FakeGateway({MappingProtocol::kUpnp});
  check({kServerA, kServerB});
  EXPECT_LT(took(), kServerSilenceBesideOthers + 1s);
}

TEST_F(NetCheckTest, SendsNothingToAServerWithoutARoute) {
  has_ipv6_ = false;
  const NetReport report = check({kServerA, kServerV6});
  EXPECT_EQ(requests_[kServerV6], 0);
  EXPECT_EQ(report.servers[1].source, std::nullopt);
}

TEST_F(NetCheckTest, EndsAtOnceWithoutAnyNetwork) {
  addresses_.clear();
  routers_.clear();
  const NetReport report = check({});
  EXPECT_EQ(took(), 0s);
  EXPECT_EQ(report.gateway, std::nullopt);
}

TEST_F(NetCheckTest, FindsOutWhichProtocolsTheGatewaySpeaksAndMapsNothing) {
  gateway_ = FakeGateway({MappingProtocol::kNatPmp, MappingProtocol::kUpnp});
  const NetReport report = check({kServerA, kServerB});
  EXPECT_EQ(report.gateway, kRouter);
  EXPECT_EQ(outcome_of(report, MappingProtocol::kPcp), GatewayOutcome::kSilent);
  EXPECT_EQ(outcome_of(report, MappingProtocol::kNatPmp), GatewayOutcome::kAnswers);
  EXPECT_EQ(outcome_of(report, MappingProtocol::kUpnp), GatewayOutcome::kAnswers);
  EXPECT_TRUE(gateway_.maps().empty());
}

TEST_F(NetCheckTest, TellsACarriersNatFromTheAddressTheGatewayHas) {
  gateway_ = FakeGateway({MappingProtocol::kNatPmp});
  gateway_.external = *IpAddress::parse("100.64.7.7");
  EXPECT_TRUE(check({kServerA, kServerB}).ipv4.carrier_grade);
}

TEST_F(NetCheckTest, SeesNoCarriersNatWhereTheGatewayHasTheOuterAddress) {
  gateway_ = FakeGateway({MappingProtocol::kNatPmp});
  EXPECT_FALSE(check({kServerA, kServerB}).ipv4.carrier_grade);
}

TEST_F(NetCheckTest, NoticesAGatewayThatTurnsPacketsRound) {
  turns_round_ = true;
  EXPECT_EQ(check({kServerA, kServerB}).hairpin, true);
}

TEST_F(NetCheckTest, NoticesAGatewayThatDoesNotTurnPacketsRound) {
  EXPECT_EQ(check({kServerA, kServerB}).hairpin, false);
}

TEST_F(NetCheckTest, TriesNoHairpinWithoutANat) {
  use_nat(FakeMapping::kNone, FakePorts::kPreserving);
  const NetReport report = check({kServerA, kServerB});
  EXPECT_EQ(report.hairpin, std::nullopt);
  EXPECT_EQ(report.ipv4.mapping, MappingBehavior::kNone);
}

TEST_F(NetCheckTest, AsksNoGatewayFromAPublicAddress) {
  addresses_ = {testing::local("203.0.113.9/24")};
  routers_ = {*IpAddress::parse("203.0.113.1")};
  EXPECT_EQ(check({kServerA}).gateway, std::nullopt);
}

TEST_F(NetCheckTest, AsksAtMostSoManyServersAndEachOnce) {
  std::vector<Endpoint> servers = {kServerA, kServerA};
  for (std::uint16_t port = 1; port < 20; ++port) servers.push_back({kServerB.address, port});
  const NetReport report = check(servers);
  EXPECT_EQ(report.servers.size(), kStunServersMax);
  EXPECT_EQ(std::ranges::count(report.servers, kServerA, &StunReport::server), 1);
}

}  // namespace
}  // namespace kadwire::rendezvous
