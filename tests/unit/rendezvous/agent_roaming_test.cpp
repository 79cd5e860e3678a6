/// A peer that is heard from elsewhere than where its path leads: its NAT has forgotten the
/// mapping, and what is sent there is lost.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

const IpAddress kGateway = endpoint("198.51.100.200:1").address;

class AgentRoaming : public AgentPair {
 protected:
  AgentRoaming() {
    restart_nat();
    know_each_other(home_, public_);
    connected_ = connect(home_, public_);
    world_.run_for(1min);
    if (connected_) before_ = public_.path_to(home_)->endpoint;
  }
  /// It has another port for everything from now on.
  void restart_nat() { home_.nat.emplace(kGateway, world_.mesh.random()); }
  [[nodiscard]] bool has_moved() const {
    const auto path = public_.path_to(home_);
    return path && path->endpoint.address == kGateway && path->endpoint != before_;
  }

  Member& home_ = world_.add("192.168.1.2:51820");
  Member& public_ = world_.add(kB);
  bool connected_ = false;
  Endpoint before_;
};

TEST_F(AgentRoaming, AMessageFromAnotherMappingLeadsThePathThere) {
  ASSERT_TRUE(connected_);
  restart_nat();
  home_.publish();  // tells the peer
  EXPECT_TRUE(world_.run_until([&] { return has_moved(); }, 2s));
  EXPECT_TRUE(home_.reaches(public_));
}

TEST_F(AgentRoaming, WireguardThatHasFollowedItLeadsThePathThere) {
  ASSERT_TRUE(connected_);
  restart_nat();
  // WireGuard's own packet, which the agent does not see.
  const Endpoint mapped = home_.nat->leave(home_.endpoints.front(), public_.endpoints.front());
  public_.agent->handle_roaming(world_.now(), home_.id(), mapped);
  world_.settle();
  EXPECT_TRUE(world_.run_until([&] { return has_moved(); }, 2s));
  EXPECT_EQ(public_.path_to(home_)->endpoint, mapped);
}

TEST_F(AgentRoaming, APathThatAnswersStaysThoughThePeerIsSeenElsewhereToo) {
  ASSERT_TRUE(connected_);
  const Endpoint elsewhere = endpoint("192.0.2.77:1");
  const std::size_t packets = public_.packets_out;
  for (int second = 0; second < 60; ++second) {
    public_.agent->handle_roaming(world_.now(), home_.id(), elsewhere);
    world_.settle();
    world_.run_for(1s);
  }
  EXPECT_EQ(public_.path_to(home_)->endpoint, before_);
  EXPECT_EQ(public_.changes.size(), 1U);
  EXPECT_LE(world_.lost_to(elsewhere), 12U);
  EXPECT_LE(public_.packets_out, packets + 40);
}

TEST_F(AgentRoaming, OneThatIsSeenAtAlwaysOtherPlacesGetsFewPacketsSentThere) {
  ASSERT_TRUE(connected_);
  std::size_t packets = 0;
  for (std::uint16_t port = 1; port <= 600; ++port) {
    const Endpoint victim{endpoint("192.0.2.77:1").address, port};
    public_.agent->handle_roaming(world_.now(), home_.id(), victim);
    world_.settle();
    world_.run_for(100ms);
    packets += world_.lost_to(victim);
  }
  world_.run_for(5s);
  EXPECT_GT(packets, 0U);
  EXPECT_LE(packets, 2U * (2 * kCandidatesMax + 60)) << "two for each check that a peer may prompt";
  EXPECT_TRUE(home_.reaches(public_) && public_.reaches(home_));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
