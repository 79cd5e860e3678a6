/// What servers, members and strangers that lie can make a NatObserver say, and what not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/rendezvous/nat_observer_fixture.h"

namespace kadwire::rendezvous::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum MappingBehavior;

const Endpoint kPeerX = endpoint("198.51.200.1:51820");
const Endpoint kPeerXNeighbour = endpoint("198.51.200.99:40000");  ///< in the same /24
const Endpoint kPeerY = endpoint("203.0.200.1:51820");
const Endpoint kClaim = endpoint("203.0.113.77:7777");

class NatObserverLiars : public NatObserverTest {};

TEST_F(NatObserverLiars, AServerCannotNameAnAddressThatIsNotPublic) {
  for (const char* claim :
       {"10.0.0.1:4000", "192.168.1.1:4000", "172.16.5.5:4000", "100.64.0.1:4000", "127.0.0.1:4000",
        "0.0.0.0:4000", "169.254.1.1:4000", "224.0.0.1:4000", "255.255.255.255:4000",
        "44.1.2.3:4000" /* the mesh's own */}) {
    lie(kServerA, endpoint(claim));
    start({kServerA});
    exchange();
    EXPECT_THAT(candidates(), IsEmpty()) << claim;
    EXPECT_EQ(behavior(), NatBehavior{}) << claim;
  }
}

TEST_F(NatObserverLiars, AServerCannotNameAnIpv6AddressThatIsNotPublic) {
  own_.push_back(local("2001:db8:1::10/64"));
  for (const char* claim : {"[::1]:4000", "[fe80::1]:4000", "[ff02::1]:4000", "[fd00::1]:4000",
                            "[::]:4000", "[2001:db8:9::1]:4000" /* the mesh's own */}) {
    lie(kServerV6, endpoint(claim));
    start({kServerV6});
    exchange();
    EXPECT_THAT(candidates(), IsEmpty()) << claim;
  }
}

TEST_F(NatObserverLiars, AServerCannotSpeakForTheOtherFamily) {
  own_.push_back(local("2001:db8:1::10/64"));
  lie(kServerA, endpoint("[2001:db8:5::1]:4000"));
  start({kServerA});
  exchange();
  EXPECT_THAT(candidates(), IsEmpty());
}

TEST_F(NatObserverLiars, AServerCannotNamePortZero) {
  lie(kServerA, {*IpAddress::parse("203.0.113.5"), 0});
  start({kServerA});
  exchange();
  EXPECT_THAT(candidates(), IsEmpty());
}

TEST_F(NatObserverLiars, AServerThatBeginsToLieIsNoLongerHeard) {
  start({kServerA});
  exchange();
  EXPECT_THAT(candidates(), SizeIs(1));
  lie(kServerA, endpoint("127.0.0.1:4000"));
  run_for(kBindingRefresh);
  EXPECT_THAT(candidates(), IsEmpty());
}

TEST_F(NatObserverLiars, AServerThatLiesIsNotWhatKeepsTheMappingAlive) {
  lie(kServerA, endpoint("127.0.0.1:4000"));
  start({kServerA, kServerB, kServerC});
  exchange();
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
  (void)take_requests(kServerB);
  run_for(kBindingRefresh);
  EXPECT_EQ(take_requests(kServerB), 1);
}

TEST_F(NatObserverLiars, AServerThatChangesItsMindCausesABoundedTraffic) {
  start({kServerA, kServerB, kServerC});
  exchange();
  for (const Endpoint& server : {kServerA, kServerB, kServerC}) (void)take_requests(server);
  for (std::uint16_t port = 1; port <= 40; ++port) {
    lie(kServerA, {*IpAddress::parse("203.0.113.5"), port});
    run_for(kBindingRefresh);
  }
  EXPECT_LE(take_requests(kServerA), 41);
  EXPECT_LE(take_requests(kServerB), 41);
  EXPECT_LE(take_requests(kServerC), 41);
  EXPECT_THAT(candidates(), SizeIs(1));
}

TEST_F(NatObserverLiars, AStrangerCannotAnswerForAServer) {
  start({kServerA});
  const auto request = observer_.poll_transmit();
  const Bytes right = *answer(*request);
  StunTransactionId guessed{};
  const Bytes wrong_id =
      StunWriter(StunClass::kSuccess, kStunBinding, guessed).xor_mapped_address(kClaim).take();
  EXPECT_FALSE(observer_.handle_datagram(now_, kServerA, wrong_id));
  EXPECT_FALSE(observer_.handle_datagram(now_, kServerA, Bytes(60, std::byte{7})));
  EXPECT_FALSE(observer_.handle_datagram(now_, kServerA, {}));
  EXPECT_FALSE(observer_.handle_datagram(now_, kServerB, right)) << "nobody asked B";
  EXPECT_FALSE(observer_.handle_datagram(now_, kServerA2, right));
  EXPECT_FALSE(observer_.poll_change());
  EXPECT_TRUE(observer_.handle_datagram(now_, kServerA, right));
}

TEST_F(NatObserverLiars, AnErrorChangesNothingThatIsKnown) {
  start({kServerA, kServerB});
  exchange();
  (void)observer_.poll_change();
  refusing_ = {kServerA, kServerB};
  run_for(kObservationMemory - 1s);
  EXPECT_FALSE(observer_.poll_change());
  run_for(2s);
  EXPECT_THAT(candidates(), IsEmpty()) << "nor does it confirm anything";
}

TEST_F(NatObserverLiars, OneMembersWordIsNoCandidate) {
  start({});
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  EXPECT_THAT(candidates(), IsEmpty());
  EXPECT_EQ(behavior().mapping, kUnknown);
}

TEST_F(NatObserverLiars, MembersInOneNetworkAreOneVoice) {
  start({});
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  observer_.note_peer_saw(now_, kPeerXNeighbour, kClaim);
  EXPECT_THAT(candidates(), IsEmpty());
}

TEST_F(NatObserverLiars, MembersInTwoNetworksThatAgreeMakeACandidate) {
  start({});
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  observer_.note_peer_saw(now_, kPeerY, kClaim);
  EXPECT_THAT(observer_.candidates(),
              ElementsAre(Candidate{CandidateKind::kPeerReflexive, kClaim}));
  EXPECT_EQ(behavior().mapping, kEndpointIndependent);
  EXPECT_FALSE(behavior().mapping_certain);
}

TEST_F(NatObserverLiars, MembersThatSawWhatAServerSawAddNoSecondCandidate) {
  start({kServerA});
  exchange();
  const Endpoint mapped = candidates().at(0);
  observer_.note_peer_saw(now_, kPeerX, mapped);
  observer_.note_peer_saw(now_, kPeerY, mapped);
  EXPECT_THAT(observer_.candidates(),
              ElementsAre(Candidate{CandidateKind::kServerReflexive, mapped}));
  EXPECT_EQ(behavior().mapping, kEndpointIndependent) << "the members' view confirms it";
  EXPECT_FALSE(behavior().mapping_certain);
}

TEST_F(NatObserverLiars, AMemberCannotOverruleTwoServers) {
  start({kServerA, kServerB});
  exchange();
  (void)observer_.poll_change();
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  EXPECT_FALSE(observer_.poll_change());
}

TEST_F(NatObserverLiars, MembersCannotNameAnAddressThatIsNotPublic) {
  start({});
  for (const char* claim : {"10.0.0.1:4000", "127.0.0.1:4000", "44.1.2.3:4000", "224.0.0.1:1"}) {
    observer_.note_peer_saw(now_, kPeerX, endpoint(claim));
    observer_.note_peer_saw(now_, kPeerY, endpoint(claim));
    EXPECT_THAT(candidates(), IsEmpty()) << claim;
  }
  EXPECT_FALSE(observer_.poll_change());
}

TEST_F(NatObserverLiars, AMembersWordIsForgottenAfterAWhile) {
  start({});
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  run_for(1min);
  observer_.note_peer_saw(now_, kPeerY, kClaim);
  EXPECT_THAT(candidates(), SizeIs(1));
  run_for(kObservationMemory - 30s);
  EXPECT_THAT(candidates(), IsEmpty()) << "X said so too long ago";
}

TEST_F(NatObserverLiars, TheWordsOfManyMembersTakeABoundedRoom) {
  start({});
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  for (std::uint32_t i = 0; i < kPeerWordsMax; ++i) {
    const Endpoint peer = {IpAddress::v4(0xc6130000 + (i << 8)), kPort};  // 198.19.i.0/24
    observer_.note_peer_saw(now_, peer, {kClaim.address, static_cast<std::uint16_t>(9000 + i)});
  }
  observer_.note_peer_saw(now_, kPeerY, kClaim);
  EXPECT_THAT(candidates(), IsEmpty()) << "X, heard first, made room";
}

TEST_F(NatObserverLiars, ManyAgreeingMembersCannotFillTheRecord) {
  start({});
  for (std::uint32_t i = 0; i < kPeerWordsMax; ++i) {
    const Endpoint peer = {IpAddress::v4(0xc6130000 + (i << 8)), kPort};
    observer_.note_peer_saw(now_, peer, {kClaim.address, static_cast<std::uint16_t>(9000 + i / 2)});
  }
  EXPECT_THAT(candidates(), SizeIs(kReflexiveCandidatesMax));
}

TEST_F(NatObserverLiars, WordsFromBeforeTheNetworkChangedAreVoid) {
  start({});
  observer_.note_peer_saw(now_, kPeerX, kClaim);
  observer_.network_changed(now_, own_, kPort);
  observer_.note_peer_saw(now_, kPeerY, kClaim);
  EXPECT_THAT(candidates(), IsEmpty());
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
