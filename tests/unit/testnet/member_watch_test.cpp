#include "tools/testnet/nodes/member_watch.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/testnet/virtual_run.h"
#include "tools/testnet/nodes/dht_node.h"

namespace kadwire::testnet {
namespace {

using crypto::WireguardKey;

/// A way into the DHT and two members of one mesh; the first is watched.
class MemberWatchTest : public ::testing::Test {
 protected:
  MemberWatchTest() {
    restart_virtual_clock(kWallStartDefault + 20min);
    seed_virtual_random_device(1);
    truth_.add(member());
    truth_.add(other());
    watch_.emplace(member(), truth_);
  }

  void run_for(Duration duration) { testnet::run_for(queue_, duration); }
  void connect() {
    door_.start();
    member_.start();
    other_.start();
    run_for(20s);
    ASSERT_TRUE(member().device().shares_session_with(other().device()));
    ASSERT_EQ(watch_->violation(), std::nullopt);
  }
  /// One packet from the other member, so that there is live data.
  void send_from_other() {
    ASSERT_TRUE(other_.device().send_packet(member_.ipv6(), Bytes(100)));
    run_for(1s);
  }
  [[nodiscard]] node::PeerConfig config_of(const WireguardKey& key) const {
    node::PeerConfig config;
    config.key = key;
    return config;
  }
  void set(node::PeerConfig config) {
    std::vector<node::PeerChange> changes;
    changes.emplace_back(node::SetPeer{std::move(config), crypto::SecretBytes(32)});
    member_.device().apply(std::move(changes));
  }
  void set_with(const WireguardKey& key, const IpAddress& address) {
    node::PeerConfig config = config_of(key);
    config.allowed_ips = {Prefix::of_host(address)};
    set(std::move(config));
  }
  void remove(const WireguardKey& key) {
    std::vector<node::PeerChange> changes;
    changes.emplace_back(node::RemovePeer{key});
    member_.device().apply(std::move(changes));
  }
  [[nodiscard]] const WireguardKey& other_key() const { return other_.identity().wireguard_key(); }
  [[nodiscard]] IpAddress lease_of(const MemberNode& node, std::uint8_t nonce) const {
    return crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(), node.identity().node_id(),
                                   nonce);
  }
  [[nodiscard]] MemberNode& member() { return member_; }
  [[nodiscard]] MemberNode& other() { return other_; }

  EventQueue queue_{kWallStartDefault + 20min};
  Internet internet_{queue_, 1};
  SimMesh mesh_{1};
  SimHost door_host_{queue_, internet_, internet_.add_host({}), "door"};
  SimHost host_{queue_, internet_, internet_.add_host({}), "member"};
  SimHost other_host_{queue_, internet_, internet_.add_host({}), "other"};
  std::vector<Endpoint> bootstrap_{
      {internet_.addresses(door_host_.id()).front().prefix.address, kDhtPort}};
  DhtNode door_{door_host_, {{}, true, 1}};
  MemberNode member_{host_, mesh_, {bootstrap_, "member", true, 2}};
  MemberNode other_{other_host_, mesh_, {bootstrap_, "other", true, 3}};
  MeshTruth truth_{mesh_};
  std::optional<MemberWatch> watch_;
};

TEST_F(MemberWatchTest, AcceptsEveryLeaseOfThePeersOwn) {
  set_with(other_key(), other().ipv6());
  set_with(other_key(), lease_of(other(), 0));
  set_with(other_key(), lease_of(other(), 200));
  EXPECT_EQ(watch_->violation(), std::nullopt);
}

TEST_F(MemberWatchTest, NoticesAnAddressThatIsAnothers) {
  set_with(other_key(), lease_of(member(), 0));
  ASSERT_TRUE(watch_->violation());
  EXPECT_NE(watch_->violation()->find("not its own"), std::string::npos);
}

TEST_F(MemberWatchTest, NoticesANetworkInPlaceOfAnAddress) {
  node::PeerConfig config = config_of(other_key());
  config.allowed_ips = {Prefix{other().ipv6(), 64}};
  set(std::move(config));
  EXPECT_TRUE(watch_->violation());
}

TEST_F(MemberWatchTest, NoticesAKeyThatNobodyMade) {
  const WireguardKey invented{{std::byte{9}}};
  truth_.add_hostile(invented);
  set(config_of(invented));
  EXPECT_EQ(watch_->violation(), std::nullopt) << "a hostile member made it";
  set(config_of({{std::byte{8}}}));
  ASSERT_TRUE(watch_->violation());
  EXPECT_NE(watch_->violation()->find("nobody made"), std::string::npos);
}

TEST_F(MemberWatchTest, NoticesAHostileKeyWithAnHonestMembersAddress) {
  const WireguardKey invented{{std::byte{9}}};
  truth_.add_hostile(invented);
  set_with(invented, other().ipv6());
  EXPECT_TRUE(watch_->violation());
}

TEST_F(MemberWatchTest, NoticesThatAPeerWithLiveDataIsRemoved) {
  connect();
  send_from_other();
  remove(other_key());
  ASSERT_TRUE(watch_->violation());
  EXPECT_NE(watch_->violation()->find("removed"), std::string::npos);
}

TEST_F(MemberWatchTest, NoticesThatAPeerWithLiveDataIsRenewed) {
  connect();
  send_from_other();
  std::vector<node::PeerChange> changes;
  changes.emplace_back(node::RenewPeer{config_of(other_key()), crypto::SecretBytes(32)});
  member().device().apply(std::move(changes));
  ASSERT_TRUE(watch_->violation());
  EXPECT_NE(watch_->violation()->find("renewed"), std::string::npos);
}

TEST_F(MemberWatchTest, LetsGoOfAPeerThatLeft) {
  connect();
  send_from_other();
  other().leave();
  run_for(2s);
  remove(other_key());
  EXPECT_EQ(watch_->violation(), std::nullopt);
}

TEST_F(MemberWatchTest, LetsGoOfAPeerWithoutLiveData) {
  connect();
  send_from_other();
  other_host_.sleep();  // still running, and silent
  run_for(kLiveData);
  remove(other_key());
  EXPECT_EQ(watch_->violation(), std::nullopt);
}

TEST_F(MemberWatchTest, NoticesATableBeyondItsBound) {
  for (std::size_t i = 0; i <= node::kPeersMax; ++i) {
    const WireguardKey key{
        {std::byte{1}, static_cast<std::byte>(i >> 8), static_cast<std::byte>(i & 0xff)}};
    truth_.add_hostile(key);
    watch_->look();
    ASSERT_EQ(watch_->violation(), std::nullopt) << i;
    set(config_of(key));
  }
  watch_->look();
  EXPECT_TRUE(watch_->violation());
}

TEST(Overfull, NamesTheTableThatIsBeyondItsBound) {
  const std::vector<node::TableFill> full = {{"peers", 3, 3}, {"relayed pairs", 0, 256}};
  EXPECT_EQ(overfull(full), std::nullopt);
  const std::vector<node::TableFill> over = {{"peers", 3, 3}, {"relayed pairs", 257, 256}};
  EXPECT_EQ(overfull(over), "257 relayed pairs, where 256 may be");
}

TEST_F(MemberWatchTest, IsToldHowFullTheTablesOfAMemberAre) {
  EXPECT_TRUE(member().tables().empty()) << "it does not run";
  connect();
  std::map<std::string_view, std::size_t> fill;
  for (const node::TableFill& table : member().tables()) fill[table.table] = table.size;
  EXPECT_EQ(fill.at("peers"), 1U);
  EXPECT_EQ(fill.at("pair sessions"), 1U);
  EXPECT_GE(fill.at("paths to one peer"), 1U);
  EXPECT_EQ(fill.at("relayed pairs"), 0U);
  other().leave();
  run_for(20s);
  for (const node::TableFill& table : member().tables()) fill[table.table] = table.size;
  EXPECT_EQ(fill.at("peers"), 0U);
  EXPECT_EQ(fill.at("departed members"), 1U);
}

TEST_F(MemberWatchTest, WhatADhtNodeAnsweredStaysCountedWhenItEnds) {
  connect();
  const std::uint64_t answers = door_host_.dht_answers();
  EXPECT_GT(answers, 10U);
  EXPECT_LT(answers, door_.dht_stats().packets_in) << "answers to itself are no requests";
  door_.crash();
  EXPECT_EQ(door_host_.dht_answers(), answers);
}

TEST_F(MemberWatchTest, NoticesAnInterfaceWithAnothersAddress) {
  member().device().set_addresses({{member().ipv6(), 64}, {lease_of(member(), 0), 16}});
  watch_->look();
  EXPECT_EQ(watch_->violation(), std::nullopt);
  member().device().set_addresses({{lease_of(other(), 0), 16}});
  watch_->look();
  EXPECT_TRUE(watch_->violation());
}

}  // namespace
}  // namespace kadwire::testnet
