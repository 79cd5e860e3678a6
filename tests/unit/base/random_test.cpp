#include "node/base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>

#include "tools/testnet/seeded_random.h"

namespace kadwire {
namespace {

/// Gives the 64-bit values it was told to, in this order.
class ScriptedRandom final : public RandomSource {
 public:
  explicit ScriptedRandom(std::deque<std::uint64_t> values) : values_(std::move(values)) {}
  void fill(std::span<std::byte> out) override {
    const Bytes bytes = ByteWriter().be64(values_.front()).take();
    values_.pop_front();
    std::copy(bytes.begin(), bytes.end(), out.begin());
  }
  [[nodiscard]] std::size_t left() const { return values_.size(); }

 private:
  std::deque<std::uint64_t> values_;
};

TEST(SeededRandom, GivesTheSameBytesForTheSameSeed) {
  ByteArray<13> first, second, other;
  testnet::SeededRandom(1).fill(first);
  testnet::SeededRandom(1).fill(second);
  testnet::SeededRandom(2).fill(other);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
}

TEST(SeededRandom, IsTheMersenneTwisterOfTheStandard) {
  testnet::SeededRandom random(std::mt19937_64::default_seed);
  std::uint64_t last = 0;
  for (int i = 0; i < 10'000; ++i) {
    ByteArray<8> bytes;
    random.fill(bytes);
    std::reverse(bytes.begin(), bytes.end());
    last = ByteReader(bytes).be64();
  }
  EXPECT_EQ(last, 9981545732273789042ULL) << "[rand.predef]: the 10000th value";
}

TEST(RandomBelow, RedrawsTheValuesThatWouldMakeSomeResultsLikelier) {
  // 2^64 mod 3 is 1, so exactly one value, 0, is over.
  ScriptedRandom random({0, 7});
  EXPECT_EQ(random_below(random, 3), 1U);
  EXPECT_EQ(random.left(), 0U);
}

TEST(RandomBelow, DrawsOnceWhenTheBoundDividesTheRange) {
  ScriptedRandom random({0, 7});
  EXPECT_EQ(random_below(random, 16), 0U);
  EXPECT_EQ(random.left(), 1U);
}

TEST(RandomBelow, ReachesEveryValueAboutEquallyOften) {
  testnet::SeededRandom random(3);
  std::array<int, 5> counts{};
  for (int i = 0; i < 5000; ++i) ++counts.at(random_below(random, counts.size()));
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(RandomBetween, IncludesBothEnds) {
  ScriptedRandom lowest({3}), highest({5});  // 3 steps: 1, 2 and 3 µs
  EXPECT_EQ(random_between(lowest, 1us, 3us), 1us);
  EXPECT_EQ(random_between(highest, 1us, 3us), 3us);
}

TEST(RandomBetween, GivesTheOnlyValueOfAnEmptyRange) {
  testnet::SeededRandom random(4);
  EXPECT_EQ(random_between(random, 5s, 5s), 5s);
}

}  // namespace
}  // namespace kadwire
