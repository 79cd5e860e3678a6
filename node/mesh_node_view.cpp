/// What MeshNode shows of itself: the read-only half of mesh_node.h.

#include <algorithm>
#include <tuple>

#include "crypto/mesh_address.h"
#include "dht/topic.h"
#include "node/mesh_node.h"

namespace kadwire::node {
namespace {

/// Half a topic identifies a mesh's hour well enough to compare two nodes by eye.
constexpr std::size_t kTopicPrefixBytes = 8;

PeerView view_of(const PeerRow& row, Now now) {
  PeerView view;
  view.node = row.record().node;
  view.wireguard_key = row.record().wireguard_key;
  view.hostname = row.record().hostname;
  if (row.holds_lease) view.ipv4 = row.ipv4_claim;
  view.ipv6 = row.ipv6;
  view.last_seen = row.seen;
  if (const auto heard = row.tunnel.heard_at()) {
    const auto silence = std::chrono::floor<std::chrono::milliseconds>(now.steady - *heard);
    view.last_seen = std::max(row.seen, now.wall - silence);
  }
  if (row.status) {
    view.endpoint = row.status->endpoint;
    view.last_handshake = row.status->last_handshake;
    view.rx_bytes = row.status->rx_bytes;
    view.tx_bytes = row.status->tx_bytes;
  }
  if (row.from_dht) view.discovered_via.emplace_back("dht");
  if (row.from_lan) view.discovered_via.emplace_back("lan");
  if (row.from_member) view.discovered_via.emplace_back("member");
  if (row.from_cache) view.discovered_via.emplace_back("cache");
  return view;
}

}  // namespace

NodeView MeshNode::view(Now now) const {
  NodeView view;
  view.node = identity_.node_id();
  view.wireguard_key = identity_.wireguard_key();
  view.mesh_id = keys_.mesh_id_text();
  const crypto::InfoHash topic = dht::topic_of(keys_, hour_of(now.wall)).key;
  view.topic_prefix = to_hex(ByteView(topic).first(kTopicPrefixBytes));
  view.hostname = own_.hostname();
  if (ipv4_usable_ && !ipv4_exhausted_) view.ipv4 = own_.ipv4();
  view.ipv6 = crypto::mesh_ipv6_address(keys_, identity_.node_id());
  view.ipv4_network = config_.ipv4_network.to_string();
  view.ipv6_network = config_.ipv6_network.to_string();
  for (const auto& candidate : own_.candidates()) view.candidates.push_back(candidate.endpoint);
  view.port_mapping = port_mapping_view(now);
  view.peers_total = peers_.rows().size();
  view.peers_active = static_cast<std::size_t>(std::ranges::count_if(
      peers_.rows(), [](const auto& entry) { return entry.second.tunnel.up(); }));
  view.problems = problems();
  return view;
}

std::vector<PeerView> MeshNode::peer_views(Now now) const {
  std::vector<PeerView> views;
  for (const auto& [node, row] : peers_.rows()) {
    views.push_back(view_of(row, now));
    views.back().path = path(node);
  }
  std::ranges::sort(views, [](const PeerView& a, const PeerView& b) {
    return std::tie(a.hostname, a.node) < std::tie(b.hostname, b.node);
  });
  return views;
}

std::vector<std::string> MeshNode::problems() const {
  std::vector<std::string> problems;
  if (!data_plane_.device_up()) {
    problems.emplace_back("WireGuard's process ended; it is being started again");
  }
  if (overlap_problem_) problems.push_back(*overlap_problem_);
  if (ipv4_exhausted_) {
    problems.push_back("no free address is left in " + config_.ipv4_network.to_string() +
                       ": this node has mesh IPv6 only");
  }
  if (clock_problem_) problems.push_back(*clock_problem_);
  const auto stranger = std::ranges::find_if(
      peers_.rows(), [](const auto& entry) { return !entry.second.ipv4_claim; });
  if (stranger != peers_.rows().end()) {
    problems.push_back("member " + stranger->first.short_form() +
                       " was given another IPv4 network (net= in the secret): only mesh IPv6 "
                       "reaches it");
  }
  return problems;
}

}  // namespace kadwire::node
