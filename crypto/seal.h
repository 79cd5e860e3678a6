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
/// What padding adds besides: the length of what is not padding.
inline constexpr std::size_t kPaddingOverheadBytes = 2;

/// `key` has kSealKeyBytes. `associated` is authenticated, not carried.
[[nodiscard]] Bytes seal(const SecretBytes& key, ByteView plaintext, ByteView associated,
                         RandomSource& random);
/// nullopt if it was not sealed under this key and associated data, or is cut short.
[[nodiscard]] std::optional<Bytes> open(const SecretBytes& key, ByteView sealed,
                                        ByteView associated);

/// The same for text whose length is not to be seen: `length be16 ‖ text ‖ zeros` is what is
/// sealed. The result has `sealed_bytes`, of which both overheads are not for the text.
[[nodiscard]] Bytes seal_padded(const SecretBytes& key, ByteView text, std::size_t sealed_bytes,
                                ByteView associated, RandomSource& random);
/// nullopt also if `sealed` has another size than `sealed_bytes`, or if its length field or its
/// padding is wrong.
[[nodiscard]] std::optional<Bytes> open_padded(const SecretBytes& key, ByteView sealed,
                                               std::size_t sealed_bytes, ByteView associated);

}  // namespace kadwire::crypto
