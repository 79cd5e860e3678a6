#include "dht/bootstrap_watch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tools/testnet/seeded_random.h"

namespace kadwire::dht {
namespace {

Endpoint endpoint_of(std::uint32_t number) {
  return {IpAddress::v4(0x0b16'0000U + number), 4222};
}

class BootstrapWatchTest : public ::testing::Test {
 protected:
  BootstrapWatchTest() {
    watch_.set_endpoints(doors_);
    watch_.entered(now_);
    for (const Endpoint& door : doors_) watch_.hear(door);
    EXPECT_TRUE(ask().empty());
  }
  std::vector<Endpoint> ask() {
    now_ = watch_.due();
    return watch_.ask(now_, random_);
  }
  /// Whatever is asked in this time; of the doors, the first so many answer, and a stranger does.
  void run_for(Duration duration, std::ptrdiff_t answering) {
    for (const TimePoint end = now_ + duration; watch_.due() <= end;) {
      for (const Endpoint& endpoint : ask()) {
        if (std::ranges::count(doors_.begin(), doors_.begin() + answering, endpoint) > 0) {
          watch_.hear(endpoint);
        }
      }
      if (answering > 0) watch_.hear(kStranger);
    }
  }
  void second_door_comes_back() {
    run_for(2min, 1);
    run_for(1min, 2);
  }

  const Endpoint kStranger = endpoint_of(3);
  const std::vector<Endpoint> doors_ = {endpoint_of(1), endpoint_of(2)};
  testnet::SeededRandom random_{1};
  TimePoint now_ = TimePoint{} + 1h;
  BootstrapWatch watch_{now_};
};

TEST_F(BootstrapWatchTest, AsksEveryAddressNowAndThen) {
  const Duration pause = watch_.due() - now_;
  EXPECT_GE(pause, kWatchPause);
  EXPECT_LE(pause, kWatchPause + kWatchJitter);
  EXPECT_EQ(ask(), doors_);
  for (const Endpoint& door : doors_) watch_.hear(door);
  EXPECT_TRUE(ask().empty()) << "they have answered";
  EXPECT_EQ(ask(), doors_);
}

TEST_F(BootstrapWatchTest, IsNotDueBeforeTheNetworkWasEntered) {
  EXPECT_EQ(BootstrapWatch(now_).due(), TimePoint::max());
}

TEST_F(BootstrapWatchTest, AsksWhoHasNotAnsweredOnceMore) {
  ask();
  const TimePoint asked = now_;
  watch_.hear(doors_[0]);
  EXPECT_EQ(ask(), std::vector{doors_[1]});
  EXPECT_EQ(now_, asked + kAnswerPatience);
  watch_.hear(kStranger);
  EXPECT_TRUE(ask().empty()) << "twice in vain is enough for now";
}

TEST_F(BootstrapWatchTest, AnAddressThatAnswersAfterTwoQuestionsInVainIsAReunion) {
  run_for(1min, 1);
  EXPECT_FALSE(watch_.take_reunion(now_));
  watch_.hear(doors_[1]);
  EXPECT_TRUE(watch_.take_reunion(now_));
  EXPECT_FALSE(watch_.take_reunion(now_ + kReunionPause)) << "it was taken";
}

TEST_F(BootstrapWatchTest, OneQuestionInVainIsNoReunion) {
  ask();
  watch_.hear(doors_[0]);
  ask();
  watch_.hear(doors_[1]);
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, WhereNobodyAnswersItIsWeWhoWereCutOff) {
  run_for(10min, 0);
  for (const Endpoint& door : doors_) watch_.hear(door);
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, AnAddressThatNeverAnswersIsNoReunion) {
  run_for(1h, 1);
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, AStrangersReplyIsNoReunion) {
  run_for(2min, 1);
  watch_.hear(kStranger);
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, EnteringForgetsWhatWasInVain) {
  run_for(2min, 1);
  watch_.entered(now_);
  watch_.hear(doors_[1]);
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, ASecondReunionWaitsItsTime) {
  second_door_comes_back();
  ASSERT_TRUE(watch_.take_reunion(now_));
  const TimePoint first = now_;
  second_door_comes_back();
  EXPECT_FALSE(watch_.take_reunion(first + kReunionPause - 1s));
  EXPECT_TRUE(watch_.take_reunion(first + kReunionPause));
}

TEST_F(BootstrapWatchTest, NewAddressesForgetNothingOfTheOldOnes) {
  run_for(2min, 1);
  watch_.set_endpoints(std::vector{endpoint_of(3), doors_[1]});
  watch_.hear(doors_[1]);
  EXPECT_TRUE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, WatchesOnlySoManyAddresses) {
  std::vector<Endpoint> many;
  for (std::uint32_t i = 0; i < 2 * kWatchedMax; ++i) many.push_back(endpoint_of(i));
  watch_.set_endpoints(many);
  EXPECT_EQ(ask().size(), kWatchedMax);
}

TEST_F(BootstrapWatchTest, GathersThoseWhoAnsweredBeforeTheReunion) {
  EXPECT_FALSE(watch_.gathering(now_));
  second_door_comes_back();
  ASSERT_TRUE(watch_.take_reunion(now_));
  watch_.hear(doors_[0]);
  EXPECT_TRUE(watch_.gathering(now_));
  watch_.hear(doors_[1]);
  EXPECT_FALSE(watch_.gathering(now_));
}

TEST_F(BootstrapWatchTest, DoesNotGatherForEver) {
  second_door_comes_back();
  ASSERT_TRUE(watch_.take_reunion(now_));
  EXPECT_EQ(watch_.gather_until(), now_ + kGatherMax);
  EXPECT_TRUE(watch_.gathering(now_ + kGatherMax - 1ms));
  EXPECT_FALSE(watch_.gathering(now_ + kGatherMax));
  EXPECT_EQ(watch_.gather_until(), std::nullopt);
}

}  // namespace
}  // namespace kadwire::dht
