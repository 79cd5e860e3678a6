#include "rendezvous/port_guess.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// In steps from the newest port.
constexpr int kFirst = -kGuessesBehind;
constexpr int kEnd = kFirst + kGuessesPerTry * kGuessWindows;

/// In steps from the newest port: each round's own pings move the next one on.
constexpr int crossing_first(int round) {
  return kCrossingFirst + round * kGuessesPerTry + round / 2 * kCrossingDrift;
}

}  // namespace

std::vector<Endpoint> guessed_endpoints(const PortGuess& guess, int attempt) {
  const bool crosses = guess.order != PortGuess::Order::kWindows;
  std::vector<Endpoint> endpoints;
  if (crosses && attempt >= kCrossingRounds) return endpoints;
  const int from =
      crosses ? crossing_first(attempt) : kFirst + attempt % kGuessWindows * kGuessesPerTry;
  for (int i = 0; i < kGuessesPerTry; ++i) {
    const bool down = guess.order == PortGuess::Order::kDescending;
    const int away = from + (down ? kGuessesPerTry - 1 + attempt % 2 - i : i);
    const int port = guess.newest.port + away * guess.step;
    if (port < 1 || port > 65535) continue;
    endpoints.push_back({guess.newest.address, static_cast<std::uint16_t>(port)});
  }
  return endpoints;
}

bool is_guessed(const PortGuess& guess, const Endpoint& endpoint) {
  if (endpoint.address != guess.newest.address) return false;
  const int away = endpoint.port - guess.newest.port;
  if (away % guess.step != 0) return false;
  if (guess.order == PortGuess::Order::kWindows) {
    return away / guess.step >= kFirst && away / guess.step < kEnd;
  }
  return away / guess.step >= kCrossingFirst && away / guess.step < crossing_first(kCrossingRounds);
}

Endpoint newest_after(const PortGuess& guess, const Endpoint& met, int attempt) {
  if (guess.order == PortGuess::Order::kWindows) return met;
  int used = kGuessesPerTry / 2;
  for (int later = attempt; later > 0; --later) {
    const auto tried = guessed_endpoints(guess, later);
    if (std::ranges::find(tried, met) != tried.end()) break;
    used += kGuessesPerTry;
  }
  const int port = std::clamp(met.port + used * guess.step, 1, 65535);
  return {met.address, static_cast<std::uint16_t>(port)};
}

}  // namespace kadwire::rendezvous
