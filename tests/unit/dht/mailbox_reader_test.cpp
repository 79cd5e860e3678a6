#include "dht/mailbox_reader.h"

#include <gtest/gtest.h>

#include "tests/support/test_mesh.h"

namespace kadwire::dht {
namespace {

using testing::kNoonTwenty;

class MailboxReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { reader_.handle_event(now_, ConnectivityChanged{true}); }
  /// To a minute of the hour that the test began in, or of the next.
  void go_to_minute(int minute) {
    const WallTime hour = std::chrono::floor<std::chrono::hours>(kNoonTwenty);
    const auto by = hour + std::chrono::minutes(minute) - now_.wall;
    now_.steady += by;
    now_.wall += by;
    reader_.handle_timeout(now_);
  }
  std::vector<DirectoryRequest> requests() {
    std::vector<DirectoryRequest> all;
    while (auto request = reader_.poll_request()) all.push_back(std::move(*request));
    return all;
  }
  Bytes sealed(Hour hour, std::uint8_t mark = 1) {
    return seal_mailbox_value(mesh_.keys(), {hour, self_}, Bytes(200, std::byte{mark}),
                              mesh_.random());
  }
  void hear(OperationId operation, Bytes value) {
    reader_.handle_event(now_, ValuesFound{operation, {{5, std::move(value)}}});
  }
  std::vector<ReceivedMail> mail() {
    std::vector<ReceivedMail> all;
    while (auto each = reader_.poll_mail()) all.push_back(std::move(*each));
    return all;
  }
  OperationId listen() {
    for (const auto& request : requests()) {
      if (const auto* listening = std::get_if<ListenRequest>(&request)) return listening->operation;
    }
    return 0;
  }

  testing::TestMesh mesh_{1};
  crypto::NodeId self_ = mesh_.make_identity().node_id();
  OperationIds operations_;
  MailboxReader reader_{mesh_.keys(), self_, operations_};
  Now now_{TimePoint{1h}, kNoonTwenty};
  const Hour hour_ = hour_of(kNoonTwenty);
};

TEST_F(MailboxReaderTest, ListensAtItsOwnMailboxOfTheHourAndAsksNothingElse) {
  const auto all = requests();
  ASSERT_EQ(all.size(), 1U);
  const auto* listening = std::get_if<ListenRequest>(&all.front());
  ASSERT_NE(listening, nullptr);
  EXPECT_EQ(listening->key, mesh_.keys().mailbox(hour_, self_));
}

TEST_F(MailboxReaderTest, FollowsTheHoursWithAnOverlap) {
  (void)requests();
  go_to_minute(51);
  auto all = requests();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(std::get<ListenRequest>(all.front()).key, mesh_.keys().mailbox(hour_ + 1, self_));
  go_to_minute(69);
  EXPECT_TRUE(requests().empty()) << "the old hour is listened to until minute 10";
  go_to_minute(70);
  all = requests();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<CancelRequest>(all.front()));
}

TEST_F(MailboxReaderTest, ListensOnlyWhileItIsWanted) {
  const OperationId operation = listen();
  reader_.set_wanted(now_, false);
  const auto all = requests();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(std::get<CancelRequest>(all.front()).operation, operation);
  EXPECT_FALSE(reader_.next_timeout());
  hear(operation, sealed(hour_));
  EXPECT_TRUE(mail().empty());
  go_to_minute(51);
  EXPECT_TRUE(requests().empty());
  reader_.set_wanted(now_, true);
  EXPECT_EQ(requests().size(), 2U) << "this hour's and the next one's";
}

TEST_F(MailboxReaderTest, OpensACallOnceHoweverOftenItComes) {
  const OperationId operation = listen();
  const Bytes value = sealed(hour_);
  hear(operation, value);
  hear(operation, value);
  const auto received = mail();
  ASSERT_EQ(received.size(), 1U);
  EXPECT_EQ(received.front().call, Bytes(200, std::byte{1}));
  EXPECT_EQ(received.front().hour, hour_);
  EXPECT_EQ(reader_.foreign_values(), 0U);
}

TEST_F(MailboxReaderTest, CountsAndDropsWhatNoMemberPutThere) {
  const OperationId operation = listen();
  const crypto::NodeId other = mesh_.make_identity().node_id();
  Bytes changed = sealed(hour_);
  changed.back() ^= std::byte{1};
  hear(operation, {});
  hear(operation, Bytes(kSealedValueBytes + 1));
  hear(operation, changed);
  hear(operation, sealed(hour_ + 1));
  hear(operation, seal_mailbox_value(mesh_.keys(), {hour_, other}, {}, mesh_.random()));
  EXPECT_TRUE(mail().empty());
  EXPECT_EQ(reader_.foreign_values(), 5U);
  hear(operation, sealed(hour_));
  EXPECT_EQ(mail().size(), 1U);
}

TEST_F(MailboxReaderTest, IgnoresOthersOperations) {
  const OperationId operation = listen();
  hear(operation + 1, sealed(hour_));
  EXPECT_TRUE(mail().empty());
}

TEST_F(MailboxReaderTest, DropsTheOldestCallsWhenNobodyReadsThem) {
  const OperationId operation = listen();
  for (std::size_t i = 0; i < kWaitingCallsMax + 3; ++i) {
    hear(operation, sealed(hour_, static_cast<std::uint8_t>(i)));
  }
  const auto received = mail();
  ASSERT_EQ(received.size(), kWaitingCallsMax);
  EXPECT_EQ(received.front().call.front(), std::byte{3});
}

TEST(MailboxValue, HasTheSizeOfEveryOtherValueAndBelongsToOneMailbox) {
  testing::TestMesh mesh(1);
  const MailboxAddress address{490'000, mesh.make_identity().node_id()};
  const auto key = mesh.keys().mailbox_seal_key(address.hour, address.owner);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMailboxCallBytesMax}) {
    const Bytes call(size, std::byte{7});
    const Bytes value = seal_mailbox_value(mesh.keys(), address, call, mesh.random());
    EXPECT_EQ(value.size(), kSealedValueBytes);
    EXPECT_EQ(open_mailbox_value(key, address, value), call);
    EXPECT_FALSE(open_mailbox_value(key, {address.hour + 1, address.owner}, value));
    EXPECT_FALSE(open_value(mesh.keys(), topic_of(mesh.keys(), address.hour), value));
  }
}

}  // namespace
}  // namespace kadwire::dht
