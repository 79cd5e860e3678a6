#pragma once

/// Notices that the network was in two parts. The library gives up nodes it cannot reach and, once
/// they can be reached again, goes on searching among those it kept: two halves of a network that
/// was cut stay apart for hours, although every packet would arrive. The addresses we once entered
/// by are the one thing that both halves know. So they are asked for a sign of life now and then,
/// and one that answers after it was asked in vain may lead to nodes we do not know. Pure: no
/// requests, no clock. A restarted bootstrap node looks the same; what follows is harmless then.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/random.h"
#include "node/base/time.h"

namespace kadwire::dht {

/// Between two rounds: a datagram of 82 bytes each way and address, half of what a listen costs.
inline constexpr Duration kWatchPause = 60s;
inline constexpr Duration kWatchJitter = 15s;
/// Addresses asked in each round; further ones are not watched.
inline constexpr std::size_t kWatchedMax = 8;
/// Asked in vain so often, an address counts as cut off. The library repeats an unanswered ping
/// twice, so that this is six lost packets over a minute.
inline constexpr unsigned kAskedInVainMin = 2;
/// Between two reunions at least: a bootstrap node that fails under its load is not to get more.
inline constexpr Duration kReunionPause = 10min;
/// A search that has found one half asks nobody of the other any more. So none begins before
/// all who answered lately have answered anew, or this is over: a ping and its first repetition.
inline constexpr Duration kGatherMax = 1500ms;

class BootstrapWatch {
 public:
  explicit BootstrapWatch(TimePoint now) : reunion_from_(now) {}

  /// Replaces the addresses; of those that were there before nothing is forgotten.
  void set_endpoints(std::span<const Endpoint> endpoints);
  /// We have just entered the network: everyone was asked, and who let us in has answered.
  void entered(TimePoint now, RandomSource& random);
  /// When the next round is due; entered() begins the first.
  [[nodiscard]] TimePoint due() const { return due_; }
  /// Begins a round. Whom to ping now.
  [[nodiscard]] std::vector<Endpoint> ask(TimePoint now, RandomSource& random);
  /// A reply came from there.
  void hear(const Endpoint& from);
  /// True once after somebody who was cut off has answered: look for the network anew.
  [[nodiscard]] bool take_reunion(TimePoint now);
  /// True while searches are to wait for those who answered before the reunion.
  [[nodiscard]] bool gathering(TimePoint now);
  /// When it ends at the latest; nullopt: it has.
  [[nodiscard]] std::optional<TimePoint> gather_until() const { return gather_until_; }

 private:
  struct Door {
    Endpoint endpoint;
    unsigned asked = 0;    ///< since it was last heard
    bool awaited = false;  ///< since the last reunion
  };
  std::vector<Door> doors_;
  TimePoint due_ = TimePoint::max();
  TimePoint reunion_from_;
  bool reunion_ = false;
  std::optional<TimePoint> gather_until_;
};

}  // namespace kadwire::dht
