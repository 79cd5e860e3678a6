#include "rendezvous/nat_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "rendezvous/stun_responder.h"
#include "tests/unit/rendezvous/nat_observer_fixture.h"

namespace kadwire::rendezvous::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum MappingBehavior;

struct NatCase {
  std::string name;
  FakeMapping nat;
  FakePorts ports;
  int step;
  NatBehavior behavior;
  std::size_t candidates;
};

/// Servers are A, A2 and B: so every dependence shows.
const std::vector<NatCase>& nat_cases() {
  static const std::vector<NatCase> cases = {
      {"no NAT",
       FakeMapping::kNone,
       FakePorts::kPreserving,
       0,
       {.mapping = kNone, .mapping_certain = true, .preserves_port = true, .port_step = {}},
       0},
      {"endpoint-independent, port preserved",
       FakeMapping::kEndpointIndependent,
       FakePorts::kPreserving,
       0,
       {.mapping = kEndpointIndependent,
        .mapping_certain = true,
        .preserves_port = true,
        .port_step = {}},
       1},
      {"endpoint-independent, port changed",
       FakeMapping::kEndpointIndependent,
       FakePorts::kRandom,
       0,
       {.mapping = kEndpointIndependent,
        .mapping_certain = true,
        .preserves_port = false,
        .port_step = {}},
       1},
      {"address-dependent, sequential",
       FakeMapping::kAddressDependent,
       FakePorts::kSequential,
       1,
       {.mapping = kAddressDependent,
        .mapping_certain = true,
        .preserves_port = false,
        .port_step = 1},
       1},
      {"address- and port-dependent, sequential",
       FakeMapping::kAddressAndPortDependent,
       FakePorts::kSequential,
       2,
       {.mapping = kAddressAndPortDependent,
        .mapping_certain = true,
        .preserves_port = false,
        .port_step = 2,
        .ports_certain = true},
       1},
      {"address- and port-dependent, descending",
       FakeMapping::kAddressAndPortDependent,
       FakePorts::kSequential,
       -1,
       {.mapping = kAddressAndPortDependent,
        .mapping_certain = true,
        .preserves_port = false,
        .port_step = -1,
        .ports_certain = true},
       1},
      {"address- and port-dependent, random",
       FakeMapping::kAddressAndPortDependent,
       FakePorts::kRandom,
       0,
       {.mapping = kAddressAndPortDependent,
        .mapping_certain = true,
        .preserves_port = false,
        .port_step = {},
        .random_ports = true,
        .ports_certain = true},
       1},
      {"address- and port-dependent, preserving: each sees the same",
       FakeMapping::kAddressAndPortDependent,
       FakePorts::kPreserving,
       0,
       {.mapping = kEndpointIndependent,
        .mapping_certain = true,
        .preserves_port = true,
        .port_step = {}},
       1},
  };
  return cases;
}

class EveryNat : public NatObserverTest, public ::testing::WithParamInterface<NatCase> {};

TEST_P(EveryNat, IsRecognisedByThreeServers) {
  const NatCase& nat = GetParam();
  if (nat.nat == FakeMapping::kNone) {
    inside_v4_ = *IpAddress::parse("192.0.2.50");
    own_ = {local("192.0.2.50/24")};
  }
  use_nat(nat.nat, nat.ports, nat.step);
  start({kServerA, kServerA2, kServerB});
  exchange();
  EXPECT_EQ(behavior(), nat.behavior) << describe(behavior().mapping);
  EXPECT_THAT(candidates(), SizeIs(nat.candidates));
}

TEST_P(EveryNat, IsRecognisedThoughHalfOfTheRequestsAreLost) {
  const NatCase& nat = GetParam();
  if (nat.nat == FakeMapping::kNone) {
    inside_v4_ = *IpAddress::parse("192.0.2.50");
    own_ = {local("192.0.2.50/24")};
  }
  use_nat(nat.nat, nat.ports, nat.step);
  start({kServerA, kServerA2, kServerB});
  silent_ = {kServerA, kServerB};
  run_for(500ms);
  silent_.clear();
  run_for(10s);
  EXPECT_EQ(behavior().mapping, nat.behavior.mapping) << describe(behavior().mapping);
  EXPECT_EQ(behavior().random_ports, nat.behavior.random_ports);
  EXPECT_THAT(candidates(), SizeIs(nat.candidates));
}

TEST_P(EveryNat, StaysTheSameForAnHourWithoutAChange) {
  const NatCase& nat = GetParam();
  use_nat(nat.nat, nat.ports, nat.step);
  start({kServerA, kServerA2, kServerB});
  exchange();
  (void)observer_.poll_change();
  while (now_ < kStart + 1h) {
    steps_.take(now_);
    now_ = *observer_.next_timeout();
    observer_.handle_timeout(now_);
    ASSERT_FALSE(observer_.poll_change()) << "not even while answers are under way";
    exchange();
    ASSERT_FALSE(observer_.poll_change());
  }
}

INSTANTIATE_TEST_SUITE_P(NatObserver, EveryNat, ::testing::ValuesIn(nat_cases()),
                         [](const auto& parameter) {
                           std::string name = parameter.param.name;
                           std::erase_if(name,
                                         [](unsigned char c) { return std::isalnum(c) == 0; });
                           return name;
                         });

TEST_F(NatObserverTest, AsksNothingBeforeItKnowsTheNetwork) {
  observer_.set_servers(now_, std::vector{kServerA});
  EXPECT_FALSE(observer_.poll_transmit().has_value());
  EXPECT_FALSE(observer_.next_timeout().has_value());
}

TEST_F(NatObserverTest, HasACandidateAsSoonAsOneServerHasAnswered) {
  silent_ = {kServerA, kServerB};
  start({kServerA, kServerB, kServerC});
  exchange();
  EXPECT_TRUE(observer_.poll_change());
  ASSERT_THAT(observer_.candidates(), SizeIs(1));
  EXPECT_EQ(observer_.candidates()[0].kind, CandidateKind::kServerReflexive);
  EXPECT_THAT(observer_.externals(AddressFamily::kIpv4), ElementsAre(candidates()[0].address));
  EXPECT_EQ(behavior().mapping, kUnknown);
  EXPECT_EQ(behavior().preserves_port, false);
}

TEST_F(NatObserverTest, ReportsAChangeOnce) {
  start({kServerA});
  EXPECT_FALSE(observer_.poll_change());
  exchange();
  EXPECT_TRUE(observer_.poll_change());
  EXPECT_FALSE(observer_.poll_change());
}

TEST_F(NatObserverTest, CannotTellTheTwoDependencesApartByServersAtDifferentAddresses) {
  for (const auto nat : {FakeMapping::kAddressDependent, FakeMapping::kAddressAndPortDependent}) {
    use_nat(nat, FakePorts::kRandom);
    start({kServerA, kServerB, kServerC});
    exchange();
    EXPECT_EQ(behavior().mapping, kEndpointDependent);
    EXPECT_TRUE(behavior().mapping_certain) << "that it depends on the destination is sure";
  }
}

TEST_F(NatObserverTest, NamesTheNewestOfSeveralMappings) {
  use_nat(FakeMapping::kAddressAndPortDependent, FakePorts::kSequential);
  start({kServerA, kServerB, kServerC});
  exchange();
  EXPECT_THAT(candidates(), ElementsAre(endpoint("203.0.113.5:20003")));
  EXPECT_THAT(observer_.externals(AddressFamily::kIpv4), SizeIs(1));
}

TEST_F(NatObserverTest, NamesTheNewestMappingOfEachExternalAddress) {
  lie(kServerA, endpoint("203.0.113.5:4000"));
  lie(kServerB, endpoint("203.0.113.6:5000"));
  lie(kServerC, endpoint("203.0.113.5:6000"));
  start({kServerA, kServerB, kServerC});
  exchange();
  EXPECT_THAT(candidates(),
              ElementsAre(endpoint("203.0.113.5:6000"), endpoint("203.0.113.6:5000")));
}

TEST_F(NatObserverTest, KeepsASharedMappingAliveThroughOneServerAlone) {
  start({kServerA, kServerB, kServerC});
  exchange();
  for (const Endpoint& server : {kServerA, kServerB, kServerC}) (void)take_requests(server);
  run_for(kBindingRecheck + 1s);
  EXPECT_EQ(take_requests(kServerA), 12);
  EXPECT_EQ(take_requests(kServerB), 1);
  EXPECT_EQ(take_requests(kServerC), 1);
}

TEST_F(NatObserverTest, KeepsEveryMappingAliveWhereEachDestinationHasItsOwn) {
  use_nat(FakeMapping::kAddressAndPortDependent, FakePorts::kRandom);
  start({kServerA, kServerB});
  exchange();
  for (const Endpoint& server : {kServerA, kServerB}) (void)take_requests(server);
  run_for(kBindingRecheck);
  EXPECT_EQ(take_requests(kServerA), 12);
  EXPECT_EQ(take_requests(kServerB), 12);
}

TEST_F(NatObserverTest, LetsAnotherServerKeepTheMappingIfTheFirstFallsSilent) {
  start({kServerA, kServerB, kServerC});
  run_for(1s);
  silent_ = {kServerA};
  run_for(1min);
  (void)take_requests(kServerB);
  (void)take_requests(kServerC);
  run_for(100s);
  EXPECT_EQ(take_requests(kServerB), 4);
  EXPECT_EQ(take_requests(kServerC), 0);
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
}

TEST_F(NatObserverTest, KeepsACandidateThroughAnHourInWhichServersAnswerNowAndThen) {
  use_nat(FakeMapping::kEndpointIndependent, FakePorts::kPreserving);
  start({kServerA, kServerB});
  exchange();
  (void)observer_.poll_change();
  for (int i = 0; i < 6; ++i) {
    silent_ = {kServerA, kServerB};
    run_for(5min);
    silent_.clear();
    run_for(5min);
  }
  EXPECT_FALSE(observer_.poll_change());
}

TEST_F(NatObserverTest, ForgetsWhatWasNotConfirmedForLong) {
  start({kServerA, kServerB});
  exchange();
  (void)observer_.poll_change();
  silent_ = {kServerA, kServerB};
  run_for(kObservationMemory - 1s);
  EXPECT_FALSE(observer_.poll_change());
  run_for(2s);
  EXPECT_TRUE(observer_.poll_change());
  EXPECT_THAT(candidates(), IsEmpty());
  EXPECT_EQ(behavior(), NatBehavior{});
}

TEST_F(NatObserverTest, NoticesThatTheNatHasRebootedAndAsksAllAgainAtOnce) {
  use_nat(FakeMapping::kEndpointIndependent, FakePorts::kPreserving);
  start({kServerA});
  run_for(10s);
  observer_.set_servers(now_, std::vector{kServerA, kServerB, kServerC});
  run_for(1s);
  EXPECT_THAT(candidates(), ElementsAre(endpoint("203.0.113.5:51820")));
  nat_->reboot();
  run_until(kStart + kBindingRefresh);  // A's turn; that of the others would come later
  EXPECT_THAT(candidates(), ElementsAre(endpoint("203.0.113.5:51821")));
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
  EXPECT_TRUE(behavior().mapping_certain);
  EXPECT_EQ(behavior().preserves_port, false);
}

TEST_F(NatObserverTest, ForgetsWhatMembersSawBeforeTheNatRebooted) {
  start({kServerA});
  run_for(1s);
  const Endpoint old = candidates().at(0);
  observer_.note_peer_saw(now_, endpoint("198.51.200.1:51820"), old);
  observer_.note_peer_saw(now_, endpoint("203.0.200.1:51820"), old);
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
  nat_->reboot();
  run_for(kBindingRefresh);
  EXPECT_THAT(candidates(), SizeIs(1));
  EXPECT_NE(candidates()[0], old);
  EXPECT_EQ(behavior().mapping, kUnknown);
}

TEST_F(NatObserverTest, NeverTakesARebootForDependenceOnTheDestination) {
  start({kServerA, kServerB, kServerC});
  run_for(1s);
  nat_->reboot();
  now_ = *observer_.next_timeout();
  observer_.handle_timeout(now_);
  const auto request = observer_.poll_transmit();
  ASSERT_TRUE(request.has_value());
  observer_.handle_datagram(now_, request->to, *answer(*request));
  EXPECT_EQ(behavior().mapping, kUnknown) << "until the others have answered";
  EXPECT_THAT(candidates(), SizeIs(1));
}

TEST_F(NatObserverTest, RefreshesAllAtOnceWhenTold) {
  start({kServerA, kServerB});
  run_for(1s);
  (void)take_requests(kServerA);
  (void)take_requests(kServerB);
  observer_.refresh_now(now_);
  EXPECT_THAT(candidates(), SizeIs(1)) << "nothing is forgotten";
  exchange();
  EXPECT_EQ(take_requests(kServerA), 1);
  EXPECT_EQ(take_requests(kServerB), 1);
}

TEST_F(NatObserverTest, TakesAllForVoidWhenTheNetworkChanges) {
  start({kServerA, kServerB});
  exchange();
  (void)observer_.poll_change();
  const auto old = candidates();
  observer_.network_changed(now_, own_, kPort);
  EXPECT_TRUE(observer_.poll_change());
  EXPECT_THAT(candidates(), IsEmpty());
  EXPECT_EQ(behavior(), NatBehavior{});
  nat_->reboot();
  exchange();
  EXPECT_THAT(candidates(), SizeIs(1));
  EXPECT_NE(candidates(), old);
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
}

TEST_F(NatObserverTest, KnowsThatAnAddressIsNoLongerItsOwn) {
  own_ = {local("203.0.113.5/24")};
  start({kServerA});
  own_ = {local("192.168.1.10/24")};  // what was the host's is now its NAT's
  use_nat(FakeMapping::kEndpointIndependent, FakePorts::kPreserving);
  observer_.network_changed(now_, own_, kPort);
  exchange();
  EXPECT_THAT(candidates(), ElementsAre(endpoint("203.0.113.5:51820")));
  EXPECT_EQ(behavior().mapping, kUnknown);
}

TEST_F(NatObserverTest, DoesNotBelieveAnAnswerFromBeforeTheNetworkChanged) {
  start({kServerA});
  const auto request = observer_.poll_transmit();
  observer_.network_changed(now_, own_, kPort);
  EXPECT_FALSE(observer_.handle_datagram(now_, kServerA, *answer(*request)));
  EXPECT_THAT(candidates(), IsEmpty());
}

TEST_F(NatObserverTest, AsksOnlyServersInFamiliesThatTheHostHas) {
  start({kServerA, kServerV6});
  exchange();
  EXPECT_EQ(take_requests(kServerV6), 0);
  own_ = {local("2001:db8:1::10/64"), local("169.254.3.4/16")};
  observer_.network_changed(now_, own_, kPort);
  (void)take_requests(kServerA);
  exchange();
  EXPECT_EQ(take_requests(kServerA), 0);
  EXPECT_EQ(take_requests(kServerV6), 1);
}

TEST_F(NatObserverTest, KeepsTheFamiliesApart) {
  own_.push_back(local("2001:db8:1::10/64"));
  use_nat(FakeMapping::kAddressAndPortDependent, FakePorts::kRandom);
  start({kServerA, kServerB, kServerV6});
  exchange();
  EXPECT_EQ(behavior().mapping, kEndpointDependent);
  EXPECT_EQ(observer_.behavior(AddressFamily::kIpv6).mapping, kNone);
  EXPECT_THAT(candidates(), SizeIs(1)) << "the IPv6 endpoint is a host candidate already";
}

TEST_F(NatObserverTest, NamesTheOutsideOfAnIpv6NatFirst) {
  own_.push_back(local("fd00::10/64"));
  lie(kServerV6, endpoint("[2001:db8:5::10]:4000"));
  start({kServerA, kServerV6});
  exchange();
  ASSERT_THAT(candidates(), SizeIs(2));
  EXPECT_EQ(candidates()[0], endpoint("[2001:db8:5::10]:4000"));
}

TEST_F(NatObserverTest, KeepsWhatAServerSaidWhenTheListChangesAroundIt) {
  start({kServerA, kServerB});
  exchange();
  (void)take_requests(kServerB);
  observer_.set_servers(now_, std::vector{kServerC, kServerB});
  EXPECT_THAT(candidates(), SizeIs(1));
  EXPECT_EQ(behavior().mapping, kUnknown) << "A is gone, and C has not answered yet";
  exchange();
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
  EXPECT_EQ(take_requests(kServerB), 0);
  EXPECT_EQ(take_requests(kServerC), 1);
}

TEST_F(NatObserverTest, AsksEachServerOnceAndOfManyTheFirst) {
  std::vector<Endpoint> servers = {kServerA, kServerA};
  for (int i = 1; i < 20; ++i) {
    servers.push_back(endpoint("192.0.2." + std::to_string(i) + ":3478"));
  }
  start(servers);
  exchange();
  EXPECT_EQ(take_requests(kServerA), 1);
  EXPECT_EQ(take_requests(kServerB), 1) << "the eighth that differs";
  EXPECT_EQ(take_requests(endpoint("192.0.2.8:3478")), 0);
}

TEST_F(NatObserverTest, RecognisesACarriersNat) {
  own_ = {local("100.64.3.4/30")};
  start({kServerA});
  exchange();
  EXPECT_TRUE(behavior().carrier_grade);
}

TEST_F(NatObserverTest, DoesNotTakeAVpnForACarriersNat) {
  own_ = {local("100.64.3.4/32"), local("192.168.1.10/24")};
  start({kServerA});
  exchange();
  EXPECT_FALSE(behavior().carrier_grade);
}

TEST_F(NatObserverTest, RecognisesASecondNatByWhatTheGatewaySays) {
  start({kServerA});
  exchange();
  (void)observer_.poll_change();
  observer_.note_gateway(now_, IpAddress::parse("10.20.30.40"));
  EXPECT_TRUE(behavior().carrier_grade);
  EXPECT_TRUE(observer_.poll_change());
  observer_.note_gateway(now_, std::nullopt);
  EXPECT_FALSE(behavior().carrier_grade);
}

TEST_F(NatObserverTest, ForgetsTheGatewayOfAnotherNetwork) {
  start({kServerA});
  observer_.note_gateway(now_, IpAddress::parse("10.20.30.40"));
  observer_.network_changed(now_, own_, kPort);
  exchange();
  EXPECT_FALSE(behavior().carrier_grade);
}

TEST_F(NatObserverTest, KnowsThatItIsOpenOnceAnAnswerCameFromAPortThatItNeverSentTo) {
  own_ = {local("2001:db8:1::10/64")};
  observer_.set_servers(now_, std::vector{kServerV6});
  observer_.network_changed(now_, own_, kPort);
  const Endpoint inside{inside_v6_, kPort};
  const Endpoint second{kServerV6.address, 3479};
  StunResponder server;
  const auto serve = [&](bool open) {
    while (const auto request = observer_.poll_transmit()) {
      const auto reply =
          server.handle_datagram(now_, inside, {kServerV6, second.port}, request->payload);
      if (!reply || (reply->source == second && !open)) continue;
      observer_.handle_datagram(now_, reply->source, reply->transmit.payload);
    }
  };
  serve(false);
  EXPECT_EQ(observer_.behavior(AddressFamily::kIpv6).mapping, MappingBehavior::kNone);
  EXPECT_FALSE(observer_.open_to_strangers(AddressFamily::kIpv6));
  (void)observer_.poll_change();
  now_ = *observer_.next_timeout();
  observer_.handle_timeout(now_);
  serve(true);
  EXPECT_TRUE(observer_.open_to_strangers(AddressFamily::kIpv6));
  EXPECT_TRUE(observer_.poll_change());
}

TEST_F(NatObserverTest, AsksAgainWhenAPathIsLostButNotForEachOfMany) {
  start({kServerA});
  run_for(10s);
  (void)take_requests(kServerA);
  for (int i = 0; i < 10; ++i) observer_.note_path_lost(now_);
  run_for(1s);
  EXPECT_EQ(take_requests(kServerA), 1);
}

/// A NAT whose address changes just after the network did: nothing else asks for 25 s.
TEST_F(NatObserverTest, AsksALittleLaterWhenAPathIsLostSoonAfterTheLastTime) {
  start({kServerA});
  run_for(2s);
  (void)take_requests(kServerA);
  observer_.note_path_lost(now_);
  run_for(2s);
  EXPECT_EQ(take_requests(kServerA), 0);
  run_for(2s);
  EXPECT_EQ(take_requests(kServerA), 1);
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
