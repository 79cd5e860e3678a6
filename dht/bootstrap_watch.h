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

/// Between two rounds: a datagram of 82 bytes each way and address, a hundredth of an idle member's
/// traffic. A network that is cut for a minute loses nodes already.
inline constexpr Duration kWatchPause = 30s;
inline constexpr Duration kWatchJitter = 10s;
/// Whoever has not answered by then is asked again: the library repeats a ping twice, a second
/// apart.
inline constexpr Duration kAnswerPatience = 10s;
/// Addresses asked in each round; further ones are not watched.
inline constexpr std::size_t kWatchedMax = 8;
/// Asked in vain so often while others answered, an address counts as cut off: six lost packets.
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
  /// We have just entered the network, for which everyone was asked.
  void entered(TimePoint now);
  /// When ask() has something to do; never before entered().
  [[nodiscard]] TimePoint due() const { return due_; }
  /// Whom to ping now: everyone, or those who have not answered, or nobody.
  [[nodiscard]] std::vector<Endpoint> ask(TimePoint now, RandomSource& random);
  /// A reply came from there, whoever that is.
  void hear(const Endpoint& from);
  /// True once after somebody who was cut off has answered: look for the network anew.
  [[nodiscard]] bool take_reunion(TimePoint now);
  /// True while searches are to wait for those who answered before the reunion.
  [[nodiscard]] bool gathering(TimePoint now);
  /// When it ends at the latest; nullopt: it has.
  [[nodiscard]] std::optional<TimePoint> gather_until() const { return gather_until_; }

 private:
  //  Resting ──30–40 s──▶ Asking ──10 s, all who are not cut off have answered──▶ Resting
  //                         └──10 s, someone has not: once more──▶ Asking
  struct Door {
    Endpoint endpoint;
    bool asked = false;    ///< and has not answered since
    unsigned in_vain = 0;  ///< times, while others answered
    bool awaited = false;  ///< since the last reunion
  };
  void judge();

  std::vector<Door> doors_;
  TimePoint due_ = TimePoint::max();
  bool asking_ = false;
  bool others_answered_ = false;  ///< since the last question
  TimePoint reunion_from_;
  bool reunion_ = false;
  std::optional<TimePoint> gather_until_;
};

}  // namespace kadwire::dht
