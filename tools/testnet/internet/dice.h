#pragma once

/// A stream of chance for one link, NAT or host: SplitMix64, eight bytes of state. SeededRandom's
/// engine takes 2.5 KB, and a world has two links and more for each of its thousands of hosts.
/// A copy continues as the original would: that is how a NAT's next port is foretold.

#include <cassert>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t next() {
    const std::uint64_t drawn = mix(state_);
    state_ += 0x9e3779b97f4a7c15;  // SplitMix64's step, the same that mix() starts with
    return drawn;
  }
  /// Uniform in [0, 1), with 53 random bits.
  [[nodiscard]] double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// True with this probability; impossibility and certainty draw nothing.
  [[nodiscard]] bool chance(double probability) {
    return probability > 0 && (probability >= 1 || fraction() < probability);
  }
  /// Uniform in [0, bound) but for a bias below bound / 2^53; `bound` is not 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    assert(bound > 0);
    return static_cast<std::uint64_t>(fraction() * static_cast<double>(bound));
  }
  /// Of the standard normal distribution (Box and Muller).
  [[nodiscard]] double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - fraction()));
    return radius * std::cos(2 * std::numbers::pi * fraction());
  }

 private:
  std::uint64_t state_;
};

}  // namespace kadwire::testnet
