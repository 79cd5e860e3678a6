#include "rendezvous/port_guess.h"

namespace kadwire::rendezvous {
namespace {

/// In steps from the newest port.
constexpr int kFirst = -kGuessesBehind;
constexpr int kEnd = kFirst + kGuessesPerTry * kGuessWindows;

}  // namespace

std::vector<Endpoint> guessed_endpoints(const PortGuess& guess, int attempt) {
  std::vector<Endpoint> endpoints;
  const int from = kFirst + attempt % kGuessWindows * kGuessesPerTry;
  for (int i = from; i < from + kGuessesPerTry; ++i) {
    const int port = guess.newest.port + i * guess.step;
    if (port < 1 || port > 65535) continue;
    endpoints.push_back({guess.newest.address, static_cast<std::uint16_t>(port)});
  }
  return endpoints;
}

bool is_guessed(const PortGuess& guess, const Endpoint& endpoint) {
  if (endpoint.address != guess.newest.address) return false;
  const int away = endpoint.port - guess.newest.port;
  return away % guess.step == 0 && away / guess.step >= kFirst && away / guess.step < kEnd;
}

}  // namespace kadwire::rendezvous
