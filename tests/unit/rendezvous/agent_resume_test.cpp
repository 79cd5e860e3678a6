/// A host that was suspended: its clock says that nothing happened, and the NAT before it, or the
/// peer, may have forgotten it.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentResume : public AgentPair {
 protected:
  AgentResume() {
    home_.nat.emplace(kGateway, world_.mesh.random());
    know_each_other(home_, public_);
    connected_ = connect(home_, public_);
    world_.run_for(1min);
  }
  void resume() {
    home_.agent->handle_resume(world_.now());
    world_.settle();
  }

  static inline const IpAddress kGateway = endpoint("198.51.100.200:1").address;
  Member& home_ = world_.add("192.168.1.2:51820");
  Member& public_ = world_.add(kB);
  bool connected_ = false;
};

TEST_F(AgentResume, AsksForItsPathsAtOnceAndKeepsWhatAnswers) {
  ASSERT_TRUE(connected_);
  const std::size_t asked = home_.packets_out;
  const std::size_t heard = home_.packets_in;
  resume();
  EXPECT_TRUE(world_.run_until([&] { return home_.packets_in > heard; }, kRoundTrip));
  world_.run_for(10s);
  EXPECT_EQ(home_.changes.size(), 1U) << "the path was never given up";
  EXPECT_EQ(public_.changes.size(), 1U);
  EXPECT_LE(home_.packets_out, asked + 12) << asked;
}

TEST_F(AgentResume, IsFollowedToANewMappingWithinTheTimeOfACall) {
  ASSERT_TRUE(connected_);
  const Endpoint before = public_.path_to(home_)->endpoint;
  home_.nat.emplace(kGateway, world_.mesh.random());
  resume();
  EXPECT_TRUE(world_.run_until(
      [&] { return public_.path_to(home_) && public_.path_to(home_)->endpoint != before; }, 500ms));
  EXPECT_TRUE(home_.reaches(public_));
}

/// The last word came just before the sleep by this host's clock, and that clock stood still.
TEST_F(AgentResume, CallsWhoeverHasLostTheSessionThoughItSeemsToHaveSpokenJustNow) {
  ASSERT_TRUE(connected_);
  ASSERT_TRUE(home_.agent->probe(world_.now(), public_.id()));
  world_.settle();
  world_.run_for(1s);
  public_.restart();
  resume();
  EXPECT_TRUE(world_.run_until([&] { return public_.reaches(home_); }, 500ms));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
