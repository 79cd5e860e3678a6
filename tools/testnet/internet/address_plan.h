#pragma once

/// Who has which public address: every host and gateway of the core gets an IPv4 address of its own
/// and an IPv6 network of its own. Addresses are given in order, so the same calls give the same.
///   - IPv4: 11.0.0.10, 11.0.1.10, … one in each /24, so that rules by network see strangers.
///   - IPv6: 2a00:0:1::/64, 2a00:0:2::/64, … for the same reason each in a /48 of its own.
/// Not here: addresses behind gateways (lan.h).

#include <cstdint>
#include <vector>

#include "node/base/endpoint.h"
#include "tools/testnet/internet/firewall_model.h"

namespace kadwire::testnet {

/// Addresses of each family before freed ones come round again: far more than hosts, and 11.0.0.10
/// plus so many /24s still is below 100.64.0.0.
inline constexpr std::uint32_t kPublicAddressesMax = 1U << 22;
/// A host's or a gateway's network, of which it is the router.
inline constexpr unsigned kIpv6NetworkBits = 64;

/// An interface of a host or a gateway, by its index among those.
struct Station {
  enum class Kind : std::uint8_t { kNobody, kHost, kGateway };
  Kind kind = Kind::kNobody;
  InterfaceId interface {};  ///< of a host
  std::uint32_t index = 0;

  [[nodiscard]] static Station host(std::uint32_t index,
                                    InterfaceId interface = InterfaceId::kFirst) {
    return {Kind::kHost, interface, index};
  }
  [[nodiscard]] static Station gateway(std::uint32_t index) { return {Kind::kGateway, {}, index}; }
  [[nodiscard]] bool is_nobody() const { return kind == Kind::kNobody; }
  [[nodiscard]] bool is_host() const { return kind == Kind::kHost; }
  [[nodiscard]] bool is_gateway() const { return kind == Kind::kGateway; }
  bool operator==(const Station&) const = default;
};

/// Numbers in use. A freed one comes back only when all others had their turn.
class NumberPool {
 public:
  std::uint32_t take(Station owner);
  void release(std::uint32_t number);
  /// Nobody for a number that is not in use.
  [[nodiscard]] Station owner(std::uint64_t number) const;

 private:
  std::vector<Station> owners_;
  std::uint32_t next_ = 0;
  std::uint32_t in_use_ = 0;
};

class AddressPlan {
 public:
  [[nodiscard]] IpAddress take_v4(Station owner);
  /// The network's own address: every bit behind the prefix is zero.
  [[nodiscard]] IpAddress take_v6_network(Station owner);
  /// Either family; it must be in use.
  void release(const IpAddress& address);
  /// Of the address or the network that it is in.
  [[nodiscard]] Station owner(const IpAddress& address) const;

 private:
  NumberPool v4_;
  NumberPool v6_;
};

/// IPv4 from host order; unlike IpAddress::v4, without allocating.
[[nodiscard]] IpAddress v4_address(std::uint32_t host_order);
/// The address of an IPv6 network with this interface identifier.
[[nodiscard]] IpAddress v6_address(const IpAddress& network, std::uint64_t interface_id);
/// The last 64 bits.
[[nodiscard]] std::uint64_t interface_id(const IpAddress& v6);

}  // namespace kadwire::testnet
