#include "rendezvous/port_guess.h"

#include <gtest/gtest.h>

#include <set>

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
