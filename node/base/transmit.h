#pragma once

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire {

/// A datagram that logic wants sent: whoever drives the logic picks it up and gives it to a socket.
struct Transmit {
  Endpoint to;
  Bytes payload;
};

}  // namespace kadwire
