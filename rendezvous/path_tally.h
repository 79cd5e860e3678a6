#pragma once

/// How often paths were chosen and lost, counted by why. For people; plain data.

#include <array>
#include <cstdint>
#include <string_view>

#include "rendezvous/pair_history.h"

namespace kadwire::rendezvous {

inline constexpr std::size_t kPathCauses = static_cast<std::size_t>(PathCause::kPeerMove) + 1;

struct PathTally {
  /// By PathCause. That of kNone stays zero: nothing happens to a path without a cause.
  std::array<std::uint64_t, kPathCauses> changes{};

  void note(PathCause cause) { ++changes[static_cast<std::size_t>(cause)]; }
  [[nodiscard]] std::uint64_t of(PathCause cause) const {
    return changes[static_cast<std::size_t>(cause)];
  }
  [[nodiscard]] std::uint64_t chosen() const;
  /// Of those chosen, because another was faster, preferred or less full while the one before still
  /// worked: without hysteresis these are what flaps.
  [[nodiscard]] std::uint64_t swapped() const;
  PathTally& operator+=(const PathTally& other);
  bool operator==(const PathTally&) const = default;
};

/// A word or two for JSON: "faster", "own-move".
[[nodiscard]] std::string_view name_of(PathCause cause);

}  // namespace kadwire::rendezvous
