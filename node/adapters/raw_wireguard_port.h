#pragma once

/// Production's WireguardPort: raw sockets send from WireGuard's port, packet sockets with a filter
/// see what arrives there. Needs CAP_NET_RAW, and to tie flows CAP_NET_ADMIN. A host may lack
/// either family.
///
///   send ─▶ RawUdpSender ─▶ routing ─▶ host firewall ─▶ wire
///   wire ─┬─▶ port_filter ─▶ packet socket ─▶ parse, checks ─▶ handler
///         └─▶ host firewall ─▶ WireGuard's own socket
///
/// Packet sockets (packet(7)) rather than raw ones, because they see a datagram before the host's
/// own firewall does. Behind one that lets in answers only, a peer whose NAT gives it an unexpected
/// port would stay unheard; so it is heard, and what we send back opens the firewall for WireGuard
/// too. It follows that a datagram received proves nothing about WireGuard's way in: an exchange in
/// both directions does. Other consequences, and what is done about them:
///   * A router sees what it forwards: only packets to an address of this host are taken.
///   * The IP layer has not looked yet: parse_udp_packet and this file refuse what it would refuse,
///     loopback addresses from the wire included. Fragments are not put together.
///   * A local redirection (DNAT) is not seen: `to_port` is the port on the wire.
///   * A kernel that joins datagrams of one flow for WireGuard (UDP GRO) may join ours, if they are
///     of one size and come within microseconds: then they are lost, like any datagram.
/// One protocol's packet socket gets each arriving packet once, at the interface that the IP layer
/// takes it from, and none of those that leave.

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>

#include <tl/expected.hpp>

#include "node/adapters/flow_table.h"
#include "node/adapters/socket_options.h"
#include "node/ports/wireguard_port.h"

namespace kadwire::node {

/// More than any STUN message or frame with its headers: a longer packet is neither.
inline constexpr std::size_t kPacketBytesMax = 2048;

struct WireguardPortCounters {
  std::uint64_t received = 0;  ///< given to the handler
  std::uint64_t sent = 0;
  std::uint64_t send_failed = 0;  ///< no route, no such family, no listen port yet, full buffer
  std::uint64_t refused = 0;      ///< passed the filter, but is malformed, or not for this host
  std::uint64_t side_ports_missing = 0;  ///< of the present block: taken by another program
  std::uint64_t ties_failed = 0;         ///< the table could not be changed
};

class RawWireguardPort final : public WireguardPort {
 public:
  /// `listen_port` 0: none yet. `flows` nullptr: no side ports are offered. The sockets stay in the
  /// network namespace that this is called in; `context` must outlive this object, and everything
  /// happens on its one thread. Errors: no CAP_NET_RAW, with what that costs and what to do;
  /// neither family; no memory for the filter.
  [[nodiscard]] static tl::expected<std::unique_ptr<RawWireguardPort>, SocketError> open(
      asio::io_context& context, std::uint16_t listen_port,
      std::unique_ptr<FlowTable> flows = nullptr);
  ~RawWireguardPort() override;

  void start(Handler handler) override;
  /// A reply to the last datagram's sender leaves from the address that it came to, if it leaves
  /// from the same port: the sender's NAT and firewall expect it from there. Any other leaves from
  /// the address that routing chooses. A link-local receiver cannot be reached: an endpoint names
  /// no interface.
  void send(const PortTransmit& transmit) override;
  void set_listen_port(std::uint16_t port) override;
  /// Takes a descriptor for each port from then on, so that nobody else gets it and no arrival is
  /// answered by ICMP. Errors: no such block is free, no descriptors, what FlowTable::set says.
  [[nodiscard]] tl::expected<std::uint16_t, std::string> open_side_ports() override;
  void tie_flows(std::span<const rendezvous::FlowTie> ties) override;
  /// Watches these ports, as far as they are free, and hands WireGuard nothing that arrives there.
  /// `count` is at most rendezvous::kSidePorts, the last port at most 65535; 0: none.
  void set_side_ports(std::uint16_t first, std::uint16_t count);

  [[nodiscard]] bool has_family(AddressFamily family) const;
  [[nodiscard]] const WireguardPortCounters& counters() const;

 private:
  struct Shared;
  struct Leg;
  explicit RawWireguardPort(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;  ///< with the receive loops, which end when it is closed
};

}  // namespace kadwire::node
