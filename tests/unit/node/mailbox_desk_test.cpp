#include "node/mailbox_desk.h"

#include <gtest/gtest.h>

#include "tests/support/test_mesh.h"

namespace kadwire::node {
namespace {

using kadwire::testing::kNoonTwenty;

/// One member's desk; what it puts is handed on by the test.
struct Member {
  explicit Member(kadwire::testing::TestMesh& mesh_in)
      : mesh(mesh_in),
        identity(mesh.make_identity()),
        record(mesh.sign(mesh.record_at(kNoonTwenty), identity)),
        desk(mesh.keys(), identity, mesh.random(), operations) {
    desk.set_own_record(record);
  }
  [[nodiscard]] const crypto::NodeId& id() const { return identity.node_id(); }
  std::vector<dht::PutRequest> puts() {
    std::vector<dht::PutRequest> all;
    while (auto request = desk.poll_request()) {
      if (const auto* listening = std::get_if<dht::ListenRequest>(&*request)) {
        listen = listening->operation;
      } else if (auto* put = std::get_if<dht::PutRequest>(&*request)) {
        all.push_back(std::move(*put));
      }
    }
    return all;
  }

  kadwire::testing::TestMesh& mesh;
  crypto::NodeIdentity identity;
  rendezvous::SignedRecord record;
  dht::OperationIds operations;
  MailboxDesk desk;
  dht::OperationId listen = 0;
};

class MailboxDeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    connect(a_);
    connect(b_);
  }
  void connect(Member& member) {
    member.desk.handle_event(now_, dht::ConnectivityChanged{true});
    (void)member.puts();
    ASSERT_NE(member.listen, 0U);
  }
  /// Runs a member's timers; the puts that they led to.
  std::vector<dht::PutRequest> run(Member& member, Duration duration) {
    std::vector<dht::PutRequest> all;
    const TimePoint end = now_.steady + duration;
    while (true) {
      const auto due = member.desk.next_timeout();
      const TimePoint next = due ? std::min(*due, end) : end;
      advance(std::max(next, now_.steady) - now_.steady);
      member.desk.handle_timeout(now_, [this](const auto&) { return lacks_path_; });
      for (auto& put : member.puts()) all.push_back(std::move(put));
      if (now_.steady >= end) return all;
    }
  }
  void advance(Duration by) {
    now_.steady += by;
    now_.wall = kNoonTwenty + std::chrono::floor<std::chrono::milliseconds>(now_.steady - kStart);
  }
  void deliver(Member& to, Bytes value) {
    to.desk.handle_event(now_, dht::ValuesFound{to.listen, {{1, std::move(value)}}});
  }
  /// A call of `from`'s, sealed as any member could.
  Bytes value_from(const crypto::NodeIdentity& from, const rendezvous::SignedRecord& record) {
    const Hour hour = hour_of(now_.wall);
    return seal(rendezvous::write_mailbox_call(mesh_.keys(), from, mesh_.random(), b_.id(), hour,
                                               record.encoded));
  }
  Bytes seal(ByteView call) {
    return dht::seal_mailbox_value(mesh_.keys(), {hour_of(now_.wall), b_.id()}, call,
                                   mesh_.random());
  }
  std::size_t calls(Member& at) {
    std::size_t count = 0;
    while (at.desk.poll_call(now_)) ++count;
    return count;
  }

  static constexpr TimePoint kStart{1h};
  kadwire::testing::TestMesh mesh_{1};
  Now now_{kStart, kNoonTwenty};
  Member a_{mesh_}, b_{mesh_};
  bool lacks_path_ = true;
};

TEST_F(MailboxDeskTest, CallsAMemberToWhichNoPathCameAboutAndTheOtherReadsWhoItWas) {
  a_.desk.watch(now_, b_.id());
  EXPECT_TRUE(run(a_, kMailboxDelay - 1ms).empty());
  const auto puts = run(a_, 1ms);
  ASSERT_EQ(puts.size(), 1U);
  EXPECT_EQ(puts.front().key, mesh_.keys().mailbox(hour_of(now_.wall), b_.id()));
  EXPECT_EQ(puts.front().value.size(), dht::kSealedValueBytes);
  deliver(b_, puts.front().value);
  const auto caller = b_.desk.poll_call(now_);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->encoded, a_.record.encoded);
  EXPECT_FALSE(b_.desk.poll_call(now_));
}

TEST_F(MailboxDeskTest, CallsNobodyToWhomThereIsAPath) {
  lacks_path_ = false;
  a_.desk.watch(now_, b_.id());
  EXPECT_TRUE(run(a_, 10min).empty());
  lacks_path_ = true;
  EXPECT_TRUE(run(a_, 10min).empty()) << "the watch ended when the path was there";
}

TEST_F(MailboxDeskTest, CallsThriceForOneRecordAndFourTimesAnHourForAnyNumberOfThem) {
  a_.desk.watch(now_, b_.id());
  EXPECT_EQ(run(a_, 15min).size(), kMailboxTries);
  std::size_t further = 0;
  for (int i = 0; i < 10; ++i) {
    a_.desk.watch(now_, b_.id());
    further += run(a_, 2min).size();
  }
  EXPECT_EQ(further, kMailboxCallsPerMember - kMailboxTries);
  run(a_, 30min);
  a_.desk.watch(now_, b_.id());
  EXPECT_EQ(run(a_, 1min).size(), 2U) << "the next hour's";
}

TEST_F(MailboxDeskTest, CallsNoMoreThanSoManyMembersAnHour) {
  for (unsigned i = 0; i < 2 * kMailboxCallsWritten; ++i) {
    a_.desk.watch(now_, mesh_.make_identity().node_id());
  }
  EXPECT_EQ(run(a_, 30min).size(), kMailboxCallsWritten);
}

TEST_F(MailboxDeskTest, LeavesFewCallsAtOnce) {
  for (int i = 0; i < 20; ++i) a_.desk.watch(now_, mesh_.make_identity().node_id());
  std::size_t left = run(a_, kMailboxDelay).size();
  EXPECT_EQ(left, kMailLeftAtOnce);
  left += run(a_, kMailPause).size();
  EXPECT_EQ(left, 2 * kMailLeftAtOnce);
  left += run(a_, 3 * kMailPause).size();
  EXPECT_EQ(left, 20U);
}

TEST_F(MailboxDeskTest, WaitsForTheDirectory) {
  Member late(mesh_);
  late.desk.watch(now_, b_.id());
  EXPECT_TRUE(run(late, 1min).empty());
  connect(late);
  EXPECT_TRUE(run(late, kMailboxDelay - 1ms).empty()) << "whom the DHT names may yet answer";
  EXPECT_EQ(run(late, 1ms).size(), 1U);
}

TEST_F(MailboxDeskTest, ReadsACallOnceInHoweverManySealsItComes) {
  const Hour hour = hour_of(now_.wall);
  const Bytes call = rendezvous::write_mailbox_call(mesh_.keys(), a_.identity, mesh_.random(),
                                                    b_.id(), hour, a_.record.encoded);
  for (int i = 0; i < 3; ++i) deliver(b_, seal(call));  // as a member that opened it could
  EXPECT_EQ(calls(b_), 1U);
}

TEST_F(MailboxDeskTest, RefusesACallThatAMemberKeptForTheNextHour) {
  const Bytes call = rendezvous::write_mailbox_call(mesh_.keys(), a_.identity, mesh_.random(),
                                                    b_.id(), hour_of(now_.wall), a_.record.encoded);
  run(b_, 1h);
  deliver(b_, seal(call));
  EXPECT_EQ(calls(b_), 0U);
}

TEST_F(MailboxDeskTest, RefusesForgeriesAndCallsInAnothersName) {
  const crypto::NodeIdentity liar = mesh_.make_identity();
  deliver(b_, value_from(liar, a_.record));
  deliver(b_, seal(Bytes(300, std::byte{1})));
  deliver(b_, seal({}));
  EXPECT_EQ(calls(b_), 0U);
  deliver(b_, value_from(a_.identity, a_.record));
  EXPECT_EQ(calls(b_), 1U);
}

TEST_F(MailboxDeskTest, BelievesFourCallsAnHourOfOneMemberAndOthersBeside) {
  for (unsigned i = 0; i < 10; ++i) {
    deliver(b_, value_from(a_.identity, a_.record));
    EXPECT_EQ(calls(b_), i < kMailboxCallsPerMember ? 1U : 0U) << i;
    run(b_, 10s);
  }
  Member c(mesh_);
  deliver(b_, value_from(c.identity, c.record));
  EXPECT_EQ(calls(b_), 1U);
}

TEST_F(MailboxDeskTest, ReadsAFloodOfMembersAtABoundedRateAndDropsTheRest) {
  for (int i = 0; i < 200; ++i) {
    const crypto::NodeIdentity sybil = mesh_.make_identity();
    deliver(b_, value_from(sybil, mesh_.sign(mesh_.record_at(kNoonTwenty), sybil)));
  }
  EXPECT_EQ(calls(b_), kMailReadAtOnce);
  std::size_t later = 0;
  for (int i = 0; i < 10; ++i) {
    run(b_, kMailPause);
    const std::size_t now = calls(b_);
    EXPECT_LE(now, kMailReadAtOnce);
    later += now;
  }
  EXPECT_EQ(kMailReadAtOnce + later, dht::kWaitingCallsMax);
  EXPECT_GT(*b_.desk.next_timeout(), now_.steady) << "a timer that stays due spins";
}

}  // namespace
}  // namespace kadwire::node
