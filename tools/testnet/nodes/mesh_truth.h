#pragma once

/// Who is who in a simulated mesh, as only the simulator knows: which WireGuard key is whose, and
/// which mesh addresses its owner may have. What members believe is held against it
/// (member_watch.h).

#include <map>
#include <set>
#include <vector>

#include "crypto/node_identity.h"
#include "tools/testnet/nodes/member_node.h"
#include "tools/testnet/nodes/sim_mesh.h"

namespace kadwire::testnet {

class MeshTruth {
 public:
  /// `mesh` outlives this object.
  explicit MeshTruth(const SimMesh& mesh) : mesh_(mesh) {}

  /// An honest member, which lives as long as this object.
  void add(const MemberNode& member);
  /// A key that a hostile member made.
  void add_hostile(const crypto::WireguardKey& key) { hostile_.insert(key); }

  /// The honest member whose key this is; nullptr: none.
  [[nodiscard]] const MemberNode* owner(const crypto::WireguardKey& key) const;
  [[nodiscard]] bool is_hostile(const crypto::WireguardKey& key) const {
    return hostile_.contains(key);
  }
  /// The mesh address is the member's IPv6 address, or an IPv4 lease of one of its nonces.
  [[nodiscard]] bool may_have(const MemberNode& member, const IpAddress& address);
  /// Some honest member's own IPv6 address.
  [[nodiscard]] bool is_honest_ipv6(const IpAddress& address) const {
    return ipv6_.contains(address);
  }
  [[nodiscard]] const Prefix& ipv4_network() const { return mesh_.ipv4_network(); }

 private:
  struct Known {
    const MemberNode* member = nullptr;
    std::vector<IpAddress> leases;  ///< by nonce, as far as somebody asked
  };
  const SimMesh& mesh_;
  std::map<crypto::WireguardKey, Known> honest_;
  std::set<crypto::WireguardKey> hostile_;
  std::set<IpAddress> ipv6_;
};

}  // namespace kadwire::testnet
