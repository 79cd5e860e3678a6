#include "tools/lab/delay_line.h"

#include <gtest/gtest.h>

namespace kadwire::lab {
namespace {

constexpr TimePoint kStart{1h};

Bytes frame(std::uint8_t number) {
  return {std::byte{number}};
}

TEST(DelayLine, LetsAFrameOutWhenItsDelayIsOverAndNotBefore) {
  DelayLine line({.delay = 20ms}, 1);
  line.push(kStart, frame(1));
  EXPECT_EQ(line.next_due(), kStart + 20ms);
  EXPECT_FALSE(line.pop(kStart + 20ms - 1ns));
  EXPECT_EQ(line.pop(kStart + 20ms), frame(1));
  EXPECT_FALSE(line.next_due());
}

TEST(DelayLine, WithoutDelayIsImmediate) {
  DelayLine line({}, 1);
  line.push(kStart, frame(1));
  EXPECT_EQ(line.pop(kStart), frame(1));
}

TEST(DelayLine, KeepsTheOrderWhateverTheJitter) {
  DelayLine line({.delay = 5ms, .jitter = 50ms}, 7);
  for (std::uint8_t i = 0; i < 100; ++i) line.push(kStart + i * 100us, frame(i));
  for (std::uint8_t i = 0; i < 100; ++i) EXPECT_EQ(line.pop(kStart + 1s), frame(i));
}

TEST(DelayLine, JitterStaysBetweenDelayAndDelayPlusJitter) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    DelayLine line({.delay = 5ms, .jitter = 3ms}, seed);
    line.push(kStart, frame(1));
    EXPECT_GE(*line.next_due(), kStart + 5ms);
    EXPECT_LE(*line.next_due(), kStart + 8ms);
  }
}

TEST(DelayLine, LosesAboutTheShareItIsToldTo) {
  DelayLine line({.loss = 0.05}, 42);
  for (int i = 0; i < 10'000; ++i) {
    line.push(kStart, frame(1));
    [[maybe_unused]] const auto out = line.pop(kStart);
  }
  EXPECT_GT(line.lost(), 400U);
  EXPECT_LT(line.lost(), 600U);
}

TEST(DelayLine, EqualSeedsLoseTheSameFrames) {
  DelayLine first({.loss = 0.5}, 3);
  DelayLine second({.loss = 0.5}, 3);
  for (std::uint8_t i = 0; i < 200; ++i) {
    first.push(kStart, frame(i));
    second.push(kStart, frame(i));
    EXPECT_EQ(first.pop(kStart), second.pop(kStart));
  }
}

TEST(DelayLine, DropsWhatItHasNoRoomFor) {
  DelayLine line({.delay = 1s}, 1);
  for (std::size_t i = 0; i < kDelayLineFramesMax + 3; ++i) line.push(kStart, frame(1));
  EXPECT_EQ(line.lost(), 3U);
}

}  // namespace
}  // namespace kadwire::lab
