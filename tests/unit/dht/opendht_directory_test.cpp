#include "dht/opendht_directory.h"

#include "tests/unit/dht/opendht_fixture.h"

namespace kadwire::dht {
namespace {

using OpendhtDirectoryTest = OpendhtTest;

/// Everything a network of 12 sends in a minute, in order. Without listening: the library tells
/// listeners in the order of their addresses in memory, so that is repeated only in a new process.
Bytes trace_of_a_network(std::uint64_t seed) {
  testnet::restart_virtual_clock();
  testnet::seed_virtual_random_device(seed);
  testnet::SeededRandom random(seed);
  testing::DirectoryNetwork network([](auto, auto) -> Duration { return 20ms; });
  Bytes trace;
  network.set_tap([&](std::size_t from, const Transmit& transmit) {
    trace.push_back(static_cast<std::byte>(from));
    trace.insert(trace.end(), transmit.payload.begin(), transmit.payload.end());
  });
  const InfoHash key{std::byte{1}};
  for (std::size_t i = 0; i < 12; ++i) {
    network.add(std::make_unique<OpendhtDirectory>(virtual_now(), OpendhtOptions{}, random),
                {testing::test_endpoint_v4(i)});
    network.set_bootstrap(i, {testing::test_endpoint_v4(0)});
    network.request(i, PutRequest{1, key, 100 + i, Bytes(560)});
    network.request(i, GetRequest{2, key});
  }
  network.run_for(60s);
  return trace;
}

TEST_F(OpendhtDirectoryTest, ConnectsInOneRoundTrip) {
  add_host();
  const TimePoint start = virtual_now().steady;
  const std::size_t member = add_member();
  ASSERT_TRUE(run_until_connected(member, 1s));
  EXPECT_EQ(virtual_now().steady - start, 40ms);
  ASSERT_EQ(events_of<ConnectivityChanged>(member).size(), 1U);
  EXPECT_TRUE(events_of<ConnectivityChanged>(member).front().connected);
}

TEST_F(OpendhtDirectoryTest, SixColdMembersFindEachOtherInThreeRoundTripsToTheBootstrap) {
  add_host();
  network_.run_for(5s);
  const TimePoint start = virtual_now().steady;
  for (int i = 0; i < 6; ++i) add_mesh_member();
  network_.run_for(10s);
  for (std::size_t member = 1; member <= 6; ++member) {
    const auto found = found_by(member);
    EXPECT_EQ(found.size(), 5U);
    for (const auto& [owner, when] : found) EXPECT_LE(when - start, 120ms);
  }
}

TEST_F(OpendhtDirectoryTest, ALateMemberAndTheOthersFindEachOtherWithinHalfASecond) {
  add_host();
  for (int i = 0; i < 6; ++i) add_mesh_member();
  network_.run_for(20s);
  const TimePoint start = virtual_now().steady;
  const std::size_t late = add_mesh_member();
  network_.run_for(10s);
  EXPECT_EQ(found_by(late).size(), 6U);
  for (const auto& [owner, when] : found_by(late)) EXPECT_LE(when - start, 500ms);
  for (std::size_t member = 1; member <= 6; ++member) {
    ASSERT_TRUE(found_by(member).contains(late));
    EXPECT_LE(found_by(member).at(late) - start, 400ms);
  }
}

TEST_F(OpendhtDirectoryTest, APutReachesTheListenersOfASettledNetworkInTwoTrips) {
  build_settled_network(50);
  for (std::size_t member = 1; member <= 50; ++member) {
    network_.request(member, ListenRequest{kListen, key_});
  }
  // The first put of a node on a key searches; what it costs is the late member's test.
  network_.request(1, put_of(1));
  network_.run_for(10s);
  const TimePoint start = virtual_now().steady;
  const PutRequest put = put_of(1, 50);
  network_.request(1, put);
  network_.run_for(5s);
  for (std::size_t member = 2; member <= 50; ++member) {
    ASSERT_TRUE(told_of(member, put.value_id)) << member;
    EXPECT_LE(*told_of(member, put.value_id) - start, 80ms);
  }
}

/// A listen that was cancelled is forgotten by the library after three minutes; called at that very
/// moment, it would ask for the same moment again, for ever.
TEST_F(OpendhtDirectoryTest, IsNotCaughtWhenItIsCalledAtTheMomentThatTheLibraryAskedFor) {
  build_settled_network(4);
  network_.request(1, ListenRequest{kListen, key_});
  network_.run_for(5s);
  network_.request(1, CancelRequest{kListen});
  Directory& directory = network_.directory(1);
  const TimePoint end = virtual_now().steady + 4min;
  for (int calls = 0; virtual_now().steady < end; ++calls) {
    ASSERT_LT(calls, 100'000);
    const TimePoint due = directory.next_timeout().value_or(end);
    network_.run_until(std::max(due - 1us, virtual_now().steady));  // it is called 1 us late
    directory.handle_timeout(virtual_now());
    network_.run_for(1us);
  }
}

TEST_F(OpendhtDirectoryTest, FiftyMembersThatStartTogetherAllFindEachOther) {
  add_host();
  network_.run_for(5s);
  const TimePoint start = virtual_now().steady;
  for (int i = 0; i < 50; ++i) add_mesh_member();
  network_.run_for(5s);
  std::size_t quick = 0;
  for (std::size_t member = 1; member <= 50; ++member) {
    EXPECT_EQ(found_by(member).size(), 49U) << member;
    for (const auto& [owner, when] : found_by(member)) quick += when - start <= 1s ? 1 : 0;
  }
  EXPECT_GE(quick, 50U * 49U * 9 / 10);
}

TEST_F(OpendhtDirectoryTest, FindsAHundredValuesOnOneKey) {
  build_settled_network(10);
  for (OperationId i = 0; i < 100; ++i) {
    network_.request(1 + i % 5, put_of(100 + i, 100 + i));
  }
  network_.run_for(10s);
  network_.request(8, GetRequest{kGet, key_});
  network_.request(9, ListenRequest{kListen, key_});
  network_.run_for(5s);
  EXPECT_EQ(found_by(8).size(), 100U);
  EXPECT_EQ(found_by(9).size(), 100U);
  EXPECT_EQ(get_answer(8, kGet), true);
  EXPECT_EQ(directory(8).dropped() + directory(9).dropped(), 0U);
}

TEST_F(OpendhtDirectoryTest, AGetTellsOfAnOwnPutOnceOthersHoldIt) {
  build_settled_network(3);
  const PutRequest put = put_of(1);
  network_.request(1, put);
  network_.run_for(5s);
  network_.request(1, GetRequest{kGet, key_});
  network_.run_for(5s);
  EXPECT_TRUE(told_of(1, put.value_id, kGet));
}

TEST_F(OpendhtDirectoryTest, AGetIsSilentAboutAnOwnPutThatReachedNobody) {
  build_settled_network(3);
  network_.set_cut_off(1, true);
  const PutRequest put = put_of(1);
  network_.request(1, put);
  network_.run_for(1s);
  network_.request(1, GetRequest{kGet, key_});
  network_.run_for(20s);
  EXPECT_EQ(put_answer(1, kPut), false);
  EXPECT_EQ(get_answer(1, kGet), false);
  EXPECT_FALSE(told_of(1, put.value_id, kGet));
}

TEST_F(OpendhtDirectoryTest, AGetAsksTheNetworkEvenWhileListening) {
  build_settled_network(4);
  network_.request(1, ListenRequest{kListen, key_});
  network_.run_for(5s);
  std::size_t asked = 0;
  network_.set_tap([&](std::size_t from, const Transmit& transmit) {
    if (from == 1 && as_text(transmit.payload).find("\xa3get") != std::string_view::npos) ++asked;
  });
  network_.request(1, GetRequest{kGet, key_});
  network_.run_for(5s);
  EXPECT_GE(asked, 4U);
}

TEST_F(OpendhtDirectoryTest, RequestsWaitForTheConnection) {
  add_host();
  const std::size_t early = add_host();
  network_.request(early, put_of(early));
  network_.request(early, GetRequest{kGet, key_});
  network_.run_for(30s);
  EXPECT_TRUE(events_of<PutDone>(early).empty());
  network_.set_bootstrap(early, {testing::test_endpoint_v4(kBootstrap)});
  network_.run_for(5s);
  EXPECT_EQ(put_answer(early, kPut), true);
  EXPECT_EQ(get_answer(early, kGet), true);
}

TEST_F(OpendhtDirectoryTest, ACancelledListenHearsNothingMore) {
  build_settled_network(4);
  network_.request(1, ListenRequest{kListen, key_});
  network_.run_for(5s);
  network_.request(1, CancelRequest{kListen});
  network_.run_for(5s);
  network_.request(2, put_of(2));
  network_.run_for(5s);
  EXPECT_TRUE(found_by(1).empty());
}

/// The library's job that forgets the listen used to go round for ever at its exact moment, which a
/// virtual clock hits.
TEST_F(OpendhtDirectoryTest, TimeGoesOnAfterACancelledListen) {
  build_settled_network(4);
  network_.request(1, ListenRequest{kListen, key_});
  network_.run_for(5s);
  network_.request(1, CancelRequest{kListen});
  network_.run_for(10min);
  network_.request(1, put_of(1));
  network_.run_for(5s);
  EXPECT_EQ(put_answer(1, kPut), true);
}

TEST_F(OpendhtDirectoryTest, EntersThroughSavedNodesMostOfWhichAreGone) {
  build_settled_network(5);
  std::vector<KnownNode> saved;
  for (std::size_t host = 40; host < 70; ++host) {
    saved.push_back({InfoHash{std::byte{1}}, testing::test_endpoint_v4(host)});
  }
  saved.push_back({InfoHash{std::byte{2}}, testing::test_endpoint_v4(3)});
  OpendhtOptions options;
  options.saved_nodes = saved;
  const std::size_t host = add_host(Families::kIpv4, options);
  EXPECT_TRUE(run_until_connected(host, 2s));
  EXPECT_FALSE(directory(host).known_nodes().empty());
}

TEST_F(OpendhtDirectoryTest, KillPacketsAreRefusedAndTheNodeServesOn) {
  build_settled_network(3);
  const Endpoint stranger = testing::test_endpoint_v4(500);
  for (const char* packet : {"81a16590", "83a17201a174ce00000001a179a172", "", "c1", "80"}) {
    directory(1).handle_datagram(virtual_now(), stranger, *from_hex(packet));
  }
  EXPECT_EQ(directory(1).stats().packets_refused, 5U);
  EXPECT_EQ(directory(1).refused(GuardVerdict::kMissingKey), 1U);
  network_.request(2, ListenRequest{kListen, key_});
  network_.request(1, put_of(1));
  network_.run_for(5s);
  EXPECT_EQ(put_answer(1, kPut), true);
  EXPECT_TRUE(found_by(2).contains(1));
}

TEST_F(OpendhtDirectoryTest, AnnouncedFragmentsAreLimitedAcrossAllSenders) {
  build_settled_network(2);
  ByteWriter flood;
  flood.text("\x83\xa1r\x82\xa2id\xc4\x14").raw(Bytes(20, std::byte{7}));
  flood.text("\xa6values\xdc").be16(1024);
  for (int i = 0; i < 1024; ++i) flood.u8(100);
  flood.text("\xa1t\xce").be32(1).text("\xa1y\xa1r");
  for (std::size_t i = 0; i < 100; ++i) {
    directory(1).handle_datagram(virtual_now(), testing::test_endpoint_v4(600 + i), flood.view());
  }
  EXPECT_EQ(directory(1).stats().packets_refused, 100U - kAnnouncedValuesBurst / 1024);
  network_.run_for(1s);
  directory(1).handle_datagram(virtual_now(), testing::test_endpoint_v4(600), flood.view());
  EXPECT_EQ(directory(1).stats().packets_refused, 100U - kAnnouncedValuesBurst / 1024);
}

TEST_F(OpendhtDirectoryTest, ValuesOfOthersStayWithinTheirBound) {
  OpendhtOptions small;
  small.store_bytes_max = 4096;
  add_host(Families::kIpv4, small);
  add_member();
  network_.run_for(5s);
  for (OperationId i = 1; i <= 40; ++i) {
    PutRequest put = put_of(1, i);
    put.key[19] = static_cast<std::byte>(i);
    network_.request(1, put);
    network_.run_for(200ms);
  }
  EXPECT_GT(directory(kBootstrap).stats().stored_values, 0U);
  EXPECT_LE(directory(kBootstrap).stats().stored_bytes, 4096U);
}

TEST_F(OpendhtDirectoryTest, CanBeDestroyedInTheMiddleOfEverything) {
  build_settled_network(5);
  {
    OpendhtDirectory short_lived(virtual_now(), {}, random_);
    short_lived.set_bootstrap(virtual_now(), {});
    short_lived.request(virtual_now(), ListenRequest{kListen, key_});
  }
  for (std::size_t member = 1; member <= 5; ++member) {
    network_.request(member, ListenRequest{kListen, key_});
    network_.request(member, put_of(member));
    network_.request(member, GetRequest{kGet, key_});
  }
  network_.run_for(50ms);  // the fixture goes with all of that under way
  EXPECT_FALSE(put_answer(1, kPut));
}

TEST_F(OpendhtDirectoryTest, TheSameSeedGivesTheSameDatagrams) {
  const auto first = trace_of_a_network(5);
  EXPECT_TRUE(first == trace_of_a_network(5));
  EXPECT_FALSE(first == trace_of_a_network(6));
  EXPECT_GT(first.size(), 10'000U);
}

}  // namespace
}  // namespace kadwire::dht
