#include "node/base/random.h"

#include <cassert>

namespace kadwire {

std::uint64_t random_u64(RandomSource& random) {
  ByteArray<8> bytes;
  random.fill(bytes);
  return ByteReader(bytes).be64();
}

std::uint64_t random_below(RandomSource& random, std::uint64_t bound) {
  assert(bound > 0);
  // 2^64 mod bound values at the bottom of the range would be drawn once too often: redraw them.
  const std::uint64_t uneven = (0 - bound) % bound;
  std::uint64_t value = random_u64(random);
  while (value < uneven) value = random_u64(random);
  return value % bound;
}

Duration random_between(RandomSource& random, Duration shortest, Duration longest) {
  assert(shortest <= longest);
  const auto steps = std::chrono::duration_cast<std::chrono::microseconds>(longest - shortest);
  const auto drawn = random_below(random, static_cast<std::uint64_t>(steps.count()) + 1);
  return shortest + std::chrono::microseconds(static_cast<std::int64_t>(drawn));
}

}  // namespace kadwire
