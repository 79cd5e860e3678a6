#include "rendezvous/path_choice.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// By how much two round trips must differ to count.
Duration noise(Duration a, Duration b) {
  return std::max(kLatencyNoise, std::max(a, b) / kLatencyNoisePart);
}

}  // namespace

bool is_better_path(const PathQuality& other, const PathQuality& current) {
  if (other.proven != current.proven) return other.proven;
  if (other.relayed != current.relayed) return current.relayed;
  if (other.rtt + noise(other.rtt, current.rtt) <= current.rtt) return true;
  if (current.rtt + noise(other.rtt, current.rtt) <= other.rtt) return false;
  if (other.on_link != current.on_link) return other.on_link;
  return other.ipv6 && !current.ipv6;
}

}  // namespace kadwire::rendezvous
