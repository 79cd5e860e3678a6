#pragma once

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire {

/// A datagram that logic wants sent: whoever drives the logic picks it up and gives it to a socket.
struct Transmit {
  Endpoint to;
  Bytes payload;
};

/// A datagram to send beside WireGuard, and how.
struct PortTransmit {
  Transmit transmit;
  std::uint16_t from_port = 0;  ///< 0: WireGuard's listen port; else one of the side ports
  std::uint8_t hop_limit = 0;   ///< 0: the system's default
};

}  // namespace kadwire
