/// What is sealed as PROTOCOL.md fixes it, the DHT's values too: here because the document is this
/// room's, though their code is dht's.

#include <gtest/gtest.h>

#include <algorithm>

#include "dht/mailbox_value.h"
#include "dht/sealed_value.h"
#include "rendezvous/beacon.h"
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

TEST(MailboxValueVector, IsSealedByteForByteAndOpened) {
  const auto vector = load_vectors("mailbox_value.json");
  const crypto::KeySchedule keys(
      {crypto::SecretBytes::copy_of(hex_bytes(vector["ikm"])), std::nullopt});
  MailboxAddress address{vector["hour"].get<Hour>(), {}};
  std::ranges::copy(hex_bytes(vector["owner"]), address.owner.bytes.begin());
  FixedRandom nonce(hex_bytes(vector["nonce"]));
  EXPECT_EQ(to_hex(keys.mailbox(address.hour, address.owner)), vector["key"]);
  EXPECT_EQ(to_hex(seal_mailbox_value(keys, address, hex_bytes(vector["call"]), nonce)),
            vector["value"]);
  const auto seal_key = keys.mailbox_seal_key(address.hour, address.owner);
  EXPECT_EQ(open_mailbox_value(seal_key, address, hex_bytes(vector["value"])),
            hex_bytes(vector["call"]));
}

TEST(BeaconVector, IsMadeByteForByteAndOpened) {
  const auto vector = load_vectors("beacon.json");
  const crypto::KeySchedule keys(
      {crypto::SecretBytes::copy_of(hex_bytes(vector["ikm"])), std::nullopt});
  rendezvous::FrameKeys frame_keys(keys);
  const Hour hour = vector["hour"].get<Hour>();
  FixedRandom nonce(hex_bytes(vector["nonce"]));
  EXPECT_EQ(
      to_hex(rendezvous::encode_beacon(keys, frame_keys, hour, hex_bytes(vector["record"]), nonce)),
      vector["beacon"]);
  EXPECT_EQ(rendezvous::open_beacon(keys, frame_keys, hour, hex_bytes(vector["beacon"])),
            hex_bytes(vector["record"]));
}

}  // namespace
}  // namespace kadwire::dht
