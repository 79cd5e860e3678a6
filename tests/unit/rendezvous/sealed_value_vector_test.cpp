/// The sealed value as PROTOCOL.md fixes it: here because the document is this room's, though the
/// code is dht's.

#include <gtest/gtest.h>

#include <algorithm>

#include "dht/sealed_value.h"
#include "tests/support/vectors.h"

namespace kadwire::dht {
namespace {

using kadwire::testing::hex_bytes;
using kadwire::testing::load_vectors;

/// Gives the vector's nonce.
class FixedRandom final : public RandomSource {
 public:
  explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::byte> out) override { std::ranges::copy(bytes_, out.begin()); }

 private:
  Bytes bytes_;
};

class SealedValueVector : public ::testing::Test {
 protected:
  nlohmann::json vector_ = load_vectors("sealed_value.json");
  crypto::KeySchedule keys_{
      {crypto::SecretBytes::copy_of(hex_bytes(vector_["ikm"])), std::nullopt}};
  Topic topic_{vector_["hour"].get<Hour>(), vector_["shard"].get<std::uint8_t>()};
  Bytes record_ = hex_bytes(vector_["record"]);
  Bytes value_ = hex_bytes(vector_["value"]);
};

TEST_F(SealedValueVector, IsSealedByteForByte) {
  FixedRandom nonce(hex_bytes(vector_["nonce"]));
  EXPECT_EQ(to_hex(seal_value(keys_, topic_, record_, nonce)), vector_["value"]);
}

TEST_F(SealedValueVector, IsOpened) {
  EXPECT_EQ(value_.size(), kSealedValueBytes);
  EXPECT_EQ(open_value(keys_, topic_, value_), record_);
}

}  // namespace
}  // namespace kadwire::dht
