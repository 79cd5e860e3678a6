#pragma once

/// What a tunnel's move from a relay to a direct path costs: pairs that cannot reach each other are
/// relayed, then they can, and pings go on all the while.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/base/time.h"
#include "tools/lab/lab_error.h"
#include "tools/lab/mesh.h"
#include "tools/lab/partition.h"

namespace kadwire::lab {

/// Ten a second.
inline constexpr auto kUpgradePingInterval = 100ms;
/// After the choice of a direct path: the relay is released 10 s later
/// (rendezvous/punch_session.h).
inline constexpr auto kUpgradeAftermath = 15s;

/// Two running members with a partition between them.
struct PartedPair {
  Member* from = nullptr;
  Member* to = nullptr;
  Partition partition;
};

struct Upgrade {
  std::string pair;                ///< "node1-node2"
  std::optional<Duration> direct;  ///< since the partition was mended; nullopt: never
  std::uint64_t sent = 0, lost = 0;
  Duration silence{0};  ///< the longest between two answers
  [[nodiscard]] bool ok() const { return direct && sent > 0 && lost == 0; }
};

/// Waits until all are relayed, pings, mends the partitions, and watches. An error: no relayed
/// tunnel came to be.
[[nodiscard]] Expected<std::vector<Upgrade>> measure_upgrades(std::vector<PartedPair>& pairs);

}  // namespace kadwire::lab
