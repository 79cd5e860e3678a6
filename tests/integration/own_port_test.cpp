/// Members that may not open raw sockets: WireGuard's datagrams pass through their daemon.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

/// Takes CAP_NET_RAW from a daemon and whatever it starts.
const std::vector<std::string> kWithoutRawSockets = {"setpriv", "--bounding-set", "-net_raw"};

class OwnPortTest : public MeshTest {
 protected:
  void SetUp() override {
    MeshTest::SetUp();
    if (!IsSkipped()) must(mesh().start_bootstrap());
  }
  Member& add_behind(const char* surroundings, std::vector<std::string> runner,
                     std::vector<std::string> arguments = {}) {
    return add({.arguments = std::move(arguments),
                .runner = std::move(runner),
                .surroundings = find_surroundings(surroundings)});
  }
  bool becomes(Member& at, Member& about, const std::string& path) {
    return eventually([&] {
      const auto addresses = about.addresses();
      return addresses && at.path_to(addresses->node) == path;
    });
  }
  static bool complains(const Member& member) {
    const auto problems = member.problems();
    return std::ranges::any_of(problems, [](const std::string& problem) {
      return problem.find("CAP_NET_RAW") != std::string::npos;
    });
  }
};

TEST_F(OwnPortTest, TwoWithoutRawSocketsGetATunnelAndSayWhatTheyLack) {
  const auto members = add_many(2, {.runner = kWithoutRawSockets});
  form(members);
  for (const Member* member : members) EXPECT_TRUE(complains(*member)) << member->name();
}

TEST_F(OwnPortTest, HolesArePunchedBetweenOneWithoutAndOneWithRawSockets) {
  Member& without = add_behind("port-restricted", kWithoutRawSockets);
  Member& with = add_behind("port-restricted", {});
  form({&without, &with});
  EXPECT_TRUE(becomes(without, with, "direct"));
  EXPECT_TRUE(becomes(with, without, "direct"));
  EXPECT_FALSE(complains(with));
}

TEST_F(OwnPortTest, ARelayServesOneWithoutRawSocketsToo) {
  Member& without = add_behind("port-restricted", kWithoutRawSockets, {"--force-relay"});
  Member& with = add_behind("port-restricted", {});
  Member& relay = add();
  form({&without, &with, &relay});
  EXPECT_TRUE(becomes(without, with, "relayed"));
  EXPECT_TRUE(becomes(with, without, "relayed"));
  EXPECT_TRUE(becomes(without, relay, "direct"));
}

TEST_F(OwnPortTest, NetcheckAdvisesWhomeverCouldRunTheDaemonToGrantTheCapability) {
  Member& member = add();
  const std::string command = "setpriv --bounding-set -net_raw " +
                              (program_folder() / "kadwire").string() + " netcheck --json --stun " +
                              mesh().bootstrap_host().ipv4().to_string() + " >/run/out";
  Process process = must(member.host().spawn({"sh", "-c", command}, "netcheck"));
  EXPECT_EQ(process.wait(20s), 0);
  EXPECT_NE(read_text(member.host().outside("/run/out")).find("Grant CAP_NET_RAW"),
            std::string::npos);
}

TEST_F(OwnPortTest, OneThatCrashesAndComesBackHasItsTunnelsAgain) {
  const auto members = add_many(2, {.runner = kWithoutRawSockets});
  form(members);
  members[0]->crash();
  must(members[0]->start());
  expect_full_mesh(members);
}

}  // namespace
}  // namespace kadwire::lab
