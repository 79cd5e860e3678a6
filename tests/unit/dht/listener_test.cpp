#include "dht/listener.h"

#include <gtest/gtest.h>

#include "dht/sealed_value.h"
#include "tests/support/advance.h"
#include "tests/support/test_mesh.h"

namespace kadwire::dht {
namespace {

using testing::kNoonTwenty;

class ListenerTest : public ::testing::Test {
 protected:
  void run_for(Duration duration) {
    const TimePoint end = now_.steady + duration;
    while (const auto due = listener_.next_timeout()) {
      if (*due > end) break;
      if (*due > now_.steady) testing::advance(now_, *due - now_.steady);
      listener_.handle_timeout(now_);
      ASSERT_TRUE(*listener_.next_timeout() > now_.steady) << "a timer that stays due spins";
    }
    testing::advance(now_, end - now_.steady);
  }
  void start() {
    listener_.start(now_);
    listener_.handle_event(now_, ConnectivityChanged{true});
    for (auto& request : requests()) {
      if (const auto* listen = std::get_if<ListenRequest>(&request)) listen_ = listen->operation;
    }
  }
  std::vector<DirectoryRequest> requests() {
    std::vector<DirectoryRequest> all;
    while (auto request = listener_.poll_request()) all.push_back(std::move(*request));
    return all;
  }
  template <typename Request>
  static std::vector<Request> only(const std::vector<DirectoryRequest>& all) {
    std::vector<Request> chosen;
    for (const auto& request : all) {
      if (const auto* match = std::get_if<Request>(&request)) chosen.push_back(*match);
    }
    return chosen;
  }
  Bytes sealed(Hour hour, std::uint8_t mark = 1) {
    return seal_value(mesh_.keys(), topic_of(mesh_.keys(), hour), Bytes(20, std::byte{mark}),
                      mesh_.random());
  }
  void hear(OperationId operation, Bytes value, std::uint64_t value_id = 5) {
    listener_.handle_event(now_, ValuesFound{operation, {{value_id, std::move(value)}}});
  }
  /// Runs until the next question for ids, at most this long.
  std::optional<OperationId> question_within(Duration at_most) {
    const TimePoint end = now_.steady + at_most;
    while (now_.steady < end) {
      run_for(1s);
      const auto lists = only<ListIdsRequest>(requests());
      if (!lists.empty()) return lists.back().operation;
    }
    return std::nullopt;
  }
  /// Answers a question with these ids, and returns what is fetched because of it.
  std::vector<GetRequest> answer(OperationId question, std::vector<std::uint64_t> ids) {
    listener_.handle_event(now_, IdsFound{question, std::move(ids)});
    listener_.handle_event(now_, GetDone{question, true});
    return only<GetRequest>(requests());
  }
  std::size_t records() {
    std::size_t count = 0;
    while (listener_.poll_record()) ++count;
    return count;
  }

  testing::TestMesh mesh_{1};
  OperationIds operations_;
  Listener listener_{mesh_.keys(), mesh_.random(), operations_};
  Now now_{TimePoint{1000h}, kNoonTwenty};
  Hour hour_ = hour_of(kNoonTwenty);
  OperationId listen_ = 0;
};

TEST_F(ListenerTest, AsksNothingBeforeItIsStartedAndConnected) {
  listener_.handle_event(now_, ConnectivityChanged{true});
  EXPECT_TRUE(requests().empty());
  EXPECT_FALSE(listener_.next_timeout());
  listener_.handle_event(now_, ConnectivityChanged{false});
  listener_.start(now_);
  EXPECT_TRUE(requests().empty());
  EXPECT_FALSE(listener_.next_timeout());
}

TEST_F(ListenerTest, ListensAndGetsAtOnce) {
  listener_.start(now_);
  listener_.handle_event(now_, ConnectivityChanged{true});
  const auto all = requests();
  const auto listens = only<ListenRequest>(all);
  const auto gets = only<GetRequest>(all);
  ASSERT_EQ(listens.size(), 1U);
  ASSERT_EQ(gets.size(), 1U);
  EXPECT_EQ(listens[0].key, topic_of(mesh_.keys(), hour_).key);
  EXPECT_EQ(gets[0].key, listens[0].key);
  EXPECT_NE(gets[0].operation, listens[0].operation);
}

TEST_F(ListenerTest, AfterTheFirstLookItAsksForIdsOnly) {
  start();
  run_for(20min);
  const auto all = requests();
  EXPECT_TRUE(only<GetRequest>(all).empty());
  const auto lists = only<ListIdsRequest>(all);
  EXPECT_GE(lists.size(), 4U);
  for (const auto& list : lists) EXPECT_EQ(list.key, topic_of(mesh_.keys(), hour_).key);
}

TEST_F(ListenerTest, FetchesByIdWhatTheListeningDidNotBring) {
  start();
  hear(listen_, sealed(hour_), 7);
  const auto question = question_within(kBackingPauseFirst);
  ASSERT_TRUE(question);
  const auto fetches = answer(*question, {7, 8});
  ASSERT_EQ(fetches.size(), 1U);
  EXPECT_EQ(fetches[0].key, topic_of(mesh_.keys(), hour_).key);
  EXPECT_EQ(fetches[0].value_id, 8U);
  records();
  hear(fetches[0].operation, sealed(hour_, 9), 8);
  EXPECT_EQ(records(), 1U);
}

TEST_F(ListenerTest, AnIdUnderWhichOnlyAForgeryWasHeardIsFetched) {
  start();
  Bytes copy = sealed(hour_);
  hear(listen_, copy, 7);
  copy.back() ^= std::byte{1};
  hear(listen_, copy, 8);  // a known nonce
  hear(listen_, Bytes(kSealedValueBytes, std::byte{3}), 9);
  const auto question = question_within(kBackingPauseFirst);
  ASSERT_TRUE(question);
  EXPECT_EQ(answer(*question, {7, 8, 9}).size(), 2U);
}

TEST_F(ListenerTest, AsksSoonAgainAfterAFetchBroughtNews) {
  start();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(question_within(kBackingPauseLast));
  const auto question = question_within(kBackingPauseLast);
  ASSERT_TRUE(question);
  const auto fetches = answer(*question, {8});
  ASSERT_EQ(fetches.size(), 1U);
  hear(fetches[0].operation, sealed(hour_), 8);
  EXPECT_TRUE(question_within(kBackingPauseFirst + 1s));
}

TEST_F(ListenerTest, AFetchOfNothingNewIsNoReasonToAskSoon) {
  start();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(question_within(kBackingPauseLast));
  const auto question = question_within(kBackingPauseLast);
  ASSERT_TRUE(question);
  const auto fetches = answer(*question, {8});
  ASSERT_EQ(fetches.size(), 1U);
  hear(fetches[0].operation, Bytes(10), 8);
  EXPECT_FALSE(question_within(kBackingPauseFirst + 1s));
}

TEST_F(ListenerTest, TheAnswerToAnOldQuestionFetchesNothing) {
  start();
  const auto first = question_within(kBackingPauseFirst);
  ASSERT_TRUE(first);
  ASSERT_TRUE(question_within(kBackingPauseLast));
  EXPECT_TRUE(answer(*first, {8}).empty());
}

TEST_F(ListenerTest, OpensWhatAMemberSealed) {
  start();
  hear(listen_, sealed(hour_, 9));
  const auto received = listener_.poll_record();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->record, Bytes(20, std::byte{9}));
  EXPECT_EQ(received->hour, hour_);
  EXPECT_FALSE(received->outside_hours);
}

TEST_F(ListenerTest, HandsOutAValueOnceHoweverOftenItComes) {
  start();
  const Bytes value = sealed(hour_);
  for (int i = 0; i < 3; ++i) hear(listen_, value);
  EXPECT_EQ(records(), 1U);
  run_for(5min);
  hear(listen_, value);
  EXPECT_EQ(records(), 0U);
}

TEST_F(ListenerTest, AForgeryWithATrueValuesNonceKeepsNothingOut) {
  start();
  const Bytes value = sealed(hour_);
  Bytes forgery = value;
  forgery.back() ^= std::byte{1};
  hear(listen_, forgery);
  EXPECT_EQ(records(), 0U);
  hear(listen_, value);
  EXPECT_EQ(records(), 1U);
}

TEST_F(ListenerTest, CountsAndDropsWhatStrangersStored) {
  start();
  for (const std::size_t size : {0U, 23U, 24U, 559U, 560U, 561U, 60'000U}) {
    hear(listen_, Bytes(size, std::byte{3}));
  }
  hear(listen_, sealed(hour_ + 1));  // copied from another hour
  EXPECT_EQ(records(), 0U);
  EXPECT_EQ(listener_.foreign_values(), 8U);
}

TEST_F(ListenerTest, OthersOperationsAreIgnored) {
  start();
  hear(999, sealed(hour_));
  hear(0, sealed(hour_));
  EXPECT_EQ(records(), 0U);
}

TEST_F(ListenerTest, HearsTheAnswerOfItsFirstLook) {
  listener_.start(now_);
  listener_.handle_event(now_, ConnectivityChanged{true});
  const auto gets = only<GetRequest>(requests());
  ASSERT_EQ(gets.size(), 1U);
  EXPECT_FALSE(gets[0].value_id);
  hear(gets[0].operation, sealed(hour_));
  EXPECT_EQ(records(), 1U);
}

TEST_F(ListenerTest, HoldsABoundedNumberOfRecordsAndMeetsTheRestLater) {
  start();
  std::vector<Bytes> values;
  for (std::size_t i = 0; i < kReceivedRecordsMax + 10; ++i) values.push_back(sealed(hour_));
  for (const Bytes& value : values) hear(listen_, value);
  EXPECT_EQ(records(), kReceivedRecordsMax);
  for (const Bytes& value : values) hear(listen_, value);
  EXPECT_EQ(records(), 10U);
}

TEST_F(ListenerTest, RemembersAtLeastTheLastGenerationOfValues) {
  start();
  const Bytes first = sealed(hour_);
  hear(listen_, first);
  for (std::size_t i = 0; i < kIdsPerGenerationMax - 1; ++i) {
    hear(listen_, sealed(hour_));
    records();
  }
  hear(listen_, first);
  EXPECT_EQ(records(), 0U);
}

TEST_F(ListenerTest, ForgetsValuesThatHaveLongExpired) {
  start();
  const Bytes value = sealed(hour_);
  hear(listen_, value);
  EXPECT_EQ(records(), 1U);
  testing::advance(now_, kOpenedValueMemory - 1s);
  hear(listen_, value);
  EXPECT_EQ(records(), 0U);
  testing::advance(now_, kOpenedValueMemory + 1s);
  hear(listen_, value);
  EXPECT_EQ(records(), 1U) << "or a member's memory would grow for days";
}

TEST_F(ListenerTest, FollowsTheHoursAndCancelsWhatIsOver) {
  now_.wall = std::chrono::floor<std::chrono::hours>(kNoonTwenty) + 49min;
  start();
  const OperationId old = listen_;
  run_for(1min + 1ms);  // wall clocks are read in whole milliseconds
  auto listens = only<ListenRequest>(requests());
  ASSERT_EQ(listens.size(), 1U);
  EXPECT_EQ(listens[0].key, topic_of(mesh_.keys(), hour_ + 1).key);
  run_for(20min - 2ms);
  EXPECT_TRUE(only<CancelRequest>(requests()).empty());
  run_for(2ms);
  const auto cancels = only<CancelRequest>(requests());
  ASSERT_EQ(cancels.size(), 1U);
  EXPECT_EQ(cancels[0].operation, old);
  hear(old, sealed(hour_));
  EXPECT_EQ(records(), 0U);
}

TEST_F(ListenerTest, AsksTheNeighbouringHoursOnceEach) {
  start();
  listener_.ask_neighbouring_hours(now_);
  const auto all = requests();
  const auto gets = only<GetRequest>(all);
  ASSERT_EQ(gets.size(), 2U);
  EXPECT_TRUE(only<ListenRequest>(all).empty());
  EXPECT_EQ(gets[0].key, topic_of(mesh_.keys(), hour_ - 1).key);
  EXPECT_EQ(gets[1].key, topic_of(mesh_.keys(), hour_ + 1).key);
  hear(gets[1].operation, sealed(hour_ + 1));
  const auto received = listener_.poll_record();
  ASSERT_TRUE(received);
  EXPECT_TRUE(received->outside_hours);
  for (const auto& get : gets) listener_.handle_event(now_, GetDone{get.operation, true});
  hear(gets[0].operation, sealed(hour_ - 1));
  EXPECT_EQ(records(), 0U);
  run_for(10min);
  const auto later = requests();
  EXPECT_TRUE(only<GetRequest>(later).empty());
  for (const auto& list : only<ListIdsRequest>(later)) {
    EXPECT_EQ(list.key, topic_of(mesh_.keys(), hour_).key);
  }
}

TEST_F(ListenerTest, AValueSeenOutsideItsHourCountsAgainInsideIt) {
  start();
  listener_.ask_neighbouring_hours(now_);
  const auto gets = only<GetRequest>(requests());
  const Bytes value = sealed(hour_ + 1);
  hear(gets[1].operation, value);
  EXPECT_EQ(records(), 1U);
  now_.wall += 1h;  // the clock was set right
  run_for(kBackingPauseFirst);
  const auto listens = only<ListenRequest>(requests());
  ASSERT_EQ(listens.size(), 1U);
  hear(listens[0].operation, value);
  const auto received = listener_.poll_record();
  ASSERT_TRUE(received);
  EXPECT_FALSE(received->outside_hours);
}

TEST_F(ListenerTest, LooksAtEverythingAgainAtOnceAfterAnOutage) {
  start();
  listener_.handle_event(now_, ConnectivityChanged{false});
  EXPECT_FALSE(listener_.next_timeout());
  testing::advance(now_, 5s);
  requests();
  listener_.handle_event(now_, ConnectivityChanged{true});
  const auto all = requests();
  EXPECT_EQ(only<GetRequest>(all).size(), 1U);
  EXPECT_TRUE(only<ListenRequest>(all).empty()) << "listening outlives an outage by itself";
}

}  // namespace
}  // namespace kadwire::dht
