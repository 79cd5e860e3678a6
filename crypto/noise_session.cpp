#include "crypto/noise_session.h"

#include <cassert>
#include <utility>

#include "crypto/noise_cipher.h"

namespace kadwire::crypto {
namespace {

constexpr std::size_t kCounterBytes = 8;
static_assert(kNoiseSealOverheadBytes == kCounterBytes + kNoiseTagBytes);

constexpr NoiseRole other(NoiseRole role) {
  return role == NoiseRole::kInitiator ? NoiseRole::kResponder : NoiseRole::kInitiator;
}

}  // namespace

NoiseSession::NoiseSession(SecretBytes keys, NoiseRole role, const NoiseHash& handshake_hash,
                           std::uint64_t sent)
    : keys_(std::move(keys)), role_(role), handshake_hash_(handshake_hash), sent_(sent) {
  assert(keys_.size() == 2 * kNoiseCipherKeyBytes);
}

ByteView NoiseSession::key_of(NoiseRole sender) const {
  const std::size_t offset = sender == NoiseRole::kInitiator ? 0 : kNoiseCipherKeyBytes;
  return keys_.view().subspan(offset, kNoiseCipherKeyBytes);
}

tl::expected<Bytes, NoiseError> NoiseSession::seal(ByteView plaintext, ByteView associated) {
  assert(plaintext.size() + kNoiseSealOverheadBytes <= kNoiseMessageBytesMax);
  if (sent_ >= kNoiseSessionMessagesMax) return tl::unexpected(NoiseError::kExhausted);
  const std::uint64_t counter = sent_++;
  Bytes sealed = ByteWriter().be64(counter).take();
  sealed.resize(plaintext.size() + kNoiseSealOverheadBytes);
  noise_encrypt(key_of(role_), counter, associated, plaintext,
                std::span(sealed).subspan(kCounterBytes));
  return sealed;
}

tl::expected<Bytes, NoiseError> NoiseSession::open(ByteView sealed, ByteView associated) {
  if (sealed.size() < kNoiseSealOverheadBytes) return tl::unexpected(NoiseError::kTooShort);
  if (sealed.size() > kNoiseMessageBytesMax) return tl::unexpected(NoiseError::kTooLong);
  ByteReader reader(sealed);
  const std::uint64_t counter = reader.be64();
  if (counter >= kNoiseSessionMessagesMax) return tl::unexpected(NoiseError::kExhausted);
  // Looked up first because it is cheaper than decrypting; remembered only once it is authentic.
  if (const auto fresh = received_.check(counter); !fresh) return tl::unexpected(fresh.error());
  Bytes plaintext(sealed.size() - kNoiseSealOverheadBytes);
  const ByteView ciphertext = reader.raw(reader.remaining());
  if (!noise_decrypt(key_of(other(role_)), counter, associated, ciphertext, plaintext)) {
    return tl::unexpected(NoiseError::kNotAuthentic);
  }
  received_.accept(counter);
  return plaintext;
}

}  // namespace kadwire::crypto
