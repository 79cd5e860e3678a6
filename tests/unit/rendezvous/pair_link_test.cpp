#include "rendezvous/pair_link.h"

#include <gtest/gtest.h>

#include "tests/support/test_mesh.h"

namespace kadwire::rendezvous {
namespace {

const Endpoint kSeen = *Endpoint::parse("198.51.100.7:8080");
const Bytes kRecord(200, std::byte{1});

/// One side: what its links share, and its link to the other.
struct Side {
  explicit Side(kadwire::testing::TestMesh& mesh)
      : identity(mesh.make_identity()),
        frame_keys(mesh.keys()),
        indices(mesh.random()),
        context{mesh.keys(), identity, frame_keys, indices, mesh.random()} {}
  crypto::NodeIdentity identity;
  FrameKeys frame_keys;
  SessionIndices indices;
  LinkContext context;
  std::optional<PairLink> link;
};

class PairLinkTest : public ::testing::Test {
 protected:
  PairLinkTest() {
    a_.link.emplace(a_.context, b_.identity.node_id());
    b_.link.emplace(b_.context, a_.identity.node_id());
  }
  Now now() const {
    return {TimePoint{1h} + since_,
            kadwire::testing::kNoonTwenty + std::chrono::floor<std::chrono::milliseconds>(since_)};
  }
  Bytes payload_of(const Bytes& datagram) {
    const auto frame = open_frame(datagram, hour_of(now().wall), a_.frame_keys);
    EXPECT_TRUE(frame.has_value());
    return {frame->payload.begin(), frame->payload.end()};
  }
  Bytes call(Side& from) { return from.link->call(now(), 7, kRecord); }
  /// The answer to a call, as `at` reads it.
  Bytes answer(Side& at, const Bytes& call) {
    auto received = read_call(at.context, payload_of(call));
    EXPECT_TRUE(received.has_value());
    return at.link->answer(now(), std::move(*received), kSeen);
  }
  auto take_answer(Side& at, const Bytes& answer) {
    return at.link->handle_answer(now(), payload_of(answer));
  }
  /// Whether a message of `from` arrives.
  bool passes(Side& from, Side& to) {
    const auto frame = from.link->seal(now(), FrameType::kSession, Ping{5, false, false, 0});
    return frame && to.link->open(now(), FrameType::kSession, payload_of(*frame)).has_value();
  }
  void connect(Side& caller, Side& called) {
    ASSERT_TRUE(take_answer(caller, answer(called, call(caller))));
    ASSERT_TRUE(passes(caller, called));
  }

  kadwire::testing::TestMesh mesh_{1};
  Side a_{mesh_}, b_{mesh_};
  Duration since_{0};
};

TEST_F(PairLinkTest, ACallAndItsAnswerMakeASession) {
  const Bytes frame = call(a_);
  const auto received = read_call(b_.context, payload_of(frame));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->call.initiator(), crypto::noise_key(a_.identity.node_id()));
  const auto text = read_call_payload(received->call.payload());
  ASSERT_TRUE(text);
  EXPECT_EQ(text->known_sequence, 7U);
  EXPECT_EQ(Bytes(text->record.begin(), text->record.end()), kRecord);
  const auto answered = take_answer(a_, answer(b_, frame));
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->seen, kSeen);
  EXPECT_TRUE(a_.link->established());
}

TEST_F(PairLinkTest, TheCalledSendsNothingBeforeItsPeerIsCertain) {
  ASSERT_TRUE(take_answer(a_, answer(b_, call(a_))));
  EXPECT_FALSE(b_.link->established());
  EXPECT_FALSE(b_.link->seal(now(), FrameType::kSession, Ping{}));
  const auto frame = a_.link->seal(now(), FrameType::kSession, Ping{});
  const auto first = b_.link->open(now(), FrameType::kSession, payload_of(*frame));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->confirms);
  EXPECT_TRUE(passes(b_, a_));
}

TEST_F(PairLinkTest, ACallIsTheSameForFiveSecondsAndThenAnother) {
  const Bytes first = call(a_);
  since_ = kCallLifetime;
  EXPECT_EQ(call(a_), first);
  since_ += 1ms;
  const Bytes second = call(a_);
  EXPECT_NE(second, first);
  EXPECT_EQ(a_.indices.size(), 1U);
  EXPECT_FALSE(take_answer(a_, answer(b_, first)));
  EXPECT_TRUE(take_answer(a_, answer(b_, second)));
}

TEST_F(PairLinkTest, AnAnswerIsTakenOnce) {
  const Bytes frame = answer(b_, call(a_));
  EXPECT_TRUE(take_answer(a_, frame));
  EXPECT_FALSE(take_answer(a_, frame));
}

TEST_F(PairLinkTest, CallsThatCrossGiveSessionsBothWays) {
  const Bytes from_a = call(a_), from_b = call(b_);
  const Bytes answer_of_b = answer(b_, from_a), answer_of_a = answer(a_, from_b);
  ASSERT_TRUE(take_answer(a_, answer_of_b));
  ASSERT_TRUE(take_answer(b_, answer_of_a));
  EXPECT_TRUE(passes(a_, b_));
  EXPECT_TRUE(passes(b_, a_));
  EXPECT_TRUE(passes(a_, b_));
}

TEST_F(PairLinkTest, ARenewalAfterCrossedCallsInterruptsNeitherSide) {
  const Bytes from_a = call(a_), from_b = call(b_);
  const Bytes answer_of_b = answer(b_, from_a), answer_of_a = answer(a_, from_b);
  ASSERT_TRUE(take_answer(b_, answer_of_a));
  ASSERT_TRUE(take_answer(a_, answer_of_b));
  ASSERT_TRUE(passes(a_, b_) && passes(b_, a_));
  for (Side* caller : {&a_, &b_}) {
    Side& called = caller == &a_ ? b_ : a_;
    ASSERT_TRUE(take_answer(*caller, answer(called, call(*caller))));
    // The called does not know yet that the answer arrived, and sends under what it had.
    EXPECT_TRUE(passes(called, *caller));
    EXPECT_TRUE(passes(*caller, called));
  }
}

TEST_F(PairLinkTest, ReplayedCallsDisturbNoSessionThatStands) {
  const Bytes old_call = call(b_);
  since_ = 1min;
  connect(a_, b_);
  for (int i = 0; i < 20; ++i) (void)answer(a_, old_call);
  EXPECT_TRUE(passes(a_, b_));
  EXPECT_TRUE(passes(b_, a_));
  EXPECT_LE(a_.indices.size(), 1 + kSessionsOfSortMax);
}

TEST_F(PairLinkTest, AMessageIsTakenOnceAndUnderItsTypeOnly) {
  connect(a_, b_);
  const auto frame = a_.link->seal(now(), FrameType::kSession, Ping{});
  const Bytes payload = payload_of(*frame);
  EXPECT_FALSE(b_.link->open(now(), FrameType::kBind, payload));
  EXPECT_TRUE(b_.link->open(now(), FrameType::kSession, payload));
  EXPECT_FALSE(b_.link->open(now(), FrameType::kSession, payload));
}

TEST_F(PairLinkTest, ACallForAnotherIsNotRead) {
  Side c(mesh_);
  EXPECT_FALSE(read_call(c.context, payload_of(call(a_))));
  EXPECT_FALSE(read_call(b_.context, {}));
  EXPECT_FALSE(read_call_payload(Bytes(8)));
  EXPECT_FALSE(receiver_index(Bytes(3)));
}

TEST_F(PairLinkTest, OneSideRenewsAfterAnHourAndTheOtherLater) {
  connect(a_, b_);
  const auto first = std::min(*a_.link->renewal(), *b_.link->renewal());
  const auto second = std::max(*a_.link->renewal(), *b_.link->renewal());
  EXPECT_EQ(first - *a_.link->established_at(), kSessionLifetime);
  EXPECT_EQ(second - *a_.link->established_at(), kSessionLifetimeOther);
}

TEST_F(PairLinkTest, AnOldSessionIsForgottenThoughNobodyTalks) {
  connect(a_, b_);
  const auto frame = a_.link->seal(now(), FrameType::kSession, Ping{});
  since_ = kSessionExpiry + 1s;
  b_.link->forget_expired(now().steady);
  EXPECT_FALSE(b_.link->established());
  EXPECT_EQ(b_.indices.size(), 0U);
  EXPECT_FALSE(a_.link->seal(now(), FrameType::kSession, Ping{}));
}

TEST_F(PairLinkTest, AnExpiredSessionOpensNothing) {
  connect(a_, b_);
  const auto frame = a_.link->seal(now(), FrameType::kSession, Ping{});
  const Bytes payload = payload_of(*frame);
  since_ = kSessionExpiry + 1s;
  EXPECT_FALSE(b_.link->open(now(), FrameType::kSession, payload));
}

TEST_F(PairLinkTest, AllNumbersAreGivenBack) {
  connect(a_, b_);
  connect(b_, a_);
  (void)call(a_);
  EXPECT_GT(a_.indices.size(), 0U);
  a_.link.reset();
  b_.link.reset();
  EXPECT_EQ(a_.indices.size(), 0U);
  EXPECT_EQ(b_.indices.size(), 0U);
}

}  // namespace
}  // namespace kadwire::rendezvous
