#pragma once

/// A host's own side: its interfaces, which addresses each of them has, and by which one a packet
/// leaves. Routing is Linux' without rules by source: what is on a link goes there, everything else
/// by the first interface that is up, whatever its source address.
/// Not here: who is behind whom (topology.h), the way from the host on (route.h).

#include <cstdint>
#include <optional>
#include <vector>

#include <tl/expected.hpp>

#include "tools/testnet/internet/address_hash.h"
#include "tools/testnet/internet/dice.h"
#include "tools/testnet/internet/expiring_table.h"
#include "tools/testnet/internet/firewall.h"
#include "tools/testnet/internet/internet.h"
#include "tools/testnet/internet/lan.h"
#include "tools/testnet/internet/link.h"

namespace kadwire::testnet {

/// How long a host believes what it learnt of a path's MTU (RFC 8201 §4).
inline constexpr Duration kPathMtuLifetime = 10min;
/// Destinations of one host whose path MTU it keeps; the one learnt first makes room.
inline constexpr std::size_t kPathMtusMax = 1024;

/// A datagram's size before anybody told its sender of a smaller MTU; larger than any.
inline constexpr std::size_t kWholeDatagram = 65'536;

using PathMtus = ExpiringTable<IpAddress, std::size_t, AddressHash>;

/// Both directions of an access link, and the latency that was drawn for it.
struct Access {
  Link up;
  Link down;
  Duration latency;
};

struct InterfaceState {
  InterfaceId id{};
  std::optional<std::uint32_t> behind;  ///< index of its gateway
  Access link;
  std::vector<HostAddress> addresses{};  ///< IPv4 first, then the stable IPv6 one, then temporary
  std::vector<Seat> seats{};             ///< in its gateway's LAN, one for each IPv4 address
  std::uint64_t moves = 0;               ///< so that each new link has chance of its own
  std::uint32_t temporaries = 0;         ///< that it ever had
  bool up = true;

  /// Whether a default route may go by it.
  [[nodiscard]] bool leads_out() const { return up && id != InterfaceId::kBridge; }
  [[nodiscard]] bool has(const IpAddress& address) const;
  [[nodiscard]] bool has_family(AddressFamily family) const;
  /// Whether the address is in one of its own networks.
  [[nodiscard]] bool is_on_link(const IpAddress& address) const;
  /// Its address that a program gets that names none (RFC 6724 §5): no deprecated one if there is
  /// another, and of IPv6 a temporary one. nullptr: it has none of the family.
  [[nodiscard]] const IpAddress* source(AddressFamily family) const;
  /// The first that it was given; nullptr: it has none of the family.
  [[nodiscard]] const IpAddress* main_address(AddressFamily family) const;
};

struct HostState {
  HostOptions options;
  std::vector<InterfaceState>
      interfaces;  ///< in the order in which routes prefer them; never empty
  Firewall firewall;
  Dice dice;
  std::optional<std::size_t> city;  ///< index into cities(); only of a public host
  Internet::Receiver receiver{};
  PathMtus path_mtus{kPathMtuLifetime};
  bool up = true;
  double outbound_loss = 0;
  double inbound_loss = 0;

  [[nodiscard]] InterfaceState& interface(InterfaceId id);
  [[nodiscard]] const InterfaceState& interface(InterfaceId id) const;
  /// The interface that has this address, and is up; nullptr: none.
  [[nodiscard]] const InterfaceState* owner(const IpAddress& address) const;
  [[nodiscard]] bool has(const IpAddress& address) const { return owner(address) != nullptr; }
  /// By which it sends to this address, whatever the source; nullptr: there is no route.
  [[nodiscard]] const InterfaceState* route(const IpAddress& to) const;
  /// The one of the default routes; nullptr: there are none.
  [[nodiscard]] const InterfaceState* default_interface() const;

  /// What it knows of the way to a destination; without knowledge, anything goes.
  [[nodiscard]] std::size_t path_mtu(TimePoint now, const IpAddress& destination) const;
  void learn_path_mtu(TimePoint now, const IpAddress& destination, std::size_t mtu_bytes);
};

/// How a packet leaves a host.
struct Departure {
  InterfaceId interface {};
  IpAddress source;
};
/// Towards `to`, or why it does not leave.
[[nodiscard]] tl::expected<Departure, Drop> depart(const HostState& host, const IpAddress& to,
                                                   const SourceChoice& choice);

}  // namespace kadwire::testnet
