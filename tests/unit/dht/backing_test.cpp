#include "dht/backing.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "tools/testnet/seeded_random.h"

namespace kadwire::dht {
namespace {

class BackingTest : public ::testing::Test {
 protected:
  /// Asks now, whether due or not, and gets these ids for an answer.
  std::vector<std::uint64_t> ask(const std::vector<std::uint64_t>& ids, bool ok = true) {
    backing_.begin(now_, random_);
    backing_.hear_ids(now_, ids, random_);
    return backing_.finish(now_, ok, random_);
  }
  Duration pause_after(const std::vector<std::uint64_t>& ids, bool ok = true) {
    ask(ids, ok);
    return backing_.due() - now_;
  }
  static std::vector<std::uint64_t> ids_from_to(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> ids(last - first + 1);
    std::iota(ids.begin(), ids.end(), first);
    return ids;
  }

  testnet::SeededRandom random_{1};
  TimePoint now_{1000h};
  Backing backing_{now_};
};

TEST_F(BackingTest, TheFirstQuestionIsDueAtOnceAndTheNextInHalfToAWholeMinute) {
  EXPECT_EQ(backing_.due(), now_);
  const Duration pause = pause_after({});
  EXPECT_GE(pause, kBackingPauseFirst / 2);
  EXPECT_LE(pause, kBackingPauseFirst);
}

TEST_F(BackingTest, ThePauseDoublesToItsLastWhileNothingIsNew) {
  Duration longest = kBackingPauseFirst;
  for (int i = 0; i < 6; ++i) {
    const Duration pause = pause_after({});
    EXPECT_GE(pause, longest / 2) << i;
    EXPECT_LE(pause, longest) << i;
    longest = std::min<Duration>(2 * longest, kBackingPauseLast);
  }
  EXPECT_EQ(longest, kBackingPauseLast);
}

TEST_F(BackingTest, NewsAnOutageAndAFailedQuestionEndThePatience) {
  const auto grow = [&] {
    for (int i = 0; i < 4; ++i) EXPECT_GT(pause_after({}), Duration::zero());
    EXPECT_GT(backing_.due() - now_, kBackingPauseFirst);
  };
  grow();
  backing_.ask_soon(now_, random_);
  EXPECT_LE(backing_.due() - now_, kBackingPauseFirst);
  EXPECT_LE(pause_after({}), kBackingPauseFirst);
  grow();
  backing_.start_over(now_);
  EXPECT_EQ(backing_.due(), now_);
  EXPECT_LE(pause_after({}), kBackingPauseFirst);
  grow();
  EXPECT_LE(pause_after({}, false), kBackingPauseFirst);
}

TEST_F(BackingTest, FetchesOnlyIdsThatDidNotOpen) {
  backing_.remember_opened(now_, 1);
  EXPECT_EQ(ask({1, 2, 3, 2}), (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(BackingTest, WhatTheListeningBringsDuringTheQuestionIsNotFetched) {
  backing_.begin(now_, random_);
  backing_.hear_ids(now_, std::vector<std::uint64_t>{1, 2}, random_);
  backing_.remember_opened(now_, 1);
  EXPECT_EQ(backing_.finish(now_, true, random_), std::vector<std::uint64_t>{2});
}

TEST_F(BackingTest, AnIdFetchedInVainIsLeftAloneForMinutesAndNotForEver) {
  EXPECT_EQ(ask({1}).size(), 1U);
  now_ += kFetchedIdMemory - 1s;
  EXPECT_TRUE(ask({1}).empty());
  now_ += kFetchedIdMemory + 2s;
  EXPECT_EQ(ask({1}).size(), 1U);
}

TEST_F(BackingTest, AnOpenedIdIsKnownForAValuesLife) {
  backing_.remember_opened(now_, 1);
  now_ += kOpenedIdMemory - 1s;
  EXPECT_TRUE(ask({1}).empty());
  now_ += kOpenedIdMemory + 2s;
  EXPECT_EQ(ask({1}).size(), 1U);
}

TEST_F(BackingTest, TenThousandForeignIdsCostABoundedNumberOfFetches) {
  const auto ids = ids_from_to(1, 10'000);
  for (int i = 0; i < 3; ++i) {
    const auto fetches = ask(ids);
    EXPECT_EQ(fetches.size(), kFetchesPerQuestionMax);
    EXPECT_EQ(std::set(fetches.begin(), fetches.end()).size(), kFetchesPerQuestionMax);
  }
}

TEST_F(BackingTest, ATrueIdAmongForeignOnesGetsItsTurnWhereverItStands) {
  for (const std::uint64_t place : {1U, 50U, 100U}) {
    Backing backing(now_);
    TimePoint now = now_;
    int questions = 0;
    for (bool fetched = false; !fetched; ++questions) {
      ASSERT_LT(questions, 100);
      backing.begin(now, random_);
      backing.hear_ids(now, ids_from_to(1, 100), random_);
      for (const auto id : backing.finish(now, true, random_)) fetched |= id == place;
      now += 45s;
    }
  }
}

TEST_F(BackingTest, MoreIdsThanMayBeFetchedAreAskedForSoon) {
  for (int i = 0; i < 4; ++i) ask({});
  EXPECT_LE(pause_after(ids_from_to(1, kFetchesPerQuestionMax + 1)), kBackingPauseFirst);
}

TEST(IdMemory, RemembersForAtLeastItsTimeAndAtMostTwice) {
  TimePoint now{1000h};
  IdMemory memory(1min);
  memory.remember(now, 5);
  EXPECT_TRUE(memory.contains(now + 59s, 5));
  EXPECT_FALSE(memory.contains(now + 59s, 6));
  EXPECT_TRUE(memory.contains(now + 61s, 5)) << "in the older generation";
  EXPECT_FALSE(memory.contains(now + 2min + 1s, 5));
}

TEST(IdMemory, KeepsTheLatestGenerationHoweverManyCome) {
  const TimePoint now{1000h};
  IdMemory memory(1h);
  for (std::uint64_t id = 1; id <= 3 * kIdsPerGenerationMax; ++id) memory.remember(now, id);
  EXPECT_FALSE(memory.contains(now, 1));
  EXPECT_FALSE(memory.contains(now, kIdsPerGenerationMax));
  for (std::uint64_t id = 2 * kIdsPerGenerationMax + 1; id <= 3 * kIdsPerGenerationMax; ++id) {
    ASSERT_TRUE(memory.contains(now, id)) << id;
  }
}

}  // namespace
}  // namespace kadwire::dht
