/// Two members of which one has a NAT with random ports, and the other lets in only answers: they
/// know each other through a third, and meet at a port that chance finds.

#include <algorithm>

#include "tests/unit/rendezvous/agent_world.h"
#include "tests/unit/rendezvous/liar.h"

namespace kadwire::rendezvous::testing {
namespace {

const Endpoint kOutside = endpoint("203.0.113.9:40000");

class AgentPorts : public ::testing::Test {
 protected:
  struct World : AgentWorld {
    explicit World(std::uint64_t seed) : AgentWorld(seed) {
      random.nat.emplace(kOutside.address, mesh.random());
      random.claims = {kOutside};
      random.behavior = varying_nat(true);
      strict.filtered = true;
      random.publish();
      for (Member* one : {&random, &strict}) {
        one->meet(helper);
        helper.meet(*one);
      }
      run_for(1s);
    }
    void introduce() {
      random.meet(strict);
      strict.meet(random);
    }
    /// None that would hit arrives.
    void lose_probes() {
      fate = [this](Packet& packet) {
        return Fate{packet.to.address == kOutside.address &&
                    packet.from == strict.endpoints.front()};
      };
    }
    bool connect(Duration limit = 12s) {
      return run_until([&] { return random.reaches(strict) && strict.reaches(random); }, limit);
    }
    /// Packets so far: from the NAT to the strict member, and to the NAT's address from it.
    std::pair<std::size_t, std::size_t> probes() const {
      const auto count = [&](auto is_one) {
        return static_cast<std::size_t>(std::ranges::count_if(sent, is_one));
      };
      return {
          count([&](const Packet& packet) {
            return packet.from.address == kOutside.address && packet.to == strict.endpoints.front();
          }),
          count([&](const Packet& packet) {
            return packet.to.address == kOutside.address && packet.from == strict.endpoints.front();
          })};
    }

    Member& random = add("10.1.0.5:51820", {.side_ports = true});
    Member& strict = add("198.51.100.2:51820");
    Member& helper = add("192.0.2.3:51820");
  };
};

TEST_F(AgentPorts, ARandomNatAndAStrictOneMeetByChance) {
  constexpr int kSeeds = 20;
  int met = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    World world(static_cast<std::uint64_t>(seed));
    world.introduce();
    if (!world.connect()) continue;
    ++met;
    const auto path = world.random.path_to(world.strict);
    EXPECT_EQ(path->endpoint, world.strict.endpoints.front());
    EXPECT_GE(path->side_port, world.random.side_ports);
    EXPECT_EQ(world.strict.path_to(world.random)->endpoint.address, kOutside.address);
    EXPECT_EQ(world.strict.path_to(world.random)->side_port, 0);
    const std::vector<FlowTie> tie{{path->endpoint, path->side_port}};
    EXPECT_EQ(world.random.ties, tie) << seed;
    EXPECT_TRUE(world.strict.ties.empty());
  }
  EXPECT_GE(met, kSeeds - 1);
}

TEST_F(AgentPorts, BothMeanTheSamePort) {
  World world(2);
  world.introduce();
  ASSERT_TRUE(world.connect());
  world.run_for(5s);
  const auto path = world.random.path_to(world.strict);
  const Endpoint inside{world.random.endpoints.front().address, path->side_port};
  EXPECT_EQ(world.random.nat->leave(inside, path->endpoint),
            world.strict.path_to(world.random)->endpoint);
}

TEST_F(AgentPorts, TheTieStandsBeforeTheOtherSideCanUseThePath) {
  World world(2);
  world.introduce();
  ASSERT_TRUE(world.run_until([&] { return world.strict.reaches(world.random); }, 12s));
  EXPECT_EQ(world.random.ties.size(), 1U);
}

TEST_F(AgentPorts, NeitherSideSendsMoreThanElevenHundredProbes) {
  World world(3);
  world.introduce();
  world.records = true;
  world.lose_probes();
  EXPECT_FALSE(world.connect(30s));
  const auto [from_random, from_strict] = world.probes();
  EXPECT_GE(from_random, std::size_t{kSidePorts});
  EXPECT_LE(from_random, 1100U);
  EXPECT_GE(from_strict, static_cast<std::size_t>(kSprayProbes));
  EXPECT_LE(from_strict, static_cast<std::size_t>(kSprayProbes) + 100)
      << "calls, checks and probes";
}

TEST_F(AgentPorts, WhatFailedIsTriedAgainAfterMinutes) {
  World world(3);
  world.introduce();
  world.lose_probes();
  EXPECT_FALSE(world.connect(kOpeningSpacing - 10s));
  world.fate = [](Packet&) { return Fate{}; };
  EXPECT_FALSE(world.connect(5s));
  EXPECT_TRUE(world.connect(30s));
}

TEST_F(AgentPorts, WhatFailedIsTriedAgainSoonAfterAMoveOfTheSideThatOpens) {
  World world(3);
  world.introduce();
  world.lose_probes();
  EXPECT_FALSE(world.connect(1min));
  world.fate = [](Packet&) { return Fate{}; };
  world.random.endpoints = {endpoint("10.1.0.6:51820")};
  world.random.tell_network();
  EXPECT_TRUE(world.connect(kMovedOpeningDelay + 7s));
}

TEST_F(AgentPorts, WhereTheSideThatSpraysMovesPortsAreOpenedToItsNewPlaceAndSprayedOnceMore) {
  World world(3);
  world.introduce();
  world.records = true;
  world.lose_probes();
  EXPECT_FALSE(world.connect(10s));
  world.fate = [](Packet&) { return Fate{}; };
  world.strict.endpoints = {endpoint("203.0.113.77:51820")};
  world.strict.tell_network();
  world.strict.publish();
  EXPECT_TRUE(world.connect(kFreshOpeningSpacing + 10s));
  const auto at_nat = std::ranges::count_if(world.sent, [](const Packet& packet) {
    return packet.to.address == kOutside.address && packet.from.port == 51820;
  });
  EXPECT_GT(at_nat, kSprayProbes);
  EXPECT_LT(at_nat, 2 * kSprayProbes + 1000) << "calls and checks besides";
}

TEST_F(AgentPorts, OneThatMovesAllTheTimeIsLookedForThreeTimesInAQuarterOfAnHour) {
  World world(3);
  world.introduce();
  world.records = true;
  world.lose_probes();
  for (unsigned minute = 0; minute < 14; ++minute) {
    EXPECT_FALSE(world.connect(1min));
    world.random.endpoints = {Endpoint{IpAddress::v4(0x0a010010 + minute), 51'820}};
    world.random.tell_network();
  }
  std::size_t probes = 0;
  for (const Packet& packet : world.sent) {
    const bool at_nat = packet.to.address == kOutside.address;
    probes += at_nat && packet.from == world.strict.endpoints.front() ? 1 : 0;
  }
  EXPECT_GT(probes, std::size_t{2 * kSprayProbes});
  EXPECT_LT(probes, std::size_t{3 * kSprayProbes} + 1000) << "calls and checks besides";
}

TEST_F(AgentPorts, AProbeThatHitAndAnAnswerThatWasLostAreNoLoss) {
  World world(4);
  world.introduce();
  bool first = true;
  world.fate = [&](Packet& packet) {
    const bool answer = packet.from.address == kOutside.address &&
                        packet.to == world.strict.endpoints.front() && !world.random.ties.empty();
    return Fate{answer && std::exchange(first, false)};
  };
  EXPECT_TRUE(world.connect());
  EXPECT_FALSE(first);
}

TEST_F(AgentPorts, NewsOfOpenPortsMayBeLost) {
  World world(2);
  world.introduce();
  int lost = 0;
  world.fate =
      [&](Packet& packet) {  // whatever the helper passes on to the strict one, for a while
        const bool news = packet.from == world.helper.endpoints.front() &&
                          packet.to == world.strict.endpoints.front() &&
                          world.random.side_ports_wanted > 0;
        return Fate{news && lost < 3 && ++lost > 0};
      };
  EXPECT_TRUE(world.connect(6s));
  EXPECT_EQ(lost, 3);
}

TEST_F(AgentPorts, WithoutSidePortsNothingIsAskedOfThePeer) {
  World world(5);
  world.random.side_ports = 0;
  world.records = true;
  world.introduce();
  EXPECT_FALSE(world.connect(400s));
  EXPECT_EQ(world.random.side_ports_wanted, 1U);
  const auto [from_random, from_strict] = world.probes();
  EXPECT_LE(from_random, 200U);
  EXPECT_LE(from_strict, 200U);
}

TEST_F(AgentPorts, WhereADirectPathIsThereNoneAreOpened) {
  World world(6);
  world.strict.filtered = false;
  world.introduce();
  world.run_for(20s);
  EXPECT_TRUE(world.random.reaches(world.strict));
  EXPECT_EQ(world.random.side_ports_wanted, 0U);
}

TEST_F(AgentPorts, AnOpeningThatIsCalledOffLeavesNoTimerInThePast) {
  World world(8);
  world.introduce();
  ASSERT_TRUE(world.run_until([&] { return world.random.side_ports_wanted > 0; }, 5s));
  world.run_for(30ms);
  NatBehavior other;
  other.mapping = MappingBehavior::kEndpointIndependent;
  world.random.agent->set_own_nat(other);  // the opening has hardly begun
  world.settle();
  for (int i = 0; i < 100; ++i) {
    const auto due = world.random.agent->next_timeout();
    ASSERT_TRUE(due);
    world.run_for(std::max(*due - world.now().steady, Duration{0}));
    world.random.agent->handle_timeout(world.now());
    ASSERT_GT(world.random.agent->next_timeout(), world.now().steady) << i;
  }
}

TEST_F(AgentPorts, PortsThatFollowOneAnotherAreNotLeftToChance) {
  World world(7);
  world.random.behavior = varying_nat(false, std::int16_t{1});
  world.random.publish();
  world.introduce();
  world.run_for(20s);
  EXPECT_EQ(world.random.side_ports_wanted, 0U);
}

TEST_F(AgentPorts, TheTieGoesWithThePeer) {
  World world(2);
  world.introduce();
  ASSERT_TRUE(world.connect());
  ASSERT_EQ(world.random.ties.size(), 1U);
  world.random.agent->remove_peer(world.strict.id());
  world.settle();
  EXPECT_TRUE(world.random.ties.empty());
}

TEST_F(AgentPorts, AMeshBehindARandomNatDoesNotFillIt) {
  World world(8);
  world.records = true;
  std::vector<Member*> more;
  for (int i = 0; i < 12; ++i) {
    Member& one = world.add("198.51.100." + std::to_string(10 + i) + ":51820");
    one.filtered = true;
    one.meet(world.helper);
    world.helper.meet(one);
    more.push_back(&one);
  }
  world.run_for(1s);
  world.fate = [&](Packet& packet) {  // nobody ever meets
    return Fate{packet.to.address == kOutside.address && packet.from.port == 51820 &&
                packet.from != world.helper.endpoints.front()};
  };
  for (Member* one : more) {
    world.random.meet(*one);
    one->meet(world.random);
  }
  const auto mapped = [&] {
    std::set<Endpoint> mappings;
    for (const Packet& packet : world.sent) {
      if (packet.from.address == kOutside.address) mappings.insert(packet.from);
    }
    return mappings.size();
  };
  world.run_for(10s);
  EXPECT_LE(mapped(), 2U * kSidePorts + 100);
  world.run_for(110s);
  EXPECT_LE(mapped(), 6U * kSidePorts + 100) << "in two minutes";
  EXPECT_GE(mapped(), 4U * kSidePorts);
}

/// A member reached through another, so without a direct path: all that a spray takes.
class AgentPortsLiar : public ::testing::Test {
 protected:
  AgentPortsLiar() {
    way_.join(victim_);
    liar_.join(victim_, {liar_.at(), kVictims});
    way_.say(way_.at(), Forwarded{liar_.id(), liar_.frame(Ping{1, false, false, 0})});
    liar_.answer_only_through(way_);
    victim_.agent->handle_traffic(world_.now(), liar_.id(), true, false);
    world_.run_for(10s);
    EXPECT_TRUE(victim_.agent->session(liar_.id())->indirect_since());
  }
  void ask(const IpAddress& at) {
    way_.say(way_.at(), Forwarded{liar_.id(), liar_.frame(PortsOpened{at})});
    world_.settle();
  }
  std::size_t sprayed(const IpAddress& at) {
    std::set<std::uint16_t> ports;
    for (const Packet& packet : world_.sent) {
      if (packet.to.address == at) ports.insert(packet.to.port);
    }
    return ports.size();
  }

  const Endpoint kVictims = endpoint("203.0.113.77:4000");
  AgentWorld world_;
  Member& victim_ = world_.add("198.51.100.1:51820");
  Liar way_{world_, endpoint("203.0.113.65:51820")};
  Liar liar_{world_, endpoint("203.0.113.66:51820")};
};

TEST_F(AgentPortsLiar, SpraysOnlyAtAddressesOfTheRecord) {
  world_.records = true;
  ask(*IpAddress::parse("203.0.113.200"));
  world_.run_for(10s);
  EXPECT_EQ(sprayed(*IpAddress::parse("203.0.113.200")), 0U);
  ask(kVictims.address);
  world_.run_for(10s);
  EXPECT_GE(sprayed(kVictims.address), static_cast<std::size_t>(kSprayProbes) - 1);
}

TEST_F(AgentPortsLiar, OneWhoAsksAllTheTimeGetsThreeSpraysInAQuarterOfAnHour) {
  world_.records = true;
  for (int i = 0; i < 88; ++i) {
    ask(kVictims.address);
    world_.run_for(10s);
  }
  const auto probes = std::ranges::count_if(world_.sent, [&](const Packet& packet) {
    return packet.to.address == kVictims.address && packet.to != kVictims;
  });
  EXPECT_GT(probes, 2 * kSprayProbes);
  EXPECT_LE(probes, 3 * kSprayProbes);
}

TEST_F(AgentPortsLiar, OneWhoseOwnPortsVarySpraysNobody) {
  victim_.agent->set_own_nat(varying_nat(false));
  world_.records = true;
  ask(kVictims.address);
  world_.run_for(10s);
  EXPECT_LE(sprayed(kVictims.address), 1U);
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
