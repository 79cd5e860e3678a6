#include "crypto/noise_replay_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "tools/testnet/seeded_random.h"

namespace kadwire::crypto {
namespace {

/// What the window must do, said with a set of all counters.
class Model {
 public:
  std::optional<NoiseError> check(std::uint64_t counter) const {
    if (accepted_.empty() || counter > *accepted_.rbegin()) return std::nullopt;
    if (*accepted_.rbegin() - counter >= kNoiseWindowMessages) return NoiseError::kTooOld;
    if (accepted_.contains(counter)) return NoiseError::kReplayed;
    return std::nullopt;
  }
  void accept(std::uint64_t counter) { accepted_.insert(counter); }
  std::uint64_t newest() const { return accepted_.empty() ? 0 : *accepted_.rbegin(); }

 private:
  std::set<std::uint64_t> accepted_;
};

std::optional<NoiseError> refusal(const NoiseReplayWindow& window, std::uint64_t counter) {
  const auto checked = window.check(counter);
  return checked ? std::nullopt : std::optional(checked.error());
}

TEST(NoiseReplayWindow, RefusesWhatItAcceptedAndNothingElse) {
  NoiseReplayWindow window;
  window.accept(0);
  window.accept(2);
  EXPECT_EQ(refusal(window, 0), NoiseError::kReplayed);
  EXPECT_EQ(refusal(window, 1), std::nullopt);
  EXPECT_EQ(refusal(window, 2), NoiseError::kReplayed);
  EXPECT_EQ(refusal(window, 3), std::nullopt);
}

TEST(NoiseReplayWindow, IsAsWideAsItSays) {
  // At every alignment of the newest counter to the words of the bitmap.
  for (std::uint64_t newest = 10'000; newest < 10'064; ++newest) {
    NoiseReplayWindow window;
    window.accept(newest);
    EXPECT_EQ(refusal(window, newest - kNoiseWindowMessages + 1), std::nullopt) << newest;
    EXPECT_EQ(refusal(window, newest - kNoiseWindowMessages), NoiseError::kTooOld) << newest;
  }
}

TEST(NoiseReplayWindow, ForgetsTheLapBeforeAfterAnyJump) {
  constexpr std::uint64_t kFirst = 3 * kNoiseWindowMessages;
  for (std::uint64_t jump = 1; jump < 3 * kNoiseWindowMessages; jump += 17) {
    NoiseReplayWindow window;
    for (std::uint64_t i = 0; i < kNoiseWindowMessages; ++i) window.accept(kFirst + i);
    const std::uint64_t newest = kFirst + kNoiseWindowMessages - 1 + jump;
    window.accept(newest);
    for (std::uint64_t skipped = kFirst + kNoiseWindowMessages; skipped < newest; ++skipped) {
      const bool inside = newest - skipped < kNoiseWindowMessages;
      ASSERT_EQ(refusal(window, skipped),
                inside ? std::nullopt : std::optional(NoiseError::kTooOld))
          << jump << ' ' << skipped;
    }
  }
}

TEST(NoiseReplayWindow, DoesAsASetOfAllCountersWould) {
  testnet::SeededRandom random(1);
  NoiseReplayWindow window;
  Model model;
  constexpr int kSteps = 200'000;
  for (int step = 0; step < kSteps; ++step) {
    // Mostly near the newest; one step in a thousand runs ahead by up to three windows.
    const bool jump = random_below(random, 1000) == 0;
    const std::uint64_t reach = jump ? 3 * kNoiseWindowMessages : 8;
    const std::uint64_t ahead = model.newest() + random_below(random, reach);
    const std::uint64_t behind = random_below(random, kNoiseWindowMessages + 70);
    const std::uint64_t counter = ahead - std::min(ahead, random_below(random, 2) * behind);
    ASSERT_EQ(refusal(window, counter), model.check(counter)) << step << ' ' << counter;
    if (model.check(counter)) continue;
    window.accept(counter);
    model.accept(counter);
  }
}

}  // namespace
}  // namespace kadwire::crypto
