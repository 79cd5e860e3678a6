#include "crypto/noise_key_pair.h"

#include <sodium.h>

#include <cassert>
#include <utility>

#include "crypto/sodium_bytes.h"

namespace kadwire::crypto {

static_assert(kNoiseKeyBytes == crypto_scalarmult_curve25519_SCALARBYTES);
static_assert(kNoiseKeyBytes == crypto_scalarmult_curve25519_BYTES);

NoiseKeyPair NoiseKeyPair::generate(RandomSource& random) {
  SecretBytes private_key(kNoiseKeyBytes);
  random.fill(private_key.writable());
  return NoiseKeyPair(std::move(private_key));
}

NoiseKeyPair::NoiseKeyPair(SecretBytes private_key) : private_key_(std::move(private_key)) {
  assert(private_key_.size() == kNoiseKeyBytes);
  crypto_scalarmult_curve25519_base(out(public_key_.bytes), in(private_key_));
}

bool NoiseKeyPair::agree(const NoiseKey& peer, std::span<std::byte> shared) const {
  assert(shared.size() == kNoiseKeyBytes);
  // libsodium fails exactly when the result is zero: `peer` has low order.
  return crypto_scalarmult_curve25519(out(shared), in(private_key_), in(peer.bytes)) == 0;
}

}  // namespace kadwire::crypto
