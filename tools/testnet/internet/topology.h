#pragma once

/// The hosts and gateways of the simulated internet, their addresses, and who is behind whom.
/// Not here: packets (route.h), time.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "tools/testnet/internet/address_hash.h"
#include "tools/testnet/internet/address_plan.h"
#include "tools/testnet/internet/dice.h"
#include "tools/testnet/internet/expiring_table.h"
#include "tools/testnet/internet/firewall.h"
#include "tools/testnet/internet/internet.h"
#include "tools/testnet/internet/lan.h"
#include "tools/testnet/internet/link.h"
#include "tools/testnet/internet/mapping_service.h"
#include "tools/testnet/internet/nat_box.h"

namespace kadwire::testnet {

/// How long a host believes what it learnt of a path's MTU (RFC 8201 §4).
inline constexpr Duration kPathMtuLifetime = 10min;
/// Destinations of one host whose path MTU it keeps; the one learnt first makes room.
inline constexpr std::size_t kPathMtusMax = 1024;
/// A gateway behind a gateway behind … more is a mistake.
inline constexpr std::size_t kGatewaysInChainMax = 8;

/// A datagram's size before anybody told its sender of a smaller MTU; larger than any.
inline constexpr std::size_t kWholeDatagram = 65'536;

using PathMtus = ExpiringTable<IpAddress, std::size_t, AddressHash>;

/// Both directions of an access link, and the latency that was drawn for it.
struct Access {
  Link up;
  Link down;
  Duration latency;
};

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

struct HostState {
  HostOptions options;
  Access link;
  Firewall firewall;
  Dice dice;
  std::optional<std::size_t> city;  ///< index into cities(); only of a public host
  std::optional<IpAddress> v4{};
  std::optional<IpAddress> v6{};
  std::optional<Seat> seat{};  ///< in its gateway's LAN
  Internet::Receiver receiver{};
  PathMtus path_mtus{kPathMtuLifetime};
  bool up = true;
  double outbound_loss = 0;
  double inbound_loss = 0;
  std::uint64_t moves = 0;  ///< so that each new link has chance of its own

  /// What it knows of the way to a destination; without knowledge, anything goes.
  [[nodiscard]] std::size_t path_mtu(TimePoint now, const IpAddress& destination) const;
  void learn_path_mtu(TimePoint now, const IpAddress& destination, std::size_t mtu_bytes);
};

class Topology {
 public:
  explicit Topology(std::uint64_t seed);

  std::uint32_t add_gateway(const GatewayOptions& options);
  std::uint32_t add_host(const HostOptions& options);
  void move_host(std::uint32_t index, std::optional<std::uint32_t> behind, const LinkModel& link);
  /// New public addresses: Internet::change_addresses.
  void change_addresses(std::uint32_t host);

  [[nodiscard]] HostState& host(std::uint32_t index) { return hosts_.at(index); }
  [[nodiscard]] const HostState& host(std::uint32_t index) const { return hosts_.at(index); }
  [[nodiscard]] GatewayState& gateway(std::uint32_t index) { return gateways_.at(index); }
  [[nodiscard]] const GatewayState& gateway(std::uint32_t index) const {
    return gateways_.at(index);
  }
  [[nodiscard]] std::vector<Prefix> addresses(std::uint32_t host) const;
  /// The inner IPv4 address of the host's gateway; nullopt: there is none.
  [[nodiscard]] std::optional<IpAddress> gateway_v4(std::uint32_t host) const;
  /// The hosts in this gateway's own LAN.
  [[nodiscard]] std::vector<std::uint32_t> hosts_behind(std::uint32_t gateway) const;

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
  [[nodiscard]] Station core_station(std::uint32_t host) const;

  [[nodiscard]] std::uint32_t outermost(std::uint32_t gateway) const;

 private:
  [[nodiscard]] Access make_access(const LinkModel& model, std::string_view part,
                                   std::uint64_t index) const;
  [[nodiscard]] std::size_t depth(std::uint32_t gateway) const;
  [[nodiscard]] std::optional<std::size_t> city_of(Station station) const;
  [[nodiscard]] Duration between(std::optional<std::size_t> a, std::optional<std::size_t> b) const;
  void give_addresses(std::uint32_t host);
  void take_addresses(std::uint32_t host);
  void renumber(std::uint32_t gateway);

  std::uint64_t seed_;
  std::deque<HostState> hosts_;  ///< a deque: receivers may add hosts while one is in use
  std::deque<GatewayState> gateways_;
  AddressPlan plan_;
  std::vector<Duration> city_latencies_;  ///< row by row, cities() squared
};

}  // namespace kadwire::testnet
