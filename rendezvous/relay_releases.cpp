#include "rendezvous/relay_releases.h"

#include <algorithm>

namespace kadwire::rendezvous {

void RelayReleases::add(TimePoint now, const crypto::NodeId& relay) {
  settle(relay);
  if (releases_.size() == kRelaysReleasedMax) releases_.erase(releases_.begin());
  releases_.push_back({relay, now});
}

void RelayReleases::settle(const crypto::NodeId& relay) {
  std::erase_if(releases_, [&](const Release& release) { return release.relay == relay; });
}

std::optional<crypto::NodeId> RelayReleases::take(TimePoint now) {
  const auto release =
      std::ranges::find_if(releases_, [&](const Release& each) { return each.due <= now; });
  if (release == releases_.end()) return std::nullopt;
  const crypto::NodeId relay = release->relay;
  release->due = now + kReleaseSpacing * (1 << release->said);
  if (++release->said == kReleasesMax) releases_.erase(release);
  return relay;
}

std::optional<TimePoint> RelayReleases::next() const {
  const auto first = std::ranges::min_element(releases_, {}, &Release::due);
  return first == releases_.end() ? std::nullopt : std::optional(first->due);
}

}  // namespace kadwire::rendezvous
