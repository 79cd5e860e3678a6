#include "node/control/view_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node/control/nat_json.h"
#include "node/control/text.h"
#include "node/control/version.h"

namespace kadwire::control {
namespace {

using nlohmann::json;

/// The text of a value that may be absent.
template <typename Value>
json text_or_null(const std::optional<Value>& value) {
  return value ? json(value->to_string()) : json(nullptr);
}

json time_or_null(const std::optional<WallTime>& wall) {
  return wall ? json(format_rfc3339(*wall)) : json(nullptr);
}

/// Causes that never were are left out.
json to_json(const rendezvous::PathTally& paths) {
  json causes = json::object();
  for (std::size_t i = 0; i < rendezvous::kPathCauses; ++i) {
    const auto cause = static_cast<rendezvous::PathCause>(i);
    if (paths.of(cause) > 0) causes[std::string(name_of(cause))] = paths.of(cause);
  }
  return {{"chosen", paths.chosen()}, {"swapped", paths.swapped()}, {"changes", std::move(causes)}};
}

json to_json(const dht::DirectoryStats& stats) {
  return {{"connected", stats.connected},       {"good_nodes", stats.good_nodes},
          {"known_nodes", stats.known_nodes},   {"stored_values", stats.stored_values},
          {"stored_bytes", stats.stored_bytes}, {"packets_in", stats.packets_in},
          {"packets_out", stats.packets_out},   {"bytes_in", stats.bytes_in},
          {"bytes_out", stats.bytes_out},       {"packets_refused", stats.packets_refused},
          {"restarts", stats.restarts}};
}

json mapping_or_null(const std::optional<node::PortMappingView>& mapping) {
  if (!mapping) return nullptr;
  return {{"protocol", mapping->protocol},
          {"endpoint", text_or_null(mapping->external)},
          {"lease_seconds", mapping->lease.count()},
          {"announced", mapping->announced}};
}

json quota_or_null(const rendezvous::RelayTraffic& traffic) {
  return traffic.quota_bytes == 0 ? json(nullptr) : json(traffic.quota_bytes);
}

json relay_or_null(const std::optional<node::RelayView>& relay) {
  if (!relay) return nullptr;
  const node::RelayCounters& traffic = relay->traffic;
  return {{"offered", relay->offered},
          {"pairs", relay->pairs},
          {"pairs_max", rendezvous::kRelayedPairsMax},
          {"load_percent", relay->load},
          {"day_bytes", relay->busy.day_bytes},
          {"day_bytes_max", quota_or_null(relay->busy)},
          {"used_up", relay->busy.used_up},
          {"forwarded_packets", traffic.forwarded},
          {"forwarded_bytes", traffic.forwarded_bytes},
          {"requests_refused", relay->requests.refused + traffic.open_failed},
          {"ends_challenged", relay->requests.challenged},
          {"ends_proven", relay->requests.proven},
          {"dropped",
           {{"foreign", traffic.foreign},
            {"unheard", traffic.unheard},
            {"too_large", traffic.too_large},
            {"over_rate", traffic.over_rate},
            {"binds_over_rate", traffic.binds_over_rate},
            {"send_failed", traffic.send_failed}}}};
}

json seconds_or_null(const std::optional<std::chrono::seconds>& duration) {
  return duration ? json(duration->count()) : json(nullptr);
}

/// What netcheck says, and what only a daemon has the time to find out.
json nat_view_json(const node::NatView& nat) {
  json view = nat_json(nat.behavior, nat.filtering);
  view["lifetime_at_least_seconds"] = seconds_or_null(nat.lifetime.at_least);
  view["lifetime_at_most_seconds"] = seconds_or_null(nat.lifetime.at_most);
  return view;
}

}  // namespace

json to_json(const node::NodeView& node) {
  json candidates = json::array();
  for (const Endpoint& candidate : node.candidates) candidates.push_back(candidate.to_string());
  return {{"version", version()},
          {"node", node.node.to_hex()},
          {"node_short", node.node.short_form()},
          {"wireguard_key", node.wireguard_key.to_base64()},
          {"mesh_id", node.mesh_id},
          {"topic_prefix", node.topic_prefix},
          {"interface", node.interface},
          {"hostname", node.hostname},
          {"ipv4", text_or_null(node.ipv4)},
          {"ipv6", node.ipv6.to_string()},
          {"mesh_subnet", node.ipv4_network},
          {"mesh_ipv6_prefix", node.ipv6_network},
          {"listen_port", node.listen_port},
          {"dht_port", node.dht_port},
          {"candidates", std::move(candidates)},
          {"relayed_only", node.relayed_only},
          {"port_mapping", mapping_or_null(node.port_mapping)},
          {"nat", {{"ipv4", nat_view_json(node.nat_ipv4)}, {"ipv6", nat_view_json(node.nat_ipv6)}}},
          {"keepalive_seconds", node.keepalive.count()},
          {"relay", relay_or_null(node.relay)},
          {"uptime_seconds", node.uptime.count()},
          {"dht", to_json(node.dht)},
          {"paths", to_json(node.paths)},
          {"problems", node.problems},
          {"peers", {{"total", node.peers_total}, {"active", node.peers_active}}}};
}

json to_json(const node::PeerView& peer) {
  return {{"node", peer.node.to_hex()},
          {"node_short", peer.node.short_form()},
          {"hostname", peer.hostname},
          {"wireguard_key", peer.wireguard_key.to_base64()},
          {"ipv4", text_or_null(peer.ipv4)},
          {"ipv6", peer.ipv6.to_string()},
          {"endpoint", text_or_null(peer.endpoint)},
          {"path", to_text(peer.path)},
          {"last_handshake", time_or_null(peer.last_handshake)},
          {"last_seen", time_or_null(peer.last_seen)},
          {"rx_bytes", peer.rx_bytes},
          {"tx_bytes", peer.tx_bytes},
          {"discovered_via", peer.discovered_via}};
}

json count_json(std::span<const node::PeerView> peers) {
  const auto count = [&](node::PathKind path) {
    return std::ranges::count(peers, path, &node::PeerView::path);
  };
  const auto relayed = count(node::PathKind::kRelayed);
  return {{"total", peers.size()},
          {"active", count(node::PathKind::kDirect) + relayed},
          {"relayed", relayed},
          {"connecting", count(node::PathKind::kConnecting)},
          {"dead", count(node::PathKind::kNone)}};
}

std::string to_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace kadwire::control
