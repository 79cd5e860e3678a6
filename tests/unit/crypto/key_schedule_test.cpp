/// The derivation tree and the addresses against tests/vectors/key_schedule.json, which a second
/// implementation wrote; and the properties that a vector does not show.

#include "crypto/key_schedule.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/mesh_address.h"
#include "tests/support/vectors.h"

namespace kadwire::crypto {
namespace {

using testing::hex_array;

MeshSecret secret_from_ikm(const nlohmann::json& mesh) {
  return {SecretBytes::copy_of(testing::hex_bytes(mesh.at("ikm"))), std::nullopt};
}

std::string hex(const SecretBytes& secret) {
  return to_hex(secret.view());
}

NodeId node_of_byte(unsigned value) {
  NodeId node;
  node.bytes.fill(static_cast<std::byte>(value));
  return node;
}

TEST(KeySchedule, AgreesWithASecondImplementation) {
  for (const auto& mesh : testing::load_vector_list("key_schedule.json", "meshes")) {
    SCOPED_TRACE(mesh.at("title").get<std::string>());
    const KeySchedule keys(secret_from_ikm(mesh));
    const Hour hour = mesh.at("hour");
    EXPECT_EQ(keys.mesh_id_text(), mesh.at("mesh_id"));
    EXPECT_EQ(to_hex(keys.mesh_id()), mesh.at("mesh_id"));
    EXPECT_EQ(to_hex(keys.topic(hour, 0)), mesh.at("topic_shard_0"));
    EXPECT_EQ(to_hex(keys.topic(hour, 255)), mesh.at("topic_shard_255"));
    EXPECT_EQ(hex(keys.record_seal_key(hour)), mesh.at("record_seal"));
    EXPECT_EQ(hex(keys.group_seal_key(hour)), mesh.at("group_seal"));
    EXPECT_EQ(hex(keys.frame_tag_key(hour)), mesh.at("frame_tag"));
    EXPECT_EQ(hex(keys.noise_psk()), mesh.at("noise_psk"));
    for (const auto& node : mesh.at("nodes")) {
      const NodeId id{hex_array<32>(node.at("node_id"))};
      EXPECT_EQ(to_hex(keys.mailbox(hour, id)), node.at("mailbox"));
      EXPECT_EQ(hex(keys.mailbox_seal_key(hour, id)), node.at("mailbox_seal"));
    }
  }
}

TEST(KeySchedule, GivesAPairOnePskWhicheverWayRound) {
  for (const auto& mesh : testing::load_vector_list("key_schedule.json", "meshes")) {
    const KeySchedule keys(secret_from_ikm(mesh));
    const WireguardKey a{hex_array<32>(mesh.at("wireguard_a"))};
    const WireguardKey b{hex_array<32>(mesh.at("wireguard_b"))};
    EXPECT_EQ(hex(keys.wireguard_psk(a, b)), mesh.at("wireguard_psk"));
    EXPECT_EQ(hex(keys.wireguard_psk(b, a)), mesh.at("wireguard_psk"));
    EXPECT_NE(hex(keys.wireguard_psk(a, a)), mesh.at("wireguard_psk"));
  }
}

TEST(KeySchedule, NeverGivesTwoPurposesTheSameKey) {
  const KeySchedule keys({SecretBytes(kSecretBytes), std::nullopt});
  std::set<std::string> seen;
  for (const Hour hour : {Hour{1}, Hour{2}}) {
    for (const SecretBytes& key :
         {keys.record_seal_key(hour), keys.group_seal_key(hour), keys.frame_tag_key(hour),
          keys.mailbox_seal_key(hour, node_of_byte(1)),
          keys.mailbox_seal_key(hour, node_of_byte(2))}) {
      EXPECT_TRUE(seen.insert(hex(key)).second);
    }
    for (const InfoHash& hash :
         {keys.topic(hour, 0), keys.topic(hour, 1), keys.mailbox(hour, node_of_byte(1))}) {
      EXPECT_TRUE(seen.insert(to_hex(hash)).second);
    }
  }
}

TEST(MeshAddress, AgreesWithASecondImplementation) {
  for (const auto& mesh : testing::load_vector_list("key_schedule.json", "meshes")) {
    SCOPED_TRACE(mesh.at("title").get<std::string>());
    const auto secret = parse_mesh_secret(mesh.at("secret").get<std::string>());
    ASSERT_TRUE(secret);
    const KeySchedule keys(*secret);
    const Prefix network = mesh_ipv4_network(keys, *secret);
    EXPECT_EQ(network.to_string(), mesh.at("ipv4_network"));
    EXPECT_EQ(mesh_ipv6_network(keys).to_string(), mesh.at("ipv6_network"));
    for (const auto& node : mesh.at("nodes")) {
      const NodeId id{hex_array<32>(node.at("node_id"))};
      EXPECT_EQ(mesh_ipv6_address(keys, id).to_string(), node.at("ipv6"));
      for (std::uint8_t nonce = 0; nonce < 4; ++nonce) {
        EXPECT_EQ(mesh_ipv4_lease(keys, network, id, nonce).to_string(), node.at("leases")[nonce]);
      }
    }
  }
}

TEST(MeshAddress, LeasesNeitherTheNetworkNorItsBroadcastAddress) {
  const KeySchedule keys({SecretBytes(kSecretBytes), std::nullopt});
  const Prefix network = *Prefix::parse("192.168.7.252/30");
  std::set<std::string> leased;
  for (unsigned nonce = 0; nonce < 64; ++nonce) {
    leased.insert(mesh_ipv4_lease(keys, network, node_of_byte(1), static_cast<std::uint8_t>(nonce))
                      .to_string());
  }
  EXPECT_EQ(leased, (std::set<std::string>{"192.168.7.253", "192.168.7.254"}));
}

TEST(MeshAddress, LeasesAcrossAWholeNetworkOfEight) {
  const KeySchedule keys({SecretBytes(kSecretBytes), std::nullopt});
  const Prefix network = *Prefix::parse("10.0.0.0/8");
  for (unsigned value = 0; value < 64; ++value) {
    EXPECT_TRUE(network.contains(mesh_ipv4_lease(keys, network, node_of_byte(value), 0)));
  }
}

TEST(MeshAddress, DrawsItsDefaultNetworkBetweenTenOneAndTen254) {
  for (unsigned value = 0; value < 256; ++value) {
    MeshSecret secret{SecretBytes(kSecretBytes), std::nullopt};
    secret.ikm.writable()[0] = static_cast<std::byte>(value);
    const Prefix network = mesh_ipv4_network(KeySchedule(secret), secret);
    EXPECT_EQ(network.length, 16U);
    EXPECT_GE(network.address, *IpAddress::parse("10.1.0.0"));
    EXPECT_LE(network.address, *IpAddress::parse("10.254.0.0"));
  }
}

}  // namespace
}  // namespace kadwire::crypto
