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

bool has_family(const std::vector<rendezvous::Candidate>& candidates, AddressFamily family) {
  return std::ranges::any_of(candidates, [&](const rendezvous::Candidate& candidate) {
    const IpAddress& address = candidate.endpoint.address;
    return address.family() == family && (address.is_v4() || !address.is_private());
  });
}

/// An IPv4 address of an own interface that everybody can name.
bool has_public_host(const std::vector<rendezvous::Candidate>& candidates) {
  return std::ranges::any_of(candidates, [](const rendezvous::Candidate& candidate) {
    const IpAddress& address = candidate.endpoint.address;
    return candidate.kind == rendezvous::CandidateKind::kHost && address.is_v4() &&
           !address.is_private();
  });
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
  view.relayed_only = config_.relayed_only;
  view.port_mapping = port_mapping_view(now);
  if (nat_) {
    const auto of = [&](AddressFamily family) {
      return NatView{nat_->behavior(family), nat_->filtering(family),
                     pace_ ? pace_->lifetime(family) : rendezvous::BindingLifetime{}};
    };
    view.nat_ipv4 = of(AddressFamily::kIpv4);
    view.nat_ipv6 = of(AddressFamily::kIpv6);
  }
  view.keepalive = data_plane_.keepalive();
  view.paths = paths();
  if (config_.relays && agent_) {
    const rendezvous::RelayDesk& desk = agent_->relay_desk();
    view.relay = {own_.relays(), desk.pairs(), desk.load(), relay_traffic_, desk.counters(), {}};
  }
  view.peers_total = peers_.rows().size();
  view.peers_active = static_cast<std::size_t>(std::ranges::count_if(
      peers_.rows(), [](const auto& entry) { return entry.second.tunnel.up(); }));
  view.problems = problems();
  return view;
}

rendezvous::PathTally MeshNode::paths() const {
  return agent_ ? agent_->stats().paths : rendezvous::PathTally{};
}

std::vector<TableFill> MeshNode::tables() const {
  std::vector<TableFill> tables = {{"peers", peers_.rows().size(), kPeersMax},
                                   {"departed members", peers_.departed(), kDepartedMax}};
  if (mailbox_) {
    tables.push_back({"watched mailboxes", mailbox_->watched(), kPeersMax});
    tables.push_back({"waiting mailbox calls", mailbox_->waiting(), dht::kWaitingCallsMax});
  }
  if (!agent_) return tables;
  std::size_t paths = 0;
  for (const auto& [node, row] : peers_.rows()) {
    if (const auto* session = agent_->session(node)) paths = std::max(paths, session->paths());
  }
  tables.push_back({"pair sessions", agent_->sessions(), kPeersMax});
  tables.push_back({"paths to one peer", paths, rendezvous::kPathsMax});
  tables.push_back({"calls of strangers", agent_->strangers(), rendezvous::kStrangersMax});
  tables.push_back({"relayed pairs", agent_->relay_desk().pairs(), rendezvous::kRelayedPairsMax});
  return tables;
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

std::optional<PeerStory> MeshNode::peer_story(Now now, const crypto::NodeId& node) const {
  const auto found = peers_.rows().find(node);
  if (found == peers_.rows().end()) return std::nullopt;
  const PeerRow& row = found->second;
  PeerStory story;
  story.peer = view_of(row, now);
  story.peer.path = path(node);
  story.now = now.wall;
  story.punches_here = agent_.has_value();
  story.punches_there = row.record().answers_frames;
  story.relayed_only_here = config_.relayed_only && !row.record().relays;
  story.relayed_only_there = row.record().relayed_only && !own_.relays();
  story.issued = row.record().issued;
  const auto& own = own_.candidates();
  const auto& theirs = row.record().candidates;
  story.claims = theirs.size();
  story.targets =
      rendezvous::dialable_candidates(theirs, usable_addresses(), mesh_networks()).size();
  const auto common = [&](AddressFamily family) {
    return has_family(own, family) && has_family(theirs, family);
  };
  story.common_ipv6 = common(AddressFamily::kIpv6);
  story.common_ipv4 = common(AddressFamily::kIpv4);
  story.public_here = has_public_host(own);
  story.public_there = has_public_host(theirs);
  if (nat_) story.nat_here = nat_->behavior(AddressFamily::kIpv4);
  story.nat_there = row.record().nat;
  if (const auto* session = agent_ ? agent_->session(node) : nullptr) {
    tell_session(now, *session, story);
  }
  if (const auto relay = relay_towards(row)) story.relay = name_of(ByteView(relay->bytes));
  return story;
}

void MeshNode::tell_session(Now now, const rendezvous::PunchSession& session,
                            PeerStory& story) const {
  const auto date = [&](TimePoint at) {
    return now.wall - std::chrono::floor<std::chrono::milliseconds>(now.steady - at);
  };
  story.session = session.established();
  if (const auto heard = session.heard_at()) story.heard = date(*heard);
  if (const auto chosen = session.chosen()) {
    story.chosen = chosen->endpoint;
    story.rtt = chosen->quality.rtt;
    story.chosen_relayed = chosen->relay.has_value();
  }
  for (const rendezvous::PairEvent& event : session.history().events()) {
    const bool nobody = event.member == decltype(event.member){};
    story.events.push_back({.at = date(event.at),
                            .kind = event.kind,
                            .cause = event.cause,
                            .count = event.count,
                            .endpoint = event.endpoint(),
                            .member = nobody ? "" : name_of(event.member)});
  }
}

bool MeshNode::probe_paths(Now now, const crypto::NodeId& node) {
  return agent_ && agent_->probe(now, node);
}

std::vector<PathView> MeshNode::path_views(Now now, const crypto::NodeId& node) const {
  std::vector<PathView> views;
  const auto* session = agent_ ? agent_->session(node) : nullptr;
  const auto row = peers_.rows().find(node);
  if (session == nullptr || row == peers_.rows().end()) return views;
  const auto& status = row->second.status;
  const auto used = row->second.tunnel.up() && status ? status->endpoint : std::nullopt;
  const auto addresses = usable_addresses();
  for (const rendezvous::Probe& probe : session->probes()) {
    const Endpoint& endpoint = probe.way.endpoint;
    const bool on_link = std::ranges::any_of(
        addresses, [&](const auto& own) { return own.prefix.contains(endpoint.address); });
    views.push_back({.endpoint = endpoint,
                     .relay = probe.relay ? name_of(ByteView(probe.relay->bytes)) : "",
                     .on_link = on_link,
                     .in_use = used == endpoint,
                     .rtt = probe.rtt,
                     .age = now.steady - probe.sent});
  }
  return views;
}

/// The member whose NodeId begins so, as people call it.
std::string MeshNode::name_of(ByteView beginning) const {
  const auto row = std::ranges::find_if(peers_.rows(), [&](const auto& entry) {
    return std::ranges::equal(ByteView(entry.first.bytes).first(beginning.size()), beginning);
  });
  const bool named = row != peers_.rows().end() && !row->second.record().hostname.empty();
  if (named) return row->second.record().hostname;
  return to_base32(beginning.first(rendezvous::kMemberBytes));
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
  for (const auto& [name, known] : static_names_) {
    if (!known.problem.empty()) problems.push_back(known.problem);
  }
  if (future_record_) problems.push_back(future_record_->problem);
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
