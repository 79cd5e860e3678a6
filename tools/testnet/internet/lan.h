#pragma once

/// The inside of a gateway: who has which address there. Hosts have addresses of a home network,
/// 192.168.N.0/24; inner gateways, and hosts for which a home has no room, those of a carrier,
/// 100.64.0.0/10. Many homes have the same N, as in the world.
/// In IPv6 each seat is an interface identifier of the gateway's network.

#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/endpoint.h"
#include "tools/testnet/internet/address_plan.h"

namespace kadwire::testnet {

/// 192.168.N.2 to 192.168.N.254; the gateway itself is .1.
inline constexpr std::uint32_t kHomeSeats = 253;
/// Behind one gateway; far fewer than 100.64.0.0/10 has room for.
inline constexpr std::uint32_t kSeatsMax = 1U << 20;

/// A place in a LAN, from 0; those from kHomeSeats on are the carrier's.
enum class Seat : std::uint32_t {};

class Lan {
 public:
  /// 192.168.`third_octet`.0/24
  explicit Lan(std::uint8_t third_octet) : third_octet_(third_octet) {}

  /// The lowest free seat. Gateways always get a carrier's.
  Seat add(Station station);
  void release(Seat seat);

  [[nodiscard]] Prefix v4(Seat seat) const;
  /// The gateway's own address, as whoever has this seat knows it.
  [[nodiscard]] IpAddress gateway_v4(Seat seat) const;
  [[nodiscard]] static std::uint64_t interface_id(Seat seat);
  /// Who has this address or identifier; nobody if it is free or none of the LAN's. A temporary
  /// identifier is that of its seat, with something above its 32 bits.
  [[nodiscard]] Station find_v4(const IpAddress& address) const;
  [[nodiscard]] Station find_v6(std::uint64_t interface_id) const;
  /// By their seats, each interface once.
  [[nodiscard]] std::vector<Station> hosts() const;
  /// Whether hosts look for this IPv4 address on the LAN itself, and nowhere else.
  [[nodiscard]] bool covers(const IpAddress& v4) const;

 private:
  [[nodiscard]] Station at(std::uint64_t seat) const;

  std::uint8_t third_octet_;
  std::vector<Station> home_;
  std::vector<Station> carrier_;
};

}  // namespace kadwire::testnet
