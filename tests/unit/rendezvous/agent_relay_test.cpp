/// Two members that cannot reach each other, and others that relay between them.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentRelay : public AgentPair {
 protected:
  Member& add_relay(std::string_view endpoint) {
    Member& relay = world_.add(endpoint);
    relay.offers_relay = true;
    relay.publish();
    relays_.push_back(&relay);
    return relay;
  }
  /// True once the two use a relay.
  bool connect_relayed() {
    for (Member* relay : relays_) {
      for (Member* member : {&a_, &b_}) {
        member->meet(*relay);
        if (!connect(*member, *relay)) return false;
      }
    }
    cut(a_, b_);
    know_each_other(a_, b_);
    return connect(a_, b_, 1500ms);
  }
  [[nodiscard]] std::size_t relays_known(const Member& at, const Member& about) const {
    return at.agent->session(about.id())->relays().size();
  }
  /// The relay in use answers nobody any more, and the two not each other.
  const Member& kill_relay_in_use() {
    const Member& dead = *world_.owner_of({a_.path_to(b_)->endpoint.address, 51820});
    world_.fate = [this, &dead](Packet& packet) {
      const bool from_or_to_dead = packet.from.address == dead.endpoints[0].address ||
                                   packet.to.address == dead.endpoints[0].address;
      const Member* from = world_.owner_of(packet.from);
      const Member* to = world_.owner_of(packet.to);
      return Fate{from_or_to_dead || (from == &a_ && to == &b_) || (from == &b_ && to == &a_)};
    };
    return dead;
  }
  void expect_takeover(bool leader_notices, bool follower_notices) {
    add_relay(kM);
    add_relay(kN);
    ASSERT_TRUE(connect_relayed());
    world_.run_for(5s);
    ASSERT_EQ(relays_known(a_, b_), 2U);
    Member& leader = controlling(a_, b_);
    Member& follower = &leader == &a_ ? b_ : a_;
    const Member& dead = kill_relay_in_use();
    if (leader_notices) report_silence(leader, follower, 1);
    if (follower_notices) report_silence(follower, leader, 1);
    const auto moved = [&] {
      return leader.reaches(follower) && follower.reaches(leader) &&
             leader.path_to(follower)->relay != dead.id() &&
             follower.path_to(leader)->relay != dead.id();
    };
    EXPECT_TRUE(world_.run_until(moved, 500ms));
  }

  Member& a_ = world_.add(kA);
  Member& b_ = world_.add(kB);
  std::vector<Member*> relays_;
};

TEST_F(AgentRelay, ARelayIsAskedAndBothEndsUseIt) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  EXPECT_EQ(a_.path_to(b_)->relay, relays_[0]->id());
  EXPECT_EQ(b_.path_to(a_)->relay, relays_[0]->id());
  EXPECT_EQ(a_.path_to(b_)->endpoint, b_.path_to(a_)->endpoint);
}

TEST_F(AgentRelay, WhatIsSeenThroughARelayIsNoOwnMapping) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(5s);
  for (Member* member : {&a_, &b_}) {
    ASSERT_FALSE(member->seen.empty());
    for (const SeenByPeer& seen : member->seen) EXPECT_EQ(seen.mapped, member->endpoints[0]);
  }
}

TEST_F(AgentRelay, ADirectPathReplacesARelayedOneWithoutAMomentWithoutAny) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  const auto direct = [&] {
    EXPECT_TRUE(a_.reaches(b_) && b_.reaches(a_));
    return !a_.path_to(b_)->relay && !b_.path_to(a_)->relay;
  };
  EXPECT_TRUE(world_.run_until(direct, 30s));
}

TEST_F(AgentRelay, ASecondOneIsKeptInReserveForMinutesAtAPingEachTwentySeconds) {
  add_relay(kM);
  add_relay(kN);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(2s);
  EXPECT_EQ(relays_known(a_, b_), 2U);
  EXPECT_EQ(relays_known(b_, a_), 2U);
  cut(a_, b_);
  world_.run_for(30min);  // attempts at direct paths have become rare
  const std::size_t packets = a_.packets_out + b_.packets_out;
  const std::size_t changes = a_.changes.size() + b_.changes.size();
  world_.run_for(10min);
  EXPECT_EQ(relays_known(a_, b_), 2U);
  EXPECT_EQ(relays_known(b_, a_), 2U);
  EXPECT_EQ(a_.changes.size() + b_.changes.size(), changes);
  EXPECT_LE(a_.packets_out + b_.packets_out, packets + 300);
}

TEST_F(AgentRelay, TheReserveTakesOverWithinHalfASecondWhenTheControllingSideNotices) {
  expect_takeover(true, false);
}

TEST_F(AgentRelay, TheReserveTakesOverWithinHalfASecondWhenTheFollowerNotices) {
  expect_takeover(false, true);
}

TEST_F(AgentRelay, TheReserveTakesOverWithinHalfASecondWhenBothNotice) {
  expect_takeover(true, true);
}

TEST_F(AgentRelay, WhereThereIsOneOnlyAnotherIsLookedForRarely) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(30min);
  const std::size_t packets = relays_[0]->packets_in;
  world_.run_for(10min);
  EXPECT_LE(relays_[0]->packets_in, packets + 100);
}

TEST_F(AgentRelay, BothAreReleasedOnceADirectPathLasts) {
  add_relay(kM);
  add_relay(kN);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 500ms);
  EXPECT_EQ(world_.open_relay_ports(), 2U) << "WireGuard may still be using one";
  world_.run_for(1s);
  EXPECT_EQ(world_.open_relay_ports(), 0U);
  const std::size_t packets = relays_[0]->packets_in + relays_[1]->packets_in;
  world_.run_for(10min);
  EXPECT_LE(relays_[0]->packets_in + relays_[1]->packets_in, packets + 10);
}

TEST_F(AgentRelay, AReleaseThatIsLostIsSaidAgain) {
  Member& relay = add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 500ms);
  ASSERT_EQ(world_.open_relay_ports(), 1U);
  int lost = 0;
  world_.fate = [&](Packet& packet) {  // the first two of each, and whatever else goes there
    return Fate{packet.to == relay.endpoints[0] && ++lost > 0};
  };
  world_.run_for(2s);
  ASSERT_GE(lost, 4);
  EXPECT_EQ(world_.open_relay_ports(), 1U);
  mend();
  world_.run_for(2s);
  EXPECT_EQ(world_.open_relay_ports(), 0U);
}

TEST_F(AgentRelay, ARelayThatSaysNothingIsToldOfItsReleaseFourTimesAtMost) {
  Member& relay = add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 500ms);
  world_.fate = [&](Packet& packet) { return Fate{packet.from == relay.endpoints[0]}; };
  const std::size_t packets = relay.packets_in;
  world_.run_for(30s);
  EXPECT_LE(relay.packets_in, packets + 2 * kReleasesMax);
  EXPECT_GT(relay.packets_in, packets + kReleasesMax) << "two members";
}

TEST_F(AgentRelay, ARelayNeededAgainIsNotReleasedByWhatWasSaidBefore) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 1ms);
  // No answer to a release gets through, and the direct path is gone a moment later.
  const Member& relay = *relays_[0];
  world_.run_until([&] { return world_.open_relay_ports() == 0; }, 1s);
  cut(a_, b_);
  const auto cut_off = world_.fate;
  const auto answers_lost_until = world_.now().steady + 100ms;
  world_.fate = [&, cut_off](Packet& packet) {
    const bool early = world_.now().steady < answers_lost_until;
    return Fate{cut_off(packet).dropped || (early && packet.from == relay.endpoints[0])};
  };
  report_silence(a_, b_);
  report_silence(b_, a_);
  ASSERT_TRUE(world_.run_until(
      [&] { return a_.reaches(b_) && b_.reaches(a_) && a_.path_to(b_)->relay; }, 10s));
  world_.run_for(20s);
  EXPECT_EQ(world_.open_relay_ports(), 1U);
  EXPECT_TRUE(a_.reaches(b_) && b_.reaches(a_));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
