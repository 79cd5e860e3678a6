/// Members on one link that leads nowhere: two real `kadwire join` on a bridge without an uplink.
///
///   host2 ── lan0 ── host3        (the bootstrap host is not started)

#include <string>

#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

/// From the moment both are up: two beacons, a call, a handshake.
constexpr auto kFoundAfterMax = 5s * kSlowdown;
/// Without beacons nothing would come of it later either.
constexpr auto kAlone = 5s;

class LanMeshTest : public MeshTest {
 protected:
  void SetUp() override {
    MeshTest::SetUp();
    if (IsSkipped()) return;
    Host& box = *must(lab().add_host({.name = "switch"}));
    for (const char* command :
         {"ip link set eth0 down", "ip link add lan0 type bridge", "ip link set lan0 up",
          "ip addr add 192.168.7.1/24 dev lan0", "ip addr add 2001:db8:7:7::1/64 dev lan0 nodad"}) {
      must(box.run({"/bin/sh", "-c", command}));
    }
    lan_ = {.gateway = &box, .ipv4 = "192.168.7", .ipv6 = "2001:db8:7:7"};
  }
  Member& add_on_lan(Families families, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--log-level", "debug"});  // for calls_of
    return add({.host = {.families = families, .lan = lan_}, .arguments = std::move(arguments)});
  }
  /// Whether they do so soon enough after both are up.
  bool connects(Member& a, Member& b, Duration at_most) {
    start_all({&a, &b});
    await_up({&a, &b});
    return eventually([&] { return a.peers_active() == 1 && b.peers_active() == 1; }, at_most);
  }

 private:
  Lan lan_;
};

TEST_F(LanMeshTest, FindsItselfWithoutInternet) {
  Member& a = add_on_lan(Families::kBoth);
  Member& b = add_on_lan(Families::kBoth);
  EXPECT_TRUE(connects(a, b, kFoundAfterMax)) << calls_of({&a, &b});
  EXPECT_FALSE(a.in_dht());
  // Whoever hears the other's beacon first calls it, which then knows it by that.
  const auto known_to_a = a.call("peers.list");
  const auto known_to_b = b.call("peers.list");
  ASSERT_TRUE(known_to_a && known_to_b);
  const std::string known = known_to_a->dump() + known_to_b->dump();
  EXPECT_NE(known.find("\"lan\""), std::string::npos) << known;
  const auto flow = ping(a, b);
  EXPECT_TRUE(eventually([&] { return board().flow(flow).first_reply.has_value(); }, 2s));
}

TEST_F(LanMeshTest, FindsItselfWithoutInternetAndWithoutIpv4) {
  Member& a = add_on_lan(Families::kIpv6Only);
  Member& b = add_on_lan(Families::kIpv6Only);
  EXPECT_TRUE(connects(a, b, kFoundAfterMax)) << calls_of({&a, &b});
}

TEST_F(LanMeshTest, StaysSilentOnTheLinkWhenTold) {
  Member& a = add_on_lan(Families::kBoth);
  Member& b = add_on_lan(Families::kBoth, {"--no-lan"});
  EXPECT_FALSE(connects(a, b, kAlone));
}

}  // namespace
}  // namespace kadwire::lab
