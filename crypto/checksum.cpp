#include "crypto/checksum.h"

#include <sodium.h>

#include "crypto/sodium_bytes.h"

namespace kadwire::crypto {

Checksum checksum(std::span<const ByteView> parts) {
  Checksum result;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, result.size());
  for (const ByteView part : parts) crypto_generichash_update(&state, in(part), part.size());
  crypto_generichash_final(&state, out(result), result.size());
  wipe(std::as_writable_bytes(std::span(&state, 1)));  // the parts may be secret
  return result;
}

}  // namespace kadwire::crypto
