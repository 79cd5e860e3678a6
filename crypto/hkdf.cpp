#include "crypto/hkdf.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <cassert>

namespace kadwire::crypto {
namespace {

/// GnuTLS takes what it only reads through a pointer to non-const.
gnutls_datum_t datum(ByteView bytes) {
  return {reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())),
          static_cast<unsigned int>(bytes.size())};
}

}  // namespace

SecretBytes hkdf_extract(ByteView salt, ByteView input_key_material) {
  SecretBytes pseudorandom_key(kHkdfHashBytes);
  const gnutls_datum_t key = datum(input_key_material);
  const gnutls_datum_t salt_datum = datum(salt);
  const int result =
      gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &key, &salt_datum, pseudorandom_key.writable().data());
  assert(result == 0 && "SHA-256 is always there, and no length is refused");
  return pseudorandom_key;
}

void hkdf_expand(ByteView pseudorandom_key, ByteView info, std::span<std::byte> out) {
  assert(!out.empty() && out.size() <= kHkdfOutputBytesMax);
  const gnutls_datum_t key = datum(pseudorandom_key);
  const gnutls_datum_t info_datum = datum(info);
  const int result =
      gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &info_datum, out.data(), out.size());
  assert(result == 0 && "SHA-256 is always there, and the length is in range");
}

}  // namespace kadwire::crypto
