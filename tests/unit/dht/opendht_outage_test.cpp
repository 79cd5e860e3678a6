#include "tests/unit/dht/opendht_fixture.h"

namespace kadwire::dht {
namespace {

using OpendhtOutageTest = OpendhtTest;

TEST_F(OpendhtOutageTest, MembersGoOnWithoutTheirBootstrap) {
  add_host();
  for (int i = 0; i < 6; ++i) add_mesh_member();
  network_.run_for(30s);
  network_.set_up(kBootstrap, false);
  network_.run_for(180s);
  const PutRequest put = put_of(1, 50);
  const TimePoint start = virtual_now().steady;
  network_.request(1, put);
  network_.run_for(2s);
  EXPECT_EQ(put_answer(1, 50), true)
      << "the dead bootstrap, which is still asked, does not hold it up";
  for (std::size_t member = 2; member <= 6; ++member) {
    ASSERT_TRUE(told_of(member, put.value_id)) << member;
    EXPECT_LE(*told_of(member, put.value_id) - start, 80ms);
    EXPECT_EQ(directory(member).stats().restarts, 0U);
  }
}

/// Members' own nodes are what a NAT makes of them: dead to strangers. The library waits a second.
TEST_F(OpendhtOutageTest, ANewcomersPutDoesNotWaitForDeadNodes) {
  build_settled_network(4);
  network_.request(1, ListenRequest{kListen, key_});
  network_.run_for(10s);
  network_.set_cut_off(2, true);
  network_.set_cut_off(3, true);
  const std::size_t newcomer = add_mesh_member();
  const TimePoint start = virtual_now().steady;
  network_.run_for(3s);
  ASSERT_TRUE(found_by(1).contains(newcomer));
  // Into the network, one look at those nearby, patience with the dead, the put, the push.
  EXPECT_LE(found_by(1).at(newcomer) - start, 500ms);
  EXPECT_EQ(put_answer(newcomer, kPut), true);
}

TEST_F(OpendhtOutageTest, WaitsForABootstrapThatAppearsAfterNinetySeconds) {
  add_host();
  network_.set_up(kBootstrap, false);
  const std::size_t member = add_mesh_member();
  network_.run_for(90s);
  EXPECT_EQ(put_answer(member, kPut), false);
  EXPECT_EQ(get_answer(member, kGet), false);
  EXPECT_TRUE(events_of<ConnectivityChanged>(member).empty());
  EXPECT_EQ(directory(member).stats().restarts, 0U);
  network_.set_up(kBootstrap, true);
  EXPECT_TRUE(run_until_connected(member, 13s));
  network_.request(member, put_of(member, 50));
  network_.run_for(1s);
  EXPECT_EQ(put_answer(member, 50), true);
}

TEST_F(OpendhtOutageTest, ComesBackSecondsAfterASilentOutageOfTenMinutes) {
  build_settled_network(6);
  network_.request(1, ListenRequest{kListen, key_});
  network_.run_for(10s);
  network_.set_cut_off(1, true);
  network_.run_for(10min);
  EXPECT_FALSE(directory(1).stats().connected);
  EXPECT_EQ(directory(1).stats().restarts, 1U);
  network_.set_cut_off(1, false);
  ASSERT_TRUE(run_until_connected(1, 13s));
  network_.run_for(2s);
  network_.request(2, put_of(2));
  network_.run_for(2s);
  EXPECT_TRUE(found_by(1).contains(2)) << "the listen was renewed by itself";
}

TEST_F(OpendhtOutageTest, ASilentMinuteEndsInANewNode) {
  build_settled_network(6);
  network_.set_cut_off(1, true);
  network_.run_for(kSilenceMax + kSilenceJitter);
  EXPECT_EQ(directory(1).stats().restarts, 1U);
  ASSERT_EQ(events_of<ConnectivityChanged>(1).size(), 2U);
  EXPECT_FALSE(events_of<ConnectivityChanged>(1).back().connected);
}

/// What only serves has no doors of its own: a member finds it again, by a request.
TEST_F(OpendhtOutageTest, ARequestThatBringsItBackLeavesNoTimerInThePast) {
  build_settled_network(1);
  network_.set_cut_off(kBootstrap, true);
  network_.run_for(45s);
  ASSERT_FALSE(directory(kBootstrap).stats().connected);
  network_.set_cut_off(kBootstrap, false);
  network_.set_tap([this](std::size_t from, const Transmit&) {
    if (from != kBootstrap) return;
    EXPECT_GE(*directory(kBootstrap).next_timeout(), virtual_now().steady);
  });
  EXPECT_TRUE(run_until_connected(kBootstrap, 15s));
  EXPECT_EQ(directory(kBootstrap).stats().restarts, 0U);
}

TEST_F(OpendhtOutageTest, QuietIsNotSilence) {
  build_settled_network(2);
  network_.run_for(2h);
  for (std::size_t host = 0; host <= 2; ++host) {
    EXPECT_EQ(directory(host).stats().restarts, 0U) << host;
    EXPECT_TRUE(directory(host).stats().connected) << host;
  }
}

TEST_F(OpendhtOutageTest, AnswersEveryRequestThatAnOutageSwallows) {
  build_settled_network(6);
  network_.set_cut_off(1, true);
  for (OperationId i = 0; i < 20; ++i) {
    network_.request(1, put_of(1, 100 + i));
    network_.request(1, GetRequest{200 + i, key_});
    network_.run_for(5s);
  }
  network_.run_for(3min);
  for (OperationId i = 0; i < 20; ++i) {
    EXPECT_EQ(put_answer(1, 100 + i), false) << i;
    EXPECT_TRUE(get_answer(1, 200 + i).has_value()) << i;
  }
  EXPECT_EQ(events_of<PutDone>(1).size(), 20U);
  EXPECT_EQ(events_of<GetDone>(1).size(), 20U);
}

TEST_F(OpendhtOutageTest, AMemberThatDiesCostsTheNextOneAtMostTwoSeconds) {
  add_host();
  for (int i = 0; i < 6; ++i) add_mesh_member();
  network_.run_for(60s);
  network_.set_up(3, false);
  const TimePoint start = virtual_now().steady;
  const std::size_t late = add_mesh_member();
  network_.run_for(10s);
  for (const std::size_t member : {1U, 2U, 4U, 5U, 6U}) {
    ASSERT_TRUE(found_by(member).contains(late)) << member;
    EXPECT_LE(found_by(member).at(late) - start, 2s);
  }
  EXPECT_GE(found_by(late).size(), 5U);
}

TEST_F(OpendhtOutageTest, ANewNodeGoesOnKeepingWhatTheOldOneKept) {
  build_settled_network(6);
  network_.request(2, put_of(2));
  network_.run_for(5s);
  const auto kept = directory(1).stats().stored_values;
  ASSERT_GE(kept, 1U);
  network_.set_cut_off(1, true);
  network_.run_for(kSilenceMax + kSilenceJitter);
  ASSERT_EQ(directory(1).stats().restarts, 1U);
  EXPECT_EQ(directory(1).stats().stored_values, kept);
  network_.run_for(10min);
  EXPECT_EQ(directory(1).stats().stored_values, 0U) << "and no longer than that";
}

/// Two bootstrap nodes, known to everyone, and twenty hosts beside each.
class OpendhtHalvesTest : public OpendhtTest {
 protected:
  static constexpr std::size_t kOtherBootstrap = 1;

  OpendhtHalvesTest() {
    add_host(Families::kIpv4);
    add_on_side(1, add_host(Families::kIpv4));
    for (int i = 0; i < 40; ++i) add_on_side(i % 2, add_host());
    network_.run_for(90s);
  }
  std::size_t add_on_side(int side, std::size_t host) {
    sides_[host] = side;
    network_.set_bootstrap(
        host, {testing::test_endpoint_v4(kBootstrap), testing::test_endpoint_v4(kOtherBootstrap)});
    if (apart_) network_.set_side(host, side);
    return host;
  }
  void set_apart(bool apart) {
    apart_ = apart;
    for (const auto& [host, side] : sides_) network_.set_side(host, apart ? side : 0);
  }
  std::size_t add_listener(int side) {
    const std::size_t host = add_on_side(side, add_host());
    network_.request(host, ListenRequest{kListen, key_});
    return host;
  }
  [[nodiscard]] bool entered_twice(std::size_t host) const {
    const auto changes = events_of<ConnectivityChanged>(host);
    return changes.size() == 3 && changes.back().connected;
  }

  std::map<std::size_t, int> sides_;
  bool apart_ = false;
};

TEST_F(OpendhtHalvesTest, WhoJoinedWhileTheyWereApartMeetsSoonAfterwards) {
  set_apart(true);
  network_.run_for(3min);
  const std::size_t west = add_listener(0);
  const std::size_t east = add_listener(1);
  network_.run_for(3min);
  set_apart(false);
  ASSERT_TRUE(network_.run_for(kWatchPause + kWatchJitter + kAnswerPatience,
                               [&] { return entered_twice(west) && entered_twice(east); }));
  network_.request(west, put_of(west));
  network_.request(east, put_of(east));
  network_.request(west, GetRequest{kGet, key_});
  network_.request(east, GetRequest{kGet, key_});
  network_.run_for(5s);
  EXPECT_TRUE(found_by(west).contains(east));
  EXPECT_TRUE(found_by(east).contains(west));
}

TEST_F(OpendhtHalvesTest, WhoHasNothingToLookForStays) {
  set_apart(true);
  network_.run_for(6min);
  set_apart(false);
  network_.run_for(6min);
  EXPECT_EQ(directory(2).stats().restarts, 0U);
}

class OpendhtFamiliesTest : public OpendhtTest, public ::testing::WithParamInterface<Families> {};

TEST_P(OpendhtFamiliesTest, AHostWithOneFamilyDoesNotWaitForTheOther) {
  add_host(Families::kBoth);
  for (int i = 0; i < 8; ++i) add_mesh_member(Families::kBoth);
  network_.run_for(60s);
  const TimePoint start = virtual_now().steady;
  const std::size_t single = add_mesh_member(GetParam());
  ASSERT_TRUE(run_until_connected(single, 1s));
  ASSERT_TRUE(network_.run_for(5s, [&] { return put_answer(single, kPut).has_value(); }));
  EXPECT_EQ(put_answer(single, kPut), true);
  EXPECT_LE(virtual_now().steady - start, 600ms);
  ASSERT_TRUE(network_.run_for(5s, [&] { return get_answer(single, kGet).has_value(); }));
  EXPECT_LE(virtual_now().steady - start, 1s);
  EXPECT_EQ(found_by(single).size(), 8U);
  network_.run_for(2s);
  for (std::size_t member = 1; member <= 8; ++member) {
    EXPECT_TRUE(found_by(member).contains(single)) << member;
  }
}

TEST_P(OpendhtFamiliesTest, ASecondFamilyIsFoundOutAlthoughTheBootstrapHasOnlyOne) {
  add_host(Families::kBoth);
  for (int i = 0; i < 4; ++i) add_member(Families::kBoth);
  network_.run_for(60s);
  const Families entry = GetParam();
  const std::size_t host = add_host(Families::kBoth);
  network_.set_bootstrap(host, endpoints(kBootstrap, entry));
  network_.run_for(5min);
  std::set<AddressFamily> families;
  for (const KnownNode& node : directory(host).known_nodes()) {
    families.insert(node.endpoint.address.family());
  }
  EXPECT_EQ(families.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Families, OpendhtFamiliesTest,
                         ::testing::Values(Families::kIpv4, Families::kIpv6),
                         [](const auto& parameter) {
                           return parameter.param == Families::kIpv4 ? "Ipv4" : "Ipv6";
                         });

}  // namespace
}  // namespace kadwire::dht
