/// A withdrawal of an earlier run that comes when its owner has long been back.

#include <gtest/gtest.h>

#include <algorithm>

#include "rendezvous/beacon.h"
#include "tests/unit/testnet/virtual_run.h"
#include "tools/testnet/nodes/dht_node.h"
#include "tools/testnet/nodes/member_node.h"

namespace kadwire::testnet {
namespace {

constexpr auto kWallStart = kWallStartDefault + 20min;
constexpr std::uint16_t kLanPort = 61'213;

/// Public, and so long away, one way.
HostOptions at_distance(Duration away) {
  HostOptions options;
  options.link.latency.low = away;
  return options;
}

/// A member at home, another elsewhere, and a host on the former's link that repeats what the other
/// has said once.
class LateFarewell : public ::testing::Test {
 protected:
  explicit LateFarewell(Duration away = 0ms) : away_(away) {
    restart_virtual_clock(kWallStart);
    seed_virtual_random_device(1);
    door_.start();
    member_.start();
    other_.start();
    run_for(20s);
  }
  void run_for(Duration duration) { testnet::run_for(queue_, duration); }
  /// One that the member's record of the other is older than.
  void repeat_withdrawal() {
    rendezvous::PeerRecord record;
    const WallTime now = host_.now().wall;
    record.tombstone = true;
    record.issued = now;
    record.lifetime = 1h;
    record.sequence = rendezvous::next_sequence(0, now);
    record.ipv4_network = mesh_.ipv4_network();
    const auto withdrawal =
        rendezvous::sign_record(record, other_.identity(), mesh_.keys().mesh_id());
    rendezvous::FrameKeys keys(mesh_.keys());
    internet_.send_to_lan(
        neighbour_host_.id(), kLanPort,
        rendezvous::encode_beacon(mesh_.keys(), keys, hour_of(now), withdrawal.encoded, random_));
  }
  [[nodiscard]] bool knows_other() const {
    return std::ranges::any_of(member_.driver().peer_views(), [&](const node::PeerView& view) {
      return view.node == other_.identity().node_id();
    });
  }
  /// In 50 ms, and the way.
  [[nodiscard]] bool a_packet_gets_through() {
    const Duration patience = 50ms + away_;
    bool came = false;
    member_.set_packet_handler([&](const IpAddress&, ByteView) { came = true; });
    other_.device().send_packet(member_.ipv6(), Bytes(100));
    run_for(patience);
    member_.set_packet_handler({});
    return came;
  }

  Duration away_;  ///< the other, one way
  SeededRandom random_{7};
  EventQueue queue_{kWallStart};
  Internet internet_{queue_, 1};
  SimMesh mesh_{1};
  GatewayId home_ = internet_.add_gateway({});
  SimHost door_host_{queue_, internet_, internet_.add_host({}), "door"};
  SimHost host_{queue_, internet_, internet_.add_host({.behind = home_}), "member"};
  SimHost neighbour_host_{queue_, internet_, internet_.add_host({.behind = home_}), "neighbour"};
  SimHost other_host_{queue_, internet_, internet_.add_host(at_distance(away_)), "other"};
  std::vector<Endpoint> bootstrap_{
      {internet_.addresses(door_host_.id()).front().prefix.address, kDhtPort}};
  DhtNode door_{door_host_, {{}, true, 1}};
  MemberNode member_{host_, mesh_, {.bootstrap = bootstrap_, .hostname = "member", .seed = 2}};
  MemberNode other_{other_host_, mesh_, {.bootstrap = bootstrap_, .hostname = "other", .seed = 3}};
};

TEST_F(LateFarewell, InterruptsNothingAsItsOwnerStillAnswers) {
  ASSERT_TRUE(a_packet_gets_through());
  repeat_withdrawal();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(a_packet_gets_through()) << i;
    ASSERT_TRUE(knows_other()) << i;
  }
}

class LateFarewellFromAfar : public LateFarewell {
 protected:
  LateFarewellFromAfar() : LateFarewell(150ms) {}
};

TEST_F(LateFarewellFromAfar, InterruptsNothingThough300MsPassUntilItsOwnerHasAnswered) {
  ASSERT_TRUE(a_packet_gets_through());
  repeat_withdrawal();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(a_packet_gets_through()) << i;
    ASSERT_TRUE(knows_other()) << i;
  }
}

TEST_F(LateFarewellFromAfar, InterruptsNothingThoughItIsSaidAgainBeforeItsOwnerCanAnswer) {
  ASSERT_TRUE(a_packet_gets_through());
  for (int i = 0; i < 30; ++i) {
    repeat_withdrawal();
    run_for(100ms);
    ASSERT_TRUE(knows_other()) << i;
  }
}

TEST_F(LateFarewell, InterruptsNothingRightAfterARestart) {
  other_.leave();
  run_for(100ms);
  other_.start();
  run_for(3s);
  ASSERT_TRUE(a_packet_gets_through());
  repeat_withdrawal();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(a_packet_gets_through()) << i;
}

TEST_F(LateFarewell, IsBelievedOfOneThatAnswersNoMore) {
  internet_.set_up(other_host_.id(), false);
  repeat_withdrawal();
  run_for(300ms);
  EXPECT_TRUE(knows_other());
  run_for(300ms);
  EXPECT_FALSE(knows_other());
}

TEST_F(LateFarewell, OfOneThatReallyLeavesIsHeededWithinASecond) {
  other_.leave();
  run_for(1s);
  EXPECT_FALSE(knows_other());
}

}  // namespace
}  // namespace kadwire::testnet
