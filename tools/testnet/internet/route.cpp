#include "tools/testnet/internet/route.h"

#include <optional>

namespace kadwire::testnet {
namespace {

using Turning = tl::expected<Turn, Drop>;

/// Somebody or no route.
Turning turn_at(Station station, bool in_lan) {
  if (station.is_nobody()) return tl::unexpected(Drop::kNoRoute);
  return Turn{station, in_lan};
}

/// The packet is for the gateway's own external address: in again by the way it would have come
/// from outside, under its external source (RFC 4787 §6).
Turning hairpin(const Topology& topology, Passage& passage, std::uint32_t index, Packet& packet) {
  const GatewayState& gateway = topology.gateway(index);
  if (!gateway.nat.model().hairpin) return tl::unexpected(Drop::kNatFiltered);
  const auto port = passage.translate_outbound(index, packet);
  if (!port) return tl::unexpected(port.error());
  packet.from = {gateway.v4, *port};
  const auto inside = passage.translate_inbound(index, packet);
  if (!inside) return tl::unexpected(inside.error());
  packet.to = *inside;
  return turn_at(gateway.lan.find_v4(packet.to.address), true);
}

Turning route_out_v4(const Topology& topology, Passage& passage, std::optional<std::uint32_t> index,
                     Packet& packet) {
  for (; index; index = topology.gateway(*index).behind) {
    const GatewayState& gateway = topology.gateway(*index);
    if (gateway.lan.covers(packet.to.address)) {
      return turn_at(gateway.lan.find_v4(packet.to.address), true);
    }
    if (packet.to.address == gateway.v4) return hairpin(topology, passage, *index, packet);
    const auto port = passage.translate_outbound(*index, packet);
    if (!port) return tl::unexpected(port.error());
    packet.from = {gateway.v4, *port};
    const Drop drop = passage.cross_uplink(*index, packet);
    if (drop != Drop::kNone) return tl::unexpected(drop);
  }
  return turn_at(topology.at_core(packet.to.address), false);
}

Turning route_out_v6(const Topology& topology, Passage& passage, std::optional<std::uint32_t> index,
                     const Packet& packet) {
  for (; index; index = topology.gateway(*index).behind) {
    const Station inner = topology.behind_gateway(*index, packet.to.address);
    if (!inner.is_nobody()) return turn_at(inner, true);
    passage.leave_ipv6(*index, packet);
    const Drop drop = passage.cross_uplink(*index, packet);
    if (drop != Drop::kNone) return tl::unexpected(drop);
  }
  return turn_at(topology.at_core(packet.to.address), false);
}

/// Through a gateway from outside: who is next.
tl::expected<Station, Drop> enter(const Topology& topology, Passage& passage, std::uint32_t index,
                                  Packet& packet) {
  const GatewayState& gateway = topology.gateway(index);
  if (packet.to.address.is_v6()) {
    if (!passage.admits_ipv6(index, packet)) return tl::unexpected(Drop::kFirewall);
    return topology.behind_gateway(index, packet.to.address);
  }
  // It may have lost this address while the packet was under way.
  if (packet.to.address != gateway.v4) return tl::unexpected(Drop::kNoRoute);
  const auto inside = passage.translate_inbound(index, packet);
  if (!inside) return tl::unexpected(inside.error());
  packet.to = *inside;
  return gateway.lan.find_v4(packet.to.address);
}

}  // namespace

tl::expected<Turn, Drop> route_out(const Topology& topology, Passage& passage, Station host,
                                   Packet& packet) {
  const Drop drop = passage.leave_host(host, packet);
  if (drop != Drop::kNone) return tl::unexpected(drop);
  if (host.interface == InterfaceId::kBridge) return tl::unexpected(Drop::kNoRoute);
  const auto gateway = topology.interface(host).behind;
  return packet.to.address.is_v4() ? route_out_v4(topology, passage, gateway, packet)
                                   : route_out_v6(topology, passage, gateway, packet);
}

tl::expected<std::uint32_t, Drop> route_in(const Topology& topology, Passage& passage,
                                           Station station, Packet& packet) {
  for (;;) {  // each round is one gateway further in
    if (station.is_nobody()) return tl::unexpected(Drop::kNoRoute);
    const Drop drop = passage.cross_downlink(station, packet);
    if (drop != Drop::kNone) return tl::unexpected(drop);
    if (station.is_host()) return station.index;
    const auto next = enter(topology, passage, station.index, packet);
    if (!next) return tl::unexpected(next.error());
    station = *next;
  }
}

}  // namespace kadwire::testnet
