#include "crypto/noise_replay_window.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace kadwire::crypto {
namespace {

constexpr std::uint64_t bit_of(std::uint64_t counter) {
  return std::uint64_t{1} << (counter % 64);
}

}  // namespace

tl::expected<void, NoiseError> NoiseReplayWindow::check(std::uint64_t counter) const {
  if (counter >= end_) return {};
  if (end_ - counter > kNoiseWindowMessages) return tl::unexpected(NoiseError::kTooOld);
  const bool seen = (accepted_[counter / kWordBits % kWords] & bit_of(counter)) != 0;
  if (seen) return tl::unexpected(NoiseError::kReplayed);
  return {};
}

void NoiseReplayWindow::accept(std::uint64_t counter) {
  assert(check(counter) && counter < std::numeric_limits<std::uint64_t>::max());
  if (counter >= end_) {
    // Words between the newest and this counter's hold counters of a lap ago.
    const std::uint64_t newest_word = end_ == 0 ? 0 : (end_ - 1) / kWordBits;
    const std::uint64_t entered = std::min(counter / kWordBits - newest_word, kWords);
    for (std::uint64_t i = 1; i <= entered; ++i) accepted_[(newest_word + i) % kWords] = 0;
    end_ = counter + 1;
  }
  accepted_[counter / kWordBits % kWords] |= bit_of(counter);
}

}  // namespace kadwire::crypto
