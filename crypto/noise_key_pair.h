#pragma once

/// Curve25519 key pairs and their agreement, X25519 (RFC 7748): what Noise calls GENERATE_KEYPAIR
/// and DH. Deviation from Noise §12.1, which leaves it open: public keys of low order are refused.

#include <compare>
#include <span>

#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"
#include "node/base/random.h"

namespace kadwire::crypto {

inline constexpr std::size_t kNoiseKeyBytes = 32;

/// A Curve25519 public key with which a handshake agrees; an identity's is
/// noise_key(NodeId) in node_identity.h.
struct NoiseKey {
  ByteArray<kNoiseKeyBytes> bytes{};
  auto operator<=>(const NoiseKey&) const = default;
};

/// Move-only.
class NoiseKeyPair {
 public:
  [[nodiscard]] static NoiseKeyPair generate(RandomSource& random);
  /// `private_key` has kNoiseKeyBytes; it is clamped where it is used.
  explicit NoiseKeyPair(SecretBytes private_key);

  [[nodiscard]] const NoiseKey& public_key() const { return public_key_; }
  /// Fills `shared`, kNoiseKeyBytes long, with the secret that both sides compute; false, and
  /// `shared` worthless, if `peer` is of low order. The caller wipes it: a handshake mixes four of
  /// these within microseconds, and locked memory for each would cost a fifth of its time.
  [[nodiscard]] bool agree(const NoiseKey& peer, std::span<std::byte> shared) const;

 private:
  SecretBytes private_key_;
  NoiseKey public_key_;
};

}  // namespace kadwire::crypto
