#pragma once

/// Which counters of a session were already accepted: the sliding bitmap of RFC 6479. Datagrams may
/// come late and in any order, each counts once. Whoever asks has not yet authenticated the
/// message, so looking (`check`) and remembering (`accept`) are two steps. Deviation: the bitmap
/// need not be a power of two, so that the window is exactly as wide as said.

#include <array>
#include <cstdint>

#include <tl/expected.hpp>

#include "crypto/noise_error.h"

namespace kadwire::crypto {

/// How far behind the newest a message may come. A peer may send its messages over several paths at
/// once, and a burst of some thousand probes on one may overtake what waits on a slower one.
inline constexpr std::uint64_t kNoiseWindowMessages = 2048;

class NoiseReplayWindow {
 public:
  /// kReplayed, kTooOld, or nothing: `counter` may be accepted. Changes nothing.
  [[nodiscard]] tl::expected<void, NoiseError> check(std::uint64_t counter) const;
  /// Remembers a counter that `check` allowed and whose message is authentic. Below 2^64 − 1.
  void accept(std::uint64_t counter);

 private:
  static constexpr std::uint64_t kWordBits = 64;
  /// The window may begin in the middle of a word, so it reaches into one more than it fills.
  static constexpr std::uint64_t kWords = kNoiseWindowMessages / kWordBits + 1;

  std::uint64_t end_ = 0;  ///< the newest accepted counter + 1
  /// Bit c mod 64 of word (c / 64) mod kWords: c was accepted. Words ahead of end_'s are stale.
  std::array<std::uint64_t, kWords> accepted_{};
};

}  // namespace kadwire::crypto
