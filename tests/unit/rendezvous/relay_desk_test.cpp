#include "rendezvous/relay_desk.h"

#include <gtest/gtest.h>

#include "rendezvous/path_choice.h"
#include "tests/support/made_up.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::node;

constexpr TimePoint kStart{1h};
const crypto::NodeId kA = node(1), kB = node(2);
const Endpoint kAtA = *Endpoint::parse("198.51.100.1:5000");
const Endpoint kAtB = *Endpoint::parse("203.0.113.2:5000");
const Endpoint kElsewhere = *Endpoint::parse("203.0.113.2:6000");

class RelayDeskTest : public ::testing::Test {
 protected:
  template <typename Action>
  std::optional<Action> take() {
    const auto action = desk_.poll_action();
    if (!action || !std::holds_alternative<Action>(*action)) return std::nullopt;
    return std::get<Action>(*action);
  }
  /// Both asked, and the port is open.
  RelayId open() {
    desk_.handle_request(kStart, kA, kB);
    const RelayId id = take<OpenRelay>().value().id;
    desk_.handle_port(id, 7000);
    desk_.handle_request(kStart, kB, kA);
    while (desk_.poll_answer()) {
    }
    return id;
  }
  /// The port is not open yet.
  void both_ask(const crypto::NodeId& one, const crypto::NodeId& other) {
    desk_.handle_request(kStart, one, other);
    desk_.handle_request(kStart, other, one);
  }
  /// A bind, and its repetition with the proof that the desk sends back.
  void prove(RelayId id, const crypto::NodeId& member, const crypto::NodeId& peer,
             const Endpoint& at) {
    const auto proof = desk_.handle_bind(id, {member, peer, at, 0});
    ASSERT_TRUE(proof);
    EXPECT_FALSE(desk_.handle_bind(id, {member, peer, at, *proof}));
  }
  testnet::SeededRandom random_{1};
  RelayDesk desk_{random_};
};

TEST_F(RelayDeskTest, OpensOnePortForAPairAndTellsWhoAsked) {
  desk_.handle_request(kStart, kA, kB);
  const auto opened = take<OpenRelay>();
  ASSERT_TRUE(opened);
  EXPECT_FALSE(desk_.poll_answer());
  desk_.handle_port(opened->id, 7000);
  const auto first = desk_.poll_answer();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->to, kA);
  EXPECT_EQ(first->peer, kB);
  EXPECT_EQ(first->port, 7000);
  EXPECT_FALSE(desk_.poll_answer());
  desk_.handle_request(kStart, kB, kA);
  EXPECT_EQ(desk_.poll_answer()->to, kB);
  EXPECT_FALSE(desk_.poll_action());
}

TEST_F(RelayDeskTest, ClosesThePortOfAPairThatBothHaveReleased) {
  const RelayId id = open();
  desk_.handle_release(kStart, node(3), kA);
  desk_.handle_release(kStart, node(3), kB);
  desk_.handle_release(kStart, kB, kA);
  desk_.handle_release(kStart, kB, kA);
  EXPECT_FALSE(desk_.poll_action()) << "the other's WireGuard may still use it";
  desk_.handle_release(kStart, kA, kB);
  EXPECT_EQ(take<CloseRelay>().value().id, id);
  EXPECT_EQ(desk_.pairs(), 0U);
  desk_.handle_release(kStart, kA, kB);
  EXPECT_FALSE(desk_.poll_action());
  EXPECT_FALSE(desk_.next_timeout());
}

TEST_F(RelayDeskTest, ClosesThePortOfAPairThatTheOtherSideNeverReleasesAfterAWhile) {
  const RelayId id = open();
  desk_.handle_release(kStart, kB, kA);
  desk_.handle_release(kStart + 1s, kB, kA);
  EXPECT_EQ(desk_.next_timeout(), kStart + kRelayDrain) << "by the first word of it";
  desk_.handle_timeout(kStart + kRelayDrain - 1ns);
  EXPECT_FALSE(desk_.poll_action());
  desk_.handle_timeout(kStart + kRelayDrain);
  EXPECT_EQ(take<CloseRelay>().value().id, id);
}

TEST_F(RelayDeskTest, ClosesAtOnceThePortThatOnlyOneEverAskedForAndReleases) {
  desk_.handle_request(kStart, kA, kB);
  const RelayId id = take<OpenRelay>().value().id;
  desk_.handle_release(kStart, kA, kB);
  EXPECT_EQ(take<CloseRelay>().value().id, id);
}

TEST_F(RelayDeskTest, KeepsAPairThatIsAskedForAgainByWhoeverReleasedIt) {
  open();
  desk_.handle_release(kStart, kB, kA);
  desk_.handle_request(kStart + 1s, kB, kA);
  EXPECT_FALSE(desk_.next_timeout());
  desk_.handle_release(kStart + 2s, kA, kB);
  EXPECT_FALSE(desk_.poll_action()) << "it is needed again";
}

TEST_F(RelayDeskTest, JoinsOnlyTwoThatBothAskedAndBoth) {
  desk_.handle_request(kStart, kA, kB);
  const RelayId id = take<OpenRelay>()->id;
  desk_.handle_port(id, 7000);
  prove(id, kA, kB, kAtA);
  EXPECT_FALSE(desk_.handle_bind(id, {kB, kA, kAtB, 0}));  // never asked
  EXPECT_FALSE(desk_.poll_action());
  desk_.handle_request(kStart, kB, kA);
  prove(id, kB, kA, kAtB);
  const auto joined = take<JoinRelay>();
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->a, kAtA);
  EXPECT_EQ(joined->b, kAtB);
}

TEST_F(RelayDeskTest, FollowsAnEndThatMovesOnceItIsProvenThereAndOnlyThen) {
  const RelayId id = open();
  prove(id, kA, kB, kAtA);
  prove(id, kB, kA, kAtB);
  ASSERT_TRUE(take<JoinRelay>());
  EXPECT_FALSE(desk_.handle_bind(id, {kB, kA, kAtB, 0}));
  EXPECT_FALSE(desk_.poll_action());
  const auto proof = desk_.handle_bind(id, {kB, kA, kElsewhere, 0});
  ASSERT_TRUE(proof);
  EXPECT_FALSE(desk_.poll_action()) << "the old place stays until then";
  EXPECT_FALSE(desk_.handle_bind(id, {kB, kA, kElsewhere, *proof}));
  EXPECT_EQ(take<JoinRelay>()->b, kElsewhere);
}

TEST_F(RelayDeskTest, NeverMakesAnEndOfAPlaceThatDoesNotEchoItsOwnProof) {
  const RelayId id = open();
  prove(id, kA, kB, kAtA);
  const std::uint64_t proof = desk_.handle_bind(id, {kB, kA, kAtB, 0}).value();
  EXPECT_EQ(desk_.handle_bind(id, {kB, kA, kAtB, 0}), proof) << "the first may have been lost";
  for (const std::uint64_t wrong : {proof + 1, ~proof, std::uint64_t{1}}) {
    EXPECT_EQ(desk_.handle_bind(id, {kB, kA, kAtB, wrong}), proof);
  }
  const auto elsewhere = desk_.handle_bind(id, {kB, kA, kElsewhere, proof});
  ASSERT_TRUE(elsewhere) << "what came to one place says nothing of another";
  EXPECT_NE(elsewhere, proof);
  EXPECT_TRUE(desk_.handle_bind(id, {kA, kB, kElsewhere, *elsewhere})) << "nor of who is there";
  EXPECT_FALSE(desk_.poll_action());
  EXPECT_EQ(desk_.counters().proven, 1U);
}

TEST_F(RelayDeskTest, JoinsNoPlaceWithItself) {
  const RelayId id = open();
  prove(id, kA, kB, kAtA);
  prove(id, kB, kA, kAtA);
  EXPECT_FALSE(desk_.poll_action());
}

TEST_F(RelayDeskTest, IgnoresBindsOfOthersAndForOtherPairs) {
  const RelayId id = open();
  EXPECT_FALSE(desk_.handle_bind(id, {node(3), kB, kElsewhere, 0}));
  EXPECT_FALSE(desk_.handle_bind(id, {kA, node(3), kElsewhere, 0}));
  EXPECT_FALSE(desk_.handle_bind(id + 1, {kA, kB, kElsewhere, 0}));
  EXPECT_EQ(desk_.counters().challenged, 0U);
  prove(id, kB, kA, kAtB);
  EXPECT_FALSE(desk_.poll_action());
}

TEST_F(RelayDeskTest, GivesAPortBackForWhichOneSideNeverAsked) {
  desk_.handle_request(kStart, kA, kB);
  const RelayId id = take<OpenRelay>()->id;
  desk_.handle_port(id, 7000);
  EXPECT_EQ(desk_.next_timeout(), kStart + kRelayAskPatience);
  desk_.handle_timeout(kStart + kRelayAskPatience - 1ns);
  EXPECT_EQ(desk_.pairs(), 1U);
  desk_.handle_timeout(kStart + kRelayAskPatience);
  EXPECT_EQ(take<CloseRelay>()->id, id);
  EXPECT_EQ(desk_.pairs(), 0U);
  EXPECT_FALSE(desk_.next_timeout());
}

TEST_F(RelayDeskTest, KeepsAPairForWhichBothAsked) {
  open();
  EXPECT_FALSE(desk_.next_timeout());
  desk_.handle_timeout(kStart + 24h);
  EXPECT_EQ(desk_.pairs(), 1U);
}

TEST_F(RelayDeskTest, GivesUpAPairThatNeverGotAPort) {
  desk_.handle_request(kStart, kA, kB);
  desk_.handle_request(kStart, kB, kA);
  desk_.handle_timeout(kStart + kRelayAskPatience);
  EXPECT_EQ(desk_.pairs(), 0U);
}

TEST_F(RelayDeskTest, RefusesBothWhenThereIsNoPort) {
  desk_.handle_request(kStart, kA, kB);
  desk_.handle_request(kStart, kB, kA);
  desk_.handle_port(take<OpenRelay>()->id, 0);
  EXPECT_EQ(desk_.poll_answer()->port, 0);
  EXPECT_EQ(desk_.poll_answer()->port, 0);
  EXPECT_EQ(desk_.pairs(), 0U);
}

TEST_F(RelayDeskTest, ClosesWhatIsIdleOrAMembersThatLeft) {
  const RelayId first = open();
  desk_.handle_idle(first);
  EXPECT_EQ(take<CloseRelay>()->id, first);
  const RelayId second = open();
  EXPECT_NE(second, first);
  desk_.remove_member(kB);
  EXPECT_EQ(take<CloseRelay>()->id, second);
  desk_.handle_idle(second);
  EXPECT_FALSE(desk_.poll_action());
}

TEST_F(RelayDeskTest, RefusesAMemberMoreThanItsShareAndAllMoreThanAll) {
  for (unsigned i = 0; i < kRelayedPairsPerMemberMax; ++i) both_ask(kA, node(100 + i));
  EXPECT_FALSE(desk_.poll_answer());
  desk_.handle_request(kStart, kA, node(99));
  EXPECT_EQ(desk_.poll_answer()->port, 0);
  for (unsigned i = 0; i < 2 * kRelayedPairsMax; ++i) both_ask(node(1000 + i), node(3000 + i));
  EXPECT_EQ(desk_.pairs(), kRelayedPairsMax);
  EXPECT_EQ(desk_.poll_answer()->port, 0);
}

TEST_F(RelayDeskTest, SaysWithEachAnswerHowFullItIs) {
  RelayDesk desk(random_, 4);
  const auto load_for = [&](unsigned i) {
    desk.handle_request(kStart, node(100 + i), node(200 + i));
    if (const auto action = desk.poll_action()) {
      desk.handle_port(std::get<OpenRelay>(*action).id, static_cast<std::uint16_t>(7000 + i));
    }
    desk.handle_request(kStart, node(200 + i), node(100 + i));
    EXPECT_EQ(desk.poll_answer().value().port == 0, i >= 4);
    return int{desk.poll_answer().value().load};
  };
  EXPECT_EQ(load_for(0), 25);
  desk.set_traffic({.load = 60});
  EXPECT_EQ(load_for(1), 60) << "the scarcer of places and traffic";
  EXPECT_EQ(load_for(2), 75);
  EXPECT_EQ(load_for(3), 100);
  EXPECT_EQ(load_for(4), 100) << "a refusal says it too";
}

TEST_F(RelayDeskTest, TellsNobodyToLeaveForPlacesButForTraffic) {
  RelayDesk desk(random_, 1);
  desk.handle_request(kStart, kA, kB);
  desk.handle_port(std::get<OpenRelay>(*desk.poll_action()).id, 7000);
  EXPECT_EQ(desk.poll_answer()->load, kLoadMax);
  desk.handle_request(kStart, kA, kB);
  EXPECT_EQ(desk.poll_answer()->load, kLoadNearlyFull - 1);
  desk.handle_request(kStart, kB, kA);
  EXPECT_EQ(desk.poll_answer()->load, kLoadMax) << "it had none before";
  desk.set_traffic({.load = 95});
  desk.handle_request(kStart, kA, kB);
  EXPECT_EQ(desk.poll_answer()->load, 95);
}

TEST_F(RelayDeskTest, RefusesNewPairsAndKeepsTheOthersWhenItsQuotaIsUsedUp) {
  desk_.handle_request(kStart, kA, kB);
  desk_.handle_port(take<OpenRelay>()->id, 7000);
  (void)desk_.poll_answer();
  desk_.set_traffic({.load = kLoadMax, .used_up = true});
  desk_.handle_request(kStart, kB, kA);
  EXPECT_EQ(desk_.poll_answer()->port, 7000) << "the other half of a pair that is there";
  desk_.handle_request(kStart, kA, node(3));
  EXPECT_EQ(desk_.poll_answer()->port, 0);
  EXPECT_EQ(desk_.pairs(), 1U);
  EXPECT_EQ(desk_.counters().refused, 1U);
  desk_.set_traffic({});
  desk_.handle_request(kStart, kA, node(3));
  EXPECT_TRUE(take<OpenRelay>());
}

TEST_F(RelayDeskTest, LetsTheOldestGoOfWhatAMemberAskedForAlone) {
  for (unsigned i = 0; i < kRelayedAloneMax; ++i) desk_.handle_request(kStart, kA, node(100 + i));
  both_ask(kA, kB);
  EXPECT_EQ(desk_.pairs(), kRelayedAloneMax) << "the first gave way when the seventeenth was asked";
  EXPECT_FALSE(desk_.poll_answer());
  desk_.handle_request(kStart, node(101), kA);
  EXPECT_EQ(desk_.pairs(), kRelayedAloneMax);
  desk_.handle_request(kStart, node(100), kA);
  EXPECT_EQ(desk_.pairs(), kRelayedAloneMax + 1);
}

TEST_F(RelayDeskTest, NobodyGivesWayToAMemberThatHasItsShare) {
  for (unsigned i = 0; i < kRelayedPairsPerMemberMax; ++i) both_ask(kA, node(100 + i));
  for (unsigned i = kRelayedPairsPerMemberMax; i < kRelayedPairsMax; ++i) {
    desk_.handle_request(kStart, node(1000 + i), node(3000));
  }
  desk_.handle_request(kStart, kA, kB);
  EXPECT_EQ(desk_.poll_answer()->port, 0);
  EXPECT_EQ(desk_.pairs(), kRelayedPairsMax);
}

TEST_F(RelayDeskTest, WhoAsksForMembersThatAreNotThereTakesNobodysPlace) {
  for (unsigned i = 0; i < kRelayedPairsMax; ++i) {
    desk_.handle_request(kStart, node(1000 + i), node(3000));
  }
  EXPECT_EQ(desk_.pairs(), kRelayedPairsMax);
  both_ask(kA, kB);
  EXPECT_EQ(desk_.pairs(), kRelayedPairsMax);
  EXPECT_FALSE(desk_.poll_answer());
  desk_.handle_timeout(kStart + kRelayAskPatience);
  EXPECT_EQ(desk_.pairs(), 0U) << "no port was opened";
}

TEST_F(RelayDeskTest, WhatOthersAskForDoesNotUseUpAMembersShare) {
  for (unsigned i = 0; i < kRelayedPairsPerMemberMax; ++i) {
    desk_.handle_request(kStart, node(100 + i), kA);
  }
  desk_.handle_request(kStart, kA, kB);
  EXPECT_FALSE(desk_.poll_answer());
  EXPECT_EQ(desk_.pairs(), kRelayedPairsPerMemberMax + 1);
}

}  // namespace
}  // namespace kadwire::rendezvous
