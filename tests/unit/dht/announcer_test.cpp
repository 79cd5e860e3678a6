#include "dht/announcer.h"

#include <gtest/gtest.h>

#include <set>

#include "dht/sealed_value.h"
#include "tests/support/advance.h"
#include "tests/support/test_mesh.h"

namespace kadwire::dht {
namespace {

using testing::kNoonTwenty;

class AnnouncerTest : public ::testing::Test {
 protected:
  void start_at(WallTime wall) { now_ = {TimePoint{1000h}, wall}; }
  /// Runs the announcer's own timers for so long; requests pile up.
  void run_for(Duration duration) {
    const TimePoint end = now_.steady + duration;
    while (const auto due = announcer_.next_timeout()) {
      if (*due > end) break;
      if (*due > now_.steady) testing::advance(now_, *due - now_.steady);
      announcer_.handle_timeout(now_);
      ASSERT_TRUE(!announcer_.next_timeout() || *announcer_.next_timeout() > now_.steady)
          << "a timer that stays due spins";
    }
    testing::advance(now_, end - now_.steady);
  }
  void connect(bool connected = true) {
    announcer_.handle_event(now_, ConnectivityChanged{connected});
  }
  std::vector<DirectoryRequest> requests() {
    std::vector<DirectoryRequest> all;
    while (auto request = announcer_.poll_request()) all.push_back(std::move(*request));
    return all;
  }
  template <typename Request>
  std::vector<Request> requests_of() {
    std::vector<Request> chosen;
    for (DirectoryRequest& request : requests()) {
      if (auto* match = std::get_if<Request>(&request)) chosen.push_back(std::move(*match));
    }
    return chosen;
  }
  /// Takes the one put that waits, and says it was accepted.
  PutRequest accept_put() {
    auto puts = requests_of<PutRequest>();
    EXPECT_EQ(puts.size(), 1U);
    announcer_.handle_event(now_, PutDone{puts.at(0).operation, true});
    return puts.at(0);
  }
  /// The arrival check that follows an accepted put finds `value`, or nothing.
  void check_finds(std::optional<Bytes> value) {
    run_for(kArrivalCheckDelay);
    const auto gets = requests_of<GetRequest>();
    ASSERT_EQ(gets.size(), 1U);
    if (value) {
      announcer_.handle_event(now_, ValuesFound{gets[0].operation, {{1, Bytes{}}, {2, *value}}});
    }
    announcer_.handle_event(now_, GetDone{gets[0].operation, true});
  }

  testing::TestMesh mesh_{1};
  OperationIds operations_;
  Announcer announcer_{mesh_.keys(), mesh_.random(), operations_};
  Now now_{TimePoint{1000h}, kNoonTwenty};
  Bytes record_ = Bytes(100, std::byte{7});
};

TEST_F(AnnouncerTest, SaysNothingUntilThereIsARecordAndADirectory) {
  EXPECT_FALSE(announcer_.next_timeout());
  connect();
  EXPECT_FALSE(announcer_.next_timeout());
  EXPECT_TRUE(requests().empty());
  connect(false);
  announcer_.set_record(now_, record_);
  EXPECT_FALSE(announcer_.next_timeout());
  EXPECT_TRUE(requests().empty());
  connect();
  EXPECT_EQ(requests_of<PutRequest>().size(), 1U);
}

TEST_F(AnnouncerTest, PutsTheSealedRecordUnderTheHoursTopic) {
  announcer_.set_record(now_, record_);
  connect();
  const PutRequest put = accept_put();
  const Topic topic = topic_of(mesh_.keys(), hour_of(now_.wall));
  EXPECT_EQ(put.key, topic.key);
  EXPECT_NE(put.value_id, 0U);
  EXPECT_LE(put.value_id, 0xffff'ffffU);
  EXPECT_EQ(open_value(mesh_.keys(), topic, put.value), record_);
}

TEST_F(AnnouncerTest, CountsAPutOnlyAfterAGetHasSeenThoseVeryBytes) {
  announcer_.set_record(now_, record_);
  connect();
  const PutRequest put = accept_put();
  EXPECT_TRUE(announcer_.accepted());
  EXPECT_FALSE(announcer_.confirmed());
  check_finds(put.value);
  EXPECT_TRUE(announcer_.confirmed());
  run_for(kReannounceShortest - 1s);
  EXPECT_TRUE(requests().empty());
}

TEST_F(AnnouncerTest, ChecksTheArrivalByTheIdOfItsPut) {
  announcer_.set_record(now_, record_);
  connect();
  const PutRequest put = accept_put();
  run_for(kArrivalCheckDelay);
  const auto gets = requests_of<GetRequest>();
  ASSERT_EQ(gets.size(), 1U);
  EXPECT_EQ(gets[0].key, put.key);
  EXPECT_EQ(gets[0].value_id, put.value_id);
}

TEST_F(AnnouncerTest, AnotherValueUnderItsIdIsNoProof) {
  announcer_.set_record(now_, record_);
  connect();
  const PutRequest put = accept_put();
  run_for(kArrivalCheckDelay);
  const auto gets = requests_of<GetRequest>();
  ASSERT_EQ(gets.size(), 1U);
  announcer_.handle_event(now_, ValuesFound{gets[0].operation, {{put.value_id, Bytes(560)}}});
  announcer_.handle_event(now_, IdsFound{gets[0].operation, {put.value_id}});
  announcer_.handle_event(now_, GetDone{gets[0].operation, true});
  EXPECT_FALSE(announcer_.confirmed());
}

TEST_F(AnnouncerTest, PutsAgainUnderAFreshIdWhatNobodySees) {
  announcer_.set_record(now_, record_);
  connect();
  std::set<std::uint64_t> ids{accept_put().value_id};
  check_finds(std::nullopt);
  EXPECT_FALSE(announcer_.confirmed());
  EXPECT_FALSE(announcer_.accepted());
  run_for(kPutRetryFirst);
  ids.insert(accept_put().value_id);
  EXPECT_EQ(ids.size(), 2U);
}

TEST_F(AnnouncerTest, AnotherMembersValueIsNoProof) {
  announcer_.set_record(now_, record_);
  connect();
  accept_put();
  check_finds(seal_value(mesh_.keys(), topic_of(mesh_.keys(), hour_of(now_.wall)), record_,
                         mesh_.random()));
  EXPECT_FALSE(announcer_.confirmed());
}

TEST_F(AnnouncerTest, BacksOffFromADirectoryThatRefusesToAMinute) {
  announcer_.set_record(now_, record_);
  connect();
  std::size_t puts = 0;
  const TimePoint start = now_.steady;
  while (now_.steady - start < 1h) {
    for (const PutRequest& put : requests_of<PutRequest>()) {
      ++puts;
      announcer_.handle_event(now_, PutDone{put.operation, false});
    }
    run_for(100ms);
  }
  EXPECT_GE(puts, 60U);
  EXPECT_LE(puts, 150U) << "between 30 and 60 s apart";
}

TEST_F(AnnouncerTest, GivesUpARequestThatIsNeverAnswered) {
  announcer_.set_record(now_, record_);
  connect();
  ASSERT_EQ(requests_of<PutRequest>().size(), 1U);
  run_for(kRequestPatience + kPutRetryFirst);
  const PutRequest put = accept_put();
  run_for(kArrivalCheckDelay);
  ASSERT_EQ(requests_of<GetRequest>().size(), 1U);
  run_for(kRequestPatience + kPutRetryLast);
  EXPECT_GE(requests_of<PutRequest>().size(), 1U);
}

TEST_F(AnnouncerTest, RenewsAConfirmedRecordBeforeItExpires) {
  announcer_.set_record(now_, record_);
  connect();
  PutRequest put = accept_put();
  for (int round = 0; round < 4; ++round) {
    check_finds(put.value);
    ASSERT_TRUE(announcer_.confirmed());
    const TimePoint confirmed = now_.steady;
    std::vector<PutRequest> puts;
    while (puts.empty() && now_.steady - confirmed < 10min) {
      run_for(1s);
      puts = requests_of<PutRequest>();
    }
    ASSERT_EQ(puts.size(), 1U);
    EXPECT_GE(now_.steady - confirmed, kReannounceShortest);
    EXPECT_LE(now_.steady - confirmed, kReannounceLongest + 1s);
    EXPECT_NE(puts[0].value_id, put.value_id);
    put = puts[0];
    announcer_.handle_event(now_, PutDone{put.operation, true});
  }
}

TEST_F(AnnouncerTest, PutsAgainWhenToldThatSomebodyMissedIt) {
  announcer_.set_record(now_, record_);
  connect();
  announcer_.announce_again(now_);  // a put is under way already
  const Bytes first = accept_put().value;
  check_finds(first);
  announcer_.announce_again(now_);
  EXPECT_NE(accept_put().value, first);
}

TEST_F(AnnouncerTest, AnEarlierRecordsAnswerConfirmsNothing) {
  announcer_.set_record(now_, record_);
  connect();
  const auto first = requests_of<PutRequest>();
  announcer_.set_record(now_, Bytes(50, std::byte{8}));
  announcer_.handle_event(now_, PutDone{first.at(0).operation, true});
  EXPECT_FALSE(announcer_.accepted());
  accept_put();
  EXPECT_TRUE(announcer_.accepted());
}

TEST_F(AnnouncerTest, OthersOperationsAreIgnored) {
  announcer_.set_record(now_, record_);
  connect();
  accept_put();
  const auto due = announcer_.next_timeout();
  announcer_.handle_event(now_, PutDone{999, false});
  announcer_.handle_event(now_, GetDone{999, true});
  announcer_.handle_event(now_, ValuesFound{999, {}});
  announcer_.handle_event(now_, PutDone{0, true});
  EXPECT_EQ(announcer_.next_timeout(), due);
  EXPECT_TRUE(announcer_.accepted());
}

TEST_F(AnnouncerTest, FollowsTheHoursWithTwoTopicsInTheOverlap) {
  start_at(std::chrono::floor<std::chrono::hours>(kNoonTwenty) + 49min);
  const Hour hour = hour_of(now_.wall);
  announcer_.set_record(now_, record_);
  connect();
  accept_put();
  run_for(1min + 1ms);  // wall clocks are read in whole milliseconds
  std::set<crypto::InfoHash> keys;
  for (const PutRequest& put : requests_of<PutRequest>()) keys.insert(put.key);
  EXPECT_TRUE(keys.contains(topic_of(mesh_.keys(), hour + 1).key));
  EXPECT_FALSE(announcer_.accepted()) << "not under the coming hour yet";

  run_for(20min);
  requests();
  run_for(10min);  // the old hour is over
  for (const PutRequest& put : requests_of<PutRequest>()) {
    EXPECT_EQ(put.key, topic_of(mesh_.keys(), hour + 1).key);
  }
}

TEST_F(AnnouncerTest, ConfirmedMeansUnderTheCurrentHour) {
  start_at(std::chrono::floor<std::chrono::hours>(kNoonTwenty) + 55min);
  announcer_.set_record(now_, record_);
  connect();
  const auto puts = requests_of<PutRequest>();
  ASSERT_EQ(puts.size(), 2U);
  const crypto::InfoHash next = topic_of(mesh_.keys(), hour_of(now_.wall) + 1).key;
  for (const PutRequest& put : puts) {
    announcer_.handle_event(now_, PutDone{put.operation, put.key == next});
  }
  EXPECT_FALSE(announcer_.accepted());
  EXPECT_FALSE(announcer_.confirmed());
}

TEST_F(AnnouncerTest, PutsEverythingAgainAfterAnOutage) {
  announcer_.set_record(now_, record_);
  connect();
  check_finds(accept_put().value);
  connect(false);
  EXPECT_FALSE(announcer_.next_timeout());
  testing::advance(now_, 20min);
  connect();
  EXPECT_EQ(requests_of<PutRequest>().size(), 1U);
}

TEST_F(AnnouncerTest, SurvivesAWallClockThatJumps) {
  announcer_.set_record(now_, record_);
  connect();
  check_finds(accept_put().value);
  now_.wall += 5h;
  run_for(kReannounceLongest);
  bool under_new_hour = false;
  for (const PutRequest& put : requests_of<PutRequest>()) {
    under_new_hour |= put.key == topic_of(mesh_.keys(), hour_of(now_.wall)).key;
  }
  EXPECT_TRUE(under_new_hour);
}

}  // namespace
}  // namespace kadwire::dht
