/// Many whole nodes in virtual time: how a mesh forms, and what it lives through.

#include <gtest/gtest.h>

#include <set>

#include "tests/support/mesh_world.h"

namespace kadwire::testing {
namespace {

/// Minutes into the hour of the world's start.
WallTime at_minute(int minute) {
  return std::chrono::floor<std::chrono::hours>(kNoonTwenty) + std::chrono::minutes(minute);
}

void note(const char* what, Duration took) {
  ::testing::Test::RecordProperty(what, std::to_string(took / 1ms));
}

TEST(Mesh, OfFiveForms) {
  MeshWorld world(1);
  world.add_started(5);
  const auto took = world.time_to_connect(5s);
  ASSERT_TRUE(took);
  note("formed_after_ms", *took);
  EXPECT_LE(*took, 600ms);
  world.expect_sound();
}

TEST(Mesh, OfThirtyForms) {
  MeshWorld world(2);
  world.add_started(30);
  const auto took = world.time_to_connect(10s);
  ASSERT_TRUE(took);
  note("formed_after_ms", *took);
  EXPECT_LE(*took, 1s);
  world.expect_sound();
}

TEST(Mesh, FormsAsFastAtEveryLatency) {
  for (const Duration delay : {Duration(1ms), Duration(40ms), Duration(150ms), Duration(400ms)}) {
    SCOPED_TRACE(delay / 1ms);
    MeshWorld world(3);
    world.underlay().delay = delay;
    world.directories().delay = delay;
    world.add_started(2);
    const auto took = world.time_to_connect(20s);
    ASSERT_TRUE(took);
    // Connect, put, be told: four ways. Then a handshake and a half, and what renewing cost.
    EXPECT_LE(*took, 10 * delay + 1500ms);
    world.expect_sound();
  }
}

TEST(Mesh, ANewcomerFromWhomTheDirectoryHidesOurRecordsFindsThemWithinSeconds) {
  MeshWorld world(14);
  world.add_started(3);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(10s);
  world.directories().forget_values();  // as when closer nodes join after the last put
  world.add_started(1);
  const auto took = world.time_to_connect(30s);
  ASSERT_TRUE(took);
  EXPECT_LE(*took, 5s);
  world.expect_sound();
}

TEST(Mesh, FormsAlthoughAThirdOfThePutsIsLost) {
  MeshWorld world(4);
  world.directories().lost_puts_percent = 33;
  world.add_started(5);
  EXPECT_TRUE(world.time_to_connect(60s));
  world.expect_sound();
}

TEST(Mesh, FormsWithoutNotifications) {
  MeshWorld world(5);
  world.directories().notifications_lost = true;
  world.add_started(3);
  EXPECT_TRUE(world.time_to_connect(65s)) << "the backing get comes within 60 s";
}

TEST(Mesh, FormsOnceTheDirectoryAnswersPuts) {
  MeshWorld world(6);
  world.directories().puts_unanswered = true;
  world.add_started(3);
  EXPECT_FALSE(world.time_to_connect(2min));
  world.directories().puts_unanswered = false;
  EXPECT_TRUE(world.time_to_connect(2min));
}

TEST(Mesh, FormsAlthoughEveryFifthMessageIsLost) {
  MeshWorld world(7);
  SeededRandom luck(7);
  world.underlay().lose = [&](const TestDevice&, const Endpoint&) {
    return random_below(luck, 5) == 0;
  };
  world.add_started(5);
  EXPECT_TRUE(world.time_to_connect(30s));
}

TEST(Mesh, FormsOverIpv4WhereIpv6LeadsNowhere) {
  MeshWorld world(8);
  world.underlay().lose = [](const TestDevice&, const Endpoint& to) { return to.address.is_v6(); };
  world.add_started(3);
  const auto took = world.time_to_connect(10s);
  ASSERT_TRUE(took);
  EXPECT_LE(*took, 2s);
}

TEST(Mesh, ASixthNodeJoinsLaterAndDisturbsNobody) {
  MeshWorld world(9);
  world.add_started(5);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(10min);
  const std::uint64_t renewals = world[0].device().renewals();
  world.add_started();
  const auto took = world.time_to_connect(5s);
  ASSERT_TRUE(took);
  EXPECT_LE(*took, 600ms);
  EXPECT_LE(world[0].device().renewals(), renewals + 4);
}

TEST(Mesh, MembersOfAnotherSecretNeverMeet) {
  MeshWorld world(10);
  const TestMesh other(99);
  MemberOptions stranger;
  stranger.mesh = &other;
  world.add_started(2);
  world.add_started(stranger);
  world.run_for(5min);
  EXPECT_EQ(world[0].peers().size(), 1U);
  EXPECT_TRUE(world[2].peers().empty());
}

TEST(Mesh, AHourRolloverLosesNobody) {
  MeshWorld world(11, {}, at_minute(45));
  world.add_started(5);
  ASSERT_TRUE(world.time_to_connect(5s));
  const TimePoint end = world.queue().now() + 90min;
  while (world.queue().now() < end) {
    world.run_for(1s);
    ASSERT_TRUE(world.all_connected()) << (end - world.queue().now()) / 1s << " s before the end";
  }
  for (const auto& member : world.members()) EXPECT_EQ(member->journal().count("peer left"), 0U);
  world.expect_sound();
}

TEST(Mesh, ANodeThatJoinsAtAnyMinuteIsFound) {
  for (const int minute : {0, 5, 9, 10, 49, 50, 59}) {
    SCOPED_TRACE(minute);
    MeshWorld world(12, {}, at_minute(minute) - 5min);
    world.add_started();
    world.run_for(5min);
    world.add_started();
    EXPECT_TRUE(world.time_to_connect(2s));
  }
}

TEST(Mesh, ClocksAFewMinutesApartMeetAtEveryMinute) {
  for (int minute = 0; minute < 60; minute += 5) {
    SCOPED_TRACE(minute);
    MeshWorld world(13, {}, at_minute(minute));
    MemberOptions late, early;
    late.clock_offset = -4min;
    early.clock_offset = 4min;
    world.add_started(late);
    world.add_started(early);
    EXPECT_TRUE(world.time_to_connect(2s));
  }
}

TEST(Mesh, ARecordFromTheFutureIsComplainedOfWithAHintAtTheClocks) {
  MeshWorld world(61);
  const Member& here = world.add_started();
  MemberOptions ahead;
  ahead.clock_offset = 25min;
  Member& there = world.add_started(ahead);
  world.run_for(1min);
  EXPECT_TRUE(here.has_problem("25 min from now"));
  EXPECT_TRUE(here.has_problem("timedatectl"));
  EXPECT_FALSE(there.has_problem("from now"));
  there.kill();
  there.move_clock(-25min);
  there.restart(false);
  EXPECT_TRUE(world.time_to_connect(10s));
  EXPECT_FALSE(here.has_problem("from now"));
}

TEST(Mesh, ARecordFromTheFutureIsForgottenIfNoOtherFollows) {
  MeshWorld world(62);
  const Member& here = world.add_started();
  MemberOptions ahead;
  ahead.clock_offset = 25min;
  world.add_started(ahead).kill();
  world.run_for(1min);
  world.run_for(node::kFutureRecordMemory + node::kSweep);
  EXPECT_FALSE(here.has_problem("from now"));
}

TEST(Mesh, ANodeThatLeavesIsGoneFromAllWithinASecond) {
  MeshWorld world(14);
  world.add_started(5);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(1min);
  world[2].leave();
  const TimePoint left = world.queue().now();
  ASSERT_TRUE(world.run_for(2s, [&] { return !world[2].running(); }));
  EXPECT_LE(world.queue().now() - left, node::kDeparturePatience);
  world.run_for(1s);
  for (const std::size_t i : {0U, 1U, 3U, 4U}) {
    EXPECT_FALSE(world[i].view_of(world[2]));
    EXPECT_EQ(world[i].device().snapshot().peers.size(), 3U);
  }
  world.run_for(30min);  // its old records are still about for a while
  for (const std::size_t i : {0U, 1U, 3U, 4U}) EXPECT_FALSE(world[i].view_of(world[2]));
}

TEST(Mesh, ANodeThatLeftComesBackAtOnceWhateverTheRoles) {
  MeshWorld world(15);
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    world.run_for(1min);
    world[i].leave();
    world.run_for(10s);
    world[i].restart(false);
    const auto took = world.time_to_connect(10s);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 1s);
  }
}

TEST(Mesh, LeavingWithoutADirectoryWaitsForNobody) {
  MeshWorld world(16);
  world.directories().set_reachable(false);
  Member& member = world.add_started();
  world.run_for(1min);
  bool done = false;
  member.driver().stop([&] { done = true; });
  world.run_for(10ms);
  EXPECT_TRUE(done);
}

TEST(Mesh, LeavingADirectoryThatNeverAnswersEndsAtThePatience) {
  MeshWorld world(17);
  Member& member = world.add_started();
  world.run_for(1min);
  world.directories().puts_unanswered = true;
  int done = 0;
  member.driver().stop([&] { ++done; });
  world.run_for(node::kDeparturePatience + 1ms);
  EXPECT_EQ(done, 1);
  world.run_for(10s);
  EXPECT_EQ(done, 1);
}

TEST(Mesh, ADriverThatStoppedIsNeverWokenAgain) {
  MeshWorld world(18);
  Member& member = world.add_started();
  world.run_for(1min);
  bool pending = true;
  member.driver().stop([&] { pending = member.scheduler().pending(); });
  world.run_for(2s);
  EXPECT_FALSE(pending) << "who owns the driver may destroy it as soon as it is done";
}

TEST(Mesh, ARestartWithCachedPeersResumesAtOnceWhateverTheRoles) {
  MeshWorld world(19);
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    world.run_for(2min);
    world.directories().set_reachable(false);  // the cache must do
    world[i].kill();
    world.run_for(2s);
    world[i].restart(false);
    const auto took = world.time_to_connect(10s);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 300ms);
    world.directories().set_reachable(true);
  }
}

TEST(Mesh, TwoNodesThatRestartAtOnceFindEachOther) {
  MeshWorld world(20);
  world.underlay().delay = 40ms;
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(2min);
  for (const auto& member : world.members()) member->restart(false);
  const auto took = world.time_to_connect(10s);
  ASSERT_TRUE(took);
  note("back_after_ms", *took);
  EXPECT_LE(*took, 1s);
}

TEST(Mesh, ARestartKeepsNodeIdAndAddresses) {
  MeshWorld world(21);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(5min);
  const auto ipv4 = world[0].ipv4();
  world[0].restart(false);
  ASSERT_TRUE(world.time_to_connect(5s));
  EXPECT_EQ(world[0].ipv4(), ipv4);
  EXPECT_EQ(world[1].view_of(world[0])->ipv4, ipv4);
}

TEST(Mesh, AnAdoptedDeviceIsNeverRenewedWhileItsTunnelsLive) {
  MeshWorld world(22);
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    world.run_for(1min);
    const std::uint64_t renewals = world[i].device().renewals();
    world[i].kill();
    world.run_for(10s);
    world[i].restart(true);
    world.run_for(10min);
    EXPECT_TRUE(world.all_connected());
    EXPECT_EQ(world[i].device().renewals(), renewals);
  }
  world.expect_sound();
}

TEST(Mesh, AnAdoptedDeviceWhoseCacheIsLostComesBackAtOnce) {
  MeshWorld world(23);
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    world.run_for(1min);
    world[i].kill();
    world[i].memory().peer_cache.clear();
    world[i].restart(true);
    const auto took = world.time_to_connect(100s);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 1s);
  }
}

TEST(Mesh, AfterALostDeviceAllTunnelsComeBack) {
  MeshWorld world(24);
  world.add_started(5);
  ASSERT_TRUE(world.time_to_connect(5s));
  for (std::size_t i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    world.run_for(1min);
    world[i].device().crash();
    world.run_for(500ms);
    EXPECT_TRUE(world[i].has_problem("WireGuard's process ended"));
    const auto took = world.time_to_connect(10s);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 1s);
    EXPECT_TRUE(world[i].driver().node_view().problems.empty());
  }
}

TEST(Mesh, AfterAnOutageOfMinutesAllTunnelsComeBack) {
  MeshWorld world(25);
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  for (const Duration outage : {Duration(30s), Duration(70s), Duration(5min), Duration(1h)}) {
    SCOPED_TRACE(outage / 1s);
    world.underlay().lose = [](const TestDevice&, const Endpoint&) { return true; };
    world.run_for(outage);
    world.underlay().lose = nullptr;
    EXPECT_TRUE(world.time_to_connect(70s));
    world.run_for(2min);
  }
  world.expect_sound();
}

TEST(Mesh, ANodeThatMovesIsReachedAtItsNewAddresses) {
  MeshWorld world(26);
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(1min);
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const std::uint64_t before = world[i].device().endpoints_set_again();
    const std::uint64_t renewals = world[i].device().renewals();
    world[i].move_to_host(20 + i);
    world.run_for(40s);  // one keepalive tells the others, one look at the device shows it
    EXPECT_EQ(world[i].device().endpoints_set_again(), before + 3);
    EXPECT_EQ(world[i].device().renewals(), renewals)
        << "a standing tunnel moves, it is not made anew";
    EXPECT_TRUE(world.all_connected());
    for (std::size_t j = 0; j < 4; ++j) {
      if (j == i) continue;
      EXPECT_EQ(world[j].view_of(world[i])->endpoint->address, host_addresses(20 + i).front());
    }
  }
}

TEST(Mesh, AnIdleHourTakesFewWakeups) {
  MeshWorld world(27);
  world.add_started(5);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(1min);
  const std::uint64_t wakeups = world[0].scheduler().wakeups();
  const std::uint64_t snapshots = world[0].device().snapshots();
  world.run_for(1h);
  const auto woken = world[0].scheduler().wakeups() - wakeups;
  const auto looked = world[0].device().snapshots() - snapshots;
  RecordProperty("wakeups_per_idle_hour", std::to_string(woken));
  RecordProperty("snapshots_per_idle_hour", std::to_string(looked));
  EXPECT_LE(looked, 400U) << "each 10 s, and when a keepalive is due: 383 were seen";
  EXPECT_LE(woken, 800U);
  world.expect_sound();
}

TEST(Mesh, AnUnreachablePeerCostsFewWakeups) {
  for (const bool no_candidates : {false, true}) {
    SCOPED_TRACE(no_candidates);
    MeshWorld world(28);
    Member& member = world.add_started();
    std::vector<crypto::NodeIdentity> dead;
    for (int i = 0; i < 4; ++i) {  // some that dial, some that wait
      dead.push_back(world.mesh().make_identity());
      rendezvous::PeerRecord record = world.mesh().record_at(kNoonTwenty);
      record.candidates = {{rendezvous::CandidateKind::kHost,
                            *Endpoint::parse(no_candidates ? "10.9.9.9:1" : "203.0.113.9:1")}};
      world.publish(world.mesh().sign(record, dead.back()));
    }
    world.run_for(10min);
    ASSERT_EQ(member.peers().size(), 4U);
    const std::uint64_t wakeups = member.scheduler().wakeups();
    world.run_for(1h);
    const auto woken = member.scheduler().wakeups() - wakeups;
    RecordProperty(no_candidates ? "wakeups_no_candidates" : "wakeups_dead", std::to_string(woken));
    EXPECT_LE(woken, 2500U) << "a look every 2 s at most";
    world.expect_sound();
  }
}

}  // namespace
}  // namespace kadwire::testing
