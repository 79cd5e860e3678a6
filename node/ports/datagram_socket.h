#pragma once

/// PORT: one UDP port on both address families, as far as the host has them.

#include <functional>

#include "node/base/endpoint.h"
#include "node/base/transmit.h"

namespace kadwire::node {

class DatagramSocket {
 public:
  /// The view is valid during the call only.
  using Handler = std::function<void(const Endpoint& from, ByteView datagram)>;
  virtual ~DatagramSocket() = default;
  /// Begins to deliver datagrams; called once.
  virtual void start(Handler handler) = 0;
  /// Best effort: what cannot be sent is counted and dropped, as on the wire.
  virtual void send(const Transmit& transmit) = 0;
  /// The bound port, the same on both families.
  [[nodiscard]] virtual std::uint16_t local_port() const = 0;
};

}  // namespace kadwire::node
