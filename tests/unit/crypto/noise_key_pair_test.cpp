#include "crypto/noise_key_pair.h"

#include <gtest/gtest.h>

#include "crypto/node_identity.h"
#include "tests/unit/crypto/noise_pair.h"

namespace kadwire::crypto {
namespace {

using kadwire::testing::hex_array;
using kadwire::testing::hex_bytes;
using kadwire::testing::load_vector_list;
using kadwire::testing::load_vectors;
using testing::agreed;
using testing::key_pair;

TEST(NoiseKeyPair, AgreesAsRfc7748) {
  for (const auto& vector : load_vector_list("rfc7748.json", "cases")) {
    const NoiseKey peer{hex_array<32>(vector.at("u_coordinate"))};
    const auto shared = agreed(key_pair(vector.at("scalar")), peer);
    ASSERT_TRUE(shared);
    EXPECT_EQ(to_hex(*shared), vector.at("result")) << vector.at("title");
  }
}

TEST(NoiseKeyPair, AgreesFromBothSides) {
  testnet::SeededRandom random(1);
  const NoiseKeyPair a = NoiseKeyPair::generate(random), b = NoiseKeyPair::generate(random);
  EXPECT_NE(a.public_key(), b.public_key());
  EXPECT_EQ(agreed(a, b.public_key()), agreed(b, a.public_key()));
}

/// Every encoding of a point whose order divides 8, on the curve and on its twist. The bit above
/// the coordinate is ignored by X25519, so each comes a second time with that bit set.
constexpr std::string_view kLowOrder[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

TEST(NoiseKeyPair, RefusesToAgreeWithAPointOfLowOrder) {
  testnet::SeededRandom random(1);
  const NoiseKeyPair own = NoiseKeyPair::generate(random);
  for (const std::string_view hex : kLowOrder) {
    NoiseKey peer{*to_array<32>(*from_hex(hex))};
    EXPECT_FALSE(agreed(own, peer)) << hex;
    peer.bytes[31] |= std::byte{0x80};
    EXPECT_FALSE(agreed(own, peer)) << hex << " with the high bit";
  }
}

TEST(NoiseKey, OfANodeIsThePublicHalfOfItsIdentitysPair) {
  testnet::SeededRandom random(1);
  const NodeIdentity a = NodeIdentity::generate(random), b = NodeIdentity::generate(random);
  EXPECT_EQ(noise_key(a.node_id()), a.noise_keys().public_key());
  EXPECT_EQ(agreed(a.noise_keys(), *noise_key(b.node_id())),
            agreed(b.noise_keys(), *noise_key(a.node_id())));
}

TEST(NoiseKey, AgreesWithASecondImplementation) {
  const auto vector = load_vectors("node_identity.json");
  const auto identity = NodeIdentity::from_seeds(hex_bytes(vector.at("identity_seed")),
                                                 hex_bytes(vector.at("wireguard_seed")));
  ASSERT_TRUE(identity);
  EXPECT_EQ(to_hex(identity->noise_keys().public_key().bytes), vector.at("noise_key"));
}

TEST(NoiseKey, IsNotTheWireguardKey) {
  testnet::SeededRandom random(1);
  const NodeIdentity identity = NodeIdentity::generate(random);
  EXPECT_NE(identity.noise_keys().public_key().bytes, identity.wireguard_key().bytes);
}

TEST(NoiseKey, OfWhatIsNoKeyDoesNotExist) {
  NodeId neutral;
  neutral.bytes[0] = std::byte{1};
  EXPECT_FALSE(noise_key(neutral)) << "of low order";
  NodeId off_the_curve;
  off_the_curve.bytes[0] = std::byte{2};
  EXPECT_FALSE(noise_key(off_the_curve));
}

}  // namespace
}  // namespace kadwire::crypto
