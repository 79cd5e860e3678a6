#include "rendezvous/path_choice.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// By how much two round trips must differ to count.
Duration noise(Duration a, Duration b) {
  return std::max(kLatencyNoise, std::max(a, b) / kLatencyNoisePart);
}

Duration cost(const PathQuality& path) {
  return path.relayed ? relay_cost(path.rtt, path.load) : path.rtt;
}

}  // namespace

Duration relay_cost(Duration rtt, std::uint8_t load) {
  Duration penalty = kFullPenalty;
  for (int i = 0; i < 4; ++i) penalty = penalty * load / kLoadMax;
  return rtt + penalty;
}

bool is_better_path(const PathQuality& other, const PathQuality& current) {
  if (other.proven != current.proven) return other.proven;
  if (other.relayed != current.relayed) return current.relayed;
  const Duration here = cost(current);
  const Duration there = cost(other);
  if (there + noise(there, here) <= here) return true;
  if (here + noise(there, here) <= there) return false;
  if (other.on_link != current.on_link) return other.on_link;
  return other.ipv6 && !current.ipv6;
}

bool is_worth_moving(const PathQuality& other, const PathQuality& current, bool loads_are_news) {
  if (!is_better_path(other, current)) return false;
  const auto unloaded = [](PathQuality path) {
    path.load = 0;
    return path;
  };
  if (is_better_path(unloaded(other), unloaded(current))) return true;
  return loads_are_news && current.load >= kLoadNearlyFull && other.load <= kLoadRoomy;
}

}  // namespace kadwire::rendezvous
