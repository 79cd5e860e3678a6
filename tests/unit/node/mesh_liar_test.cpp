/// Many whole nodes in virtual time: members that lie, clocks that are wrong, networks that are
/// away.

#include <gtest/gtest.h>

#include "tests/support/mesh_world.h"

namespace kadwire::testing {
namespace {

using rendezvous::Candidate;
using rendezvous::CandidateKind;
using rendezvous::PeerRecord;

/// A member that holds the secret and obeys nothing else.
class Liar {
 public:
  explicit Liar(MeshWorld& world) : world_(world), identity_(world.mesh().make_identity()) {}

  [[nodiscard]] crypto::NodeId id() const { return identity_.node_id(); }
  [[nodiscard]] PeerRecord record() const {
    return world_.mesh().record_at(world_.queue().reading().wall);
  }
  void publish(PeerRecord record) {
    world_.publish(world_.mesh().sign(std::move(record), identity_));
  }
  /// A record whose lease nonce names `address`; false if none of them does.
  [[nodiscard]] bool claim(PeerRecord& record, const IpAddress& address) const {
    for (unsigned nonce = 0; nonce < 256; ++nonce) {
      record.lease_nonce = static_cast<std::uint8_t>(nonce);
      if (crypto::mesh_ipv4_lease(world_.mesh().keys(), world_.mesh().ipv4_network(), id(),
                                  record.lease_nonce) == address) {
        return true;
      }
    }
    return false;
  }

 private:
  MeshWorld& world_;
  crypto::NodeIdentity identity_;
};

bool knows(Member& member, const crypto::NodeId& node) {
  return std::ranges::any_of(member.peers(),
                             [&](const node::PeerView& view) { return view.node == node; });
}

TEST(MeshLiars, AReplayedOldRecordChangesNothing) {
  MeshWorld world(300);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(1s);
  const auto old =
      rendezvous::decode_record(world[1].memory().peer_cache.at(0), world.mesh().keys().mesh_id());
  ASSERT_TRUE(old);  // of node 0, as node 1 saved it
  world.run_for(1min);
  world[0].move_to_host(40);
  world.run_for(1min);
  world[0].leave();
  world.run_for(10s);
  ASSERT_FALSE(world[1].view_of(world[0]));
  world.publish(*old);
  world.run_for(1min);
  EXPECT_FALSE(world[1].view_of(world[0])) << "a tombstone outlives what came before it";
}

TEST(MeshLiars, ATombstoneOfAnotherNodeTakesNobodyAway) {
  MeshWorld world(301);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  PeerRecord forged = world.mesh().record_at(world.queue().reading().wall + 1min);
  forged.tombstone = true;
  auto signed_by_liar = world.mesh().sign(forged, world.mesh().make_identity());
  // The victim's NodeId in place of the liar's: the signature no longer fits.
  std::ranges::copy(world[0].id().bytes, signed_by_liar.encoded.begin() + 2);
  world.publish(signed_by_liar);
  world.run_for(1min);
  EXPECT_TRUE(world.all_connected());
}

TEST(MeshLiars, TwoNodeIdsWithOneWireguardKeyAreOnePeer) {
  MeshWorld world(302);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  const auto first = world.mesh().make_identity();
  const auto other = world.mesh().make_identity();
  const auto second =
      crypto::NodeIdentity::from_seeds(other.identity_seed().view(), first.wireguard_seed().view());
  ASSERT_TRUE(second);
  world.publish(world.mesh().sign(world.mesh().record_at(kNoonTwenty), first));
  world.run_for(1s);
  world.publish(world.mesh().sign(world.mesh().record_at(kNoonTwenty), *second));
  world.run_for(1s);
  EXPECT_TRUE(knows(world[0], first.node_id()));
  EXPECT_FALSE(knows(world[0], second->node_id()));
  EXPECT_TRUE(world.all_connected());
  world.expect_sound();
}

TEST(MeshLiars, ANodeIdWithOurOwnWireguardKeyIsNoPeer) {
  MeshWorld world(303);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  const auto other = world.mesh().make_identity();
  const auto clone = crypto::NodeIdentity::from_seeds(other.identity_seed().view(),
                                                      world[0].identity().wireguard_seed().view());
  ASSERT_TRUE(clone);
  world.publish(world.mesh().sign(world.mesh().record_at(kNoonTwenty), *clone));
  world.run_for(10s);
  EXPECT_FALSE(knows(world[0], clone->node_id()));
  EXPECT_FALSE(knows(world[1], clone->node_id()));
  EXPECT_TRUE(world.all_connected());
}

TEST(MeshLiars, CandidatesNeverPointUsAtLoopbackTheMeshOrForeignPrivateNetworks) {
  MeshWorld world(304);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  const auto mesh_address = world[1].ipv4().value();
  for (int i = 0; i < 4; ++i) {  // on either side of each NodeId
    Liar liar(world);
    PeerRecord record = liar.record();
    for (const char* target : {"127.0.0.1:22", "[::1]:22", "192.168.1.1:53", "169.254.1.1:80",
                               "224.0.0.1:5353", "[ff02::1]:5353"}) {
      record.candidates.push_back({CandidateKind::kHost, Endpoint::parse(target).value()});
    }
    record.candidates.push_back({CandidateKind::kHost, {mesh_address, 22}});
    record.candidates.push_back({CandidateKind::kHost, {host_addresses(0).front(), 51820}});
    liar.publish(record);
  }
  world.run_for(10min);
  for (const auto& [endpoint, count] : world.underlay().sent_to) {
    EXPECT_TRUE(std::ranges::count(host_addresses(0), endpoint.address) ||
                std::ranges::count(host_addresses(1), endpoint.address))
        << endpoint.to_string();
  }
}

TEST(MeshLiars, AThirdPartyNamedAsACandidateHearsLittle) {
  MeshWorld world(305);
  Member& member = world.add_started();
  Liar liar(world);
  PeerRecord record = liar.record();
  const Endpoint victim = *Endpoint::parse("203.0.113.7:53");
  record.candidates = {{CandidateKind::kHost, victim}};
  liar.publish(record);
  world.run_for(1h);
  RecordProperty("messages_to_a_third_party", std::to_string(world.underlay().sent_to[victim]));
  EXPECT_LE(world.underlay().sent_to[victim], 1000U);
  EXPECT_TRUE(knows(member, liar.id()));
}

TEST(MeshLiars, ASinceWhenOf1970TakesNoPinnedAddress) {
  MeshWorld world(306, "10.9.0.0/28");
  world.add_started(4);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(5min);
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const IpAddress victim = world[i].ipv4().value();
    Liar liar(world);
    PeerRecord record = liar.record();
    record.lease_since = WallTime{};
    ASSERT_TRUE(liar.claim(record, victim));
    liar.publish(record);
    world.run_for(10s);
    EXPECT_EQ(world[i].ipv4(), victim);
    for (std::size_t j = 0; j < 4; ++j) {
      if (j == i) continue;
      EXPECT_EQ(world[j].view_of(world[i])->ipv4, victim);
    }
  }
  world.expect_sound();
}

TEST(MeshLiars, ARestartForgetsNoIncumbent) {
  for (std::uint64_t seed = 307; seed < 317; ++seed) {  // the liar's NodeId on either side
    SCOPED_TRACE(seed);
    MeshWorld world(seed, "10.9.0.0/28");
    world.add_started(2);
    ASSERT_TRUE(world.time_to_connect(5s));
    world.run_for(5min);
    const IpAddress victim = world[0].ipv4().value();
    Liar liar(world);
    PeerRecord record = liar.record();
    record.lease_since = WallTime{};
    ASSERT_TRUE(liar.claim(record, victim));
    liar.publish(record);
    world.run_for(1min);
    world[1].restart(false);
    world.run_for(1min);
    EXPECT_EQ(world[1].view_of(world[0])->ipv4, victim);
  }
}

TEST(MeshLiars, AnAddressWhoseHolderExpiredGoesToWhoeverElseClaimsIt) {
  MeshWorld world(318, "10.9.0.0/28");
  Member& member = world.add_started();
  world.run_for(1s);
  Liar holder(world), other(world);
  const IpAddress first = *IpAddress::parse("10.9.0.1"), second = *IpAddress::parse("10.9.0.2");
  const IpAddress address = member.ipv4() == first ? second : first;
  PeerRecord brief = holder.record();
  brief.lifetime = 5min;
  ASSERT_TRUE(holder.claim(brief, address));
  holder.publish(brief);
  world.run_for(3min);
  ASSERT_EQ(member.peers().at(0).ipv4, address);
  PeerRecord record = other.record();
  ASSERT_TRUE(other.claim(record, address));
  other.publish(record);
  world.run_for(4min);
  ASSERT_EQ(member.peers().size(), 1U);
  EXPECT_EQ(member.peers().at(0).node, other.id());
  EXPECT_EQ(member.peers().at(0).ipv4, address);
}

TEST(MeshLiars, TwoThousandInventedMembersEvictNobody) {
  MeshWorld world(320);
  world.add_started(3);
  ASSERT_TRUE(world.time_to_connect(5s));
  const std::uint64_t renewals = world[0].device().renewals();
  for (int i = 0; i < 2000; ++i) Liar(world).publish(world.mesh().record_at(kNoonTwenty));
  world.run_for(3min);
  for (const auto& member : world.members()) {
    EXPECT_EQ(member->peers().size(), node::kPeersMax);
  }
  EXPECT_TRUE(world.all_connected());
  EXPECT_EQ(world[0].device().renewals(), renewals);
  world.expect_sound();
}

TEST(MeshLiars, ARecordFromTheFarFutureIsNoPeer) {
  MeshWorld world(321);
  Member& member = world.add_started();
  world.run_for(1s);
  Liar liar(world);
  PeerRecord record = liar.record();
  record.issued += 11min;
  liar.publish(record);
  world.run_for(1s);
  EXPECT_FALSE(knows(member, liar.id()));
}

TEST(MeshLiars, StrangersValuesAreIgnored) {
  MeshWorld world(322);
  Member& member = world.add_started();
  world.run_for(1s);
  const dht::Topic topic = dht::topic_of(world.mesh().keys(), hour_of(kNoonTwenty));
  for (std::size_t size : {0U, 1U, 559U, 560U, 561U, 60'000U}) {
    world.directories().store(topic.key, 1000 + size, Bytes(size, std::byte{7}));
  }
  world.run_for(2min);
  EXPECT_TRUE(member.peers().empty());
  world.add_started();
  EXPECT_TRUE(world.time_to_connect(5s));
}

/// The offset is the record's: exact but for the minute that each of the two was alone.
TEST(MeshClocks, AClockThatIsAnHourWrongIsReportedWithTheOffset) {
  for (const int hours : {-1, 1}) {
    SCOPED_TRACE(hours);
    MeshWorld world(330);
    MemberOptions wrong;
    wrong.clock_offset = std::chrono::hours(hours);
    world.add_started();
    world.add_started(wrong);
    world.add_started();
    world.run_for(2min);
    EXPECT_TRUE(world[1].has_problem(hours < 0 ? "59 min ahead of" : "61 min behind"));
    EXPECT_TRUE(world[1].peers().empty());
    EXPECT_EQ(world[1].journal().count("a member's clock is"), 1U);
  }
}

TEST(MeshClocks, TheProblemGoesOnceTheClockIsSet) {
  MeshWorld world(332);
  MemberOptions wrong;
  wrong.clock_offset = -1h;
  world.add_started();
  world.add_started(wrong);
  world.run_for(2min);
  ASSERT_TRUE(world[1].has_problem("a member's clock is"));
  world[1].scheduler().set_clock_offset(0ms);
  EXPECT_TRUE(world.time_to_connect(6min)) << "within a get and a put";
  for (const auto& member : world.members()) {
    EXPECT_FALSE(member->has_problem("a member's clock is"));
  }
}

TEST(MeshClocks, ANodeWithCachedPeersAsksAboutItsClockToo) {
  MeshWorld world(333);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.run_for(5min);
  Member& member = world[1];
  member.kill();
  // So that the cache leads nowhere, nor does the other's dialling.
  world.underlay().lose = [](const TestDevice&, const Endpoint&) { return true; };
  member.move_clock(1h);
  world.run_for(5min);
  member.restart(false);
  world.run_for(2min);
  EXPECT_TRUE(member.has_problem("a member's clock is"));
}

TEST(MeshClocks, ALapseOfTheDirectoryAtTheWrongMomentWastesNoCheck) {
  MeshWorld world(334);
  MemberOptions wrong;
  wrong.clock_offset = -1h;
  Member& member = world.add_started(wrong);
  world.run_for(30s);
  world.directories().set_reachable(false);
  world.run_for(2min);
  world.directories().set_reachable(true);
  world.add_started();
  world.run_for(2min);
  EXPECT_TRUE(member.has_problem("a member's clock is"));
}

TEST(MeshClocks, AnHonestMemberThatLeftIsNoWrongClock) {
  MeshWorld world(335, {}, std::chrono::floor<std::chrono::hours>(kNoonTwenty));
  world.add_started();
  world.run_for(9min);
  world[0].leave();
  world.run_for(30s);
  Member& late = world.add_started();
  world.run_for(3min);
  EXPECT_TRUE(late.driver().node_view().problems.empty());
}

TEST(MeshOffline, WithoutAnyNetworkTheNodeStaysUpAndSaysSo) {
  MeshWorld world(340);
  world.directories().set_reachable(false);
  Member& member = world.add_started();
  member.monitor().set({});
  world.run_for(1min);
  EXPECT_EQ(member.driver().node_view().problems.size(), 1U) << "no bootstrap host is one";
  member.driver().set_bootstrap({*Endpoint::parse("203.0.113.1:4222")});
  world.run_for(24h);
  EXPECT_TRUE(member.has_problem("no DHT node answers (1 bootstrap address tried"));
  EXPECT_LE(member.scheduler().wakeups(), 24U * 60U * 2U);
  world.directories().set_reachable(true);
  member.move_to_host(0);
  world.add_started();
  EXPECT_TRUE(world.time_to_connect(5s));
  EXPECT_TRUE(member.driver().node_view().problems.empty());
}

TEST(MeshOffline, StandingTunnelsOutliveADirectoryThatIsAwayForDays) {
  MeshWorld world(341);
  world.add_started(3);
  ASSERT_TRUE(world.time_to_connect(5s));
  world.directories().set_reachable(false);
  world.run_for(50h);
  EXPECT_TRUE(world.all_connected());
  world.expect_sound();
}

TEST(MeshOffline, APeerThatDiedIsForgottenAfterADay) {
  MeshWorld world(342);
  world.add_started(2);
  ASSERT_TRUE(world.time_to_connect(5s));
  world[1].kill();
  world[1].device().crash();
  world.run_for(23h);
  EXPECT_TRUE(world[0].view_of(world[1]));
  world.run_for(2h);
  EXPECT_FALSE(world[0].view_of(world[1]));
  EXPECT_TRUE(world[0].device().snapshot().peers.empty());
}

}  // namespace
}  // namespace kadwire::testing
