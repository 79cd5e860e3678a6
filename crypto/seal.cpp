#include "crypto/seal.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>

#include "crypto/sodium_bytes.h"

namespace kadwire::crypto {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kSealOverheadBytes == kNonceBytes + kTagBytes);
static_assert(kSealKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

}  // namespace

Bytes seal(const SecretBytes& key, ByteView plaintext, ByteView associated, RandomSource& random) {
  assert(key.size() == kSealKeyBytes);
  Bytes sealed(plaintext.size() + kSealOverheadBytes);
  const std::span<std::byte> nonce = std::span(sealed).first(kNonceBytes);
  const std::span<std::byte> ciphertext = std::span(sealed).subspan(kNonceBytes);
  random.fill(nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out(ciphertext), nullptr, in(plaintext),
                                             plaintext.size(), in(associated), associated.size(),
                                             nullptr, in(nonce), in(key));
  return sealed;
}

std::optional<Bytes> open(const SecretBytes& key, ByteView sealed, ByteView associated) {
  assert(key.size() == kSealKeyBytes);
  if (sealed.size() < kSealOverheadBytes) return std::nullopt;
  const ByteView nonce = sealed.first(kNonceBytes);
  const ByteView ciphertext = sealed.subspan(kNonceBytes);
  Bytes plaintext(sealed.size() - kSealOverheadBytes);
  const int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
      out(plaintext), nullptr, nullptr, in(ciphertext), ciphertext.size(), in(associated),
      associated.size(), in(nonce), in(key));
  if (result != 0) return std::nullopt;
  return plaintext;
}

Bytes seal_padded(const SecretBytes& key, ByteView text, std::size_t sealed_bytes,
                  ByteView associated, RandomSource& random) {
  assert(text.size() + kPaddingOverheadBytes + kSealOverheadBytes <= sealed_bytes);
  assert(text.size() <= 0xffff);
  Bytes plaintext = ByteWriter().be16(static_cast<std::uint16_t>(text.size())).raw(text).take();
  plaintext.resize(sealed_bytes - kSealOverheadBytes);
  return seal(key, plaintext, associated, random);
}

std::optional<Bytes> open_padded(const SecretBytes& key, ByteView sealed, std::size_t sealed_bytes,
                                 ByteView associated) {
  if (sealed.size() != sealed_bytes) return std::nullopt;
  const auto plaintext = open(key, sealed, associated);
  if (!plaintext) return std::nullopt;
  ByteReader reader(*plaintext);
  const ByteView text = reader.raw(reader.be16());
  const ByteView padding = reader.raw(reader.remaining());
  const bool zero =
      std::ranges::all_of(padding, [](std::byte byte) { return byte == std::byte{0}; });
  if (!reader.ok() || !zero) return std::nullopt;
  return Bytes(text.begin(), text.end());
}

}  // namespace kadwire::crypto
