#include "rendezvous/mailbox_call.h"

#include <gtest/gtest.h>

#include "rendezvous/pair_link.h"
#include "tests/support/test_mesh.h"

namespace kadwire::rendezvous {
namespace {

constexpr Hour kHour = 490'000;

class MailboxCallTest : public ::testing::Test {
 protected:
  SignedRecord record_of(const crypto::NodeIdentity& identity) {
    return mesh_.sign(mesh_.record_at(kadwire::testing::kNoonTwenty), identity);
  }
  Bytes call(const crypto::NodeIdentity& from, ByteView record) {
    return write_mailbox_call(mesh_.keys(), from, mesh_.random(), called_.node_id(), kHour, record);
  }
  std::optional<MailboxCall> read(ByteView call, Hour hour = kHour) {
    return read_mailbox_call(mesh_.keys(), called_, hour, call);
  }

  kadwire::testing::TestMesh mesh_{1};
  crypto::NodeIdentity caller_ = mesh_.make_identity();
  crypto::NodeIdentity called_ = mesh_.make_identity();
  SignedRecord record_ = record_of(caller_);
};

TEST_F(MailboxCallTest, TellsTheCalledWhoCallsAndWhatItSaysOfItself) {
  const Bytes sent = call(caller_, record_.encoded);
  const auto received = read(sent);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->caller.encoded, record_.encoded);
  EXPECT_EQ(received->id, mailbox_call_id(sent));
}

TEST_F(MailboxCallTest, HasAnIdOfItsOwnEachTime) {
  EXPECT_NE(mailbox_call_id(call(caller_, record_.encoded)),
            mailbox_call_id(call(caller_, record_.encoded)));
}

TEST_F(MailboxCallTest, IsForOneMemberInOneHour) {
  const Bytes sent = call(caller_, record_.encoded);
  EXPECT_FALSE(read(sent, kHour + 1)) << "who opens the seal cannot put it into the next hour";
  EXPECT_FALSE(read(sent, kHour - 1));
  const crypto::NodeIdentity other = mesh_.make_identity();
  EXPECT_FALSE(read_mailbox_call(mesh_.keys(), other, kHour, sent));
  const kadwire::testing::TestMesh elsewhere(2);
  EXPECT_FALSE(read_mailbox_call(elsewhere.keys(), called_, kHour, sent));
}

TEST_F(MailboxCallTest, CannotBeMadeWithAnothersRecord) {
  const crypto::NodeIdentity liar = mesh_.make_identity();
  EXPECT_FALSE(read(call(liar, record_.encoded)));
  EXPECT_TRUE(read(call(liar, record_of(liar).encoded)));
}

TEST_F(MailboxCallTest, IsRefusedWithAnyByteChangedAndAtEveryOtherLength) {
  const Bytes sent = call(caller_, record_.encoded);
  for (std::size_t i = 0; i < sent.size(); i += 7) {
    Bytes changed = sent;
    changed[i] ^= std::byte{0x04};
    EXPECT_FALSE(read(changed)) << i;
  }
  for (std::size_t length = 0; length < sent.size(); length += 11) {
    EXPECT_FALSE(read(ByteView(sent).first(length))) << length;
  }
  Bytes longer = sent;
  longer.resize(kMailboxCallBytesMax + 1);
  EXPECT_FALSE(read(longer));
  longer.resize(sent.size() + 1);
  EXPECT_FALSE(read(longer));
}

TEST_F(MailboxCallTest, IsNoCallOnTheWire) {
  FrameKeys frame_keys(mesh_.keys());
  SessionIndices indices(mesh_.random());
  const LinkContext context{mesh_.keys(), called_, frame_keys, indices, mesh_.random()};
  const Bytes sent = call(caller_, record_.encoded);
  EXPECT_FALSE(read_call(context, ByteWriter().be32(7).raw(sent).take()));
}

TEST_F(MailboxCallTest, LeavesTheHostnameOutOfARecordThatWouldNotFit) {
  PeerRecord full = mesh_.record_at(kadwire::testing::kNoonTwenty);
  full.hostname = std::string(kHostnameBytesMax, 'h');
  full.nat = NatBehavior{};
  for (std::uint16_t i = 0; i < kCandidatesMax; ++i) {
    full.candidates.push_back({CandidateKind::kHost, {*IpAddress::parse("2001:db8::1"), 1}});
    full.candidates.back().endpoint.port = static_cast<std::uint16_t>(i + 1);
  }
  const SignedRecord whole = mesh_.sign(full, caller_);
  ASSERT_GT(whole.encoded.size(), kMailboxRecordBytesMax);
  const Bytes brief = record_for_mailbox(whole, caller_, mesh_.keys().mesh_id());
  const auto received = read(call(caller_, brief));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->caller.record.candidates, whole.record.candidates);
  EXPECT_EQ(received->caller.record.hostname, "");
  EXPECT_LT(received->caller.record.sequence, whole.record.sequence)
      << "the whole one replaces it where both arrive";
  EXPECT_EQ(record_for_mailbox(record_, caller_, mesh_.keys().mesh_id()), record_.encoded);
}

}  // namespace
}  // namespace kadwire::rendezvous
