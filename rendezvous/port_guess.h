#pragma once

/// Which port a peer's NAT will give next, if it gives each destination another one in a row: the
/// side that maps all destinations alike tries a range of them, while the other keeps the one
/// mapping open that leads here. Pure.

#include <optional>
#include <vector>

#include "node/base/endpoint.h"

namespace kadwire::rendezvous {

/// Pings in one try, and tries until the range is gone through: with twelve tries in a burst no
/// attempt sends more than 768.
inline constexpr int kGuessesPerTry = 64;
inline constexpr int kGuessWindows = 6;
/// The newest mapping that is known may be newer than the one that leads here.
inline constexpr int kGuessesBehind = 16;

struct PortGuess {
  Endpoint newest;  ///< a mapping of the peer's, the newest known
  int step = 1;     ///< from each to the next; not 0
  bool operator==(const PortGuess&) const = default;
};

/// What to send to in this try, the first is 0. Ports beyond either end are left out.
[[nodiscard]] std::vector<Endpoint> guessed_endpoints(const PortGuess& guess, int attempt);
/// True if one of the tries sends there.
[[nodiscard]] bool is_guessed(const PortGuess& guess, const Endpoint& endpoint);

}  // namespace kadwire::rendezvous
