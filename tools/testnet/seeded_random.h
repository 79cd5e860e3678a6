#pragma once

/// A RandomSource that gives the same bytes for the same seed, so that a failing test or simulation
/// is replayed from its seed. Predictable by design: never outside tests and simulations.

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>

#include "node/base/random.h"

namespace kadwire::testnet {

/// SplitMix64's mixing: any two different inputs give unrelated outputs.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// A seed for one part of a world, so that a part that draws more does not change the others.
[[nodiscard]] constexpr std::uint64_t derived_seed(std::uint64_t seed, std::string_view part,
                                                   std::uint64_t index = 0) {
  std::uint64_t derived = mix(seed);
  for (const char letter : part) derived = mix(derived ^ static_cast<unsigned char>(letter));
  return mix(derived ^ index);
}

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
  /// Uniform in [0, 1), with 53 random bits.
  [[nodiscard]] double fraction() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  /// True with this probability; certainty draws nothing.
  [[nodiscard]] bool chance(double probability) {
    return probability > 0 && (probability >= 1 || fraction() < probability);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace kadwire::testnet
