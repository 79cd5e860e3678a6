#pragma once

/// PORT: where randomness comes from. Logic draws from a source it was given, so that a simulation
/// replays from its seed; production hands in the kernel's generator (crypto/system_random.h).

#include <cstdint>
#include <span>

#include "node/base/bytes.h"
#include "node/base/time.h"

namespace kadwire {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  /// Fills all of `out` with bytes that an adversary cannot predict (in production).
  virtual void fill(std::span<std::byte> out) = 0;
};

[[nodiscard]] std::uint64_t random_u64(RandomSource& random);
/// Uniform in [0, bound), without modulo bias; `bound` is not 0.
[[nodiscard]] std::uint64_t random_below(RandomSource& random, std::uint64_t bound);
/// Uniform in [shortest, longest], in steps of a microsecond.
[[nodiscard]] Duration random_between(RandomSource& random, Duration shortest, Duration longest);

}  // namespace kadwire
