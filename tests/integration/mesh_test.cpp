/// Whole meshes of the real `kadwire join` in the lab: how they form, and what they survive.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

/// What a member that comes back may take, once it is up, until it is reached again.
constexpr auto kBackAfterMax = 3s * kSlowdown;
/// Nobody notices a shorter gap; the daemons' timers are all longer.
constexpr auto kSilenceMax = 1s;
/// So that `calls_of` has something to show.
const MemberOptions kTellsItsCalls{.arguments = {"--log-level", "debug"}};
/// From the start of the members until their hour turns. By then they have formed a mesh, or the
/// test has failed.
constexpr auto kBeforeTheHour = kMeshTimeMax;
constexpr auto kHourTurnsMax = kBeforeTheHour + 10s;

std::size_t peers_known(const Member& member) {
  const auto count = member.call("peers.count");
  return count ? count->value("total", std::size_t{0}) : 0;
}

pid_t wireguard_pid(const Host& host) {
  for (const ProcessUsage& process : host.processes()) {
    if (process.name == "wireguard-go") return process.pid;
  }
  return -1;
}

TEST_F(MeshTest, FormsColdAmongFiveHostsOneOfThemIpv6Only) {
  must(mesh().start_bootstrap());
  auto members = add_many(4);
  members.push_back(&add({.host = {.families = Families::kIpv6Only}}));
  form(members);
  for (Member* member : members) {
    EXPECT_TRUE(eventually([&] { return member->peers_active() == 4; }, 5s)) << member->name();
  }
}

TEST_F(MeshTest, TakesInASixthMemberThatJoinsLater) {
  must(mesh().start_bootstrap());
  auto members = add_many(6);
  Member& late = *members.back();
  form({members.begin(), members.end() - 1});
  must(late.start());
  expect_full_mesh(members);
}

TEST_F(MeshTest, GivesACrashedMemberItsTunnelsBackWithoutAGap) {
  must(mesh().start_bootstrap());
  const auto members = add_many(3, kTellsItsCalls);
  form(members);
  Member& crashed = *members[0];
  const MeshAddresses before = addresses_of(crashed);
  const pid_t data_plane = wireguard_pid(crashed.host());
  const auto flow = ping(*members[1], crashed);
  board().run(200ms);

  crashed.crash();
  must(crashed.start());
  await_up({&crashed});
  EXPECT_TRUE(eventually([&] { return crashed.peers_active() == 2; }, kBackAfterMax))
      << calls_of(members);

  EXPECT_EQ(crashed.addresses(), before);
  EXPECT_EQ(wireguard_pid(crashed.host()), data_plane) << "wireguard-go was not adopted";
  EXPECT_LT(board().longest_silence(flow), kSilenceMax);
}

TEST_F(MeshTest, IsReachedWithinThreeSecondsByAMemberThatLostItsDataPlaneToo) {
  must(mesh().start_bootstrap());
  const auto members = add_many(3, kTellsItsCalls);
  form(members);
  Member& crashed = *members[0];
  const MeshAddresses before = addresses_of(crashed);
  const MeshAddresses other = addresses_of(*members[1]);

  crashed.crash_whole();
  ASSERT_TRUE(eventually([&] { return !crashed.host().counters(kMeshInterface); }, 5s));
  must(crashed.start());
  await_up({&crashed});
  PingBoard back;
  must(back.add(crashed.host(), other.ipv6, PingBoard::Until::kFirstReply));
  must(back.add(crashed.host(), other.ipv4.value(), PingBoard::Until::kFirstReply));

  EXPECT_TRUE(back.run_until([&] { return back.all_answered(); }, kBackAfterMax))
      << calls_of(members);
  EXPECT_EQ(crashed.addresses(), before);
}

TEST_F(MeshTest, KeepsItsTunnelsWhenTheBootstrapHostGoes) {
  must(mesh().start_bootstrap());
  const auto members = add_many(3);
  form(members);
  const auto flow = ping(*members[0], *members[1]);
  // Their tunnels stand before their DHT nodes have met. The bootstrap's node is one for each
  // family.
  const auto has_met_others = [](const Member* member) { return member->dht_neighbours() > 2; };
  ASSERT_TRUE(eventually([&] { return std::ranges::all_of(members, has_met_others); }, 30s));

  mesh().stop_bootstrap();
  board().run(15s);

  EXPECT_LT(board().longest_silence(flow), kSilenceMax);
  EXPECT_TRUE(members[0]->in_dht()) << "the members are a DHT of their own";
}

TEST_F(MeshTest, TakesBackAMemberThatLeftWhileThereIsNoBootstrapHost) {
  must(mesh().start_bootstrap());
  const auto members = add_many(3);
  form(members);
  mesh().stop_bootstrap();
  Member& returning = *members[0];
  ASSERT_EQ(returning.stop(), 0);
  must(returning.start());
  expect_full_mesh(members);
}

TEST_F(MeshTest, WaitsForABootstrapHostThatIsNotThereYetAndSaysSo) {
  const auto members = add_many(2);
  start_all(members);
  board().run(15s);  // until every back-off has grown as long as it may
  for (Member* member : members) {
    ASSERT_TRUE(member->running());
    const auto problems = member->problems();
    EXPECT_TRUE(std::any_of(problems.begin(), problems.end(), [](const std::string& problem) {
      return problem.find("DHT") != std::string::npos;
    })) << "it does not say that it waits";
  }
  must(mesh().start_bootstrap());
  expect_full_mesh(members);
  EXPECT_TRUE(eventually([&] { return members[0]->problems().empty(); }))
      << members[0]->problems().front();
}

TEST_F(MeshTest, NeverMixesMembersOfDifferentSecrets) {
  must(mesh().start_bootstrap());
  const auto members = add_many(2);
  Member& stranger = add({.secret = random_secret()});
  must(stranger.start());
  form(members);
  ASSERT_TRUE(eventually([&] { return stranger.in_dht(); }));
  board().run(5s);  // several times what the two needed to find each other
  EXPECT_EQ(peers_known(stranger), 0U);
  EXPECT_EQ(peers_known(*members[0]), 1U);
  EXPECT_EQ(peers_known(*members[1]), 1U);
}

TEST_F(MeshTest, RefusesASecondDaemonOnTheSameInterfaceInOneClearLine) {
  must(mesh().start_bootstrap());
  const auto members = add_many(2);
  form(members);
  Member& first = *members[0];
  const auto flow = ping(*members[1], first);

  auto second = must(first.host().spawn({program_folder() / "kadwire", "join", "--secret-file",
                                         "/run/secret", "--interface", kMeshInterface},
                                        "second"));
  EXPECT_EQ(second.wait(5s), 1);
  const std::string said = read_text(first.host().log_path("second"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_NE(said.find(kMeshInterface), std::string::npos) << said;

  board().run(500ms);
  EXPECT_TRUE(first.running());
  EXPECT_GT(board().flow(flow).received, 0U);
  EXPECT_LT(board().longest_silence(flow), kSilenceMax);
}

/// Lets a clock stand at kBeforeTheHour to the hour now.
std::vector<std::string> shortly_before_the_hour() {
  using namespace std::chrono;
  const auto now = system_clock::now().time_since_epoch();
  const auto offset = (2 * 3600s - kBeforeTheHour - now % 3600s) % 3600s;
  return {"--clock-offset", std::to_string(duration_cast<milliseconds>(offset).count())};
}

TEST_F(MeshTest, LosesNobodyWhenTheHourTurns) {
  must(mesh().start_bootstrap());
  auto members = add_many(4);
  Member& late = *members.back();
  members.pop_back();
  const auto clock = shortly_before_the_hour();  // when all hosts stand, which takes a while
  for (Member* member : members) must(member->start(clock));
  expect_full_mesh(members);
  const auto topic = must(members[0]->call("daemon.status")).value("topic_prefix", "");
  const auto there = ping(*members[0], *members[1]);
  const auto back = ping(*members[2], *members[0]);

  ASSERT_TRUE(eventually(
      [&] {
        const auto status = members[0]->call("daemon.status");
        return status && status->value("topic_prefix", topic) != topic;
      },
      kHourTurnsMax))
      << "the hour did not turn";
  board().run(5s);
  EXPECT_LT(board().longest_silence(there), kSilenceMax);
  EXPECT_LT(board().longest_silence(back), kSilenceMax);

  members.push_back(&late);
  must(late.start(clock));
  expect_full_mesh(members);
}

TEST_F(MeshTest, FormsOverCablesThatLoseOneFrameInTwenty) {
  must(mesh().start_bootstrap());
  form(add_many(4, {.host = {.cable = {.delay = 20ms, .loss = 0.05}}}));
}

TEST_F(MeshTest, LeavesNothingOnTheHostOfAMemberThatStops) {
  must(mesh().start_bootstrap());
  const auto members = add_many(2);
  form(members);
  Member& leaving = *members[0];

  const TimePoint asked = std::chrono::steady_clock::now();
  EXPECT_EQ(leaving.stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 3s);

  EXPECT_FALSE(leaving.host().counters(kMeshInterface)) << "its interface still stands";
  for (const ProcessUsage& process : leaving.host().processes()) ADD_FAILURE() << process.name;
  EXPECT_TRUE(eventually([&] { return peers_known(*members[1]) == 0; }, 10s))
      << "the others do not learn that it left";
}

}  // namespace
}  // namespace kadwire::lab
