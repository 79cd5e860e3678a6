#pragma once

/// Which port a peer's NAT will give next, if it gives each destination another one in a row. Where
/// this side maps all destinations alike, it tries a range of them, while the other keeps the one
/// mapping open that leads here. Where both give ports in a row, the pings of the two cross: one
/// side goes up while the other goes down, each ping from the own next port. Pure.
///
/// Crossing: the pings of a round leave from own ports a, a+1, … towards b, b+1, …, and the peer's
/// from its own b', b'+1, … towards a'+63, a'+62, …: however far a' and b' are from the truth,
/// within some thirty, there is one pair of pings of which each leaves from where the other is sent
/// to, if a sum of the four is even; so every other round moves it by one. Rounds need not be
/// simultaneous.

#include <optional>
#include <vector>

#include "node/base/endpoint.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::rendezvous {

/// Pings in one try, and tries until the range is gone through.
inline constexpr int kGuessesPerTry = 64;
inline constexpr int kGuessWindows = 6;
/// The newest mapping that is known may be newer than the one that leads here.
inline constexpr int kGuessesBehind = 16;

/// Tries for one peer: fourteen at once, then one each five minutes, so 1088 pings in a quarter of
/// an hour and 192 in each further one, as all go to an address that a member only claims. Where
/// both NATs give ports in a row, sixty simulated pairs took three tries at most to meet, and those
/// who met again when one NAT had started anew took one to three mostly, nine at most; where one
/// side's mapping is the same for all, twelve are the range twice.
inline constexpr Rate kGuessPace{1, 14 * 300};
inline constexpr std::uint32_t kGuessTokens = 300;

/// Rounds of crossing pings, in all: 768 pings.
inline constexpr int kCrossingRounds = 12;
/// How many mappings the two have made, on average, between the newest known and the first ping:
/// to a DHT's nodes, to members. As nobody knows, each second round looks for some more of them.
inline constexpr int kCrossingFirst = 16;
inline constexpr int kCrossingDrift = 32;

struct PortGuess {
  Endpoint newest;  ///< a mapping of the peer's, the newest known
  int step = 1;     ///< from each to the next; not 0
  enum class Order { kWindows, kAscending, kDescending };
  Order order = Order::kWindows;  ///< the others cross: one for each side
  bool operator==(const PortGuess&) const = default;
};

/// What to send to in this try, the first is 0. Ports beyond either end are left out. Of those that
/// cross each side counts its own, one after the other; none after kCrossingRounds.
[[nodiscard]] std::vector<Endpoint> guessed_endpoints(const PortGuess& guess, int attempt);
/// True if one of the tries sends there.
[[nodiscard]] bool is_guessed(const PortGuess& guess, const Endpoint& endpoint);
/// The newest mapping of the peer's that can be supposed where the two have met at `met`, one of
/// the ports tried, and `attempt` was the last. Who crosses has used up more: the rest of that
/// round, half of one on average, and each further one.
[[nodiscard]] Endpoint newest_after(const PortGuess& guess, const Endpoint& met, int attempt);

}  // namespace kadwire::rendezvous
