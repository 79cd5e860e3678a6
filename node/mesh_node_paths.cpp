/// MeshNode's dealings with the rendezvous agent: who is a peer goes in, paths for WireGuard come
/// out.

#include <fmt/format.h>

#include "node/mesh_node.h"

namespace kadwire::node {

void MeshNode::set_stun_servers(Now now, std::span<const Endpoint> servers) {
  if (nat_) nat_->set_servers(now.steady, servers);
}

/// The host's addresses or WireGuard's port are others now.
void MeshNode::start_beside_wireguard(Now now) {
  if (!agent_ || !network_known_) return;
  const auto own = usable_addresses();
  nat_->network_changed(now.steady, own, config_.listen_port);
  agent_->set_network(now, own, mesh_networks());
}

void MeshNode::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  if (!agent_ || leaving_) return;
  if (!nat_->handle_datagram(now.steady, from, datagram)) {
    agent_->handle_datagram(now, from, datagram);
  }
  follow_agent(now);
}

std::optional<PortTransmit> MeshNode::poll_transmit() {
  if (!agent_) return std::nullopt;
  auto transmit = nat_->poll_transmit();
  if (!transmit) transmit = agent_->poll_transmit();
  if (!transmit) return std::nullopt;
  return PortTransmit{std::move(*transmit)};
}

void MeshNode::follow_agent(Now now) {
  if (!agent_ || leaving_) return;
  while (auto event = agent_->poll_event()) on_agent_event(now, std::move(*event));
  look_for_new_candidates(now);
}

void MeshNode::look_for_new_candidates(Now now) {
  if (nat_->poll_change() && choose_candidates()) publish(now);
}

void MeshNode::on_agent_event(Now now, rendezvous::AgentEvent event) {
  if (auto* received = std::get_if<rendezvous::RecordReceived>(&event)) {
    if (receive(now, std::move(received->record), Source::kMember, false)) {
      data_plane_.peers_changed(now);
    }
  } else if (const auto* change = std::get_if<rendezvous::PathChanged>(&event)) {
    const rendezvous::ChosenPath& path = change->path;
    notice(Notice::Level::kDebug,
           fmt::format("path node={} endpoint={} rtt_ms={:.1f}{}", change->node.short_form(),
                       path.endpoint.to_string(),
                       std::chrono::duration<double, std::milli>(path.quality.rtt).count(),
                       path.relay ? " relay=" + path.relay->short_form() : ""));
    data_plane_.set_path(now, change->node, path.endpoint, path.quality.rtt);
  } else {
    const auto& seen = std::get<rendezvous::SeenByPeer>(event);
    nat_->note_peer_saw(now.steady, seen.peer, seen.mapped);
  }
}

void MeshNode::tell_traffic(Now now) {
  while (const auto traffic = data_plane_.poll_traffic()) {
    if (!agent_) continue;
    agent_->handle_traffic(now, traffic->node, traffic->since_last.sent,
                           traffic->since_last.received);
  }
}

/// The agent finds the path to whoever answers it; others are dialled as their records say.
bool MeshNode::is_guided(const PeerRow& row) const {
  return agent_ && row.record().answers_frames;
}

}  // namespace kadwire::node
