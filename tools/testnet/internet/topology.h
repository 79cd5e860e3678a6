#pragma once

/// The hosts and gateways of the simulated internet, their addresses, and who is behind whom.
/// Not here: packets (route.h), time.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "tools/testnet/internet/address_plan.h"
#include "tools/testnet/internet/host_state.h"
#include "tools/testnet/internet/lan.h"
#include "tools/testnet/internet/mapping_service.h"
#include "tools/testnet/internet/nat_box.h"

namespace kadwire::testnet {

/// A gateway behind a gateway behind … more is a mistake.
inline constexpr std::size_t kGatewaysInChainMax = 8;

struct GatewayState {
  NatBox nat;
  Firewall ipv6_firewall;
  MappingService mapping_service;
  Access uplink;
  std::optional<std::uint32_t> behind;  ///< index of the outer gateway
  std::optional<std::size_t> city;      ///< index into cities()
  Lan lan;
  IpAddress v4{};  ///< external: public, or of the outer gateway's LAN
  IpAddress v6_network{};
  std::optional<Seat> seat{};  ///< in the outer gateway's LAN
};

class Topology {
 public:
  explicit Topology(std::uint64_t seed);

  std::uint32_t add_gateway(const GatewayOptions& options);
  std::uint32_t add_host(const HostOptions& options);
  /// By its first interface.
  void move_host(std::uint32_t index, std::optional<std::uint32_t> behind, const LinkModel& link);
  /// New public addresses: Internet::change_addresses.
  void change_addresses(Station host);
  /// The next temporary IPv6 address of each interface: Internet::renew_temporary_addresses.
  void renew_temporary_addresses(std::uint32_t host);

  [[nodiscard]] HostState& host(std::uint32_t index) { return hosts_.at(index); }
  [[nodiscard]] const HostState& host(std::uint32_t index) const { return hosts_.at(index); }
  [[nodiscard]] GatewayState& gateway(std::uint32_t index) { return gateways_.at(index); }
  [[nodiscard]] const GatewayState& gateway(std::uint32_t index) const {
    return gateways_.at(index);
  }
  /// Of a station that is a host.
  [[nodiscard]] InterfaceState& interface(Station station) {
    return host(station.index).interface(station.interface);
  }
  [[nodiscard]] const InterfaceState& interface(Station station) const {
    return host(station.index).interface(station.interface);
  }
  /// The inner IPv4 address of the interface's gateway; nullopt: there is none.
  [[nodiscard]] std::optional<IpAddress> gateway_v4(Station host) const;
  /// The hosts in this gateway's own LAN, by their interfaces.
  [[nodiscard]] std::vector<Station> hosts_behind(std::uint32_t gateway) const;

  /// Who gets a packet for this address from the core: a public host, or the outermost gateway.
  [[nodiscard]] Station at_core(const IpAddress& address) const;
  /// Who gets an IPv6 packet from the inside of a gateway, a host of its LAN or an inner gateway;
  /// nobody if the address is not behind it.
  [[nodiscard]] Station behind_gateway(std::uint32_t gateway, const IpAddress& v6) const;
  /// The station's own latency, and its distance from the gateway that it is behind.
  [[nodiscard]] Duration access_latency(Station station) const;
  /// Through the core, between two stations that both are at it.
  [[nodiscard]] Duration core_latency(Station a, Station b) const;
  /// The gateway, or the host itself, at which its packets enter the core.
  [[nodiscard]] Station core_station(Station host) const;

  [[nodiscard]] std::uint32_t outermost(std::uint32_t gateway) const;

 private:
  [[nodiscard]] Access make_access(const LinkModel& model, std::string_view part,
                                   std::uint64_t index) const;
  [[nodiscard]] std::size_t depth(std::uint32_t gateway) const;
  [[nodiscard]] std::optional<std::size_t> city_of(Station station) const;
  [[nodiscard]] Duration between(std::optional<std::size_t> a, std::optional<std::size_t> b) const;
  void add_interface(Station host, std::optional<GatewayId> behind, const LinkModel& link);
  void give_addresses(Station host);
  void give_v4(Station host);
  void give_v6(Station host);
  void take_addresses(Station host);
  void renumber(std::uint32_t gateway);

  std::uint64_t seed_;
  std::deque<HostState> hosts_;  ///< a deque: receivers may add hosts while one is in use
  std::deque<GatewayState> gateways_;
  AddressPlan plan_;
  std::vector<Duration> city_latencies_;  ///< row by row, cities() squared
};

}  // namespace kadwire::testnet
