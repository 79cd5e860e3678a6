#pragma once

/// A UDP datagram on its way through the simulated internet.

#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::testnet {

/// IPv4's and UDP's headers; counted against bandwidth and MTU.
inline constexpr std::size_t kHeaderBytesV4 = 20 + 8;
/// IPv6's and UDP's headers.
inline constexpr std::size_t kHeaderBytesV6 = 40 + 8;

struct Packet {
  Endpoint from;
  Endpoint to;
  Bytes payload;

  /// As it counts on the wire.
  [[nodiscard]] std::size_t wire_bytes() const {
    return payload.size() + (to.address.is_v4() ? kHeaderBytesV4 : kHeaderBytesV6);
  }
};

/// Why a packet did not arrive.
enum class Drop : std::uint8_t {
  kNone,
  kLoss,         ///< lost on a link
  kQueue,        ///< a link's queue was full
  kMtu,          ///< too large for a link
  kNoRoute,      ///< nobody has that address, or the host has none of that family
  kNatFiltered,  ///< no mapping, or not from there
  kNatFull,      ///< the NAT had no mapping left
  kFirewall,     ///< a stateful firewall had seen nothing go out to there
  kUdpBlocked,
  kPartition,    ///< an event of the scenario cut these two apart
  kHostDown,     ///< off, asleep, or nothing listens on the port
};
inline constexpr std::size_t kDropKinds = 11;

}  // namespace kadwire::testnet
