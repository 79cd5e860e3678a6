#include "rendezvous/binding_client.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{1h};
const Endpoint kServer = *Endpoint::parse("198.51.100.1:3478");
const Endpoint kMapped = *Endpoint::parse("203.0.113.5:40000");
constexpr auto kUnheardOf = static_cast<StunAttributeType>(0x0026);

class BindingClientTest : public ::testing::Test {
 protected:
  /// Takes the request that is due; its transaction id is what answers are made with.
  void take_request() {
    const auto request = client_.poll_transmit();
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->to, kServer);
    const auto message = parse_stun(request->payload);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(message->message_class, StunClass::kRequest);
    transaction_ = message->transaction;
    EXPECT_FALSE(client_.poll_transmit().has_value());
  }
  StunWriter answer(StunClass message_class = StunClass::kSuccess) const {
    return {message_class, kStunBinding, transaction_};
  }
  bool deliver(const Bytes& datagram, const Endpoint& from = kServer) {
    return client_.handle_datagram(now_, from, datagram);
  }
  bool deliver_mapped(const Endpoint& mapped = kMapped) {
    return deliver(answer().xor_mapped_address(mapped).take());
  }
  void advance_to_timeout() {
    now_ = client_.next_timeout();
    client_.handle_timeout(now_);
  }
  /// Lets the transaction that is under way end without an answer.
  void let_time_out() {
    for (int i = 0; i < kStunRequestsMax; ++i) advance_to_timeout();
  }

  TimePoint now_ = kStart;
  testnet::SeededRandom random_{1};
  BindingClient client_{kServer, random_, kStart};
  StunTransactionId transaction_{};
};

TEST_F(BindingClientTest, LearnsWhatTheServerSaw) {
  take_request();
  EXPECT_FALSE(client_.binding().has_value());
  now_ += 40ms;
  EXPECT_TRUE(deliver_mapped());
  EXPECT_EQ(client_.binding(), (Binding{kMapped, kStart}));
  EXPECT_TRUE(client_.reachable());
}

TEST_F(BindingClientTest, AsksSevenTimesWithDoubledPausesAndThenGivesUp) {
  std::vector<Duration> sent;
  while (client_.poll_transmit()) {
    sent.push_back(now_ - kStart);
    advance_to_timeout();
  }
  EXPECT_EQ(sent, (std::vector<Duration>{0ms, 200ms, 600ms, 1400ms, 3s, 6200ms, 12600ms}));
  EXPECT_EQ(now_ - kStart, 15800ms);
  EXPECT_FALSE(client_.reachable());
}

TEST_F(BindingClientTest, RepeatsARequestUnderTheSameTransactionId) {
  take_request();
  const StunTransactionId first = transaction_;
  advance_to_timeout();
  take_request();
  EXPECT_EQ(transaction_, first);
}

TEST_F(BindingClientTest, LearnsFromTheAnswerToARepeatedRequest) {
  take_request();
  advance_to_timeout();
  take_request();
  EXPECT_TRUE(deliver_mapped());
  EXPECT_EQ(client_.binding(), (Binding{kMapped, kStart}));
}

TEST_F(BindingClientTest, DoesNothingBeforeItsTimeout) {
  take_request();
  client_.handle_timeout(now_ + 199ms);
  EXPECT_FALSE(client_.poll_transmit().has_value());
}

TEST_F(BindingClientTest, RefreshesTheMappingUnderANewTransactionId) {
  take_request();
  deliver_mapped();
  const StunTransactionId first = transaction_;
  EXPECT_EQ(client_.next_timeout(), kStart + kBindingRefresh);
  advance_to_timeout();
  take_request();
  EXPECT_NE(transaction_, first);
  EXPECT_EQ(client_.binding()->mapped, kMapped) << "known until the server says otherwise";
  const Endpoint moved = *Endpoint::parse("203.0.113.5:40001");
  EXPECT_TRUE(deliver_mapped(moved));
  EXPECT_EQ(client_.binding(), (Binding{moved, kStart + kBindingRefresh}));
}

TEST_F(BindingClientTest, RefreshesSeldomWhereItOnlyRechecks) {
  take_request();
  deliver_mapped();
  client_.set_pace(now_, kBindingRecheck);
  EXPECT_EQ(client_.next_timeout(), kStart + kBindingRecheck);
}

TEST_F(BindingClientTest, AFasterPaceIsDueNowAndNotInThePast) {
  take_request();
  deliver_mapped();
  client_.set_pace(now_, kBindingRecheck);
  now_ = kStart + 2 * kBindingRefresh;
  client_.set_pace(now_, kBindingRefresh);
  EXPECT_EQ(client_.next_timeout(), now_);
}

TEST_F(BindingClientTest, AsksAtOnceWhenTold) {
  take_request();
  deliver_mapped();
  const StunTransactionId first = transaction_;
  now_ += 1s;
  client_.refresh_now(now_);
  take_request();
  EXPECT_NE(transaction_, first);
  EXPECT_EQ(client_.next_timeout(), now_ + kStunRtoInitial);
}

TEST_F(BindingClientTest, RefusesAnAnswerWithAnotherTransactionId) {
  take_request();
  transaction_[11] ^= std::byte{1};
  EXPECT_FALSE(deliver_mapped());
  EXPECT_FALSE(client_.binding().has_value());
}

TEST_F(BindingClientTest, RefusesAnAnswerFromAnotherEndpoint) {
  take_request();
  const Bytes good = answer().xor_mapped_address(kMapped).take();
  EXPECT_FALSE(deliver(good, *Endpoint::parse("198.51.100.1:3479")));
  EXPECT_FALSE(deliver(good, *Endpoint::parse("198.51.100.2:3478")));
  EXPECT_FALSE(client_.binding().has_value());
  EXPECT_TRUE(deliver(good));
}

TEST_F(BindingClientTest, RefusesAnAnswerToAnEarlierTransaction) {
  take_request();
  const Bytes late = answer().xor_mapped_address(kMapped).take();
  client_.refresh_now(now_);
  take_request();
  EXPECT_FALSE(deliver(late));
  EXPECT_FALSE(client_.binding().has_value());
}

TEST_F(BindingClientTest, TakesASecondAnswerForItsOwnAndLearnsNothingFromIt) {
  take_request();
  deliver_mapped();
  EXPECT_TRUE(deliver_mapped(*Endpoint::parse("192.0.2.66:1")));
  EXPECT_EQ(client_.binding()->mapped, kMapped);
}

TEST_F(BindingClientTest, IsNotMovedByWhatIsNoAnswer) {
  take_request();
  EXPECT_FALSE(deliver({}));
  EXPECT_FALSE(deliver(Bytes(32, std::byte{0x5a})));
  Bytes cut = answer().xor_mapped_address(kMapped).take();
  cut.pop_back();
  EXPECT_FALSE(deliver(cut));
  EXPECT_FALSE(deliver(answer(StunClass::kRequest).take()));
  EXPECT_FALSE(deliver(answer(StunClass::kIndication).xor_mapped_address(kMapped).take()));
  EXPECT_FALSE(
      deliver(StunWriter(StunClass::kSuccess, 3, transaction_).xor_mapped_address(kMapped).take()));
  EXPECT_EQ(client_.next_timeout(), kStart + kStunRtoInitial);
}

TEST_F(BindingClientTest, CountsAnAnswerThatNamesNoEndpointAsAFailure) {
  const std::vector<std::function<Bytes()>> failures = {
      [&] { return answer(StunClass::kError).error_code(500, "no").take(); },
      [&] { return answer(StunClass::kError).xor_mapped_address(kMapped).take(); },
      [&] { return answer().take(); },
      [&] { return answer().attribute(kUnheardOf, Bytes(4)).xor_mapped_address(kMapped).take(); },
      [&] { return answer().attribute(StunAttributeType::kMappedAddress, Bytes(8)).take(); },
  };
  for (const auto& failure : failures) {
    client_.refresh_now(now_);
    take_request();
    EXPECT_TRUE(deliver(failure()));
    EXPECT_FALSE(client_.binding().has_value());
    EXPECT_FALSE(client_.reachable());
    EXPECT_GT(client_.next_timeout(), now_ + kStunRtoInitial) << "no more of this transaction";
  }
}

TEST_F(BindingClientTest, AsksAnUnreachableServerLessAndLessOften) {
  std::vector<Duration> pauses;
  for (int failure = 0; failure < 8; ++failure) {
    let_time_out();
    pauses.push_back(client_.next_timeout() - now_);
    advance_to_timeout();
  }
  Duration longest = kServerPauseFirst;
  for (const Duration pause : pauses) {
    EXPECT_GE(pause, longest / 2);
    EXPECT_LE(pause, longest);
    longest = std::min(2 * longest, kServerPauseLast);
  }
  EXPECT_EQ(longest, kServerPauseLast);
}

TEST_F(BindingClientTest, IsPatientAnewOnceTheServerHasAnswered) {
  for (int failure = 0; failure < 6; ++failure) {
    let_time_out();
    advance_to_timeout();
  }
  take_request();
  deliver_mapped();
  EXPECT_TRUE(client_.reachable());
  advance_to_timeout();
  let_time_out();
  EXPECT_FALSE(client_.reachable());
  EXPECT_LE(client_.next_timeout(), now_ + kServerPauseFirst);
  EXPECT_EQ(client_.binding()->mapped, kMapped) << "silence says nothing about the mapping";
}

TEST_F(BindingClientTest, SendsNothingMoreOnceAnswered) {
  take_request();
  advance_to_timeout();  // a repetition is due and has not been taken yet
  EXPECT_TRUE(deliver_mapped());
  EXPECT_FALSE(client_.poll_transmit().has_value());
}

}  // namespace
}  // namespace kadwire::rendezvous
