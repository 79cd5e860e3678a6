#pragma once

/// The addresses a node has inside the mesh, all derived, none assigned by anyone:
///   IPv6  /64: 0xfd ‖ key("mesh ipv6", "", 5) ‖ 0x0000;  interface id = key("mesh iid", NodeId, 8)
///   IPv4  10.x.0.0/16 with x = 1 + key("mesh ipv4", "", 1)[0] mod 254, unless the secret says net=
///   lease(n)  network + (1 + (be64(key("mesh lease", NodeId ‖ u8(n), 8)) mod (2^hostbits − 2)))
/// Which nonce n a node may use is decided elsewhere (node/membership/lease.h).

#include "crypto/key_schedule.h"
#include "node/base/endpoint.h"

namespace kadwire::crypto {

/// The mesh's IPv4 network, host bits zero.
[[nodiscard]] Prefix mesh_ipv4_network(const KeySchedule& keys, const MeshSecret& secret);
/// The mesh's IPv6 /64, host bits zero.
[[nodiscard]] Prefix mesh_ipv6_network(const KeySchedule& keys);
[[nodiscard]] IpAddress mesh_ipv6_address(const KeySchedule& keys, const NodeId& node);
/// `network` is /8 to /30.
[[nodiscard]] IpAddress mesh_ipv4_lease(const KeySchedule& keys, const Prefix& network,
                                        const NodeId& node, std::uint8_t nonce);

}  // namespace kadwire::crypto
