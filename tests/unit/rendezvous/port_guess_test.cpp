#include "rendezvous/port_guess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace kadwire::rendezvous {
namespace {

const IpAddress kAddress = *IpAddress::parse("203.0.113.7");

TEST(PortGuess, BeginsAroundTheNewestPortAndGoesOnFromThere) {
  const PortGuess guess{{kAddress, 40'000}, 1};
  const auto first = guessed_endpoints(guess, 0);
  ASSERT_EQ(first.size(), static_cast<std::size_t>(kGuessesPerTry));
  EXPECT_EQ(first.front().port, 40'000 - kGuessesBehind);
  EXPECT_EQ(guessed_endpoints(guess, 1).front().port, first.back().port + 1);
}

TEST(PortGuess, RepeatsItsRangeAndSendsToNothingElse) {
  const PortGuess guess{{kAddress, 40'000}, 2};
  std::set<Endpoint> all;
  for (int attempt = 0; attempt < 3 * kGuessWindows; ++attempt) {
    for (const Endpoint& endpoint : guessed_endpoints(guess, attempt)) {
      EXPECT_EQ(endpoint.address, kAddress);
      EXPECT_TRUE(is_guessed(guess, endpoint));
      all.insert(endpoint);
    }
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kGuessesPerTry * kGuessWindows));
}

TEST(PortGuess, FollowsASequenceDownwards) {
  const PortGuess guess{{kAddress, 40'000}, -1};
  EXPECT_TRUE(is_guessed(guess, {kAddress, 39'900}));
  EXPECT_FALSE(is_guessed(guess, {kAddress, 40'000 + kGuessesBehind + 1}));
}

/// Two NATs that give ports in a row: from which port each ping leaves is counted here.
class Crossing {
 public:
  /// How many mappings each had made before its first ping, beyond the newest that the other knows.
  Crossing(int since_a, int since_b) : a_(kNewestA + since_a), b_(kNewestB + since_b) {}
  /// Both play this round; true if one ping of each meets the other.
  bool meets(int round) {
    const auto up =
        play(PortGuess{{kAddress, kNewestB}, 1, PortGuess::Order::kAscending}, round, a_);
    const auto down =
        play(PortGuess{{kAddress, kNewestA}, 1, PortGuess::Order::kDescending}, round, b_);
    return std::ranges::any_of(up, [&](const auto& ping) {
      return std::ranges::find(down, std::pair(ping.second, ping.first)) != down.end();
    });
  }

 private:
  static constexpr std::uint16_t kNewestA = 20'000, kNewestB = 40'000;
  /// From and to.
  static std::vector<std::pair<int, int>> play(const PortGuess& guess, int round, int& next) {
    std::vector<std::pair<int, int>> pings;
    for (const Endpoint& to : guessed_endpoints(guess, round)) pings.emplace_back(next++, to.port);
    return pings;
  }
  int a_, b_;
};

TEST(PortGuess, CrossingPingsMeetHoweverManyMappingsNobodyKnewOf) {
  for (int since_a = 0; since_a <= 120; ++since_a) {
    for (int since_b = std::max(0, since_a - 50); since_b <= since_a + 50; ++since_b) {
      Crossing nats(since_a, since_b);
      bool met = false;
      for (int round = 0; round < kCrossingRounds && !met; ++round) met = nats.meets(round);
      EXPECT_TRUE(met) << since_a << " and " << since_b;
    }
  }
}

TEST(PortGuess, CrossingPingsEnd) {
  for (const auto order : {PortGuess::Order::kAscending, PortGuess::Order::kDescending}) {
    const PortGuess guess{{kAddress, 20'000}, 1, order};
    std::size_t pings = 0;
    for (int round = 0; round < 2 * kCrossingRounds; ++round) {
      for (const Endpoint& to : guessed_endpoints(guess, round)) {
        ++pings;
        EXPECT_TRUE(is_guessed(guess, to)) << to.port;
      }
    }
    EXPECT_EQ(pings, static_cast<std::size_t>(kCrossingRounds * kGuessesPerTry));
  }
}

TEST(PortGuess, WhereTwoHaveMetTheRestOfTheirRoundsHasUsedPortsBeyond) {
  const PortGuess up{{kAddress, 20'000}, 2, PortGuess::Order::kAscending};
  const Endpoint first = guessed_endpoints(up, 0).front();
  EXPECT_EQ(newest_after(up, first, 0).port, first.port + 2 * kGuessesPerTry / 2);
  EXPECT_EQ(newest_after(up, first, 1).port, first.port + 2 * kGuessesPerTry * 3 / 2);
  const Endpoint last = guessed_endpoints(up, 3).back();
  EXPECT_EQ(newest_after(up, last, 3).port, last.port + 2 * kGuessesPerTry / 2);
  EXPECT_EQ(newest_after(up, {kAddress, 65'530}, 3).port, 65'535);
  const PortGuess windows{{kAddress, 20'000}, 1};
  EXPECT_EQ(newest_after(windows, first, 4), first) << "the peer sends no rounds of its own";
}

TEST(PortGuess, LeavesOutPortsThatAreNone) {
  for (const std::uint16_t newest : {std::uint16_t{1}, std::uint16_t{65535}}) {
    const PortGuess guess{{kAddress, newest}, 7};
    for (int attempt = 0; attempt < kGuessWindows; ++attempt) {
      for (const Endpoint& endpoint : guessed_endpoints(guess, attempt)) {
        EXPECT_NE(endpoint.port, 0);
        EXPECT_TRUE(is_guessed(guess, endpoint));
      }
    }
  }
}

TEST(PortGuess, KnowsWhatItDidNotSendTo) {
  const PortGuess guess{{kAddress, 40'000}, 4};
  EXPECT_TRUE(is_guessed(guess, {kAddress, 40'004}));
  EXPECT_FALSE(is_guessed(guess, {kAddress, 40'003})) << "between two steps";
  EXPECT_FALSE(is_guessed(guess, {*IpAddress::parse("203.0.113.8"), 40'004})) << "another host";
  const int end = 40'000 + 4 * (kGuessesPerTry * kGuessWindows - kGuessesBehind);
  EXPECT_FALSE(is_guessed(guess, {kAddress, static_cast<std::uint16_t>(end)})) << "beyond the end";
}

}  // namespace
}  // namespace kadwire::rendezvous
