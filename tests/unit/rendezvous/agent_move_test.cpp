/// A member that moves behind a NAT through which its peers do not reach it: until both sides know
/// that the old path leads nowhere, and have a port at one relay, there is none.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentMove : public AgentPair {
 protected:
  AgentMove() {
    relay_.offers_relay = true;
    relay_.publish();
    for (Member* end : {&a_, &b_}) {
      end->filtered = true;
      end->side_ports = 0;
      know_each_other(*end, relay_);
    }
    know_each_other(a_, b_);
    connected_ = connect(a_, b_);
    world_.run_for(1min);  // nothing that is heard from now on was expected
  }
  /// Its ports are random from now on, and where it was is nobody.
  void move(Member& mover) {
    mover.endpoints = {endpoint("192.168.7.2:51820")};
    mover.nat.emplace(endpoint("198.51.100.200:1").address, world_.mesh.random());
    mover.tell_network();
    world_.settle();
  }
  [[nodiscard]] bool relayed() const {
    const auto there = a_.path_to(b_), back = b_.path_to(a_);
    return there && back && there->relay == relay_.id() && back->relay == relay_.id();
  }

  Member& relay_ = world_.add(kM);
  Member& a_ = world_.add(kA);
  Member& b_ = world_.add(kB);
  bool connected_ = false;
};

TEST_F(AgentMove, TheSideThatChoosesIsRelayedWithinASecond) {
  ASSERT_TRUE(connected_);
  move(controlling(a_, b_));
  EXPECT_TRUE(world_.run_until([&] { return relayed(); }, 900ms));
}

TEST_F(AgentMove, TheSideThatFollowsIsRelayedWithinASecond) {
  ASSERT_TRUE(connected_);
  Member& chooses = controlling(a_, b_);
  move(&chooses == &a_ ? b_ : a_);
  EXPECT_TRUE(world_.run_until([&] { return relayed(); }, 900ms));
}

TEST_F(AgentMove, APathThatHadDiedBeforeIsToldOfAllTheSame) {
  ASSERT_TRUE(connected_);
  Member& mover = controlling(a_, b_);
  Member& other = &mover == &a_ ? b_ : a_;
  world_.fate = [&](Packet& packet) { return Fate{world_.owner_of(packet.from) == &mover}; };
  report_silence(mover, other);
  ASSERT_TRUE(world_.run_until([&] { return !mover.path_to(other); }, 3s));
  mend();
  move(mover);
  ASSERT_TRUE(other.path_to(mover)) << "it has heard nothing of that";
  EXPECT_TRUE(world_.run_until([&] { return relayed(); }, 900ms));
}

TEST_F(AgentMove, ARelayIsAskedAsSoonAsItIsReachedAgain) {
  ASSERT_TRUE(connected_);
  Member& mover = controlling(a_, b_);
  Member& other = &mover == &a_ ? b_ : a_;
  other.behavior.emplace().mapping = MappingBehavior::kEndpointIndependent;
  other.publish();
  world_.run_for(1s);
  mover.behavior = varying_nat(true);  // so that it wants one at once, and reaches none yet
  mover.agent->set_own_nat(*mover.behavior);
  move(mover);
  EXPECT_TRUE(world_.run_until([&] { return relayed(); }, 900ms));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
