#pragma once

/// A RandomSource that gives the same bytes for the same seed, so that a failing test or simulation
/// is replayed from its seed. Predictable by design: never outside tests.

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

#include "node/base/random.h"

namespace kadwire::testing {

class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

  /// Every word of the engine is laid out low byte first, whatever the machine's byte order.
  void fill(std::span<std::byte> out) override {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % sizeof(word) == 0) word = engine_();
      out[i] = static_cast<std::byte>(word & 0xff);
      word >>= 8;
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace kadwire::testing
