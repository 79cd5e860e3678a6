#include "crypto/seal.h"

#include <gtest/gtest.h>

#include "crypto/system_random.h"
#include "tests/support/vectors.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::crypto {
namespace {

class Seal : public ::testing::Test {
 protected:
  SecretBytes key_ = SecretBytes::copy_of(as_bytes("a key of exactly thirty-two byte"));
  testnet::SeededRandom random_{1};
  const ByteView associated_ = as_bytes("associated");
};

TEST_F(Seal, OpensToWhatWasSealed) {
  for (const std::string_view text : {"", "x",
                                      "a longer text, of more than one block of the cipher…"
                                      "…which has sixty-four bytes"}) {
    const Bytes sealed = seal(key_, as_bytes(text), associated_, random_);
    EXPECT_EQ(sealed.size(), text.size() + kSealOverheadBytes);
    const auto opened = open(key_, sealed, associated_);
    ASSERT_TRUE(opened);
    EXPECT_EQ(as_text(*opened), text);
  }
}

TEST_F(Seal, AgreesWithThePublishedVector) {
  // draft-irtf-cfrg-xchacha-03, appendix A.3.1: the nonce stands in front of the ciphertext.
  const auto vector = kadwire::testing::load_vectors("xchacha20poly1305.json");
  const SecretBytes key = SecretBytes::copy_of(kadwire::testing::hex_bytes(vector.at("key")));
  const Bytes sealed = ByteWriter()
                           .raw(kadwire::testing::hex_bytes(vector.at("nonce")))
                           .raw(kadwire::testing::hex_bytes(vector.at("ciphertext")))
                           .raw(kadwire::testing::hex_bytes(vector.at("tag")))
                           .take();
  const auto opened = open(key, sealed, kadwire::testing::hex_bytes(vector.at("associated")));
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(*opened), vector.at("plaintext"));
}

TEST_F(Seal, OpensUnderNoOtherKeyOrAssociatedData) {
  const Bytes sealed = seal(key_, as_bytes("plaintext"), associated_, random_);
  SecretBytes other_key = key_.clone();
  other_key.writable()[31] ^= std::byte{1};
  EXPECT_FALSE(open(other_key, sealed, associated_));
  EXPECT_FALSE(open(key_, sealed, as_bytes("associatee")));
  EXPECT_FALSE(open(key_, sealed, {}));
}

TEST_F(Seal, DoesNotOpenWithAnyBitTurned) {
  const Bytes sealed = seal(key_, as_bytes("plaintext"), associated_, random_);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes turned = sealed;
    turned[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(open(key_, turned, associated_)) << bit;
  }
}

TEST_F(Seal, DoesNotOpenWhenCutShortOrLengthened) {
  const Bytes sealed = seal(key_, as_bytes("plaintext"), associated_, random_);
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_FALSE(open(key_, ByteView(sealed).first(length), associated_)) << length;
  }
  Bytes longer = sealed;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(open(key_, longer, associated_));
}

TEST_F(Seal, NeverLooksTheSameTwice) {
  const Bytes first = seal(key_, as_bytes("plaintext"), associated_, random_);
  const Bytes second = seal(key_, as_bytes("plaintext"), associated_, random_);
  EXPECT_NE(Bytes(first.begin(), first.begin() + 24), Bytes(second.begin(), second.begin() + 24));
  EXPECT_NE(Bytes(first.begin() + 24, first.end()), Bytes(second.begin() + 24, second.end()));
}

TEST_F(Seal, PaddedHidesTheLengthAndGivesBackEveryText) {
  constexpr std::size_t kSealedBytes = 100;
  constexpr std::size_t kTextMax = kSealedBytes - kSealOverheadBytes - kPaddingOverheadBytes;
  for (std::size_t length = 0; length <= kTextMax; ++length) {
    const Bytes text(length, std::byte{0});  // zeros: padding must not eat them
    const Bytes sealed = seal_padded(key_, text, kSealedBytes, associated_, random_);
    ASSERT_EQ(sealed.size(), kSealedBytes);
    ASSERT_EQ(open_padded(key_, sealed, kSealedBytes, associated_), text);
  }
}

TEST_F(Seal, PaddedDoesNotOpenWithAnotherSizeAWrongLengthOrPaddingThatSaysSomething) {
  constexpr std::size_t kSealedBytes = 60;
  const auto opens = [&](std::string_view plaintext) {
    const Bytes sealed = seal(key_, as_bytes(plaintext), associated_, random_);
    return open_padded(key_, sealed, kSealedBytes, associated_).has_value();
  };
  using namespace std::string_view_literals;
  EXPECT_TRUE(opens("\0\3abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv));
  EXPECT_FALSE(opens("\0\3abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0x"sv)) << "padding";
  EXPECT_FALSE(
      opens("\0\x13"
            "abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv))
      << "length";
  EXPECT_FALSE(opens("\0\3abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv)) << "size";
}

TEST(SystemRandom, FillsEveryByte) {
  SystemRandom random;
  // 64 draws: that a byte which is written stays zero each time has a chance of 2^-512.
  Bytes seen(33);
  for (int draw = 0; draw < 64; ++draw) {
    Bytes drawn(seen.size());
    random.fill(drawn);
    for (std::size_t i = 0; i < seen.size(); ++i) seen[i] |= drawn[i];
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), std::byte{0}), 0);
}

}  // namespace
}  // namespace kadwire::crypto
