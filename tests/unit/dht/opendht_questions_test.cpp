#include "dht/opendht_directory.h"
#include "tests/unit/dht/opendht_fixture.h"

namespace kadwire::dht {
namespace {

/// Lists of ids and gets of one id, asked of real nodes.
class OpendhtQuestionsTest : public OpendhtTest {
 protected:
  static constexpr OperationId kList = 10;
  static constexpr OperationId kFetch = 11;

  /// Values of several hosts under the one key, with ids from the first returned to the last.
  std::vector<std::uint64_t> put_values(std::size_t count, std::size_t owners) {
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i < count; ++i) {
      const PutRequest put = put_of(1 + i % owners, 1000 + i);
      ids.push_back(put.value_id);
      network_.request(1 + i % owners, put);
    }
    network_.run_for(10s);
    return ids;
  }
  [[nodiscard]] std::set<std::uint64_t> ids_found(std::size_t host, OperationId operation) const {
    std::set<std::uint64_t> ids;
    for (const IdsFound& found : events_of<IdsFound>(host)) {
      if (found.operation == operation) ids.insert(found.ids.begin(), found.ids.end());
    }
    return ids;
  }
  /// What this request makes the host send until it is answered.
  std::size_t datagrams_of(std::size_t host, const DirectoryRequest& request,
                           OperationId operation) {
    std::size_t sent = 0;
    network_.set_tap([&](std::size_t from, const Transmit&) { sent += from == host ? 1 : 0; });
    network_.request(host, request);
    network_.run_for(10s, [&] { return get_answer(host, operation).has_value(); });
    network_.set_tap({});
    EXPECT_EQ(get_answer(host, operation), true);
    return sent;
  }
};

TEST_F(OpendhtQuestionsTest, AListNamesEveryValueAndFetchesNone) {
  build_settled_network(20);
  const auto ids = put_values(100, 5);
  network_.request(10, ListIdsRequest{kList, key_});
  network_.run_for(5s);
  EXPECT_EQ(ids_found(10, kList), std::set(ids.begin(), ids.end()));
  EXPECT_EQ(get_answer(10, kList), true);
  EXPECT_TRUE(events_of<ValuesFound>(10).empty());
  for (std::size_t host = 0; host < network_.size(); ++host) {
    EXPECT_EQ(directory(host).stats().packets_refused, 0U) << host;
  }
}

TEST_F(OpendhtQuestionsTest, AListOfAHundredValuesCostsTensOfDatagramsAndAGetHundreds) {
  build_settled_network(20);
  put_values(100, 5);
  network_.request(10, ListenRequest{kListen, key_});
  network_.run_for(5s);
  EXPECT_LE(datagrams_of(10, ListIdsRequest{kList, key_}, kList), 40U);
  EXPECT_GE(datagrams_of(10, GetRequest{kGet, key_}, kGet), 800U);
}

TEST_F(OpendhtQuestionsTest, AListAsksTheNetworkEvenWhileListening) {
  build_settled_network(10);
  const auto ids = put_values(3, 3);
  network_.request(5, ListenRequest{kListen, key_});
  network_.run_for(5s);
  for (OperationId list = kList; list < kList + 3; ++list) {
    EXPECT_GE(datagrams_of(5, ListIdsRequest{list, key_}, list), 8U);
    EXPECT_EQ(ids_found(5, list).size(), ids.size());
  }
}

TEST_F(OpendhtQuestionsTest, AListNamesTheNewestValueTooWhileListening) {
  build_settled_network(10);
  network_.request(5, ListenRequest{kListen, key_});
  put_values(3, 3);
  EXPECT_GE(datagrams_of(5, ListIdsRequest{kList, key_}, kList), 8U);
  const auto newest = put_values(1, 1);
  EXPECT_GE(datagrams_of(5, ListIdsRequest{kList + 1, key_}, kList + 1), 8U);
  EXPECT_FALSE(ids_found(5, kList).contains(newest[0]));
  EXPECT_TRUE(ids_found(5, kList + 1).contains(newest[0]));
}

TEST_F(OpendhtQuestionsTest, AnEmptyKeysListIsEmptyAndAnswered) {
  build_settled_network(10);
  network_.request(5, ListIdsRequest{kList, key_});
  network_.run_for(5s);
  EXPECT_TRUE(ids_found(5, kList).empty());
  EXPECT_EQ(get_answer(5, kList), true);
}

TEST_F(OpendhtQuestionsTest, AGetByIdBringsThatValueAlone) {
  build_settled_network(20);
  const auto ids = put_values(50, 5);
  network_.request(10, ListenRequest{kListen, key_ /* its answers are others */});
  network_.run_for(5s);
  const std::size_t sent = datagrams_of(10, GetRequest{kFetch, key_, ids[20]}, kFetch);
  EXPECT_LE(sent, 60U);
  for (const std::uint64_t id : ids) {
    EXPECT_EQ(told_of(10, id, kFetch).has_value(), id == ids[20]) << id;
  }
}

TEST_F(OpendhtQuestionsTest, ManyGetsByIdAtOnceAreAllAnswered) {
  build_settled_network(20);
  const auto ids = put_values(50, 5);
  for (OperationId i = 0; i < 16; ++i) {
    network_.request(10, GetRequest{kFetch + i, key_, ids[i]});
  }
  network_.run_for(10s);
  for (OperationId i = 0; i < 16; ++i) {
    EXPECT_EQ(get_answer(10, kFetch + i), true) << i;
    EXPECT_TRUE(told_of(10, ids[i], kFetch + i)) << i;
  }
}

TEST_F(OpendhtQuestionsTest, QuestionsAboutOneKeyMadeTogetherAreAllAnsweredWell) {
  build_settled_network(20);
  const auto ids = put_values(20, 5);
  network_.request(10, GetRequest{kGet, key_});
  network_.request(10, ListIdsRequest{kList, key_});
  network_.request(10, ListIdsRequest{kList + 20, key_});
  network_.request(10, GetRequest{kFetch, key_, ids[3]});
  network_.request(10, GetRequest{kFetch + 20, key_, ids[3]});
  network_.request(10, GetRequest{kGet + 100, key_});
  network_.run_for(8s);
  for (const OperationId each :
       {kGet, kList, kList + 20, kFetch, kFetch + 20, kGet + OperationId{100}}) {
    EXPECT_EQ(get_answer(10, each), true) << each;
  }
  EXPECT_EQ(ids_found(10, kList).size(), 20U);
  EXPECT_EQ(ids_found(10, kList + 20).size(), 20U);
  EXPECT_TRUE(told_of(10, ids[3], kFetch));
  EXPECT_TRUE(told_of(10, ids[3], kFetch + 20));
}

/// A small network: every node stores everything itself.
TEST_F(OpendhtQuestionsTest, AListNamesWhatOthersHoldBesideItsOwnStore) {
  build_settled_network(6);
  put_values(1, 1);
  const std::size_t host = 6;
  network_.set_cut_off(host, true);
  const auto missed = put_values(5, 3);
  network_.set_cut_off(host, false);
  ASSERT_GT(directory(host).stats().stored_values, 0U);
  network_.request(host, ListIdsRequest{kList, key_});
  network_.run_for(5s);
  const auto found = ids_found(host, kList);
  for (const std::uint64_t id : missed) EXPECT_TRUE(found.contains(id)) << id;
}

/// In a small network every node stores everything itself.
TEST_F(OpendhtQuestionsTest, AGetByIdAndAListTellOfAnOwnPutOnceOthersHoldIt) {
  build_settled_network(3);
  const auto ids = put_values(1, 1);
  network_.request(1, GetRequest{kFetch, key_, ids[0]});
  network_.request(1, ListIdsRequest{kList, key_});
  network_.run_for(5s);
  EXPECT_TRUE(ids_found(1, kList).contains(ids[0]));
  EXPECT_TRUE(told_of(1, ids[0], kFetch));
}

TEST_F(OpendhtQuestionsTest, AGetByIdAndAListAreSilentAboutAnOwnPutThatReachedNobody) {
  build_settled_network(3);
  network_.request(1, GetRequest{kGet, key_});  // the way is known, so that the put is stored here
  network_.run_for(5s);
  network_.set_cut_off(1, true);
  const auto ids = put_values(1, 1);
  network_.request(1, GetRequest{kFetch, key_, ids[0]});
  network_.request(1, ListIdsRequest{kList, key_});
  network_.run_for(20s);
  ASSERT_GT(directory(1).stats().stored_values, 0U);
  network_.run_for(kSilenceMax + kOperationPatience);  // it may first wait for the network
  EXPECT_EQ(get_answer(1, kFetch), false);
  EXPECT_FALSE(told_of(1, ids[0], kFetch));
  EXPECT_FALSE(ids_found(1, kList).contains(ids[0]));
}

TEST_F(OpendhtQuestionsTest, AListWaitsForTheConnection) {
  add_host();
  const std::size_t early = add_host();
  network_.request(early, ListIdsRequest{kList, key_});
  network_.run_for(30s);
  EXPECT_FALSE(get_answer(early, kList));
  network_.set_bootstrap(early, {testing::test_endpoint_v4(kBootstrap)});
  network_.run_for(5s);
  EXPECT_EQ(get_answer(early, kList), true);
}

}  // namespace
}  // namespace kadwire::dht
