#include "crypto/node_identity.h"

#include <sodium.h>

#include <cassert>

#include "crypto/sodium_bytes.h"

namespace kadwire::crypto {
namespace {

/// 64 bits: enough that people never meet two nodes of one short form.
constexpr std::size_t kShortFormBytes = 8;

/// What a signature of the identity covers.
Bytes signed_text(std::string_view domain, const MeshId& mesh, ByteView message) {
  return ByteWriter().text(domain).raw(mesh).raw(message).take();
}

/// What the WireGuard key's signature covers.
Bytes cross_signed_text(const NodeId& node, const MeshId& mesh) {
  return ByteWriter().text(kWireguardKeyDomain).raw(node.bytes).raw(mesh).take();
}

bool verify_text(ByteView signer, ByteView text, const Signature& signature) {
  return crypto_sign_verify_detached(in(signature), in(text), text.size(), in(signer)) == 0;
}

Signature sign_with(const SecretBytes& secret_key, ByteView text) {
  Signature signature;
  crypto_sign_detached(out(signature), nullptr, in(text), text.size(), in(secret_key));
  return signature;
}

/// The Curve25519 form of an Ed25519 public key; nullopt if it is not a point of the main subgroup.
std::optional<ByteArray<32>> to_curve25519(ByteView ed25519_key) {
  ByteArray<32> key;
  if (crypto_sign_ed25519_pk_to_curve25519(out(key), in(ed25519_key)) != 0) return std::nullopt;
  return key;
}

/// The private half of that form, clamped.
SecretBytes private_to_curve25519(const SecretBytes& ed25519_secret_key) {
  SecretBytes scalar(crypto_scalarmult_curve25519_SCALARBYTES);
  crypto_sign_ed25519_sk_to_curve25519(out(scalar), in(ed25519_secret_key));
  return scalar;
}

std::optional<WireguardKey> to_wireguard_key(const WireguardSigningKey& signing_key) {
  const auto key = to_curve25519(signing_key.bytes);
  if (!key) return std::nullopt;
  return WireguardKey{*key};
}

}  // namespace

std::string NodeId::short_form() const {
  return to_base32(ByteView(bytes).first(kShortFormBytes));
}

std::string NodeId::to_hex() const {
  return kadwire::to_hex(bytes);
}

std::string WireguardKey::to_base64() const {
  return kadwire::to_base64(bytes);
}

NodeIdentity NodeIdentity::generate(RandomSource& random) {
  SecretBytes identity_seed(crypto_sign_SEEDBYTES);
  SecretBytes wireguard_seed(crypto_sign_SEEDBYTES);
  random.fill(identity_seed.writable());
  random.fill(wireguard_seed.writable());
  return *from_seeds(identity_seed.view(), wireguard_seed.view());
}

std::optional<NodeIdentity> NodeIdentity::from_seeds(ByteView identity_seed,
                                                     ByteView wireguard_seed) {
  if (identity_seed.size() != crypto_sign_SEEDBYTES ||
      wireguard_seed.size() != crypto_sign_SEEDBYTES) {
    return std::nullopt;
  }
  NodeId node_id;
  SecretBytes identity_secret(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(out(node_id.bytes), out(identity_secret), in(identity_seed));
  NodeIdentity identity(NoiseKeyPair(private_to_curve25519(identity_secret)));
  identity.node_id_ = node_id;
  identity.identity_secret_ = std::move(identity_secret);
  identity.identity_seed_ = SecretBytes::copy_of(identity_seed);
  identity.wireguard_seed_ = SecretBytes::copy_of(wireguard_seed);
  identity.wireguard_secret_ = SecretBytes(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(out(identity.wireguard_signing_key_.bytes),
                           out(identity.wireguard_secret_), in(wireguard_seed));
  identity.wireguard_private_key_ = private_to_curve25519(identity.wireguard_secret_);
  const auto wireguard_key = to_wireguard_key(identity.wireguard_signing_key_);
  assert(wireguard_key && "a public key made from a seed is in the main subgroup");
  identity.wireguard_key_ = *wireguard_key;
  return identity;
}

Signature NodeIdentity::sign(std::string_view domain, const MeshId& mesh, ByteView message) const {
  return sign_with(identity_secret_, signed_text(domain, mesh, message));
}

Signature NodeIdentity::cross_sign(const MeshId& mesh) const {
  return sign_with(wireguard_secret_, cross_signed_text(node_id_, mesh));
}

bool verify(const NodeId& signer, std::string_view domain, const MeshId& mesh, ByteView message,
            const Signature& signature) {
  return verify_text(signer.bytes, signed_text(domain, mesh, message), signature);
}

std::optional<NoiseKey> noise_key(const NodeId& node) {
  const auto key = to_curve25519(node.bytes);
  if (!key) return std::nullopt;
  return NoiseKey{*key};
}

std::optional<WireguardKey> verify_cross_signature(const WireguardSigningKey& signing_key,
                                                   const NodeId& node, const MeshId& mesh,
                                                   const Signature& signature) {
  if (!verify_text(signing_key.bytes, cross_signed_text(node, mesh), signature)) {
    return std::nullopt;
  }
  return to_wireguard_key(signing_key);
}

}  // namespace kadwire::crypto
