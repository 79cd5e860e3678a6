#include "tools/testnet/nodes/mesh_truth.h"

#include <algorithm>
#include <cassert>

#include "node/own_record.h"

namespace kadwire::testnet {

void MeshTruth::add(const MemberNode& member) {
  honest_[member.identity().wireguard_key()].member = &member;
  ipv6_.insert(member.ipv6());
}

const MemberNode* MeshTruth::owner(const crypto::WireguardKey& key) const {
  const auto found = honest_.find(key);
  return found == honest_.end() ? nullptr : found->second.member;
}

/// Nearly everybody has the first lease, so the others are computed only when asked for.
bool MeshTruth::may_have(const MemberNode& member, const IpAddress& address) {
  if (address == member.ipv6()) return true;
  const auto found = honest_.find(member.identity().wireguard_key());
  assert(found != honest_.end());
  std::vector<IpAddress>& leases = found->second.leases;
  if (std::ranges::count(leases, address) > 0) return true;
  while (leases.size() < node::kLeaseNonces) {
    const auto nonce = static_cast<std::uint8_t>(leases.size());
    leases.push_back(crypto::mesh_ipv4_lease(mesh_.keys(), mesh_.ipv4_network(),
                                             member.identity().node_id(), nonce));
    if (leases.back() == address) return true;
  }
  return false;
}

}  // namespace kadwire::testnet
