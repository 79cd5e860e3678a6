#include "dht/bootstrap_watch.h"

#include <gtest/gtest.h>

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
    watch_.entered(now_, random_);
    watch_.hear(doors_[0]);
  }
  /// The next round, in which these answer.
  void round(std::span<const Endpoint> answering) {
    now_ = watch_.due();
    static_cast<void>(watch_.ask(now_, random_));
    for (const Endpoint& endpoint : answering) watch_.hear(endpoint);
  }
  void rounds(int count, std::span<const Endpoint> answering) {
    for (int i = 0; i < count; ++i) round(answering);
  }
  /// The second door answers after it was asked in vain for minutes.
  void second_door_comes_back() {
    rounds(3, std::span(doors_).first(1));
    round(doors_);
  }

  const std::vector<Endpoint> doors_ = {endpoint_of(1), endpoint_of(2)};
  testnet::SeededRandom random_{1};
  TimePoint now_ = TimePoint{} + 1h;
  BootstrapWatch watch_{now_};
};

TEST_F(BootstrapWatchTest, AsksEveryAddressAboutOnceAMinute) {
  const Duration pause = watch_.due() - now_;
  EXPECT_GE(pause, kWatchPause);
  EXPECT_LE(pause, kWatchPause + kWatchJitter);
  EXPECT_EQ(watch_.ask(watch_.due(), random_), doors_);
}

TEST_F(BootstrapWatchTest, IsNotDueBeforeTheNetworkWasEntered) {
  EXPECT_EQ(BootstrapWatch(now_).due(), TimePoint::max());
}

TEST_F(BootstrapWatchTest, AnAddressThatAnswersAfterTwoQuestionsInVainIsAReunion) {
  rounds(1, std::span(doors_).first(1));  // the second one in vain: the first was at the entry
  EXPECT_FALSE(watch_.take_reunion(now_));
  round(doors_);
  EXPECT_TRUE(watch_.take_reunion(now_));
  EXPECT_FALSE(watch_.take_reunion(now_ + kReunionPause)) << "it was taken";
}

TEST_F(BootstrapWatchTest, OneLostAnswerIsNoReunion) {
  round(doors_);
  round({});
  round(doors_);
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, AnAddressThatNeverAnswersIsNoReunion) {
  rounds(100, std::span(doors_).first(1));
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, AStrangersReplyIsNoReunion) {
  rounds(3, std::span(doors_).first(1));
  watch_.hear(endpoint_of(3));
  EXPECT_FALSE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, EnteringForgetsWhatWasInVain) {
  rounds(3, std::span(doors_).first(1));
  watch_.entered(now_, random_);
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
  rounds(3, std::span(doors_).first(1));
  watch_.set_endpoints(std::vector{endpoint_of(3), doors_[1]});
  watch_.hear(doors_[1]);
  EXPECT_TRUE(watch_.take_reunion(now_));
}

TEST_F(BootstrapWatchTest, WatchesOnlySoManyAddresses) {
  std::vector<Endpoint> many;
  for (std::uint32_t i = 0; i < 2 * kWatchedMax; ++i) many.push_back(endpoint_of(i));
  watch_.set_endpoints(many);
  EXPECT_EQ(watch_.ask(watch_.due(), random_).size(), kWatchedMax);
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
