/// Many whole nodes in virtual time: who has which IPv4 address.

#include <gtest/gtest.h>

#include <set>

#include "tests/support/mesh_world.h"

namespace kadwire::testing {
namespace {

/// True if all running members have IPv4 addresses, all distinct.
bool addresses_distinct(MeshWorld& world) {
  std::set<IpAddress> taken;
  for (const auto& member : world.members()) {
    if (!member->running()) continue;
    const auto address = member->ipv4();
    if (!address || !taken.insert(*address).second) return false;
  }
  return true;
}

/// True if every running member sees every other at the address that the other has.
bool views_agree(MeshWorld& world) {
  for (const auto& a : world.members()) {
    for (const auto& b : world.members()) {
      if (a == b || !a->running() || !b->running()) continue;
      const auto view = a->view_of(*b);
      if (!view || view->ipv4 != b->ipv4()) return false;
    }
  }
  return true;
}

TEST(MeshLeases, ConflictsInASmallNetworkSettleWithAllAddressesDistinct) {
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    SCOPED_TRACE(seed);
    MeshWorld world(seed, "10.9.0.0/29");
    world.add_started(5);
    world.run_for(30s);
    EXPECT_TRUE(addresses_distinct(world));
    EXPECT_TRUE(views_agree(world));
    EXPECT_TRUE(world.all_connected());
    world.expect_sound();
  }
}

TEST(MeshLeases, ConflictsSettleWhenNodesComeOneByOne) {
  for (std::uint64_t seed = 130; seed < 160; ++seed) {
    SCOPED_TRACE(seed);
    MeshWorld world(seed, "10.9.0.0/29");
    std::vector<std::optional<IpAddress>> before;
    for (int i = 0; i < 5; ++i) {
      world.add_started();
      world.run_for(3min);
      for (std::size_t j = 0; j < before.size(); ++j) {
        EXPECT_EQ(world[j].ipv4(), before[j]) << "who was there keeps its address";
      }
      before.clear();
      for (const auto& member : world.members()) before.push_back(member->ipv4());
    }
    EXPECT_TRUE(addresses_distinct(world));
    EXPECT_TRUE(views_agree(world));
    world.expect_sound();
  }
}

TEST(MeshLeases, ConflictsSettleAfterALongWaitForTheDirectory) {
  for (std::uint64_t seed = 160; seed < 180; ++seed) {
    SCOPED_TRACE(seed);
    MeshWorld world(seed, "10.9.0.0/29");
    world.directories().set_reachable(false);
    world.add_started(3);
    world.run_for(1min);
    world.add_started(2);
    world.run_for(10min);
    world.directories().set_reachable(true);
    world.run_for(1min);
    EXPECT_TRUE(addresses_distinct(world));
    EXPECT_TRUE(views_agree(world));
    world.expect_sound();
  }
}

TEST(MeshLeases, AnAddressHeldForLongOutranksOneTakenEarlierInIsolation) {
  for (std::uint64_t seed = 180; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    MeshWorld world(seed, "10.9.0.0/29");
    MemberOptions offline;
    offline.online = false;
    world.add_started(offline);
    world.run_for(1min);
    world.add_started(4);
    world.run_for(10min);
    std::vector<std::optional<IpAddress>> before;
    for (std::size_t i = 1; i < 5; ++i) before.push_back(world[i].ipv4());
    world[0].directory().set_connected(true);
    world.run_for(1min);
    for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(world[i].ipv4(), before[i - 1]);
    EXPECT_TRUE(addresses_distinct(world));
    EXPECT_TRUE(views_agree(world));
  }
}

TEST(MeshLeases, AddressesSurviveARestartOfEverybody) {
  MeshWorld world(200, "10.9.0.0/29");
  world.add_started(5);
  world.run_for(5min);
  std::vector<std::optional<IpAddress>> before;
  for (const auto& member : world.members()) before.push_back(member->ipv4());
  for (const auto& member : world.members()) member->restart(false);
  world.run_for(1min);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(world[i].ipv4(), before[i]);
  EXPECT_TRUE(views_agree(world));
}

TEST(MeshLeases, AFullNetworkLeavesTheLastWithIpv6UntilSomebodyLeaves) {
  MeshWorld world(201, "10.9.0.0/30");  // two addresses
  world.add_started(2);
  world.run_for(5min);
  ASSERT_TRUE(addresses_distinct(world));
  world.add_started();
  world.run_for(1min);
  EXPECT_FALSE(world[2].ipv4());
  EXPECT_TRUE(world[2].has_problem("no free address is left"));
  EXPECT_EQ(world[2].device().addresses().size(), 1U);
  EXPECT_EQ(world[2].journal().count("lease lost"), 1U) << "said once";
  EXPECT_TRUE(world.all_connected());

  world[0].leave();
  world.run_for(1min);
  EXPECT_TRUE(addresses_distinct(world));
  EXPECT_FALSE(world[2].has_problem("no free address is left"));
  EXPECT_EQ(world[2].device().addresses().size(), 2U);
  EXPECT_TRUE(views_agree(world));
  world.expect_sound();
}

TEST(MeshLeases, AMemberWithAnotherNetworkGetsIpv6OnlyAndAProblemLine) {
  MeshWorld world(202);
  const TestMesh other(202, "10.77.0.0/16");  // the same secret, but for net=
  MemberOptions options;
  options.mesh = &other;
  world.add_started(2);
  world.add_started(options);
  ASSERT_TRUE(world.time_to_connect(5s));
  EXPECT_FALSE(world[0].view_of(world[2])->ipv4);
  EXPECT_FALSE(world[2].view_of(world[0])->ipv4);
  EXPECT_TRUE(world[0].view_of(world[1])->ipv4);
  for (const auto& member : world.members()) {
    EXPECT_TRUE(member->has_problem("another IPv4 network"));
  }
  for (const auto& peer : world[2].device().snapshot().peers) {
    ASSERT_EQ(peer.allowed_ips.size(), 1U);
    EXPECT_TRUE(peer.allowed_ips.front().address.is_v6());
  }
}

TEST(MeshLeases, WhereTheRangeOverlapsALocalRouteIpv4IsLeftOut) {
  MeshWorld world(203, "10.9.0.0/16");
  MemberOptions options;
  options.routes = {{*Prefix::parse("10.9.7.0/24"), "docker0"}};
  world.add_started();
  world.add_started(options);
  ASSERT_TRUE(world.time_to_connect(5s));
  EXPECT_FALSE(world[1].ipv4());
  EXPECT_TRUE(world[1].has_problem("overlaps the local route 10.9.7.0/24 on docker0"));
  EXPECT_EQ(world[1].device().addresses().size(), 1U);
  for (const auto& peer : world[1].device().snapshot().peers) {
    EXPECT_EQ(peer.allowed_ips.size(), 1U);
  }
}

TEST(MeshLeases, AnOverlappingRangeIsNeverSetNotEvenForAMomentAfterARestart) {
  // The cache shows a lost conflict before the network is known.
  MeshWorld world(204, "10.9.0.0/30");
  MemberOptions options;
  options.routes = {{*Prefix::parse("10.9.0.0/24"), "docker0"}};
  Member& member = world.add(options);
  for (int i = 0; i < 2; ++i) {
    auto identity = world.mesh().make_identity();
    auto record = world.mesh().record_at(kNoonTwenty - 1h);
    member.memory().peer_cache.push_back(world.mesh().sign(record, identity).encoded);
  }
  member.start();
  EXPECT_TRUE(member.device().addresses().empty()) << "the routes are not known yet";
  world.run_for(1s);
  EXPECT_EQ(member.device().addresses().size(), 1U);
}

}  // namespace
}  // namespace kadwire::testing
