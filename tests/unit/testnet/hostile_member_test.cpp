#include "tools/testnet/nodes/hostile_member.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dht/sealed_value.h"
#include "tools/testnet/nodes/record_forger.h"

namespace kadwire::testing {
namespace {

using testnet::RecordAbuser;
using testnet::SeededRandom;

/// 00:20, far from any overlap of hours.
constexpr WallTime kWall{std::chrono::milliseconds{1'767'226'800'000}};
constexpr Hour kHour = hour_of(kWall);

/// One abuser, one victim, and what the abuser puts.
class HostileMember : public ::testing::Test {
 protected:
  HostileMember() {
    rendezvous::PeerRecord record;
    record.sequence = 7;
    record.issued = record.lease_since = kWall;
    record.lifetime = rendezvous::kRecordLifetimeMax;
    record.ipv4_network = mesh_.ipv4_network();
    record.candidates.push_back({.endpoint = {IpAddress::v4(0x0b00000a), 51820}});
    victim_ = rendezvous::sign_record(record, identity_, mesh_.keys().mesh_id());
  }

  /// Lets the abuser hear the victim's record.
  void tell(RecordAbuser& abuser) {
    const dht::Topic topic = dht::topic_of(mesh_.keys(), kHour);
    abuser.handle_event(now_, dht::ConnectivityChanged{true});
    while (const auto request = abuser.poll_request()) {
      const auto* listen = std::get_if<dht::ListenRequest>(&*request);
      if (listen == nullptr || listen->key != topic.key) continue;
      const Bytes value = dht::seal_value(mesh_.keys(), topic, victim_.encoded, random_);
      abuser.handle_event(now_, dht::ValuesFound{listen->operation, {{1, value}}});
    }
  }
  /// Lets it act, and keeps what it puts by hour; what does not open under its hour fails.
  void run(RecordAbuser& abuser, int times) {
    for (int i = 0; i < times; ++i) {
      now_.steady = *abuser.next_timeout();
      abuser.handle_timeout(now_);
      while (const auto request = abuser.poll_request()) {
        if (const auto* put = std::get_if<dht::PutRequest>(&*request)) take(abuser, *put);
      }
    }
  }
  void take(RecordAbuser& abuser, const dht::PutRequest& put) {
    abuser.handle_event(now_, dht::PutDone{put.operation, true});
    for (Hour hour = kHour - 1; hour <= kHour + 1; ++hour) {
      const dht::Topic topic = dht::topic_of(mesh_.keys(), hour);
      if (topic.key != put.key) continue;
      const auto record = dht::open_value(mesh_.keys(), topic, put.value);
      ASSERT_TRUE(record);
      records_[hour].push_back(*record);
    }
  }
  [[nodiscard]] auto decoded(const Bytes& record) const {
    return rendezvous::decode_record(record, mesh_.keys().mesh_id());
  }

  SeededRandom random_{1};
  testnet::SimMesh mesh_{2};
  crypto::NodeIdentity identity_ = crypto::NodeIdentity::generate(random_);
  rendezvous::SignedRecord victim_;
  Now now_{TimePoint{1000h}, kWall};
  std::map<Hour, std::vector<Bytes>> records_;
  std::set<crypto::WireguardKey> keys_;
};

TEST_F(HostileMember, ReplayersPutTheOldRecordUnderThreeHours) {
  testnet::Replayer replayer(now_, mesh_, random_);
  tell(replayer);
  run(replayer, 200);
  ASSERT_EQ(records_.size(), 3U);
  EXPECT_GT(records_[kHour].size(), records_[kHour - 1].size());
  for (const auto& [hour, records] : records_) {
    for (const Bytes& record : records) EXPECT_EQ(record, victim_.encoded);
  }
}

TEST_F(HostileMember, RecordFloodersInventMembersUpToABound) {
  testnet::RecordFlooder flooder(now_, mesh_, random_, [&](const auto& key) { keys_.insert(key); });
  run(flooder, static_cast<int>(2 * testnet::kInventedMembersMax));
  std::set<crypto::NodeId> nodes;
  for (const Bytes& record : records_[kHour]) {
    ASSERT_TRUE(decoded(record));
    nodes.insert(decoded(record)->record.node);
    EXPECT_TRUE(keys_.contains(decoded(record)->record.wireguard_key));
  }
  EXPECT_EQ(nodes.size(), testnet::kInventedMembersMax);
}

TEST_F(HostileMember, ForgersSpeakInTheVictimsNameAndCannotSignForIt) {
  testnet::RecordForger forger(now_, mesh_, random_, [&](const auto& key) { keys_.insert(key); });
  tell(forger);
  run(forger, 200);
  std::set<rendezvous::RecordError> errors;
  bool withdrawn = false;
  for (const Bytes& record : records_[kHour]) {
    const auto result = decoded(record);
    if (!result) errors.insert(result.error());
    const bool names_victim =
        to_array<32>(ByteView(record).subspan(2, 32)) == victim_.record.node.bytes;
    withdrawn |= names_victim && (record[1] & std::byte{1}) != std::byte{0};
    EXPECT_FALSE(names_victim && result);
  }
  EXPECT_TRUE(withdrawn);
  EXPECT_TRUE(errors.contains(rendezvous::RecordError::kBadSignature));
  EXPECT_TRUE(errors.contains(rendezvous::RecordError::kBadCrossSignature));
}

TEST_F(HostileMember, ForgersClaimTheVictimsLeaseAsTheirsSinceEver) {
  testnet::RecordForger forger(now_, mesh_, random_, [&](const auto& key) { keys_.insert(key); });
  tell(forger);
  run(forger, 400);
  const IpAddress lease =
      crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(), victim_.record.node, 0);
  int thefts = 0;
  for (const Bytes& record : records_[kHour]) {
    const auto result = decoded(record);
    if (!result) continue;
    const rendezvous::PeerRecord& claim = result->record;
    EXPECT_TRUE(keys_.contains(claim.wireguard_key));
    EXPECT_EQ(
        crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(), claim.node, claim.lease_nonce),
        lease);
    EXPECT_LT(claim.lease_since, victim_.record.lease_since);
    EXPECT_EQ(claim.candidates.front(), victim_.record.candidates.front());
    ++thefts;
  }
  EXPECT_GT(thefts, 0);
}

}  // namespace
}  // namespace kadwire::testing
