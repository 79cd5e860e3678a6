#pragma once

/// What both sides of a handshake hash and derive as they go: the SymmetricState of Noise (revision
/// 34 §5.2) with the CipherState that it owns, over BLAKE2b and ChaCha20-Poly1305. Which token
/// comes when is the handshake's task. Assumes a pattern that mixes a key before it encrypts
/// anything, as every pattern with a psk does.

#include <string_view>

#include <tl/expected.hpp>

#include "crypto/noise_error.h"
#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"

namespace kadwire::crypto {

/// BLAKE2b's output, HASHLEN of the specification.
using NoiseHash = ByteArray<64>;

/// Move-only.
class NoiseState {
 public:
  /// `protocol_name` names pattern and primitives, at most 64 bytes; `prologue` is what both sides
  /// must agree on without saying it.
  NoiseState(std::string_view protocol_name, ByteView prologue);
  /// To try a message on: one that fails must not spoil the original.
  [[nodiscard]] NoiseState clone() const;

  void mix_hash(ByteView data);
  void mix_key(ByteView input_key_material);
  void mix_key_and_hash(ByteView input_key_material);

  /// The ciphertext, 16 bytes (a tag) longer than `plaintext`.
  [[nodiscard]] Bytes encrypt_and_hash(ByteView plaintext);
  /// kTooShort: no room for a tag. kNotAuthentic. An error leaves everything as it was.
  [[nodiscard]] tl::expected<Bytes, NoiseError> decrypt_and_hash(ByteView ciphertext);

  /// Covers everything so far: equal on both sides, and different for any two handshakes.
  [[nodiscard]] const NoiseHash& handshake_hash() const { return hash_; }
  /// The session's keys, 32 bytes each: initiator to responder ‖ responder to initiator.
  [[nodiscard]] SecretBytes split() const;

 private:
  NoiseState() = default;
  [[nodiscard]] ByteView chaining_key() const;
  [[nodiscard]] ByteView cipher_key() const;
  void set_keys(const NoiseHash& chaining_key, const NoiseHash& cipher_key);

  SecretBytes keys_;  ///< chaining key (64 bytes) ‖ cipher key (32 bytes): one locked page, not two
  NoiseHash hash_{};
  std::uint64_t counter_ = 0;
  bool has_cipher_key_ = false;
};

}  // namespace kadwire::crypto
