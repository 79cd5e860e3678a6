#pragma once

/// PORT: STUN messages and frames from and to WireGuard's own listen port, beside WireGuard, which
/// goes on owning it: a NAT maps a port, so only what leaves from this one is worth anything to
/// WireGuard. WireGuard's own datagrams never pass here. Where only other ports lead out of a NAT
/// to a peer, the same from those, and WireGuard's flow to that peer can be tied to one of them.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "node/base/endpoint.h"
#include "node/base/transmit.h"
#include "rendezvous/port_spray.h"

namespace kadwire::node {

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
  /// From now on delivers also what arrives at rendezvous::kSidePorts further ports in a row, which
  /// nobody else on this host uses, and hands WireGuard what is WireGuard's there. The first of
  /// them; or why that cannot be, in one sentence for the operator. Called once.
  [[nodiscard]] virtual tl::expected<std::uint16_t, std::string> open_side_ports() = 0;
  /// WireGuard's datagrams to these IPv4 endpoints leave from these side ports, all others from its
  /// own port. Each endpoint once; replaces what was set before. Best effort.
  virtual void tie_flows(std::span<const rendezvous::FlowTie> ties) = 0;
};

}  // namespace kadwire::node
