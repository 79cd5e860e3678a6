#pragma once

/// Who a node is. Three keys with three tasks:
///   the secret admits, the identity (Ed25519) signs, the WireGuard key (Curve25519) carries
///   traffic.
/// The WireGuard pair is the Curve25519 form of a second Ed25519 pair, which cross-signs the
/// NodeId: so anyone can check that the publisher owns the WireGuard key, and it can rotate while
/// the NodeId stays. Signatures are RFC 8032 Ed25519; an identity's covers domain ‖ mesh id (6
/// bytes) ‖ message, the WireGuard key's covers its domain ‖ NodeId ‖ mesh id. Domains are fixed
/// texts, none of which begins another. Handshakes (noise_handshake.h) know a node by the
/// Curve25519 form of its identity: X25519 and Ed25519 may share a key, since neither's outputs
/// help against the other (Thormarker, "On using the same key pair for Ed25519 and an X25519 based
/// KEM", 2021).

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "crypto/noise_key_pair.h"
#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"
#include "node/base/random.h"

namespace kadwire::crypto {

using MeshId = ByteArray<6>;
using Signature = ByteArray<64>;

/// The identity's Ed25519 public key.
struct NodeId {
  ByteArray<32> bytes{};
  auto operator<=>(const NodeId&) const = default;
  /// For people and logs: the first 8 bytes in base32, 13 characters.
  [[nodiscard]] std::string short_form() const;
  /// All 64 hex digits: what `peers get` takes and --json prints.
  [[nodiscard]] std::string to_hex() const;
};

/// A WireGuard (Curve25519) public key.
struct WireguardKey {
  ByteArray<32> bytes{};
  auto operator<=>(const WireguardKey&) const = default;
  [[nodiscard]] std::string to_base64() const;
};

/// The Ed25519 form of a node's WireGuard key, as records carry it.
struct WireguardSigningKey {
  ByteArray<32> bytes{};
  auto operator<=>(const WireguardSigningKey&) const = default;
};

inline constexpr std::string_view kWireguardKeyDomain = "kadwire wireguard key v1";

/// A node's private half. Move-only.
class NodeIdentity {
 public:
  [[nodiscard]] static NodeIdentity generate(RandomSource& random);
  /// From the two 32-byte Ed25519 seeds, as saved; nullopt unless both have that size.
  [[nodiscard]] static std::optional<NodeIdentity> from_seeds(ByteView identity_seed,
                                                              ByteView wireguard_seed);

  [[nodiscard]] const NodeId& node_id() const { return node_id_; }
  [[nodiscard]] const WireguardKey& wireguard_key() const { return wireguard_key_; }
  [[nodiscard]] const WireguardSigningKey& wireguard_signing_key() const {
    return wireguard_signing_key_;
  }
  /// 32 bytes, clamped, as WireGuard takes it.
  [[nodiscard]] const SecretBytes& wireguard_private_key() const { return wireguard_private_key_; }
  /// The identity's Curve25519 form, the static key of handshakes.
  [[nodiscard]] const NoiseKeyPair& noise_keys() const { return noise_keys_; }
  [[nodiscard]] const SecretBytes& identity_seed() const { return identity_seed_; }
  [[nodiscard]] const SecretBytes& wireguard_seed() const { return wireguard_seed_; }

  [[nodiscard]] Signature sign(std::string_view domain, const MeshId& mesh, ByteView message) const;
  /// The WireGuard key's signature over kWireguardKeyDomain, the mesh and this NodeId.
  [[nodiscard]] Signature cross_sign(const MeshId& mesh) const;

 private:
  explicit NodeIdentity(NoiseKeyPair noise_keys) : noise_keys_(std::move(noise_keys)) {}
  SecretBytes identity_seed_, wireguard_seed_, identity_secret_, wireguard_secret_,
      wireguard_private_key_;
  NoiseKeyPair noise_keys_;
  NodeId node_id_;
  WireguardKey wireguard_key_;
  WireguardSigningKey wireguard_signing_key_;
};

/// True if `signature` is `signer`'s over this domain, mesh and message. Refuses small-order and
/// non-canonical keys (libsodium's rules).
[[nodiscard]] bool verify(const NodeId& signer, std::string_view domain, const MeshId& mesh,
                          ByteView message, const Signature& signature);

/// The static key with which `node` shakes hands; nullopt for what is no Ed25519 key of the main
/// subgroup, so that an agreement with the result cannot fail.
[[nodiscard]] std::optional<NoiseKey> noise_key(const NodeId& node);

/// The WireGuard key that `signing_key` stands for, if it cross-signed `node`; else nullopt.
[[nodiscard]] std::optional<WireguardKey> verify_cross_signature(
    const WireguardSigningKey& signing_key, const NodeId& node, const MeshId& mesh,
    const Signature& signature);

}  // namespace kadwire::crypto
