#include "crypto/mesh_address.h"

#include <cassert>

namespace kadwire::crypto {
namespace {

constexpr unsigned kDefaultIpv4Length = 16;  ///< 65534 leases
constexpr unsigned kIpv6Length = 64;
constexpr std::size_t kGlobalIdBytes = 5;     ///< RFC 4193 §3.1: 40 bits after 0xfd
constexpr std::size_t kInterfaceIdBytes = 8;  ///< RFC 4291 §2.5.1

/// The first 8 bytes of every mesh address of this mesh.
ByteArray<8> ipv6_network_bytes(const KeySchedule& keys) {
  ByteArray<kGlobalIdBytes> global_id;
  keys.derive("mesh ipv6", {}, global_id);
  return *to_array<8>(ByteWriter().u8(0xfd).raw(global_id).be16(0).view());
}

IpAddress ipv6_address(const ByteArray<8>& network, const ByteArray<kInterfaceIdBytes>& interface) {
  return IpAddress::v6(*to_array<16>(ByteWriter().raw(network).raw(interface).view()));
}

}  // namespace

Prefix mesh_ipv4_network(const KeySchedule& keys, const MeshSecret& secret) {
  if (secret.ipv4_network) return *secret.ipv4_network;
  ByteArray<1> drawn;
  keys.derive("mesh ipv4", {}, drawn);
  // 1 to 254: 10.0 and 10.255 are the first that people take by hand.
  const auto second_octet = 1 + std::to_integer<std::uint32_t>(drawn[0]) % 254;
  return {IpAddress::v4(std::uint32_t{10} << 24 | second_octet << 16), kDefaultIpv4Length};
}

Prefix mesh_ipv6_network(const KeySchedule& keys) {
  return {ipv6_address(ipv6_network_bytes(keys), {}), kIpv6Length};
}

IpAddress mesh_ipv6_address(const KeySchedule& keys, const NodeId& node) {
  ByteArray<kInterfaceIdBytes> interface_id;
  keys.derive("mesh iid", node.bytes, interface_id);
  return ipv6_address(ipv6_network_bytes(keys), interface_id);
}

IpAddress mesh_ipv4_lease(const KeySchedule& keys, const Prefix& network, const NodeId& node,
                          std::uint8_t nonce) {
  assert(network.address.is_v4() && network.length >= 8 && network.length <= 30);
  ByteArray<8> drawn;
  keys.derive("mesh lease", ByteWriter().raw(node.bytes).u8(nonce).view(), drawn);
  // Neither the network's own address nor its broadcast address is a host's.
  const std::uint64_t hosts = (std::uint64_t{1} << (32 - network.length)) - 2;
  const auto host = static_cast<std::uint32_t>(1 + ByteReader(drawn).be64() % hosts);
  return IpAddress::v4(network.network().address.v4_value() + host);
}

}  // namespace kadwire::crypto
