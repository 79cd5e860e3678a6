/// Agent's choice of where ports are worth guessing, and by whom: what it knows of both NATs
/// decides what each punch session may try, and all sessions share the side ports and the limits.

#include <algorithm>
#include <map>

#include "rendezvous/agent.h"

namespace kadwire::rendezvous {
namespace {

bool is_behind_nat(const NatBehavior& nat) {
  return nat.mapping != MappingBehavior::kUnknown && nat.mapping != MappingBehavior::kNone;
}

}  // namespace

void Agent::set_own_nat(const NatBehavior& nat) {
  own_nat_ = nat;
  look_for_ports();
}

/// The own NAT's endpoint is what servers saw last, as the own record says it to others.
void Agent::note_external(const PeerRecord& own) {
  const auto seen = std::ranges::find_if(own.candidates, [](const Candidate& candidate) {
    return candidate.kind == CandidateKind::kServerReflexive && candidate.endpoint.address.is_v4();
  });
  external_.reset();
  if (seen != own.candidates.end()) external_ = seen->endpoint;
  look_for_ports();
}

void Agent::look_for_ports() {
  for (auto& [node, peer] : peers_) aim(peer);
}

void Agent::aim(Peer& peer) const {
  peer.punch.set_direct_unlikely(direct_unlikely(peer));
  peer.punch.set_guess(guess_for(peer), external_);
  peer.punch.set_opening(opening_for(peer));
}

/// Without an address family in common. And between two NATs of which one gives each destination
/// another port: nobody knows beforehand to which of them the other is to send first, and the
/// other's NAT lets in nothing else. They do not matter where there is IPv6, or a network that both
/// share.
bool Agent::direct_unlikely(const Peer& peer) const {
  const auto dialable = dialable_candidates(peer.candidates, context_.addresses, mesh_networks_);
  if (dialable.empty()) return true;
  const bool elsewhere = std::ranges::any_of(dialable, [&](const Candidate& candidate) {
    const IpAddress& address = candidate.endpoint.address;
    return address.is_v6() || (external_ && address == external_->address);
  });
  if (elsewhere || !peer.nat || !is_behind_nat(own_nat_) || !is_behind_nat(*peer.nat)) return false;
  return depends_on_destination(own_nat_.mapping) || depends_on_destination(peer.nat->mapping);
}

/// Only where the peer's ports follow a rule, and the own mapping is the same for all ports tried
/// or follows a rule too.
std::optional<PortGuess> Agent::guess_for(const Peer& peer) const {
  if (relayed_only(peer)) return std::nullopt;
  const bool crosses = depends_on_destination(own_nat_.mapping);
  if (!peer.nat || !peer.nat->port_step || (crosses && !own_nat_.port_step)) return std::nullopt;
  const auto newest = std::ranges::find_if(peer.candidates, [](const Candidate& candidate) {
    return candidate.kind == CandidateKind::kServerReflexive && candidate.endpoint.address.is_v4();
  });
  if (newest == peer.candidates.end()) return std::nullopt;
  const auto dialable =
      dialable_candidates(std::span(&*newest, 1), context_.addresses, mesh_networks_);
  if (dialable.empty()) return std::nullopt;
  using enum PortGuess::Order;
  const auto order = !crosses ? kWindows : peer.punch.controls() ? kAscending : kDescending;
  return PortGuess{newest->endpoint, *peer.nat->port_step, order};
}

/// Only where luck is needed: the own ports are anybody's guess, the peer's is known.
std::optional<Opening> Agent::opening_for(const Peer& peer) const {
  if (!options_.side_ports || side_ports_ == SidePorts::kRefused) return std::nullopt;
  if (!own_nat_.random_ports || !external_ || relayed_only(peer)) return std::nullopt;
  if (peer.nat && depends_on_destination(peer.nat->mapping)) return std::nullopt;
  const auto dialable = dialable_candidates(peer.candidates, context_.addresses, mesh_networks_);
  const Candidate* best = nullptr;
  for (const Candidate& candidate : dialable) {
    const IpAddress& address = candidate.endpoint.address;
    if (!address.is_v4() || address.is_private()) continue;
    const bool seen = candidate.kind == CandidateKind::kServerReflexive;
    if (best == nullptr || (seen && best->kind != CandidateKind::kServerReflexive)) {
      best = &candidate;
    }
  }
  if (best == nullptr) return std::nullopt;
  return Opening{best->endpoint, external_->address};
}

/// Each peer's own pace first, or one could use up what all may.
void Agent::guess_ports(Now now, Peer& peer) {
  if (!peer.punch.wants_guesses(now)) return;
  if (guesses_in_all_.take(now.steady, kGuessesInAll)) peer.punch.guess_ports(now);
}

std::optional<TimePoint> Agent::opening_due(const Peer& peer) const {
  if (side_ports_ == SidePorts::kRefused) return std::nullopt;
  const auto due = peer.punch.opening_due();
  return due ? std::optional(std::max(*due, peer.opening_after)) : std::nullopt;
}

/// The first one asks for the ports, and begins when they are there.
void Agent::open_ports(Now now, Peer& peer) {
  const auto due = opening_due(peer);
  if (!due || now.steady < *due) return;
  if (side_ports_ == SidePorts::kUnknown) {
    side_ports_ = SidePorts::kWanted;
    events_.push_back(SidePortsWanted{});
  }
  const bool open = side_ports_ == SidePorts::kOpen;
  if (!open || !openings_in_all_.take(now.steady, kOpeningsInAll, kOpeningTokens)) {
    peer.opening_after = now.steady + kOpeningPatience;
    return;
  }
  peer.punch.open_ports(now, side_port_first_);
}

void Agent::set_side_ports(Now now, std::uint16_t first) {
  side_ports_ = first == 0 ? SidePorts::kRefused : SidePorts::kOpen;
  side_port_first_ = first;
  for (auto& [node, peer] : peers_) {
    peer.opening_after = now.steady;
    collect(now, node, peer);
  }
}

/// A member may name any address of its record, a victim's too: so no others, and not often.
void Agent::on_ports_opened(Now now, const crypto::NodeId& sender, const PortsOpened& opened) {
  Peer& peer = peers_.at(sender);
  if (depends_on_destination(own_nat_.mapping) || relayed_only(peer)) return;
  const auto dialable = dialable_candidates(peer.candidates, context_.addresses, mesh_networks_);
  const bool named = std::ranges::any_of(dialable, [&](const Candidate& candidate) {
    return candidate.endpoint.address == opened.at;
  });
  if (!named || !peer.punch.may_spray(now)) return;
  if (!sprays_in_all_.take(now.steady, kSpraysInAll, kSprayTokens)) return;
  peer.punch.spray(now, opened.at);
  collect(now, sender, peer);
}

/// Paths in use come first: a peer that claims another's endpoint cannot turn its flow away.
std::optional<std::vector<FlowTie>> Agent::poll_ties() {
  if (!std::exchange(ties_changed_, false)) return std::nullopt;
  std::map<Endpoint, std::uint16_t> ties;
  for (const auto& [node, peer] : peers_) {
    const auto path = peer.punch.chosen();
    if (path && path->side_port != 0) ties.emplace(path->endpoint, path->side_port);
  }
  for (const auto& [node, peer] : peers_) {
    if (peer.tie && !is_chosen(peer.tie->to)) ties.emplace(peer.tie->to, peer.tie->from_port);
  }
  std::vector<FlowTie> all;
  for (const auto& [to, from_port] : ties) all.push_back({to, from_port});
  return all;
}

bool Agent::is_chosen(const Endpoint& endpoint) const {
  return std::ranges::any_of(peers_, [&](const auto& entry) {
    const auto path = entry.second.punch.chosen();
    return path && path->endpoint == endpoint;
  });
}

}  // namespace kadwire::rendezvous
