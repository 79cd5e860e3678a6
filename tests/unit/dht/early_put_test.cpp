#include "dht/early_put.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tools/testnet/seeded_random.h"

namespace kadwire::dht {
namespace {

constexpr std::uint32_t kNetwork = 7;

InfoHash hash(int first) {
  InfoHash result{};
  result[0] = static_cast<std::byte>(first);
  return result;
}

/// A node of the DHT: the nearer to the key, the lower its number.
Endpoint endpoint(int number) {
  return {IpAddress::v4(0xc6330001U + (static_cast<std::uint32_t>(number) << 8)), 4222};
}

class EarlyPutTest : public ::testing::Test {
 protected:
  EarlyPutTest() { early_.begin(now_, key_, value_); }

  void pass(Duration duration) {
    const TimePoint end = now_ + duration;
    while (early_.next_timeout() && *early_.next_timeout() <= end) {
      ASSERT_GE(*early_.next_timeout(), now_) << "a timer in the past";
      now_ = *early_.next_timeout();
      early_.handle_timeout(now_);
    }
    now_ = end;
  }
  /// The library asks a node about the key.
  void ask(int number, std::string_view method = "get") { ask(number, endpoint(number), method); }
  void ask(int number, const Endpoint& to, std::string_view method = "get") {
    Inspection sent{GuardVerdict::kAccepted, PacketKind::kQuery};
    sent.transaction = static_cast<std::uint32_t>(number);
    sent.method = method;
    sent.key = key_;
    early_.watch_sent(now_, to, sent);
  }
  /// It answers, and names others.
  bool answer(int number, const std::vector<int>& names = {}) {
    return answer(number, endpoint(number), names);
  }
  bool answer(int number, const Endpoint& from, const std::vector<int>& names = {}) {
    const InfoHash id = hash(number);
    ByteWriter nodes;
    for (const int each : names) {
      nodes.raw(hash(each)).raw(endpoint(each).address.bytes()).be16(endpoint(each).port);
    }
    Inspection reply{GuardVerdict::kAccepted, PacketKind::kReply};
    reply.transaction = static_cast<std::uint32_t>(number);
    reply.sender = id;
    reply.token = token_;
    reply.nodes4 = nodes.view();
    return early_.hear_reply(now_, from, reply);
  }
  /// Where puts went since the last call.
  std::vector<int> take_puts() {
    std::vector<int> numbers;
    while (const auto transmit = early_.poll_transmit()) {
      numbers.push_back(static_cast<int>(transmit->to.address.v4_value() >> 8 & 0xff));
      last_ = transmit->payload;
    }
    std::ranges::sort(numbers);
    return numbers;
  }

  using Numbers = std::vector<int>;
  TimePoint now_{1h};
  testnet::SeededRandom random_{1};
  const InfoHash node_id_ = hash(0xee);
  const InfoHash key_{};
  /// {id: 9, dat: {body: {type: 0, data: <7>}}}
  static constexpr std::string_view kValue{
      "\x82\xa2id\x09\xa3"
      "dat\x81\xa4"
      "body\x82\xa4type\x00\xa4"
      "data\xc4\x01\x07",
      30};
  const Bytes value_{as_bytes(kValue).begin(), as_bytes(kValue).end()};
  const Bytes token_{32, std::byte{9}};
  EarlyPut early_{node_id_, kNetwork, random_};
  Bytes last_;
};

TEST_F(EarlyPutTest, PutsOnceAllThatMayBeTheNearestHaveAnswered) {
  for (int i = 1; i <= 9; ++i) ask(i);
  pass(40ms);
  for (int i = 2; i <= 9; ++i) answer(i);
  EXPECT_EQ(take_puts(), Numbers());
  pass(10ms);
  answer(1);
  EXPECT_EQ(take_puts(), (Numbers{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(EarlyPutTest, WaitsForNobodyWhereEachIsAmongTheNearest) {
  ask(1);
  ask(2);
  pass(40ms);
  answer(2, {3, 4});
  EXPECT_EQ(take_puts(), Numbers{2});
  pass(10ms);
  answer(1, {3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(take_puts(), Numbers()) << "there are more than it seemed";
}

TEST_F(EarlyPutTest, PassesOverWhoeverIsSilentForTwiceTheSlowestAnswer) {
  for (int i = 1; i <= 9; ++i) ask(i);
  pass(80ms);
  for (int i = 2; i <= 9; ++i) answer(i);
  pass(79ms);
  EXPECT_EQ(take_puts(), Numbers());
  pass(1ms);
  EXPECT_EQ(take_puts(), (Numbers{2, 3, 4, 5, 6, 7, 8, 9}));
  answer(1);
  EXPECT_EQ(take_puts(), Numbers{1}) << "late, but the nearest";
}

TEST_F(EarlyPutTest, WaitsForNearerOnesThatAnAnswerNames) {
  ask(9);
  pass(10ms);
  answer(9, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(take_puts(), Numbers());
  for (int i = 1; i <= 8; ++i) ask(i);
  pass(10ms);
  for (int i = 1; i <= 8; ++i) answer(i);
  EXPECT_EQ(take_puts(), (Numbers{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(EarlyPutTest, PutsAtNoMoreThanEight) {
  for (int i = 1; i <= 10; ++i) ask(i);
  pass(10ms);
  for (int i = 10; i >= 1; --i) answer(i);
  EXPECT_EQ(take_puts(), (Numbers{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(EarlyPutTest, PutsBeyondNodesThatAreTooManyFromOnePlace) {
  const auto sybil = [](int number) {
    return Endpoint{IpAddress::v4(0xc0000201U), static_cast<std::uint16_t>(number)};
  };
  for (int i = 1; i <= 8; ++i) ask(i, sybil(i));
  for (int i = 9; i <= 12; ++i) ask(i);
  pass(10ms);
  for (int i = 1; i <= 8; ++i) answer(i, sybil(i));
  for (int i = 9; i <= 12; ++i) answer(i);
  std::size_t at_sybils = 0, elsewhere = 0;
  while (const auto transmit = early_.poll_transmit()) {
    ++(transmit->to.address == sybil(1).address ? at_sybils : elsewhere);
  }
  EXPECT_EQ(at_sybils, kEarlyNodesAlike);
  EXPECT_EQ(elsewhere, 4U);
}

TEST_F(EarlyPutTest, LeavesOutWhomTheLibraryHasPutAt) {
  for (int i = 1; i <= 9; ++i) ask(i);
  pass(10ms);
  answer(1);
  ask(1, "put");
  for (int i = 2; i <= 9; ++i) answer(i);
  EXPECT_EQ(take_puts(), (Numbers{2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(EarlyPutTest, PutsNowhereThatWasOnlyNamed) {
  ask(9);
  pass(10ms);
  answer(9, {1, 2, 3});
  pass(kFollowFor);
  EXPECT_EQ(take_puts(), Numbers{9});
  EXPECT_TRUE(early_.idle());
}

TEST_F(EarlyPutTest, HearsOnlyAnswersToWhatWasAsked) {
  ask(1);
  pass(10ms);
  answer(2, {3});
  EXPECT_FALSE(answer(3));
  pass(kFollowFor);
  EXPECT_EQ(take_puts(), Numbers());
}

/// As after a change of the own address: whatever token the library has is void.
TEST_F(EarlyPutTest, PutsWithTheNextTokenWhereTheLibrarysPutWasRefused) {
  ask(1, "put");
  pass(10ms);
  Inspection error{GuardVerdict::kAccepted, PacketKind::kError};
  error.transaction = 1;
  EXPECT_FALSE(early_.hear_error(endpoint(2), error));
  EXPECT_FALSE(early_.hear_error(endpoint(1), error)) << "the library has to hear of it, too";
  EXPECT_EQ(take_puts(), Numbers());
  ask(1);
  pass(10ms);
  answer(1);
  EXPECT_EQ(take_puts(), Numbers{1});
}

TEST_F(EarlyPutTest, TakesATokenThatWasAskedForTheValueBefore) {
  ask(1);
  pass(10ms);
  early_.begin(now_, key_, value_);
  answer(1);
  EXPECT_EQ(take_puts(), Numbers{1});
}

TEST_F(EarlyPutTest, KeepsARefusalOfItsOwnFromTheLibrary) {
  ask(1);
  pass(10ms);
  answer(1);
  ASSERT_EQ(take_puts(), Numbers{1});
  Inspection error{GuardVerdict::kAccepted, PacketKind::kError};
  error.transaction = inspect_packet(last_).transaction;
  EXPECT_TRUE(early_.hear_error(endpoint(1), error));
  ask(1);
  pass(10ms);
  answer(1);
  EXPECT_EQ(take_puts(), Numbers{1}) << "with another token";
}

TEST_F(EarlyPutTest, KeepsTheAnswersToItsOwnPutsFromTheLibrary) {
  ask(1);
  pass(10ms);
  EXPECT_FALSE(answer(1)) << "the library's own query";
  ASSERT_EQ(take_puts(), Numbers{1});
  Inspection reply{GuardVerdict::kAccepted, PacketKind::kReply};
  reply.transaction = inspect_packet(last_).transaction;
  EXPECT_FALSE(early_.hear_reply(now_, endpoint(2), reply)) << "from somebody else";
  EXPECT_TRUE(early_.hear_reply(now_, endpoint(1), reply));
  EXPECT_FALSE(early_.hear_reply(now_, endpoint(1), reply)) << "again";
}

TEST_F(EarlyPutTest, SaysWhatTheLibraryWouldSay) {
  ask(1);
  pass(10ms);
  answer(1);
  ASSERT_EQ(take_puts(), Numbers{1});
  const Inspection put = inspect_packet(last_);
  EXPECT_TRUE(put.accepted());
  EXPECT_EQ(put.kind, PacketKind::kQuery);
  EXPECT_EQ(put.method, "put");
  EXPECT_TRUE(std::ranges::equal(put.sender, node_id_));
  EXPECT_TRUE(std::ranges::equal(put.key, key_));
  EXPECT_TRUE(std::ranges::equal(put.token, token_));
  const std::string_view text = as_text(last_);
  EXPECT_NE(text.find(std::string("\xa6values\x91") + std::string(as_text(value_))),
            std::string_view::npos);
  EXPECT_NE(text.find("\xa1n\x07"), std::string_view::npos) << "the network";
}

TEST_F(EarlyPutTest, FollowsABoundedNumberOfSearches) {
  for (int i = 1; i <= 1000; ++i) early_.begin(now_, hash(i % 256), value_);
  ask(1);
  pass(10ms);
  answer(1);
  EXPECT_EQ(take_puts(), Numbers()) << "the oldest have given way";
}

TEST_F(EarlyPutTest, ALiarsListIsBounded) {
  ask(200);
  pass(10ms);
  std::vector<int> all(250);
  std::iota(all.begin(), all.end(), 1);
  answer(200, all);
  pass(kFollowFor);
  EXPECT_EQ(take_puts(), Numbers{200});
}

}  // namespace
}  // namespace kadwire::dht
