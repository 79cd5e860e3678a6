#include "rendezvous/port_spray.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{1h};
const IpAddress kAddress = *IpAddress::parse("203.0.113.7");

/// Where a whole spray goes, in order, with when.
std::vector<std::pair<TimePoint, Endpoint>> all_of(PortSpray spray) {
  std::vector<std::pair<TimePoint, Endpoint>> all;
  while (const auto next = spray.next()) {
    for (const Endpoint& endpoint : spray.take(*next)) all.emplace_back(*next, endpoint);
  }
  return all;
}

TEST(PortOpening, SendsFromEveryPortInEachOfTwoRounds) {
  PortOpening opening(61'000, kStart);
  std::map<std::uint16_t, int> times;
  int news = 0;
  while (const auto next = opening.next()) {
    const auto ports = opening.take(*next);
    EXPECT_EQ(ports.size(), static_cast<std::size_t>(kOpeningBatch));
    for (const std::uint16_t port : ports) ++times[port];
    news += opening.is_near_end() ? 1 : 0;
  }
  EXPECT_EQ(news, 4 * kOpeningRounds);
  ASSERT_EQ(times.size(), std::size_t{kSidePorts});
  EXPECT_EQ(times.begin()->first, 61'000);
  EXPECT_EQ(times.rbegin()->first, 61'000 + kSidePorts - 1);
  for (const auto& [port, count] : times) EXPECT_EQ(count, kOpeningRounds) << port;
}

TEST(PortOpening, RestsBetweenBatchesAndLongerBetweenRounds) {
  PortOpening opening(61'000, kStart);
  ASSERT_FALSE(opening.take(kStart).empty());
  EXPECT_TRUE(opening.take(kStart + kOpeningPause - 1ns).empty());
  EXPECT_EQ(opening.next(), kStart + kOpeningPause);
  TimePoint last = kStart;
  for (int sent = kOpeningBatch; sent < kSidePorts; sent += kOpeningBatch) {
    EXPECT_EQ(opening.next(), last + kOpeningPause);
    last = *opening.next();
    EXPECT_FALSE(opening.take(last).empty());
  }
  EXPECT_EQ(opening.next(), last + kOpeningRoundPause);
}

TEST(PortSpray, HitsEachPortOnceAndNoneThatIsReserved) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    testnet::SeededRandom random(seed);
    std::set<std::uint16_t> ports;
    for (const auto& [when, endpoint] : all_of(PortSpray(kAddress, random, kStart))) {
      EXPECT_EQ(endpoint.address, kAddress);
      EXPECT_GE(endpoint.port, kSprayedPortMin);
      ports.insert(endpoint.port);
    }
    EXPECT_EQ(ports.size(), static_cast<std::size_t>(kSprayProbes)) << seed;
  }
}

TEST(PortSpray, StaysBelowElevenHundredProbesAndItsRate) {
  testnet::SeededRandom random(1);
  const auto all = all_of(PortSpray(kAddress, random, kStart));
  EXPECT_LE(all.size(), 1100U);
  EXPECT_LE(all.back().first - kStart, 5s);
  std::map<TimePoint, int> batches;
  for (const auto& [when, endpoint] : all) ++batches[when];
  for (const auto& [when, count] : batches) EXPECT_EQ(count, kSprayBatch);
}

/// What all this is for: with random mappings on the other side, more than 97.5 % are found.
TEST(PortSpray, MissesTwoHundredFiftySixRandomMappingsOnceInSeventyTimes) {
  constexpr int kTimes = 4000;
  testnet::SeededRandom random(7);
  int missed = 0;
  for (int i = 0; i < kTimes; ++i) {
    std::set<std::uint16_t> open;
    while (open.size() < kSidePorts) {
      open.insert(static_cast<std::uint16_t>(kSprayedPortMin + random_below(random, 64'512)));
    }
    const auto all = all_of(PortSpray(kAddress, random, kStart));
    missed += std::ranges::none_of(
        all, [&](const auto& probe) { return open.contains(probe.second.port); });
  }
  EXPECT_NEAR(missed, kTimes * 0.013, 25);
}

TEST(LuckPace, KeepsTriesApartAndThreeInAWindow) {
  LuckPace pace;
  const TimePoint start{1h};
  EXPECT_LE(pace.next(30s, 15min), start);
  pace.note(start);
  EXPECT_EQ(pace.next(30s, 15min), start + 30s);
  EXPECT_EQ(pace.next(5min, 15min), start + 5min);
  pace.note(start + 1min);
  EXPECT_EQ(pace.next(30s, 15min), start + 1min + 30s);
  pace.note(start + 2min);
  EXPECT_EQ(pace.next(30s, 15min), start + 15min);
  pace.note(start + 15min);
  EXPECT_EQ(pace.next(30s, 15min), start + 16min);
}

}  // namespace
}  // namespace kadwire::rendezvous
