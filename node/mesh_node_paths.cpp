/// MeshNode's dealings with the rendezvous agent: who is a peer goes in, paths for WireGuard come
/// out.

#include <fmt/format.h>

#include <algorithm>

#include "node/mesh_node.h"

namespace kadwire::node {

void MeshNode::set_stun_servers(Now now, std::span<const Endpoint> servers) {
  if (nat_) nat_->set_servers(now.steady, servers);
  if (pace_) pace_->set_servers(now.steady, servers);
}

/// The host's addresses or WireGuard's port are others now.
void MeshNode::start_beside_wireguard(Now now) {
  if (!agent_ || !network_known_) return;
  const auto own = usable_addresses();
  const std::pair from(own, config_.listen_port);
  if (from != observed_) {
    nat_->network_changed(now.steady, own, config_.listen_port);
    if (mapping_) nat_->note_gateway(now.steady, mapping_->external_address());
    start_pace(now);
  }
  observed_ = from;
  agent_->set_network(now, own, mesh_networks());
}

void MeshNode::handle_datagram(Now now, const Endpoint& from, std::uint16_t to_port,
                               ByteView datagram) {
  if (!agent_ || leaving_) return;
  const std::uint16_t side_port = to_port == config_.listen_port ? 0 : to_port;
  if (side_port != 0 || !answers_question(now, from, datagram)) {
    agent_->handle_datagram(now, from, datagram, side_port);
  }
  follow_agent(now);
}

/// What a STUN server says, of whatever it was asked from WireGuard's port.
bool MeshNode::answers_question(Now now, const Endpoint& from, ByteView datagram) {
  if (nat_->handle_datagram(now.steady, from, datagram)) return true;
  const auto port = rendezvous::LifetimePort::kAsking;
  if (!pace_ || !pace_->handle_datagram(now.steady, port, from, datagram)) return false;
  follow_pace(now);
  return true;
}

void MeshNode::handle_side_ports(Now now, const tl::expected<std::uint16_t, std::string>& opened) {
  if (!agent_) return;
  agent_->set_side_ports(now, opened.value_or(0));
  if (opened) return;
  notice(Notice::Level::kWarning,
         fmt::format("punching this network's NAT gives every peer a random port, which side ports "
                     "would get through; peers behind strict NATs stay relayed: {}",
                     opened.error()));
}

std::optional<PortTransmit> MeshNode::poll_transmit() {
  if (!agent_) return std::nullopt;
  if (auto request = nat_->poll_transmit()) return PortTransmit{std::move(*request)};
  auto question = pace_ ? pace_->poll_transmit(rendezvous::LifetimePort::kAsking) : std::nullopt;
  if (question) return PortTransmit{std::move(*question)};
  return agent_->poll_transmit();
}

void MeshNode::follow_agent(Now now) {
  if (!agent_ || leaving_) return;
  // Before the paths that need them: actions are carried out before the data plane's.
  if (auto ties = agent_->poll_ties()) actions_.push_back(TieFlows{std::move(*ties)});
  while (auto event = agent_->poll_event()) on_agent_event(now, std::move(*event));
  look_for_new_candidates(now);
}

/// A peer with a session is asked whether it has left. Its withdrawal may be an earlier run's. Once
/// for however many of them: another question would make the answer to the last one void.
bool MeshNode::doubts_farewell(Now now, const rendezvous::SignedRecord& record) {
  const auto row = peers_.rows().find(record.record.node);
  const bool withdraws = record.record.tombstone && row != peers_.rows().end() &&
                         row->second.record().sequence < record.record.sequence;
  if (!withdraws || !agent_) return false;
  return farewells_.doubts(row->first) || agent_->probe(now, row->first);
}

void MeshNode::follow_farewells(Now now) {
  farewells_.drop_if([&](const crypto::NodeId& node) {
    const auto* session = agent_->session(node);
    return session != nullptr && std::ranges::any_of(session->probes(), [](const auto& probe) {
             return probe.rtt.has_value();
           });
  });
  while (const auto node = farewells_.take_question(now.steady)) (void)agent_->probe(now, *node);
  bool changed = false;
  while (const auto record = farewells_.take_settled(now.steady)) {
    const auto& claim = record->record;
    const auto verdict = peers_.apply(now, *record, Source::kDht, new_tunnel(now, claim.node));
    changed |= on_verdict(now, verdict, claim);
  }
  if (changed) data_plane_.peers_changed(now);
}

/// Calls that were left for this node, and those that it leaves.
void MeshNode::follow_mailbox(Now now) {
  if (!mailbox_ || leaving_) return;
  mailbox_->set_wanted(now, !can_be_called());
  mailbox_->handle_timeout(now, [this](const auto& node) { return lacks_path(node); });
  while (auto caller = mailbox_->poll_call(now)) {
    const crypto::NodeId node = caller->record.node;
    notice(Notice::Level::kDebug, fmt::format("mailbox call from={}", node.short_form()));
    if (accept(now, std::move(*caller), Source::kMember)) data_plane_.peers_changed(now);
    agent_->prompt(now, node);
  }
}

/// Calls arrive by themselves, or through a member that everybody reaches and that reaches us: then
/// the mailbox would be listened at for nothing, and listening is what it costs.
bool MeshNode::can_be_called() const {
  return can_relay() || std::ranges::any_of(peers_.rows(), [](const auto& entry) {
           return entry.second.record().relays && entry.second.tunnel.up();
         });
}

/// The others' NATs know nothing of where this node is now.
void MeshNode::watch_mailboxes(Now now) {
  if (!mailbox_) return;
  for (const auto& [node, row] : peers_.rows()) mailbox_->watch(now, node);
}

/// A member to be reached by calls, with which none has led to a path.
bool MeshNode::lacks_path(const crypto::NodeId& node) const {
  const auto row = peers_.rows().find(node);
  if (row == peers_.rows().end() || !is_guided(row->second)) return false;
  const auto* session = agent_->session(node);
  return session != nullptr && !session->has_choice();
}

/// What others see of this node's port, and whether it can relay, is only found out with time.
void MeshNode::look_for_new_candidates(Now now) {
  const bool seen_otherwise = nat_->poll_change();
  if (seen_otherwise) {
    agent_->set_own_nat(nat_->behavior(AddressFamily::kIpv4));
    tell_pace_of_externals(now);
  }
  if ((seen_otherwise || offers_relay() != own_.relays()) && choose_candidates()) publish(now);
}

void MeshNode::on_agent_event(Now now, rendezvous::AgentEvent event) {
  if (auto* received = std::get_if<rendezvous::RecordReceived>(&event)) {
    if (receive(now, std::move(received->record), Source::kMember, false)) {
      data_plane_.peers_changed(now);
    }
  } else if (const auto* change = std::get_if<rendezvous::PathChanged>(&event)) {
    const rendezvous::ChosenPath& path = change->path;
    notice(Notice::Level::kDebug,
           fmt::format("path node={} endpoint={} rtt_ms={:.1f}{}{}", change->node.short_form(),
                       path.endpoint.to_string(),
                       std::chrono::duration<double, std::milli>(path.quality.rtt).count(),
                       path.relay ? " relay=" + path.relay->short_form() : "",
                       path.side_port != 0 ? fmt::format(" side_port={}", path.side_port) : ""));
    data_plane_.set_path(now, change->node,
                         {path.endpoint, path.quality.rtt, path.relay.has_value()});
  } else if (std::holds_alternative<rendezvous::PathLost>(event)) {
    nat_->note_path_lost(now.steady);
  } else if (std::holds_alternative<rendezvous::SidePortsWanted>(event)) {
    actions_.push_back(OpenSidePorts{});
  } else {
    const auto& seen = std::get<rendezvous::SeenByPeer>(event);
    nat_->note_peer_saw(now.steady, seen.peer, seen.mapped);
  }
}

void MeshNode::tell_traffic(Now now) {
  while (const auto traffic = data_plane_.poll_traffic()) {
    if (!agent_) continue;
    // Where data stopped coming, what comes next was expected as much as an answer is.
    const Tunnel::Traffic& since_last = traffic->since_last;
    if (since_last.on_left_relay) agent_->note_relay_used(now, traffic->node);
    if (since_last.roamed_to) {
      agent_->handle_roaming(now, traffic->node, *since_last.roamed_to);
    } else {
      agent_->handle_traffic(now, traffic->node, since_last.sent || since_last.fell_quiet,
                             since_last.received);
    }
  }
}

/// Others must be able to reach a relay unasked. An own public IPv4 address says so, as long as
/// nobody finds otherwise: those who do pass this node over. Hosts at home have public IPv6 too,
/// behind a firewall: there something must have come in that nothing had been sent to, a member's
/// call or a STUN server's answer from another port.
bool MeshNode::can_relay() const {
  if (!config_.relays || config_.relayed_only || !agent_) return false;
  if (config_.always_relays) return true;
  const auto usable = usable_addresses();
  const auto hosts = rendezvous::host_candidates(usable, config_.listen_port, mesh_networks());
  return std::ranges::any_of(hosts, [&](const rendezvous::Candidate& host) {
    const IpAddress& address = host.endpoint.address;
    const AddressFamily family = address.family();
    return !address.is_private() &&
           (address.is_v4() || agent_->reached_unasked(family) || nat_->open_to_strangers(family));
  });
}

bool MeshNode::offers_relay() const {
  return can_relay() && !relay_traffic_.used_up;
}

void MeshNode::handle_relay_bind(Now now, rendezvous::RelayId id, const Endpoint& from,
                                 ByteView frame) {
  if (agent_) agent_->handle_bind(now, id, from, frame);
}

void MeshNode::handle_relay_port(Now now, rendezvous::RelayId id, std::uint16_t port) {
  if (agent_) agent_->handle_relay_port(now, id, port);
}

void MeshNode::handle_relay_idle(Now, rendezvous::RelayId id) {
  if (agent_) agent_->handle_relay_idle(id);
}

/// Who has nothing left to pass on offers no more to relay, and offers again when it has.
void MeshNode::set_relay_traffic(Now now, const rendezvous::RelayTraffic& traffic) {
  if (traffic == relay_traffic_ || !agent_) return;
  const bool closes = traffic.used_up && !relay_traffic_.used_up;
  const bool opens = !traffic.used_up && relay_traffic_.used_up;
  relay_traffic_ = traffic;
  agent_->set_relay_traffic(traffic);
  if (closes) {
    notice(Notice::Level::kWarning,
           fmt::format("relay quota used up bytes={} of={}: no new pairs until less was relayed in "
                       "24 hours (--relay-quota)",
                       traffic.day_bytes, traffic.quota_bytes));
  }
  if (opens) notice(Notice::Level::kInfo, "relay quota has room again");
  if ((closes || opens) && !leaving_) follow_agent(now);
}

PathKind MeshNode::path(const crypto::NodeId& node) const {
  const auto row = peers_.rows().find(node);
  if (row == peers_.rows().end()) return PathKind::kNone;
  if (!row->second.tunnel.up()) {
    return row->second.has_targets ? PathKind::kConnecting : PathKind::kNone;
  }
  return relay_towards(row->second) ? PathKind::kRelayed : PathKind::kDirect;
}

/// Through whom WireGuard sends to this peer, by its last status. A path of an earlier run the
/// agent does not know; but where another member is that relays, and the peer is not, is a relay's
/// port.
std::optional<crypto::NodeId> MeshNode::relay_towards(const PeerRow& row) const {
  const auto* session = agent_ ? agent_->session(row.record().node) : nullptr;
  if (session == nullptr || !row.status || !row.status->endpoint) return std::nullopt;
  const Endpoint& endpoint = *row.status->endpoint;
  if (const auto relay = session->relay_at(endpoint)) return relay;
  const auto is_at = [&](const PeerRow& member) {
    return std::ranges::any_of(member.record().candidates, [&](const auto& candidate) {
      return candidate.endpoint.address == endpoint.address;
    });
  };
  if (is_at(row)) return std::nullopt;
  const auto relay = std::ranges::find_if(peers_.rows(), [&](const auto& entry) {
    return entry.second.record().relays && is_at(entry.second);
  });
  return relay == peers_.rows().end() ? std::nullopt : std::optional(relay->first);
}

/// The agent finds the path to whoever answers it; others are dialled as their records say.
bool MeshNode::is_guided(const PeerRow& row) const {
  return agent_ && row.record().answers_frames;
}

}  // namespace kadwire::node
