#pragma once

/// Who holds which IPv4 mesh address: a pure rule over what members claim. No two peers are ever
/// given the same address.
///   A claim that has stood undisputed for kLeaseSettling is pinned: nobody takes it, whatever they
///   claim, until its holder moves, leaves or expires. So an address cannot be taken by grinding keys
///   or by naming an early date.
///   Among claims that are not pinned the earlier since-when wins, then the lower NodeId.
///   The loser takes its next nonce.

#include <optional>
#include <span>
#include <vector>

#include "crypto/node_identity.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"

namespace kadwire::node {

/// Long enough for members that start together to have heard of each other.
inline constexpr std::chrono::minutes kLeaseSettling{2};

struct LeaseClaim {
  crypto::NodeId node;
  IpAddress address;
  WallTime since;
  bool pinned = false;
};

/// True if `a` is given the address that both claim.
[[nodiscard]] bool prevails(const LeaseClaim& a, const LeaseClaim& b);

/// For each claim, in order, whether its node holds the address.
[[nodiscard]] std::vector<bool> assign_leases(std::span<const LeaseClaim> claims);

}  // namespace kadwire::node
