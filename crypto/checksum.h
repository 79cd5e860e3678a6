#pragma once

/// A fingerprint that shows damage, by accident or by a careless hand. Not a proof of who wrote it:
/// it has no key.

#include <span>

#include "node/base/bytes.h"

namespace kadwire::crypto {

using Checksum = ByteArray<32>;

/// BLAKE2b with 256 bits of output (RFC 7693) over the parts, one after the other.
[[nodiscard]] Checksum checksum(std::span<const ByteView> parts);

}  // namespace kadwire::crypto
