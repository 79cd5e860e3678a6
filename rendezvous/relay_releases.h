#pragma once

/// Relays that are not needed any more for one peer, and have not said so yet: a release that was
/// lost would leave a port open, and a place taken, until the relay finds the pair idle. Sans-IO.

#include <optional>
#include <vector>

#include "crypto/node_identity.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// A release is said at once and 1, 3 and 7 s later, unless it is answered: at 10 % loss each way
/// one in a thousand goes unheard.
inline constexpr int kReleasesMax = 4;
inline constexpr Duration kReleaseSpacing = 1s;
/// Relays of one peer that may be on their way out: the two in use, and two that were asked last.
inline constexpr std::size_t kRelaysReleasedMax = 4;

class RelayReleases {
 public:
  /// This one is to be told from now on; the oldest makes room.
  void add(TimePoint now, const crypto::NodeId& relay);
  /// It has said that it knows, or is needed again.
  void settle(const crypto::NodeId& relay);
  /// Whom to tell now; call until nullopt.
  [[nodiscard]] std::optional<crypto::NodeId> take(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next() const;

 private:
  struct Release {
    crypto::NodeId relay;
    TimePoint due;
    int said = 0;
  };
  std::vector<Release> releases_;  ///< the oldest first
};

}  // namespace kadwire::rendezvous
