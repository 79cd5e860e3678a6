/// The daemon behind a box that maps ports (Debian's miniupnpd) and whose NAT is otherwise as
/// strict as any: who is behind another strict one reaches it, and what it was given it gives back.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// SIGTERM to the end. Without a mapping it takes a fraction of a second.
constexpr auto kExitTimeMax = 2500ms * kSlowdown;

class PortMappingMesh : public MeshTest {
 protected:
  void SetUp() override {
    MeshTest::SetUp();
    if (!IsSkipped()) must(mesh().start_bootstrap());
  }

  Member& add_behind(const char* kind, const char* name, std::vector<std::string> arguments = {}) {
    MemberOptions options;
    options.host.name = name;
    options.surroundings = find_surroundings(kind);
    options.arguments = std::move(arguments);
    return add(std::move(options));
  }
  /// What the daemon says of its mapping; null: there is none.
  static json mapping_of(const Member& member) {
    const auto status = member.call("daemon.status");
    return status ? status->value("port_mapping", json()) : json();
  }
  /// Whether its box holds a mapping for it.
  static bool box_maps(const Member& member) {
    return maps(member.gateways().front()->host(), member);
  }
  static bool maps(const Host& box, const Member& member) {
    must(box.run({"sh", "-c", "nft list chain inet filter prerouting_miniupnpd > /run/rules"}));
    const std::string inside = member.host().ipv4().to_string();
    return read_text(box.outside("/run/rules")).find(inside) != std::string::npos;
  }
  bool start_and_map(Member& member) {
    must(member.start());
    return eventually([&] { return mapping_of(member).is_object(); });
  }
};

TEST_F(PortMappingMesh, LeadsAMemberBehindAStrictNatStraightInAndIsGoneAfterAStop) {
  Member& alice = add_behind("mapping-gateway", "alice");
  Member& bob = add_behind("symmetric-random", "bob");
  ASSERT_TRUE(start_and_map(alice));
  const std::string endpoint = alice.gateways().front()->wan() + ":51820";
  const json mapping = mapping_of(alice);
  EXPECT_EQ(mapping.at("protocol"), "PCP");
  EXPECT_EQ(mapping.at("endpoint"), endpoint);
  EXPECT_EQ(mapping.at("announced"), true);
  EXPECT_TRUE(box_maps(alice));
  const json candidates = must(alice.call("daemon.status")).at("candidates");
  EXPECT_EQ(std::count(candidates.begin(), candidates.end(), json(endpoint)), 1)
      << candidates.dump();

  must(bob.start());
  const std::string node = addresses_of(alice).node;
  EXPECT_TRUE(eventually([&] { return bob.path_to(node) == "direct"; })) << bob.path_to(node);

  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(alice.stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - before, kExitTimeMax);
  EXPECT_FALSE(box_maps(alice));
}

TEST_F(PortMappingMesh, TwoMembersBehindOneBoxHaveAPortEach) {
  Member& alice = add_behind("mapping-gateway", "alice");
  HostOptions neighbour{.name = "carol"};
  neighbour.families = Families::kIpv4Only;
  neighbour.lan = alice.gateways().front()->lan();
  Member& carol = add({.host = std::move(neighbour)});
  ASSERT_TRUE(start_and_map(alice));
  ASSERT_TRUE(start_and_map(carol));
  EXPECT_NE(mapping_of(alice).at("endpoint"), mapping_of(carol).at("endpoint"));
  EXPECT_EQ(carol.stop(), 0);
  EXPECT_FALSE(maps(alice.gateways().front()->host(), carol));
  EXPECT_TRUE(box_maps(alice));
}

TEST_F(PortMappingMesh, AMemberThatWantsNoMappingAsksForNone) {
  Member& alice = add_behind("mapping-gateway", "alice", {"--no-portmap"});
  must(alice.start());
  ASSERT_TRUE(eventually([&] { return alice.in_dht(); }));
  board().run(3s);
  EXPECT_TRUE(mapping_of(alice).is_null());
  EXPECT_FALSE(box_maps(alice));
}

/// It announces that it has lost everything: often it maps again before anybody can look.
TEST_F(PortMappingMesh, ABoxThatWasSwitchedOffAndOnMapsAgain) {
  Member& alice = add_behind("mapping-gateway", "alice");
  ASSERT_TRUE(start_and_map(alice));
  board().run(5s);  // else the box's new epoch could be the old one, rounded
  must(alice.gateways().front()->forget_mappings());
  EXPECT_TRUE(eventually([&] { return box_maps(alice); }));
}

TEST_F(PortMappingMesh, ADaemonThatWasKilledHasItsPortAgainAfterItsRestart) {
  Member& alice = add_behind("mapping-gateway", "alice");
  ASSERT_TRUE(start_and_map(alice));
  const json endpoint = mapping_of(alice).at("endpoint");
  alice.crash();
  ASSERT_TRUE(start_and_map(alice));
  EXPECT_EQ(mapping_of(alice).at("endpoint"), endpoint);
  EXPECT_EQ(alice.stop(), 0);
  EXPECT_FALSE(box_maps(alice));
}

}  // namespace
}  // namespace kadwire::lab
