#pragma once

/// PORT: STUN messages and frames from and to WireGuard's own listen port, beside WireGuard, which
/// goes on owning it: a NAT maps a port, so only what leaves from this one is worth anything to
/// WireGuard. WireGuard's own datagrams never pass here.

#include <cstdint>
#include <functional>

#include "node/base/endpoint.h"
#include "node/base/transmit.h"

namespace kadwire::node {

/// Further ports, directly above a base, from which a host behind an unpredictable NAT may send:
/// with 256 of them open, 1024 guesses of the other side hit one with 98 %.
inline constexpr std::uint16_t kSidePortsMax = 256;

class WireguardPort {
 public:
  /// `to_port`: where it arrived, the listen port or a side port. The view is valid during the call
  /// only.
  using Handler =
      std::function<void(const Endpoint& from, std::uint16_t to_port, ByteView datagram)>;
  virtual ~WireguardPort() = default;
  /// Begins to deliver what looks like STUN or a frame; called once.
  virtual void start(Handler handler) = 0;
  /// Best effort: what cannot be sent is counted and dropped, as on the wire.
  virtual void send(const PortTransmit& transmit) = 0;
  /// WireGuard listens here now.
  virtual void set_listen_port(std::uint16_t port) = 0;
  /// Delivers also what arrives at the `count` ports from `first` on; 0: none. Nobody else on this
  /// host should be using them.
  virtual void set_side_ports(std::uint16_t first, std::uint16_t count) = 0;
};

}  // namespace kadwire::node
