#include "crypto/noise_session.h"

#include <gtest/gtest.h>

#include "crypto/noise_cipher.h"
#include "tests/unit/crypto/noise_pair.h"

namespace kadwire::crypto {
namespace {

using testing::error_of;
using testing::Pair;
using testing::turned;

class NoiseSessionPair : public ::testing::Test {
 protected:
  /// The `count` next messages of the initiator; each says its counter.
  std::vector<Bytes> sealed(std::uint64_t count) {
    std::vector<Bytes> messages;
    for (std::uint64_t i = 0; i < count; ++i) {
      messages.push_back(ours_.seal(ByteWriter().be64(ours_.sent()).take()).value());
    }
    return messages;
  }

  testing::Shaken shaken_ = Pair().shake();
  NoiseSession& ours_ = shaken_.initiator;
  NoiseSession& theirs_ = shaken_.responder;
};

TEST_F(NoiseSessionPair, OpensWhatTheOtherSealed) {
  for (const std::string_view text : {"", "x", "a longer text"}) {
    const Bytes there = ours_.seal(as_bytes(text)).value();
    EXPECT_EQ(there.size(), text.size() + kNoiseSealOverheadBytes);
    EXPECT_EQ(as_text(theirs_.open(there).value()), text);
    EXPECT_EQ(as_text(ours_.open(theirs_.seal(as_bytes(text)).value()).value()), text);
  }
  EXPECT_EQ(ours_.sent(), 3U);
}

TEST_F(NoiseSessionPair, CountsFromZeroInBigEndian) {
  const Bytes first = ours_.seal({}).value(), second = ours_.seal({}).value();
  EXPECT_EQ(ByteReader(first).be64(), 0U);
  EXPECT_EQ(ByteReader(second).be64(), 1U);
}

TEST_F(NoiseSessionPair, HasAKeyForEachDirection) {
  const Bytes sealed = ours_.seal(as_bytes("text")).value();
  EXPECT_EQ(error_of(ours_.open(sealed)), NoiseError::kNotAuthentic) << "sent back to its sender";
  EXPECT_NE(theirs_.seal(as_bytes("text")).value(), sealed);
}

TEST_F(NoiseSessionPair, OpensNothingOfAnotherSession) {
  auto other = Pair(2).shake();
  EXPECT_EQ(error_of(other.responder.open(ours_.seal({}).value())), NoiseError::kNotAuthentic);
}

TEST_F(NoiseSessionPair, OpensOnlyUnderTheSameAssociatedData) {
  const Bytes sealed = ours_.seal(as_bytes("text"), as_bytes("header")).value();
  EXPECT_EQ(error_of(theirs_.open(sealed, as_bytes("headed"))), NoiseError::kNotAuthentic);
  EXPECT_EQ(error_of(theirs_.open(sealed)), NoiseError::kNotAuthentic);
  EXPECT_EQ(as_text(theirs_.open(sealed, as_bytes("header")).value()), "text");
}

TEST_F(NoiseSessionPair, OpensNothingWithABitTurnedAndTheTrueMessageAfterwards) {
  const Bytes sealed = ours_.seal(as_bytes("text")).value();
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    EXPECT_FALSE(theirs_.open(turned(sealed, bit))) << bit;
  }
  EXPECT_TRUE(theirs_.open(sealed));
}

TEST_F(NoiseSessionPair, OpensNothingCutShortOrLengthened) {
  Bytes sealed = ours_.seal(as_bytes("text")).value();
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_EQ(error_of(theirs_.open(ByteView(sealed).first(length))),
              length < kNoiseSealOverheadBytes ? NoiseError::kTooShort : NoiseError::kNotAuthentic);
  }
  sealed.push_back(std::byte{0});
  EXPECT_EQ(error_of(theirs_.open(sealed)), NoiseError::kNotAuthentic);
  EXPECT_EQ(error_of(theirs_.open(Bytes(kNoiseMessageBytesMax + 1))), NoiseError::kTooLong);
}

TEST_F(NoiseSessionPair, OpensTheLongestMessageThatItSeals) {
  const Bytes longest(kNoiseMessageBytesMax - kNoiseSealOverheadBytes);
  EXPECT_EQ(theirs_.open(ours_.seal(longest).value()), longest);
}

TEST_F(NoiseSessionPair, OpensEachMessageOnce) {
  const auto messages = sealed(3);
  for (const Bytes& message : messages) EXPECT_TRUE(theirs_.open(message));
  for (const Bytes& message : messages) {
    EXPECT_EQ(error_of(theirs_.open(message)), NoiseError::kReplayed);
  }
}

TEST_F(NoiseSessionPair, OpensMessagesInAnyOrderWithinTheWindow) {
  auto messages = sealed(kNoiseWindowMessages);
  std::ranges::reverse(messages);
  std::uint64_t counter = kNoiseWindowMessages;
  for (const Bytes& message : messages) {
    const auto opened = theirs_.open(message);
    ASSERT_TRUE(opened) << counter;
    EXPECT_EQ(ByteReader(*opened).be64(), --counter);
  }
}

TEST_F(NoiseSessionPair, RefusesWhatIsFurtherBehindThanTheWindow) {
  const auto messages = sealed(kNoiseWindowMessages + 1);
  ASSERT_TRUE(theirs_.open(messages.back()));
  EXPECT_EQ(error_of(theirs_.open(messages[0])), NoiseError::kTooOld);
  EXPECT_TRUE(theirs_.open(messages[1]));
}

TEST_F(NoiseSessionPair, IsNotMovedOnByAForgedCounter) {
  const auto messages = sealed(2);
  ASSERT_TRUE(theirs_.open(messages[1]));
  Bytes forged = messages[1];
  forged[2] = std::byte{1};  // a counter of 2^40 and more
  EXPECT_EQ(error_of(theirs_.open(forged)), NoiseError::kNotAuthentic);
  EXPECT_TRUE(theirs_.open(messages[0]));
}

// The end of a session.

SecretBytes keys() {
  SecretBytes keys(64);
  std::ranges::fill(keys.writable().first(32), std::byte{1});
  std::ranges::fill(keys.writable().subspan(32), std::byte{2});
  return keys;
}

constexpr std::uint64_t kLast = kNoiseSessionMessagesMax - 1;

TEST(NoiseSession, SealsItsLastMessageAndNoMore) {
  NoiseSession ours(keys(), NoiseRole::kInitiator, {}, kLast);
  NoiseSession theirs(keys(), NoiseRole::kResponder, {});
  const auto last = ours.seal(as_bytes("last"));
  ASSERT_TRUE(last);
  EXPECT_EQ(ByteReader(*last).be64(), (std::uint64_t{1} << 60) - 1);
  EXPECT_EQ(as_text(theirs.open(*last).value()), "last");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(error_of(ours.seal({})), NoiseError::kExhausted);
    EXPECT_EQ(ours.sent(), kNoiseSessionMessagesMax);
  }
}

TEST(NoiseSession, OpensNothingBeyondTheLimitEvenIfItIsAuthentic) {
  const SecretBytes both = keys();
  NoiseSession theirs(keys(), NoiseRole::kResponder, {});
  for (const std::uint64_t counter : {kLast + 1, ~std::uint64_t{0}}) {
    Bytes sealed = ByteWriter().be64(counter).raw(Bytes(kNoiseTagBytes)).take();
    noise_encrypt(both.view().first(32), counter, {}, {}, std::span(sealed).subspan(8));
    EXPECT_EQ(error_of(theirs.open(sealed)), NoiseError::kExhausted);
  }
}

TEST(NoiseSession, SealsWithTheKeyOfItsRole) {
  // Noise §5.3: the first of the two keys is the initiator's to send with.
  NoiseSession initiator(keys(), NoiseRole::kInitiator, {});
  NoiseSession responder(keys(), NoiseRole::kResponder, {});
  const SecretBytes both = keys();
  Bytes plaintext(4);
  const Bytes ours = initiator.seal(as_bytes("text")).value();
  EXPECT_TRUE(noise_decrypt(both.view().first(32), 0, {}, ByteView(ours).subspan(8), plaintext));
  const Bytes theirs = responder.seal(as_bytes("text")).value();
  EXPECT_TRUE(
      noise_decrypt(both.view().subspan(32), 0, {}, ByteView(theirs).subspan(8), plaintext));
}

}  // namespace
}  // namespace kadwire::crypto
