#include "tools/testnet/internet/passages.h"

namespace kadwire::testnet {

Drop LivePassage::leave_host(Station station, const Packet& packet) {
  HostState& host = topology_.host(station.index);
  host.firewall.handle_outbound(now_, packet.from, packet.to);
  if (host.dice.chance(host.outbound_loss)) return Drop::kLoss;
  InterfaceState& interface = host.interface(station.interface);
  delay_ += interface.link.latency;
  return cross(interface.link.up, packet);
}

NatBox::Port LivePassage::translate_outbound(std::uint32_t gateway, const Packet& packet) {
  return topology_.gateway(gateway).nat.translate_outbound(now_, packet.from, packet.to);
}

NatBox::Inside LivePassage::translate_inbound(std::uint32_t gateway, const Packet& packet) {
  return topology_.gateway(gateway).nat.translate_inbound(now_, packet.from, packet.to.port);
}

void LivePassage::leave_ipv6(std::uint32_t gateway, const Packet& packet) {
  topology_.gateway(gateway).ipv6_firewall.handle_outbound(now_, packet.from, packet.to);
}

bool LivePassage::admits_ipv6(std::uint32_t gateway, const Packet& packet) {
  return topology_.gateway(gateway).ipv6_firewall.handle_inbound(now_, packet.to, packet.from);
}

Drop LivePassage::cross_uplink(std::uint32_t gateway, const Packet& packet) {
  delay_ += topology_.access_latency(Station::gateway(gateway));
  return cross(topology_.gateway(gateway).uplink.up, packet);
}

Drop LivePassage::cross_downlink(Station station, const Packet& packet) {
  if (inside_) delay_ += topology_.access_latency(station);
  inside_ = true;
  return cross(station.is_host() ? topology_.interface(station).link.down
                                 : topology_.gateway(station.index).uplink.down,
               packet);
}

Drop LivePassage::cross(Link& link, const Packet& packet) {
  const Transit transit = link.pass(now_ + delay_, packet.wire_bytes(), flight_.fragment_bytes);
  delay_ += transit.delay;
  duplicated_ = duplicated_ || transit.duplicated;
  if (transit.drop == Drop::kMtu && link.model().mtu_told) {
    topology_.host(flight_.sender.index)
        .learn_path_mtu(now_, flight_.destination, link.model().mtu_bytes);
  }
  return transit.drop;
}

Drop TrialPassage::leave_host(Station station, const Packet& packet) {
  sender_ = station.index;
  sent_ = {packet.from, packet.to};
  const bool dead = topology_.interface(station).link.up.is_dead();
  return dead || topology_.host(station.index).outbound_loss >= 1 ? Drop::kLoss : Drop::kNone;
}

NatBox::Port TrialPassage::translate_outbound(std::uint32_t gateway, const Packet& packet) {
  translated_.push_back({gateway, {packet.from, packet.to}});
  const NatBox& nat = topology_.gateway(gateway).nat;
  return nat.would_translate_outbound(now_, packet.from, packet.to);
}

NatBox::Inside TrialPassage::translate_inbound(std::uint32_t gateway, const Packet& packet) {
  const NatBox& nat = topology_.gateway(gateway).nat;
  for (const auto& [index, trace] : translated_) {
    if (index != gateway) continue;
    // Back through a box that it left by: that one would know of it by now. Rare, so a copy will
    // do.
    NatBox changed = nat;
    if (const auto port = changed.translate_outbound(now_, trace.inside, trace.outside); !port) {
      return tl::unexpected(port.error());
    }
    return changed.translate_inbound(now_, packet.from, packet.to.port);
  }
  return nat.would_translate_inbound(now_, packet.from, packet.to.port);
}

bool TrialPassage::admits_ipv6(std::uint32_t gateway, const Packet& packet) {
  return topology_.gateway(gateway).ipv6_firewall.would_admit(now_, packet.to, packet.from);
}

Drop TrialPassage::cross_uplink(std::uint32_t gateway, const Packet&) {
  return topology_.gateway(gateway).uplink.up.is_dead() ? Drop::kLoss : Drop::kNone;
}

Drop TrialPassage::cross_downlink(Station station, const Packet&) {
  const Link& link = station.is_host() ? topology_.interface(station).link.down
                                       : topology_.gateway(station.index).uplink.down;
  return link.is_dead() ? Drop::kLoss : Drop::kNone;
}

bool TrialPassage::admits(std::uint32_t index, const Packet& packet) const {
  // Its own packet coming back answers itself.
  if (index == sender_ && packet.to == sent_.inside && packet.from == sent_.outside) return true;
  return topology_.host(index).firewall.would_admit(now_, packet.to, packet.from);
}

}  // namespace kadwire::testnet
