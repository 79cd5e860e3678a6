/// MeshNode's dealings with the links that this host is on.

#include <fmt/format.h>

#include "node/mesh_node.h"

namespace kadwire::node {

void MeshNode::handle_beacon(Now now, ByteView datagram) {
  if (!lan_ || leaving_) return;
  const auto encoded = lan_->handle_datagram(now, datagram);
  auto record = encoded ? rendezvous::decode_record(*encoded, keys_.mesh_id())
                        : tl::unexpected(rendezvous::RecordError::kMalformed);
  if (!record || record->record.node == identity_.node_id()) return;
  const crypto::NodeId node = record->record.node;
  if (accept(now, std::move(*record), Source::kLan)) on_neighbour(now, node);
  follow_lan(now);
  follow_agent(now);
}

/// It is there since a moment ago, or has another address: it may know nothing of this node yet.
void MeshNode::on_neighbour(Now now, const crypto::NodeId& node) {
  data_plane_.peers_changed(now);
  lan_->welcome(now);
  if (agent_) agent_->prompt(now, node);
  if (own_.begin_lease(now.wall) && network_known_) publish(now);  // somebody could dispute it now
}

void MeshNode::follow_lan(Now now) {
  if (!lan_ || leaving_) return;
  if (auto beacon = lan_->poll_beacon(now)) actions_.push_back(SendBeacon{std::move(*beacon)});
}

/// Once, and best effort: the DHT carries it too, and who misses both sees the tunnel fall silent.
void MeshNode::say_on_lan(Now now, const Bytes& farewell) {
  lan_->set_record(now, farewell);
  if (auto beacon = lan_->poll_beacon(now)) actions_.push_back(SendBeacon{std::move(*beacon)});
}

}  // namespace kadwire::node
