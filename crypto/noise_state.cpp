#include "crypto/noise_state.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>
#include <initializer_list>

#include "crypto/noise_cipher.h"
#include "crypto/sodium_bytes.h"

namespace kadwire::crypto {
namespace {

constexpr std::size_t kHashBytes = sizeof(NoiseHash);
static_assert(kHashBytes == crypto_generichash_BYTES_MAX);
/// BLAKE2b's block, to which HMAC fills its key up (RFC 2104).
constexpr std::size_t kBlockBytes = 128;

/// The parts, one after the other. They may be secret, so nothing of them stays behind.
NoiseHash hash_of(std::initializer_list<ByteView> parts) {
  NoiseHash hash;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kHashBytes);
  for (const ByteView part : parts) crypto_generichash_update(&state, in(part), part.size());
  crypto_generichash_final(&state, out(hash), kHashBytes);
  wipe(std::as_writable_bytes(std::span(&state, 1)));
  return hash;
}

/// HMAC-BLAKE2b over `first` ‖ `second`. Noise asks for RFC 2104's construction although BLAKE2b
/// has a keyed mode of its own.
NoiseHash hmac(ByteView key, ByteView first, ByteView second = {}) {
  assert(key.size() <= kBlockBytes);
  constexpr std::byte kInner{0x36}, kOuter{0x5c};
  ByteArray<kBlockBytes> padded{};
  std::ranges::copy(key, padded.begin());
  for (std::byte& byte : padded) byte ^= kInner;
  NoiseHash inner = hash_of({padded, first, second});
  for (std::byte& byte : padded) byte ^= kInner ^ kOuter;
  const NoiseHash result = hash_of({padded, inner});
  wipe(padded);
  wipe(inner);
  return result;
}

/// The outputs of one derivation, HKDF of Noise §4.3. Wiped at the end of its scope.
class Derived {
 public:
  Derived(ByteView chaining_key, ByteView input_key_material) {
    NoiseHash temporary = hmac(chaining_key, input_key_material);
    ByteView previous;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const ByteArray<1> number{static_cast<std::byte>(i + 1)};
      outputs_[i] = hmac(temporary, previous, number);
      previous = outputs_[i];
    }
    wipe(temporary);
  }
  ~Derived() { wipe(std::as_writable_bytes(std::span(outputs_))); }
  Derived(const Derived&) = delete;
  Derived& operator=(const Derived&) = delete;

  [[nodiscard]] const NoiseHash& first() const { return outputs_[0]; }
  [[nodiscard]] const NoiseHash& second() const { return outputs_[1]; }
  /// For those who ask Noise's HKDF for three outputs; the first two are the same either way.
  [[nodiscard]] const NoiseHash& third() const { return outputs_[2]; }

 private:
  std::array<NoiseHash, 3> outputs_{};
};

/// Where Noise wants a cipher's key of a hash longer than it, the front is the key.
ByteView front_as_key(const NoiseHash& hash) {
  return ByteView(hash).first(kNoiseCipherKeyBytes);
}

}  // namespace

NoiseState::NoiseState(std::string_view protocol_name, ByteView prologue)
    : keys_(kHashBytes + kNoiseCipherKeyBytes) {
  assert(protocol_name.size() <= kHashBytes);
  std::ranges::copy(as_bytes(protocol_name), hash_.begin());
  std::ranges::copy(hash_, keys_.writable().begin());
  mix_hash(prologue);
}

NoiseState NoiseState::clone() const {
  NoiseState copy;
  copy.keys_ = keys_.clone();
  copy.hash_ = hash_;
  copy.counter_ = counter_;
  copy.has_cipher_key_ = has_cipher_key_;
  return copy;
}

ByteView NoiseState::chaining_key() const {
  return keys_.view().first(kHashBytes);
}

ByteView NoiseState::cipher_key() const {
  assert(has_cipher_key_);
  return keys_.view().subspan(kHashBytes);
}

void NoiseState::set_keys(const NoiseHash& chaining_key, const NoiseHash& cipher_key) {
  std::ranges::copy(chaining_key, keys_.writable().begin());
  std::ranges::copy(front_as_key(cipher_key), keys_.writable().subspan(kHashBytes).begin());
  counter_ = 0;
  has_cipher_key_ = true;
}

void NoiseState::mix_hash(ByteView data) {
  hash_ = hash_of({hash_, data});
}

void NoiseState::mix_key(ByteView input_key_material) {
  const Derived derived(chaining_key(), input_key_material);
  set_keys(derived.first(), derived.second());
}

void NoiseState::mix_key_and_hash(ByteView input_key_material) {
  const Derived derived(chaining_key(), input_key_material);
  mix_hash(derived.second());
  set_keys(derived.first(), derived.third());
}

Bytes NoiseState::encrypt_and_hash(ByteView plaintext) {
  Bytes ciphertext(plaintext.size() + kNoiseTagBytes);
  noise_encrypt(cipher_key(), counter_++, hash_, plaintext, ciphertext);
  mix_hash(ciphertext);
  return ciphertext;
}

tl::expected<Bytes, NoiseError> NoiseState::decrypt_and_hash(ByteView ciphertext) {
  if (ciphertext.size() < kNoiseTagBytes) return tl::unexpected(NoiseError::kTooShort);
  Bytes plaintext(ciphertext.size() - kNoiseTagBytes);
  if (!noise_decrypt(cipher_key(), counter_, hash_, ciphertext, plaintext)) {
    return tl::unexpected(NoiseError::kNotAuthentic);
  }
  ++counter_;
  mix_hash(ciphertext);
  return plaintext;
}

SecretBytes NoiseState::split() const {
  const Derived derived(chaining_key(), {});
  SecretBytes keys(2 * kNoiseCipherKeyBytes);
  std::ranges::copy(front_as_key(derived.first()), keys.writable().begin());
  std::ranges::copy(front_as_key(derived.second()),
                    keys.writable().subspan(kNoiseCipherKeyBytes).begin());
  return keys;
}

}  // namespace kadwire::crypto
