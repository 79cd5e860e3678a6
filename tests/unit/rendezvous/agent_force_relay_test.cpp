/// One of two members that could reach each other wants relays alone.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

/// True: the member with the lower id has the wish, and chooses for both.
class AgentForceRelay : public AgentPair, public ::testing::WithParamInterface<bool> {
 protected:
  AgentForceRelay() {
    relay_.offers_relay = true;
    relay_.publish();
    for (Member* member : {&one_, &other_}) {
      member->meet(relay_);
      EXPECT_TRUE(connect(*member, relay_));
    }
  }
  void wish(bool relayed_only) {
    forcing_.options.relayed_only = relayed_only;
    forcing_.restart();
    forcing_.meet(relay_);
    world_.run_for(1s);
  }
  [[nodiscard]] bool uses_relay(const Member& at, const Member& about) const {
    const auto path = at.path_to(about);
    return path && path->relay == relay_.id();
  }
  [[nodiscard]] bool both_use_relay() const {
    return uses_relay(forcing_, plain_) && uses_relay(plain_, forcing_);
  }

  Member& one_ = world_.add(kA);
  Member& other_ = world_.add(kB);
  Member& relay_ = world_.add(kM);
  Member& forcing_ = (controlling(one_, other_).id() == one_.id()) == GetParam() ? one_ : other_;
  Member& plain_ = &forcing_ == &one_ ? other_ : one_;
};

INSTANTIATE_TEST_SUITE_P(ByEitherSide, AgentForceRelay, ::testing::Bool());

TEST_P(AgentForceRelay, PutsBothEndsOnARelayAndKeepsThemThere) {
  wish(true);
  know_each_other(one_, other_);
  ASSERT_TRUE(world_.run_until([&] { return both_use_relay(); }, 2s));
  world_.run_for(1s);
  const std::size_t changes = one_.changes.size() + other_.changes.size();
  world_.run_for(30min);
  EXPECT_TRUE(both_use_relay());
  EXPECT_EQ(one_.changes.size() + other_.changes.size(), changes);
  for (const Member* member : {&forcing_, &plain_}) {
    const Member& peer = member == &forcing_ ? plain_ : forcing_;
    for (const PathChanged& change : member->changes) {
      EXPECT_TRUE(change.node != peer.id() || change.path.relay);
    }
  }
}

TEST_P(AgentForceRelay, LeavesThePathToTheRelayItselfStraight) {
  wish(true);
  world_.run_for(1min);
  EXPECT_TRUE(forcing_.reaches(relay_) && relay_.reaches(forcing_));
  EXPECT_FALSE(forcing_.path_to(relay_)->relay);
  EXPECT_FALSE(relay_.path_to(forcing_)->relay);
}

TEST_P(AgentForceRelay, WithoutARelayTakesNoPathAtAll) {
  relay_.offers_relay = false;
  relay_.publish();
  wish(true);
  know_each_other(one_, other_);
  world_.run_for(2min);
  EXPECT_FALSE(one_.reaches(other_));
  EXPECT_FALSE(other_.reaches(one_));
  EXPECT_TRUE(one_.agent->session(other_.id())->established());
}

TEST_P(AgentForceRelay, MovesADirectPathToARelayAndBackWithoutAMomentWithoutAny) {
  know_each_other(one_, other_);
  ASSERT_TRUE(connect(one_, other_));
  wish(true);
  know_each_other(one_, other_);
  const auto moved = [&] {
    EXPECT_TRUE(plain_.reaches(forcing_));
    return both_use_relay();
  };
  ASSERT_TRUE(world_.run_until(moved, 5s));
  world_.run_for(1min);
  EXPECT_TRUE(both_use_relay());
  const auto* event =
      plain_.agent->session(forcing_.id())->history().last(PairEventKind::kPathChosen);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->cause, GetParam() ? PathCause::kPeerChose : PathCause::kOperator);
  wish(false);
  know_each_other(one_, other_);
  const auto straight = [&] {
    EXPECT_TRUE(plain_.reaches(forcing_));
    return one_.reaches(other_) && other_.reaches(one_) && !one_.path_to(other_)->relay &&
           !other_.path_to(one_)->relay;
  };
  EXPECT_TRUE(world_.run_until(straight, 1min));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
