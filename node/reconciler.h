#pragma once

/// What must change on the device so that it has exactly the desired peers: a pure difference.
/// Endpoints are compared by nobody here: WireGuard moves them by roaming, and dialling sets them.

#include <span>
#include <vector>

#include "node/ports/wireguard_device.h"

namespace kadwire::node {

struct PeerDifference {
  std::vector<crypto::WireguardKey> remove;  ///< on the device, not desired
  std::vector<PeerConfig> set;               ///< missing, or with other allowed IPs or keepalive
};

/// Removals are to be applied first: an address may move from a removed peer to a set one.
/// Neither list has a key twice. The result is sorted by key.
[[nodiscard]] PeerDifference difference(std::span<const PeerConfig> desired,
                                        std::span<const PeerStatus> actual);

}  // namespace kadwire::node
