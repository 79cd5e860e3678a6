#pragma once

/// ChaCha20-Poly1305 (RFC 8439) as Noise uses it (revision 34 §12.3): the nonce is four zero bytes
/// and the 64-bit counter, low byte first. Handshake and session both encrypt with it. That no key
/// meets a counter twice is their task.

#include "node/base/bytes.h"

namespace kadwire::crypto {

inline constexpr std::size_t kNoiseCipherKeyBytes = 32;
inline constexpr std::size_t kNoiseTagBytes = 16;

/// `key` has kNoiseCipherKeyBytes; `associated` is authenticated, not carried. Fills `ciphertext`,
/// which is kNoiseTagBytes longer than `plaintext`.
void noise_encrypt(ByteView key, std::uint64_t counter, ByteView associated, ByteView plaintext,
                   std::span<std::byte> ciphertext);

/// False, and `plaintext` worthless, unless `ciphertext` was encrypted under just these arguments.
/// `ciphertext` has at least kNoiseTagBytes, `plaintext` kNoiseTagBytes fewer than it.
[[nodiscard]] bool noise_decrypt(ByteView key, std::uint64_t counter, ByteView associated,
                                 ByteView ciphertext, std::span<std::byte> plaintext);

}  // namespace kadwire::crypto
