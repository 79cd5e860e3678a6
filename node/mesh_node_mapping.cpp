/// MeshNode's dealings with the gateway: where the host is goes in, a candidate for the own record
/// comes out.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/mesh_node.h"

namespace kadwire::node {

/// A signature that nobody else can make, the same in every run.
rendezvous::MappingSecret MeshNode::mapping_secret() const {
  return identity_.sign("kadwire port mapping v1", keys_.mesh_id(), {});
}

/// Only what a mapping depends on: a host's IPv6 addresses and its containers' bridges come and go
/// all day.
void MeshNode::start_mapping(Now now) {
  if (!mapping_ || !network_known_ || leaving_ || config_.listen_port == 0) return;
  MappingSite site{network_.gateways, network_.addresses, config_.listen_port};
  std::erase_if(site.gateways, [](const IpAddress& each) { return each.is_v6(); });
  std::erase_if(site.own, [&](const rendezvous::LocalAddress& each) {
    return std::ranges::none_of(
        site.gateways, [&](const IpAddress& gateway) { return each.prefix.contains(gateway); });
  });
  if (site == mapping_site_) return;
  mapping_->network_changed(now.steady, site.gateways, site.own, site.port);
  mapping_site_ = std::move(site);
  follow_mapping(now);
}

void MeshNode::handle_gateway_datagram(Now now, const Endpoint& from, ByteView datagram) {
  if (!mapping_) return;
  mapping_->handle_datagram(now.steady, from, datagram);
  follow_mapping(now);
}

void MeshNode::handle_upnp(Now now, const rendezvous::UpnpResult& result) {
  if (!mapping_) return;
  mapping_->handle_upnp(now.steady, result);
  follow_mapping(now);
}

std::optional<Transmit> MeshNode::poll_gateway_transmit() {
  return mapping_ ? mapping_->poll_transmit() : std::nullopt;
}

/// The mapping may have come, gone or changed. Whether it leads here is the observer's to say, and
/// it may find so later.
void MeshNode::follow_mapping(Now now) {
  if (!mapping_ || leaving_ || !mapping_->poll_change()) return;
  const auto external = mapping_->external_address();
  if (nat_) nat_->note_gateway(now.steady, external);
  if (external) {
    notice(Notice::Level::kInfo,
           fmt::format("port mapped external={} protocol={}",
                       Endpoint{*external, mapping_->mapping()->external_port}.to_string(),
                       rendezvous::name_of(mapping_->mapping()->protocol)));
  } else {
    notice(Notice::Level::kInfo, "port mapping lost");
  }
  if (choose_candidates()) publish(now);
  follow_agent(now);
}

std::vector<rendezvous::Candidate> MeshNode::mapped_candidates() const {
  if (!mapping_ || leads_nowhere()) return {};
  return mapping_->candidates();
}

/// Others see this host, and none of them at the gateway's address: a further NAT is between, whose
/// ports the gateway cannot map. A site with two uplinks is seen at both.
bool MeshNode::leads_nowhere() const {
  const auto external = mapping_->external_address();
  if (!nat_ || !external || !nat_->behavior(AddressFamily::kIpv4).carrier_grade) return false;
  return std::ranges::none_of(nat_->candidates(), [&](const rendezvous::Candidate& seen) {
    return seen.endpoint.address == *external;
  });
}

std::optional<PortMappingView> MeshNode::port_mapping_view(Now now) const {
  if (!mapping_ || !mapping_->mapping()) return std::nullopt;
  const rendezvous::PortMap& map = *mapping_->mapping();
  PortMappingView view;
  view.protocol = rendezvous::name_of(map.protocol);
  if (map.external) view.external = {*map.external, map.external_port};
  view.lease =
      std::chrono::ceil<std::chrono::seconds>(std::max(map.ends_at - now.steady, Duration::zero()));
  view.announced = !mapped_candidates().empty();
  return view;
}

}  // namespace kadwire::node
