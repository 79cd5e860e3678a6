#pragma once

/// HKDF with SHA-256 (RFC 5869), from GnuTLS. Only key_schedule derives with it: whatever two
/// members must agree on has one tree, and one place.

#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"

namespace kadwire::crypto {

/// SHA-256's output, the size of a pseudorandom key.
inline constexpr std::size_t kHkdfHashBytes = 32;
/// RFC 5869 §2.3: 255 blocks of the hash.
inline constexpr std::size_t kHkdfOutputBytesMax = 255 * kHkdfHashBytes;

/// The pseudorandom key, kHkdfHashBytes long. `salt` may be empty.
[[nodiscard]] SecretBytes hkdf_extract(ByteView salt, ByteView input_key_material);

/// Fills `out` (1 to kHkdfOutputBytesMax bytes) with the key that `info` names.
void hkdf_expand(ByteView pseudorandom_key, ByteView info, std::span<std::byte> out);

}  // namespace kadwire::crypto
