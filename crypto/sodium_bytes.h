#pragma once

/// Our views as libsodium takes them. Private to this room's .cpp files.

#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"

namespace kadwire::crypto {

/// What libsodium reads.
[[nodiscard]] inline const unsigned char* in(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] inline const unsigned char* in(const SecretBytes& secret) {
  return in(secret.view());
}

/// What libsodium writes; the caller has made it as long as the function asks.
[[nodiscard]] inline unsigned char* out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
[[nodiscard]] inline unsigned char* out(SecretBytes& secret) {
  return out(secret.writable());
}

}  // namespace kadwire::crypto
