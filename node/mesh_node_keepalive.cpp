/// MeshNode's care that its own NAT does not forget its tunnels.

#include <fmt/format.h>

#include <algorithm>

#include "node/mesh_node.h"

namespace kadwire::node {

using rendezvous::LifetimePort;

void MeshNode::handle_lifetime_datagram(Now now, const Endpoint& from, ByteView datagram) {
  if (!pace_ || leaving_) return;
  pace_->handle_datagram(now.steady, LifetimePort::kSilent, from, datagram);
  follow_pace(now);
}

std::optional<Transmit> MeshNode::poll_lifetime_transmit() {
  return pace_ && !leaving_ ? pace_->poll_transmit(LifetimePort::kSilent) : std::nullopt;
}

/// The host's addresses or WireGuard's port are others now.
void MeshNode::start_pace(Now now) {
  if (!pace_) return;
  std::set<AddressFamily> families;
  for (const rendezvous::Candidate& host :
       rendezvous::host_candidates(usable_addresses(), config_.listen_port, mesh_networks())) {
    families.insert(host.endpoint.address.family());
  }
  pace_->network_changed(now.steady, std::move(families));
  follow_pace(now);
}

/// What is known of how long the NAT remembers may have changed.
void MeshNode::follow_pace(Now now) {
  if (!pace_) return;
  const std::chrono::seconds keepalive = pace_->keepalive();
  if (keepalive == data_plane_.keepalive()) return;
  data_plane_.set_keepalive(keepalive);
  nat_->set_refresh(now.steady, keepalive);
  notice(Notice::Level::kInfo, fmt::format("keepalive seconds={}", keepalive.count()));
}

/// Others see this host at another address than before: another NAT is between.
void MeshNode::tell_pace_of_externals(Now now) {
  if (!pace_) return;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    pace_->note_externals(now.steady, family, nat_->externals(family));
  }
  follow_pace(now);
}

}  // namespace kadwire::node
