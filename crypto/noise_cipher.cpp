#include "crypto/noise_cipher.h"

#include <sodium.h>

#include <cassert>

#include "crypto/sodium_bytes.h"

namespace kadwire::crypto {
namespace {

static_assert(kNoiseCipherKeyBytes == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(kNoiseTagBytes == crypto_aead_chacha20poly1305_ietf_ABYTES);

using Nonce = ByteArray<crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce nonce_of(std::uint64_t counter) {
  constexpr std::size_t kZeroBytes = 4;
  Nonce nonce{};
  for (std::size_t i = kZeroBytes; i < nonce.size(); ++i) {
    nonce[i] = static_cast<std::byte>(counter);
    counter >>= 8;
  }
  return nonce;
}

}  // namespace

void noise_encrypt(ByteView key, std::uint64_t counter, ByteView associated, ByteView plaintext,
                   std::span<std::byte> ciphertext) {
  assert(key.size() == kNoiseCipherKeyBytes);
  assert(ciphertext.size() == plaintext.size() + kNoiseTagBytes);
  const Nonce nonce = nonce_of(counter);
  crypto_aead_chacha20poly1305_ietf_encrypt(out(ciphertext), nullptr, in(plaintext),
                                            plaintext.size(), in(associated), associated.size(),
                                            nullptr, in(nonce), in(key));
}

bool noise_decrypt(ByteView key, std::uint64_t counter, ByteView associated, ByteView ciphertext,
                   std::span<std::byte> plaintext) {
  assert(key.size() == kNoiseCipherKeyBytes);
  assert(ciphertext.size() == plaintext.size() + kNoiseTagBytes);
  const Nonce nonce = nonce_of(counter);
  return crypto_aead_chacha20poly1305_ietf_decrypt(out(plaintext), nullptr, nullptr, in(ciphertext),
                                                   ciphertext.size(), in(associated),
                                                   associated.size(), in(nonce), in(key)) == 0;
}

}  // namespace kadwire::crypto
