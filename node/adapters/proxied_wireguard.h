#pragma once

/// WireguardPort and WireguardDevice for a node that may not open raw sockets: one UDP socket of
/// the daemon's own carries STUN, frames and WireGuard's datagrams, so that what is learnt and
/// punched holds for the tunnels, too. WireGuard meets its peers on loopback (loopback_flows.h).
///
///   wire ──▶ own port ─┬─ STUN, a frame ─▶ OwnPort's handler
///                      └─ anything else ─▶ LoopbackFlows ─▶ WireGuard's port, on this host only
///
/// What it costs: each packet passes the daemon twice, and tunnels stand still while it is down.
/// Side ports and hop limits are not to be had.

#include <memory>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/loopback_flows.h"
#include "node/ports/wireguard_device.h"
#include "node/ports/wireguard_port.h"

namespace kadwire::node {

class OwnPort final : public WireguardPort {
 public:
  /// `flows` outlives this object. The socket becomes the port that others see.
  OwnPort(std::unique_ptr<AsioDatagramSocket> socket, LoopbackFlows& flows);

  void start(Handler handler) override;
  void send(const PortTransmit& transmit) override;
  /// The port that others see does not depend on WireGuard's.
  void set_listen_port(std::uint16_t) override {}
  [[nodiscard]] tl::expected<std::uint16_t, std::string> open_side_ports() override;
  void tie_flows(std::span<const rendezvous::FlowTie>) override {}
  /// A datagram of WireGuard's, on its way out.
  void carry(const Endpoint& to, ByteView datagram);
  [[nodiscard]] std::uint16_t local_port() const { return socket_->local_port(); }

 private:
  std::unique_ptr<AsioDatagramSocket> socket_;
  LoopbackFlows& flows_;
};

/// Tells WireGuard of flows where the node speaks of endpoints, and the other way round; its port
/// is the one that others see.
class ProxiedDevice final : public WireguardDevice {
 public:
  /// `device` and `flows` outlive this object. `port`: OwnPort's.
  ProxiedDevice(WireguardDevice& device, LoopbackFlows& flows, std::uint16_t port);

  void start(Handler handler) override;
  void apply(std::vector<PeerChange> changes) override;
  void request_snapshot() override { device_.request_snapshot(); }
  void set_addresses(std::vector<Prefix> addresses) override;
  [[nodiscard]] std::uint16_t listen_port() const override { return port_; }

 private:
  [[nodiscard]] DeviceEvent translate(DeviceEvent event);

  WireguardDevice& device_;
  LoopbackFlows& flows_;
  std::uint16_t port_;
};

}  // namespace kadwire::node
