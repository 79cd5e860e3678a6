#pragma once

/// The way of a packet: out through the sender's gateways until somebody knows the destination,
/// then in through the receiver's. The way alone; what each step costs or forbids is a Passage's
/// matter, so that a real packet and a question about one (would_arrive) go the same way.
///   IPv4  each gateway translates. A LAN's own addresses, and a gateway's own when it hairpins,
///         turn the packet round before the core.
///   IPv6  each gateway filters. The innermost gateway that both are behind turns it round.

#include <cstdint>
#include <tl/expected.hpp>

#include "tools/testnet/internet/topology.h"

namespace kadwire::testnet {

/// What happens to a packet at each step of its way. Gateways and hosts by their index.
class Passage {
 public:
  virtual ~Passage() = default;
  /// Out of a host, by one of its interfaces: its firewall and its link.
  virtual Drop leave_host(Station host, const Packet& packet) = 0;
  virtual NatBox::Port translate_outbound(std::uint32_t gateway, const Packet& packet) = 0;
  virtual NatBox::Inside translate_inbound(std::uint32_t gateway, const Packet& packet) = 0;
  virtual void leave_ipv6(std::uint32_t gateway, const Packet& packet) = 0;
  virtual bool admits_ipv6(std::uint32_t gateway, const Packet& packet) = 0;
  /// Out over a gateway's uplink.
  virtual Drop cross_uplink(std::uint32_t gateway, const Packet& packet) = 0;
  /// In over a gateway's uplink or a host's link.
  virtual Drop cross_downlink(Station station, const Packet& packet) = 0;
};

/// Where a packet turns inward: the first station on its way in.
struct Turn {
  Station to;
  bool in_lan = false;  ///< inside a gateway; false: in the core
};

/// From a host, which has the packet's source address, to the turn. Rewrites the packet's source,
/// and its destination when it hairpins.
[[nodiscard]] tl::expected<Turn, Drop> route_out(const Topology& topology, Passage& passage,
                                                 Station host, Packet& packet);
/// From the turn to a host. Rewrites the packet's destination.
[[nodiscard]] tl::expected<std::uint32_t, Drop> route_in(const Topology& topology, Passage& passage,
                                                         Station station, Packet& packet);

}  // namespace kadwire::testnet
