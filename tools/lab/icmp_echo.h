#pragma once

/// ICMP echo, both families: the messages of a ping (RFC 792, RFC 4443 §4). Pure.

#include <cstdint>
#include <optional>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::lab {

/// What tells one ping from another.
struct EchoId {
  std::uint64_t tag = 0;  ///< whose ping it is; travels as the payload
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  bool operator==(const EchoId&) const = default;
};

/// An echo request: 8 bytes of header, 8 of payload. IPv6's checksum is left to the kernel.
[[nodiscard]] Bytes encode_echo_request(AddressFamily family, EchoId id);
/// What a raw ICMP socket delivers (for IPv4 with the IP header in front); nullopt: not an echo
/// reply with a payload of that length.
[[nodiscard]] std::optional<EchoId> decode_echo_reply(AddressFamily family, ByteView datagram);

}  // namespace kadwire::lab
