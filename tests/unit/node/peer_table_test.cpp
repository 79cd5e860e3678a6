#include "node/peer_table.h"

#include <gtest/gtest.h>

#include "tests/support/test_mesh.h"

namespace kadwire::node {
namespace {

using rendezvous::PeerRecord;
using testing::kNoonTwenty;
using Verdict = PeerTable::Verdict;

class PeerTableTest : public ::testing::Test {
 protected:
  Verdict apply(const PeerRecord& record, const crypto::NodeIdentity& identity,
                Source source = Source::kDht) {
    return table_.apply(now_, mesh_.sign(record, identity), source,
                        Tunnel(now_.steady, Tunnel::Role::kResponder, false));
  }
  void advance(std::chrono::milliseconds by) {
    now_.steady += by;
    now_.wall += by;
  }
  PeerRecord record() const { return mesh_.record_at(now_.wall); }
  PeerRecord tombstone() const {
    PeerRecord record = mesh_.record_at(now_.wall);
    record.tombstone = true;
    return record;
  }
  /// A record of `identity`'s that claims `address`; the network is small, so some nonce does.
  PeerRecord record_claiming(const IpAddress& address, const crypto::NodeIdentity& identity) {
    PeerRecord result = record();
    while (crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(), identity.node_id(),
                                   result.lease_nonce) != address) {
      ++result.lease_nonce;
    }
    return result;
  }
  LeaseClaim self_claim() const {
    return {self_.node_id(), *IpAddress::parse("10.8.0.1"), now_.wall, true};
  }
  const PeerRow& row(const crypto::NodeIdentity& identity) const {
    return table_.rows().at(identity.node_id());
  }

  testing::TestMesh mesh_{1, "10.9.0.0/29"};
  crypto::NodeIdentity self_ = mesh_.make_identity();
  crypto::NodeIdentity anna_ = mesh_.make_identity();
  crypto::NodeIdentity bert_ = mesh_.make_identity();
  PeerTable table_{mesh_.keys(), self_, mesh_.ipv4_network()};
  Now now_{TimePoint{1000h}, kNoonTwenty};
};

TEST_F(PeerTableTest, AHigherSequenceReplacesALowerOneAndNothingElseDoes) {
  PeerRecord first = record();
  EXPECT_EQ(apply(first, anna_), Verdict::kNew);
  PeerRecord changed = first;
  changed.hostname = "other";
  EXPECT_EQ(apply(changed, anna_), Verdict::kKnown);
  changed.sequence = first.sequence - 1;
  EXPECT_EQ(apply(changed, anna_), Verdict::kKnown);
  EXPECT_EQ(row(anna_).record().hostname, "");
  changed.sequence = first.sequence + 1;
  EXPECT_EQ(apply(changed, anna_), Verdict::kUpdated);
  EXPECT_EQ(row(anna_).record().hostname, "other");
}

TEST_F(PeerTableTest, KeepsOutTheExpiredAndTheFuture) {
  PeerRecord old = record();
  old.issued -= old.lifetime;
  EXPECT_EQ(apply(old, anna_), Verdict::kExpired);
  PeerRecord future = record();
  future.issued += rendezvous::kClockSkewMax + 1ms;
  EXPECT_EQ(apply(future, anna_), Verdict::kFromTheFuture);
  EXPECT_TRUE(table_.rows().empty());
}

TEST_F(PeerTableTest, IsNeverARowItself) {
  EXPECT_EQ(apply(record(), self_), Verdict::kKnown);
  EXPECT_EQ(apply(tombstone(), self_), Verdict::kKnown);
  EXPECT_TRUE(table_.rows().empty());
}

TEST_F(PeerTableTest, ATombstoneTakesARowAwayAndKeepsOldRecordsOut) {
  const PeerRecord first = record();
  apply(first, anna_);
  advance(1s);
  EXPECT_EQ(apply(tombstone(), anna_), Verdict::kDeparted);
  EXPECT_TRUE(table_.rows().empty());
  EXPECT_EQ(apply(first, anna_), Verdict::kKnown);
  EXPECT_TRUE(table_.rows().empty());
  advance(1s);
  EXPECT_EQ(apply(record(), anna_), Verdict::kNew) << "it came back";
}

TEST_F(PeerTableTest, ATombstoneOutlivesEveryRecordThatCameBeforeIt) {
  const PeerRecord first = record();
  apply(first, anna_);
  apply(
      [&] {
        PeerRecord last = tombstone();
        last.sequence = first.sequence + 1;
        return last;
      }(),
      anna_);
  for (int hour = 0; hour < 30; ++hour) {
    advance(1h);
    table_.expire(now_);
    const Verdict verdict = apply(first, anna_);
    EXPECT_TRUE(verdict == Verdict::kKnown || verdict == Verdict::kExpired) << hour;
  }
  EXPECT_TRUE(table_.rows().empty());
  EXPECT_TRUE(table_.records().empty()) << "and is forgotten then";
}

TEST_F(PeerTableTest, RefusesAWireguardKeyThatIsAnothers) {
  const auto twin =
      crypto::NodeIdentity::from_seeds(bert_.identity_seed().view(), anna_.wireguard_seed().view());
  const auto clone =
      crypto::NodeIdentity::from_seeds(bert_.identity_seed().view(), self_.wireguard_seed().view());
  apply(record(), anna_);
  EXPECT_EQ(apply(record(), *twin), Verdict::kConflict);
  EXPECT_EQ(apply(record(), *clone), Verdict::kConflict);
  EXPECT_EQ(apply(record(), bert_), Verdict::kNew);
  advance(1s);
  EXPECT_EQ(apply(record(), *twin), Verdict::kConflict) << "nor may it change to one";
  EXPECT_EQ(row(bert_).record().wireguard_key, bert_.wireguard_key());
}

TEST_F(PeerTableTest, ANewWireguardKeyBeginsANewTunnel) {
  apply(record(), anna_);
  PeerStatus status;
  status.last_handshake = kNoonTwenty;
  auto& tunnel = table_.rows().at(anna_.node_id()).tunnel;
  tunnel.handle_status(now_.steady, &status);
  ASSERT_TRUE(tunnel.up());
  advance(1s);
  const auto rotated =
      crypto::NodeIdentity::from_seeds(anna_.identity_seed().view(), bert_.wireguard_seed().view());
  EXPECT_EQ(apply(record(), *rotated), Verdict::kUpdated);
  EXPECT_FALSE(row(anna_).tunnel.up());
  EXPECT_EQ(row(anna_).record().wireguard_key, bert_.wireguard_key());
}

TEST_F(PeerTableTest, ExpiresRowsUnlessTheirTunnelStands) {
  apply(record(), anna_);
  apply(record(), bert_);
  PeerStatus status;
  status.last_handshake = kNoonTwenty;
  table_.rows().at(anna_.node_id()).tunnel.handle_status(now_.steady, &status);
  advance(rendezvous::kRecordLifetimeMax);
  EXPECT_FALSE(table_.expire(now_));
  advance(1ms);
  EXPECT_TRUE(table_.expire(now_));
  EXPECT_TRUE(table_.rows().contains(anna_.node_id()));
  EXPECT_FALSE(table_.rows().contains(bert_.node_id()));
}

TEST_F(PeerTableTest, IsBoundedAndStillLetsMembersUpdateAndLeave) {
  apply(record(), anna_);
  while (table_.rows().size() < kPeersMax) apply(record(), mesh_.make_identity());
  EXPECT_EQ(apply(record(), bert_), Verdict::kFull);
  advance(1s);
  EXPECT_EQ(apply(record(), anna_), Verdict::kUpdated);
  advance(1s);
  EXPECT_EQ(apply(tombstone(), anna_), Verdict::kDeparted);
  EXPECT_EQ(apply(record(), bert_), Verdict::kNew);
}

TEST_F(PeerTableTest, RemembersABoundedNumberOfTombstonesTheYoungestLongest) {
  apply(tombstone(), anna_);
  for (std::size_t i = 0; i < kDepartedMax; ++i) {
    advance(1ms);
    EXPECT_EQ(apply(tombstone(), mesh_.make_identity()), Verdict::kKnown);
  }
  EXPECT_EQ(table_.records().size(), kDepartedMax);
  EXPECT_EQ(apply(record(), anna_), Verdict::kNew) << "the oldest made room";
}

TEST_F(PeerTableTest, AnotherIpv4NetworkIsNoClaim) {
  PeerRecord foreign = record();
  foreign.ipv4_network = *Prefix::parse("10.77.0.0/16");
  apply(foreign, anna_);
  EXPECT_FALSE(row(anna_).ipv4_claim);
  table_.assign_addresses(now_, self_claim());
  EXPECT_FALSE(row(anna_).holds_lease);
}

TEST_F(PeerTableTest, PinsTheIncumbentAfterTwoMinutes) {
  apply(record(), anna_);
  table_.assign_addresses(now_, self_claim());
  ASSERT_TRUE(row(anna_).holds_lease);
  PeerRecord thief = record_claiming(*row(anna_).ipv4_claim, bert_);
  thief.lease_since = WallTime{};
  advance(kLeaseSettling);
  apply(thief, bert_);
  table_.assign_addresses(now_, self_claim());
  EXPECT_TRUE(row(anna_).holds_lease);
  EXPECT_FALSE(row(bert_).holds_lease);
}

TEST_F(PeerTableTest, BeforeThatTheEarlierClaimPrevails) {
  apply(record(), anna_);
  table_.assign_addresses(now_, self_claim());
  PeerRecord earlier = record_claiming(*row(anna_).ipv4_claim, bert_);
  earlier.lease_since -= 1h;
  advance(kLeaseSettling - 1ms);
  apply(earlier, bert_);
  table_.assign_addresses(now_, self_claim());
  EXPECT_FALSE(row(anna_).holds_lease);
  EXPECT_TRUE(row(bert_).holds_lease);
}

TEST_F(PeerTableTest, AMoveGivesTheAddressUpAndAPinGoesWithIt) {
  apply(record(), anna_);
  table_.assign_addresses(now_, self_claim());
  advance(kLeaseSettling);
  const IpAddress before = *row(anna_).ipv4_claim;
  apply(record_claiming(before, bert_), bert_);
  PeerRecord moved = record();
  do {
    ++moved.lease_nonce;
  } while (crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(), anna_.node_id(),
                                   moved.lease_nonce) == before);
  moved.sequence += 1;
  EXPECT_EQ(apply(moved, anna_), Verdict::kUpdated);
  table_.assign_addresses(now_, self_claim());
  EXPECT_TRUE(row(bert_).holds_lease);
  EXPECT_TRUE(row(anna_).holds_lease);
  EXPECT_EQ(row(anna_).held_since, now_.steady) << "the new address is held from now on";
}

TEST_F(PeerTableTest, HoldersComeFirstInWhatIsRemembered) {
  for (const auto* holder : {&anna_, &bert_}) {
    PeerTable table(mesh_.keys(), self_, mesh_.ipv4_network());
    const auto& loser = holder == &anna_ ? bert_ : anna_;
    const Tunnel tunnel(now_.steady, Tunnel::Role::kResponder, false);
    table.apply(now_, mesh_.sign(record(), *holder), Source::kDht, tunnel);
    table.assign_addresses(now_, self_claim());
    const IpAddress address = *table.rows().at(holder->node_id()).ipv4_claim;
    table.apply(now_, mesh_.sign(record_claiming(address, loser), loser), Source::kDht, tunnel);
    const auto first = rendezvous::decode_record(table.records().at(0), mesh_.keys().mesh_id());
    ASSERT_TRUE(first);
    EXPECT_EQ(first->record.node, holder->node_id());
  }
}

TEST_F(PeerTableTest, ARememberedClaimIsPinnedAtOnce) {
  apply(record(), anna_, Source::kCache);
  table_.assign_addresses(now_, self_claim());
  PeerRecord thief = record_claiming(*row(anna_).ipv4_claim, bert_);
  thief.lease_since = WallTime{};
  apply(thief, bert_);
  table_.assign_addresses(now_, self_claim());
  EXPECT_TRUE(row(anna_).holds_lease);
}

TEST_F(PeerTableTest, SaysWhereARowCameFrom) {
  const PeerRecord first = record();
  apply(first, anna_, Source::kCache);
  EXPECT_TRUE(row(anna_).from_cache);
  EXPECT_FALSE(row(anna_).from_dht);
  apply(first, anna_, Source::kDht);
  EXPECT_TRUE(row(anna_).from_dht) << "the same record, met again";
}

}  // namespace
}  // namespace kadwire::node
