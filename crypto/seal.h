#pragma once

/// Sealing for what has no session: XChaCha20-Poly1305 (IETF construction) under a group's key.
/// Layout of a sealed value: nonce (24 bytes, random) ‖ ciphertext ‖ tag (16 bytes).
/// It proves that a holder of the secret made it, not which one: what it carries is signed.

#include <optional>

#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"
#include "node/base/random.h"

namespace kadwire::crypto {

inline constexpr std::size_t kSealKeyBytes = 32;
/// What sealing adds: nonce and tag.
inline constexpr std::size_t kSealOverheadBytes = 24 + 16;

/// `key` has kSealKeyBytes. `associated` is authenticated, not carried.
[[nodiscard]] Bytes seal(const SecretBytes& key, ByteView plaintext, ByteView associated,
                         RandomSource& random);
/// nullopt if it was not sealed under this key and associated data, or is cut short.
[[nodiscard]] std::optional<Bytes> open(const SecretBytes& key, ByteView sealed,
                                        ByteView associated);

}  // namespace kadwire::crypto
