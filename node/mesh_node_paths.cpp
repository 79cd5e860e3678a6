/// MeshNode's dealings with the rendezvous agent: who is a peer goes in, paths for WireGuard come
/// out.

#include <fmt/format.h>

#include "node/mesh_node.h"

namespace kadwire::node {

void MeshNode::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  if (!agent_ || leaving_) return;
  agent_->handle_datagram(now, from, datagram);
  follow_agent(now);
}

std::optional<PortTransmit> MeshNode::poll_transmit() {
  if (!agent_) return std::nullopt;
  auto transmit = agent_->poll_transmit();
  if (!transmit) return std::nullopt;
  return PortTransmit{std::move(*transmit)};
}

void MeshNode::follow_agent(Now now) {
  if (!agent_ || leaving_) return;
  while (auto event = agent_->poll_event()) on_agent_event(now, std::move(*event));
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
