#pragma once

/// The datagrams with which a host asks its gateway for a UDP port mapping: PCP (RFC 6887 §7, §11)
/// and its predecessor NAT-PMP (RFC 6886 §3), which share a port and tell each other apart by the
/// first byte. Bytes in, values out; when to ask is port_mapping's.
///
///   PCP MAP     version 2 · opcode 1 · reserved 2 · lifetime 4 · client address 16
///               nonce 12 · protocol 1 · reserved 3 · internal port 2 · external port 2 · address
///               16
///   its answer  version 2 · opcode 129 · reserved 1 · result 1 · lifetime 4 · epoch 4 · reserved
///   12
///               and the same 36 bytes
///   NAT-PMP     version 0 · opcode 0                       answer 12: 0 · 128 · result 2 · epoch 4
///               · address 4
///               version 0 · opcode 1 · reserved 2 · internal port 2 · external port 2 · lifetime 4
///                                                          answer 16: 0 · 129 · result 2 · epoch 4
///               · internal port 2 · external port 2 · lifetime 4
///
/// Deviation: options of a PCP answer are not read; none was asked for.

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "node/base/endpoint.h"

namespace kadwire::rendezvous {

/// Where gateways listen.
inline constexpr std::uint16_t kGatewayPort = 5351;
/// Where they announce, to all hosts of the link, that they have started anew (RFC 6887 §14.1).
inline constexpr std::uint16_t kGatewayAnnouncementPort = 5350;
/// RFC 6887 §7: what is longer is no PCP message.
inline constexpr std::size_t kPcpBytesMax = 1100;

/// What makes an answer ours: 96 bits that only the gateway has seen.
using PcpNonce = ByteArray<12>;

/// One side of a mapping to ask for. A lifetime of 0 asks to remove it.
struct PcpMapRequest {
  PcpNonce nonce{};
  IpAddress own;  ///< IPv4, from which the datagram leaves
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;  ///< a wish; 0: any
  std::chrono::seconds lifetime{};
};
[[nodiscard]] Bytes encode_pcp_map(const PcpMapRequest& request);

[[nodiscard]] Bytes encode_natpmp_address_request();
/// `external_port` is a wish. A lifetime of 0 removes, and then the wish is sent as 0 (§3.4).
[[nodiscard]] Bytes encode_natpmp_map(std::uint16_t internal_port, std::uint16_t external_port,
                                      std::chrono::seconds lifetime);

struct PcpMapAnswer {
  PcpNonce nonce{};
  std::uint16_t internal_port = 0;
  Endpoint external;  ///< any address, as claimed
  std::chrono::seconds lifetime{};
};
struct NatPmpMapAnswer {
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  std::chrono::seconds lifetime{};
};
/// Also sent unasked, by a gateway that has a new address.
struct NatPmpAddressAnswer {
  IpAddress external;  ///< any IPv4 address, as claimed
};
/// Sent unasked by a gateway that has lost its mappings.
struct PcpAnnouncement {};
/// An error, which carries nothing that could be relied on.
struct GatewayRefusal {
  std::uint8_t opcode = 0;  ///< without the response bit
  std::uint16_t code = 0;   ///< not 0
};

enum class GatewayProtocol : std::uint8_t { kNatPmp = 0, kPcp = 2 };  ///< the version byte

struct GatewayAnswer {
  GatewayProtocol protocol = GatewayProtocol::kPcp;
  /// Since the gateway's mappings began to exist: less than it was means that they are lost.
  std::chrono::seconds epoch{};
  std::variant<GatewayRefusal, PcpMapAnswer, PcpAnnouncement, NatPmpMapAnswer, NatPmpAddressAnswer>
      body;
};

/// nullopt: no answer of either protocol, or one of UDP's no concern. A mapping for TCP is such.
[[nodiscard]] std::optional<GatewayAnswer> decode_gateway_answer(ByteView datagram);

}  // namespace kadwire::rendezvous
