#include "node/own_record.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/test_mesh.h"

namespace kadwire::node {
namespace {

using testing::kNoonTwenty;

class OwnRecordTest : public ::testing::Test {
 protected:
  OwnRecord make(const NodeState& state = {}) {
    return OwnRecord(mesh_.keys(), identity_, mesh_.ipv4_network(), "host", state);
  }

  testing::TestMesh mesh_{1, "10.9.0.0/24"};
  crypto::NodeIdentity identity_ = mesh_.make_identity();
};

TEST_F(OwnRecordTest, SignsWhatItIs) {
  OwnRecord own = make();
  own.set_candidates({{rendezvous::CandidateKind::kHost, *Endpoint::parse("192.0.2.1:1")}});
  const auto decoded =
      rendezvous::decode_record(own.sign(kNoonTwenty).encoded, mesh_.keys().mesh_id());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->record.node, identity_.node_id());
  EXPECT_EQ(decoded->record.issued, kNoonTwenty);
  EXPECT_EQ(decoded->record.hostname, "host");
  EXPECT_EQ(decoded->record.candidates, own.candidates());
  EXPECT_EQ(decoded->record.ipv4_network, mesh_.ipv4_network());
  EXPECT_FALSE(decoded->record.tombstone);
}

TEST_F(OwnRecordTest, ATombstoneSaysNothingElse) {
  OwnRecord own = make();
  own.set_candidates({{rendezvous::CandidateKind::kHost, *Endpoint::parse("192.0.2.1:1")}});
  const auto record = own.sign(kNoonTwenty, true).record;
  EXPECT_TRUE(record.tombstone);
  EXPECT_TRUE(record.candidates.empty());
  EXPECT_TRUE(record.hostname.empty());
}

TEST_F(OwnRecordTest, SequencesAscendEvenWhenTheClockStandsOrGoesBack) {
  OwnRecord own = make();
  std::uint64_t before = 0;
  for (const auto wall : {kNoonTwenty, kNoonTwenty, kNoonTwenty - 1h, kNoonTwenty + 1h}) {
    const auto sequence = own.sign(wall).record.sequence;
    EXPECT_GT(sequence, before);
    before = sequence;
  }
  EXPECT_EQ(own.state().record_sequence, before);
}

TEST_F(OwnRecordTest, OutbidsAnEarlierRunsRecordOnlyWhereItMust) {
  OwnRecord own = make();
  const auto sequence = own.sign(kNoonTwenty).record.sequence;
  EXPECT_FALSE(own.outbid(sequence));
  EXPECT_FALSE(own.outbid(sequence - 1));
  EXPECT_TRUE(own.outbid(sequence + 1'000'000));
  EXPECT_GT(own.sign(kNoonTwenty).record.sequence, sequence + 1'000'000);
}

TEST_F(OwnRecordTest, NoticesCandidatesThatChanged) {
  OwnRecord own = make();
  const std::vector<rendezvous::Candidate> some{
      {rendezvous::CandidateKind::kHost, *Endpoint::parse("192.0.2.1:1")}};
  EXPECT_FALSE(own.set_candidates({}));
  EXPECT_TRUE(own.set_candidates(some));
  EXPECT_FALSE(own.set_candidates(some));
}

TEST_F(OwnRecordTest, ALeaseBeginsWhenOthersCanHearOfItAndOnlyOnce) {
  OwnRecord own = make();
  EXPECT_FALSE(own.claim(kNoonTwenty + 1h).pinned) << "nobody could dispute it";
  EXPECT_TRUE(own.begin_lease(kNoonTwenty));
  EXPECT_FALSE(own.begin_lease(kNoonTwenty + 1h));
  EXPECT_EQ(own.claim(kNoonTwenty).since, kNoonTwenty);
  EXPECT_FALSE(own.claim(kNoonTwenty + kLeaseSettling - 1ms).pinned);
  EXPECT_TRUE(own.claim(kNoonTwenty + kLeaseSettling).pinned);
  EXPECT_EQ(own.sign(kNoonTwenty + 1h).record.lease_since, kNoonTwenty);
}

TEST_F(OwnRecordTest, ARestoredLeaseIsTheSameAndPinned) {
  OwnRecord own = make();
  own.begin_lease(kNoonTwenty);
  ASSERT_TRUE(own.take_next_lease(kNoonTwenty, [](const IpAddress&) { return false; }));
  OwnRecord again = make(own.state());
  EXPECT_EQ(again.ipv4(), own.ipv4());
  EXPECT_FALSE(again.begin_lease(kNoonTwenty + 1h));
  EXPECT_TRUE(again.claim(kNoonTwenty + 1h).pinned);
}

TEST_F(OwnRecordTest, ALeaseThatNeverBeganIsRestoredAsSuch) {
  OwnRecord own = make();
  static_cast<void>(own.sign(kNoonTwenty));
  OwnRecord again = make(own.state());
  EXPECT_FALSE(again.claim(kNoonTwenty + 1h).pinned);
}

TEST_F(OwnRecordTest, MovesToTheNextFreeNonceAndIsNotPinnedThere) {
  OwnRecord own = make();
  own.begin_lease(kNoonTwenty - 1h);
  const std::set<IpAddress> taken{
      own.ipv4(),
      crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(), identity_.node_id(), 1)};
  ASSERT_TRUE(own.take_next_lease(
      kNoonTwenty, [&](const IpAddress& address) { return taken.contains(address); }));
  EXPECT_EQ(own.state().lease_nonce, 2);
  EXPECT_FALSE(taken.contains(own.ipv4()));
  EXPECT_FALSE(own.claim(kNoonTwenty).pinned);
  EXPECT_EQ(own.claim(kNoonTwenty).since, kNoonTwenty);
}

TEST_F(OwnRecordTest, WrapsRoundTheNoncesAndStaysWhereNoneIsFree) {
  NodeState last;
  last.lease_nonce = 255;
  OwnRecord own = make(last);
  ASSERT_TRUE(own.take_next_lease(kNoonTwenty, [](const IpAddress&) { return false; }));
  EXPECT_EQ(own.state().lease_nonce, 0);
  const IpAddress before = own.ipv4();
  EXPECT_FALSE(own.take_next_lease(kNoonTwenty, [](const IpAddress&) { return true; }));
  EXPECT_EQ(own.ipv4(), before);
}

}  // namespace
}  // namespace kadwire::node
