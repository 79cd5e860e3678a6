#include "crypto/node_identity.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "crypto/sodium_bytes.h"
#include "tools/testnet/seeded_random.h"
#include "tests/support/vectors.h"

namespace kadwire::crypto {
namespace {

using testing::hex_array;
using testing::hex_bytes;
using testing::load_vector_list;
using testing::load_vectors;

constexpr MeshId kMesh{std::byte{1}, std::byte{2}, std::byte{3}};
constexpr std::string_view kDomain = "kadwire test v1";

NodeIdentity identity_of_seed(std::uint64_t seed) {
  testnet::SeededRandom random(seed);
  return NodeIdentity::generate(random);
}

TEST(NodeIdentity, HasThePublicKeyThatRfc8032GivesToItsSeed) {
  for (const auto& vector : load_vector_list("rfc8032.json", "cases")) {
    const auto identity =
        NodeIdentity::from_seeds(hex_bytes(vector.at("seed")), hex_bytes(vector.at("seed")));
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->node_id().to_hex(), vector.at("public_key"));
  }
}

TEST(NodeIdentity, AgreesWithASecondImplementation) {
  const auto vector = load_vectors("node_identity.json");
  const auto identity = NodeIdentity::from_seeds(hex_bytes(vector.at("identity_seed")),
                                                 hex_bytes(vector.at("wireguard_seed")));
  ASSERT_TRUE(identity);
  const auto mesh = hex_array<6>(vector.at("mesh_id"));
  EXPECT_EQ(identity->node_id().to_hex(), vector.at("node_id"));
  EXPECT_EQ(to_hex(identity->wireguard_signing_key().bytes), vector.at("wireguard_signing_key"));
  EXPECT_EQ(to_hex(identity->wireguard_private_key().view()), vector.at("wireguard_private_key"));
  EXPECT_EQ(to_hex(identity->wireguard_key().bytes), vector.at("wireguard_key"));
  EXPECT_EQ(to_hex(identity->sign(vector.at("domain").get<std::string>(), mesh,
                                  hex_bytes(vector.at("message")))),
            vector.at("signature"));
  EXPECT_EQ(to_hex(identity->cross_sign(mesh)), vector.at("cross_signature"));
}

TEST(NodeIdentity, IsTheSameAgainFromItsSavedSeeds) {
  const NodeIdentity first = identity_of_seed(1);
  const auto second =
      NodeIdentity::from_seeds(first.identity_seed().view(), first.wireguard_seed().view());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->node_id(), first.node_id());
  EXPECT_EQ(second->wireguard_key(), first.wireguard_key());
  EXPECT_TRUE(second->wireguard_private_key().equals(first.wireguard_private_key().view()));
}

TEST(NodeIdentity, RefusesSeedsOfAnotherSize) {
  const Bytes good(32), bad(31), worse(33);
  EXPECT_TRUE(NodeIdentity::from_seeds(good, good));
  EXPECT_FALSE(NodeIdentity::from_seeds(bad, good));
  EXPECT_FALSE(NodeIdentity::from_seeds(good, worse));
  EXPECT_FALSE(NodeIdentity::from_seeds({}, good));
}

TEST(NodeIdentity, KeepsTheWireguardKeyApartFromTheIdentity) {
  const NodeIdentity identity = identity_of_seed(1);
  EXPECT_FALSE(identity.identity_seed().equals(identity.wireguard_seed().view()));
  EXPECT_NE(identity.node_id().bytes, identity.wireguard_signing_key().bytes);
}

TEST(NodeIdentity, HasAClampedWireguardKeyPair) {
  const NodeIdentity identity = identity_of_seed(2);
  const ByteView scalar = identity.wireguard_private_key().view();
  ASSERT_EQ(scalar.size(), 32U);
  EXPECT_EQ(scalar[0] & std::byte{0x07}, std::byte{0});
  EXPECT_EQ(scalar[31] & std::byte{0xc0}, std::byte{0x40});
  ByteArray<32> public_key;
  crypto_scalarmult_curve25519_base(out(public_key), in(scalar));
  EXPECT_EQ(public_key, identity.wireguard_key().bytes);
}

TEST(NodeIdentity, HasAShortFormOfThirteenCharacters) {
  NodeId node;
  EXPECT_EQ(node.short_form(), "aaaaaaaaaaaaa");
  node.bytes.fill(std::byte{0xff});
  EXPECT_EQ(node.short_form(), "7777777777776");
  EXPECT_EQ(WireguardKey{}.to_base64(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

TEST(Signature, HoldsOnlyForItsSignerDomainMeshAndMessage) {
  const NodeIdentity signer = identity_of_seed(1);
  const Signature signature = signer.sign(kDomain, kMesh, as_bytes("message"));
  EXPECT_TRUE(verify(signer.node_id(), kDomain, kMesh, as_bytes("message"), signature));
  EXPECT_FALSE(
      verify(identity_of_seed(2).node_id(), kDomain, kMesh, as_bytes("message"), signature));
  EXPECT_FALSE(verify(signer.node_id(), "kadwire test v2", kMesh, as_bytes("message"), signature));
  EXPECT_FALSE(verify(signer.node_id(), kDomain, MeshId{}, as_bytes("message"), signature));
  EXPECT_FALSE(verify(signer.node_id(), kDomain, kMesh, as_bytes("messagf"), signature));
  EXPECT_FALSE(verify(signer.node_id(), kDomain, kMesh, {}, signature));
}

TEST(Signature, FailsWithAnyOfItsBitsTurned) {
  const NodeIdentity signer = identity_of_seed(1);
  const Signature signature = signer.sign(kDomain, kMesh, as_bytes("message"));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Signature turned = signature;
    turned[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(verify(signer.node_id(), kDomain, kMesh, as_bytes("message"), turned)) << bit;
  }
}

TEST(Signature, OfASmallOrderKeyIsRefused) {
  // With the neutral element as key and R, and S = 0, the bare equation holds for every message.
  NodeId neutral;
  neutral.bytes[0] = std::byte{1};
  Signature signature{};
  signature[0] = std::byte{1};
  EXPECT_FALSE(verify(neutral, kDomain, kMesh, as_bytes("message"), signature));
}

TEST(CrossSignature, GivesTheWireguardKeyOfTheNodeThatMadeIt) {
  const NodeIdentity identity = identity_of_seed(1);
  EXPECT_EQ(verify_cross_signature(identity.wireguard_signing_key(), identity.node_id(), kMesh,
                                   identity.cross_sign(kMesh)),
            identity.wireguard_key());
}

TEST(CrossSignature, HoldsForNoOtherNodeMeshOrKey) {
  const NodeIdentity identity = identity_of_seed(1);
  const NodeIdentity other = identity_of_seed(2);
  const Signature signature = identity.cross_sign(kMesh);
  const auto& key = identity.wireguard_signing_key();
  EXPECT_FALSE(verify_cross_signature(key, other.node_id(), kMesh, signature));
  EXPECT_FALSE(verify_cross_signature(key, identity.node_id(), MeshId{}, signature));
  EXPECT_FALSE(
      verify_cross_signature(other.wireguard_signing_key(), identity.node_id(), kMesh, signature));
}

TEST(CrossSignature, CannotBeMadeByTheIdentityInPlaceOfTheWireguardKey) {
  const NodeIdentity identity = identity_of_seed(1);
  const Signature by_identity = identity.sign(kWireguardKeyDomain, kMesh, identity.node_id().bytes);
  EXPECT_FALSE(verify_cross_signature(identity.wireguard_signing_key(), identity.node_id(), kMesh,
                                      by_identity));
}

TEST(Libsodium, SignsAsRfc8032) {
  for (const auto& vector : load_vector_list("rfc8032.json", "cases")) {
    ByteArray<32> public_key;
    ByteArray<64> secret_key, signature;
    const Bytes message = hex_bytes(vector.at("message"));
    crypto_sign_seed_keypair(out(public_key), out(secret_key), in(hex_bytes(vector.at("seed"))));
    crypto_sign_detached(out(signature), nullptr, in(message), message.size(), in(secret_key));
    EXPECT_EQ(to_hex(signature), vector.at("signature"));
  }
}

TEST(Libsodium, MultipliesAsRfc7748) {
  for (const auto& vector : load_vector_list("rfc7748.json", "cases")) {
    ByteArray<32> result;
    ASSERT_EQ(crypto_scalarmult_curve25519(out(result), in(hex_bytes(vector.at("scalar"))),
                                           in(hex_bytes(vector.at("u_coordinate")))),
              0);
    EXPECT_EQ(to_hex(result), vector.at("result")) << vector.at("title");
  }
}

}  // namespace
}  // namespace kadwire::crypto
