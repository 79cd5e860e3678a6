#pragma once

/// PORT: UDP ports, one for each pair of members that this node relays between. Datagrams of a
/// pair's two ends are passed on unread; only binds (frames of type kBind, rendezvous/frame.h) come
/// up.

#include <cstdint>
#include <functional>

#include "node/base/endpoint.h"
#include "rendezvous/relay_desk.h"

namespace kadwire::node {

/// A pair that nothing was forwarded for so long has another path, or is gone: WireGuard's
/// keepalives come more often.
inline constexpr Duration kRelayIdle = 2min;

class RelayPorts {
 public:
  struct Handlers {
    /// The view is valid during the call only.
    std::function<void(rendezvous::RelayId id, const Endpoint& from, ByteView frame)> bind;
    /// Nothing was forwarded for kRelayIdle.
    std::function<void(rendezvous::RelayId id)> idle;
  };
  virtual ~RelayPorts() = default;
  /// Called once, before anything is opened.
  virtual void start(Handlers handlers) = 0;
  /// The port, on every family that the host has; 0: none could be had.
  [[nodiscard]] virtual std::uint16_t open(rendezvous::RelayId id) = 0;
  /// Forwards between these two from now on.
  virtual void join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) = 0;
  virtual void close(rendezvous::RelayId id) = 0;
};

}  // namespace kadwire::node
