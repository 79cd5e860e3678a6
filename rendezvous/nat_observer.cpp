#include "rendezvous/nat_observer.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "rendezvous/source_limiter.h"

namespace kadwire::rendezvous {
namespace {

using Observations = std::span<const MappingObservation>;

/// The network that one liar may have many addresses in.
Prefix voice_of(const IpAddress& peer) {
  return Prefix{peer, peer.is_v4() ? kSourceLengthIpv4 : kSourceLengthIpv6}.network();
}

void append_once(std::vector<Endpoint>& endpoints, const Endpoint& endpoint) {
  if (std::ranges::count(endpoints, endpoint) == 0) endpoints.push_back(endpoint);
}

/// What servers saw, the newest mapping first.
std::vector<Endpoint> newest_first(Observations observations) {
  std::vector<MappingObservation> servers;
  for (const MappingObservation& observation : observations) {
    if (observation.witness == Witness::kServer) servers.push_back(observation);
  }
  std::ranges::stable_sort(servers, {}, &MappingObservation::at);
  std::vector<Endpoint> mapped;
  for (auto server = servers.rbegin(); server != servers.rend(); ++server) {
    append_once(mapped, server->mapped);
  }
  return mapped;
}

/// Leaves of each address the first endpoint.
void keep_first_of_each_address(std::vector<Endpoint>& endpoints) {
  std::vector<Endpoint> kept;
  for (const Endpoint& endpoint : endpoints) {
    if (std::ranges::count(kept, endpoint.address, &Endpoint::address) == 0) {
      kept.push_back(endpoint);
    }
  }
  endpoints = std::move(kept);
}

/// What members in two networks agree on.
std::vector<Endpoint> seen_by_two_peers(Observations observations) {
  std::vector<Endpoint> once, twice;
  for (const MappingObservation& observation : observations) {
    if (observation.witness != Witness::kPeer) continue;
    append_once(std::ranges::count(once, observation.mapped) > 0 ? twice : once,
                observation.mapped);
  }
  return twice;
}

/// One family's candidates. `own`: what the host candidates name already.
std::vector<Candidate> reflexive_candidates(Observations observations, MappingBehavior mapping,
                                            std::span<const Endpoint> own) {
  std::vector<Endpoint> by_servers = newest_first(observations);
  if (depends_on_destination(mapping)) keep_first_of_each_address(by_servers);
  std::vector<Candidate> candidates;
  const auto add = [&](CandidateKind kind, const Endpoint& endpoint) {
    const bool known = std::ranges::count(own, endpoint) > 0 ||
                       std::ranges::count(candidates, endpoint, &Candidate::endpoint) > 0;
    if (!known && candidates.size() < kReflexiveCandidatesMax) {
      candidates.push_back({kind, endpoint});
    }
  };
  for (const Endpoint& endpoint : by_servers) add(CandidateKind::kServerReflexive, endpoint);
  for (const Endpoint& endpoint : seen_by_two_peers(observations)) {
    add(CandidateKind::kPeerReflexive, endpoint);
  }
  return candidates;
}

}  // namespace

NatObserver::NatObserver(RandomSource& random, std::vector<Prefix> mesh_networks)
    : random_(random), mesh_networks_(std::move(mesh_networks)), filtering_(random) {}

void NatObserver::set_servers(TimePoint now, std::span<const Endpoint> servers) {
  std::vector<Server> chosen;
  for (const Endpoint& endpoint : servers) {
    const bool repeated = std::ranges::count(chosen, endpoint, &Server::endpoint) > 0;
    if (repeated || chosen.size() == kStunServersMax) continue;
    const auto known = std::ranges::find(servers_, endpoint, &Server::endpoint);
    if (known != servers_.end()) {
      chosen.push_back(std::move(*known));
    } else {
      start_asking(now, chosen.emplace_back(Server{endpoint, {}, {}}));
    }
  }
  servers_ = std::move(chosen);
  filtering_.set_asked(server_endpoints());
  conclude(now);
}

void NatObserver::network_changed(TimePoint now, std::span<const LocalAddress> own,
                                  std::uint16_t port) {
  assert(port != 0);
  own_.clear();
  for (const LocalAddress& local : own) own_.push_back(local.prefix.address);
  hosts_ = host_candidates(own, port, mesh_networks_);
  port_ = port;
  words_.clear();
  gateway_.reset();
  refreshed_ = now;
  refresh_due_.reset();
  filtering_.restart(server_endpoints());
  for (Server& server : servers_) start_asking(now, server);
  conclude(now);
}

bool NatObserver::handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram) {
  if (filtering_.handle_datagram(now, from, datagram)) {
    conclude(now);
    return true;
  }
  const auto server = std::ranges::find(servers_, from, &Server::endpoint);
  if (server == servers_.end() || !server->client) return false;
  if (!server->client->handle_datagram(now, from, datagram)) return false;
  if (server->client->reachable()) learn(now, *server);
  conclude(now);
  return true;
}

void NatObserver::note_peer_saw(TimePoint now, const Endpoint& peer, const Endpoint& mapped) {
  if (!is_credible(mapped, peer)) return;
  const MappingObservation observation{now, local_endpoint(mapped), peer, mapped, Witness::kPeer};
  remember_word(voice_of(peer.address), {observation, now});
  conclude(now);
}

void NatObserver::note_gateway(TimePoint now, const std::optional<IpAddress>& external) {
  if (external && external != gateway_) filtering_.look_again(now);
  gateway_ = external;
  conclude(now);
}

void NatObserver::refresh_now(TimePoint now) {
  for (Server& server : servers_) {
    if (server.client) server.client->refresh_now(now);
  }
}

void NatObserver::set_refresh(TimePoint now, Duration refresh) {
  if (refresh == refresh_) return;
  refresh_ = refresh;
  conclude(now);
}

void NatObserver::note_path_lost(TimePoint now) {
  refresh_due_ = std::max(now, refreshed_ + kRefreshSpacing);
  refresh_if_due(now);
}

void NatObserver::refresh_if_due(TimePoint now) {
  if (!refresh_due_ || now < *refresh_due_) return;
  refresh_due_.reset();
  refreshed_ = now;
  refresh_now(now);
}

void NatObserver::handle_timeout(TimePoint now) {
  refresh_if_due(now);
  for (Server& server : servers_) {
    if (server.client) server.client->handle_timeout(now);
  }
  filtering_.handle_timeout(now);
  forget_unconfirmed(now);
  conclude(now);
}

std::optional<TimePoint> NatObserver::next_timeout() const {
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint time) { next = next ? std::min(*next, time) : time; };
  for (const Server& server : servers_) {
    if (server.client) consider(server.client->next_timeout());
    if (server.seen) consider(server.seen->confirmed_at + kObservationMemory);
  }
  for (const PeerWord& word : words_) consider(word.seen.confirmed_at + kObservationMemory);
  if (refresh_due_) consider(*refresh_due_);
  if (const auto due = filtering_.next_timeout()) consider(*due);
  return next;
}

std::optional<Transmit> NatObserver::poll_transmit() {
  for (Server& server : servers_) {
    if (!server.client) continue;
    if (auto transmit = server.client->poll_transmit()) return transmit;
  }
  return filtering_.poll_transmit();
}

bool NatObserver::poll_change() {
  if (findings_ == reported_) return false;
  reported_ = findings_;
  return true;
}

std::vector<Candidate> NatObserver::candidates() const {
  std::vector<Candidate> all = findings_.ipv6.candidates;
  all.insert(all.end(), findings_.ipv4.candidates.begin(), findings_.ipv4.candidates.end());
  return all;
}

const NatBehavior& NatObserver::behavior(AddressFamily family) const {
  return findings(family).behavior;
}

const std::vector<IpAddress>& NatObserver::externals(AddressFamily family) const {
  return findings(family).externals;
}

/// From nothing: whatever the server said was about another network.
void NatObserver::start_asking(TimePoint now, Server& server) {
  server.seen.reset();
  server.client.reset();
  if (has_family(server.endpoint.address.family())) {
    server.client.emplace(server.endpoint, random_, now);
  }
}

void NatObserver::learn(TimePoint now, Server& server) {
  const Binding& binding = *server.client->binding();
  if (!is_credible(binding.mapped, server.endpoint)) {
    server.seen.reset();
    return;
  }
  filtering_.server_answers(now, server.endpoint);
  if (server.seen && server.seen->observation.mapped == binding.mapped) {
    server.seen->confirmed_at = now;
    return;
  }
  const AddressFamily family = server.endpoint.address.family();
  const bool one_mapping_for_all = !depends_on_destination(behavior(family).mapping);
  if (server.seen && one_mapping_for_all) distrust_others(now, server);
  const MappingObservation observation{binding.asked_at, local_endpoint(binding.mapped),
                                       server.endpoint, binding.mapped, Witness::kServer};
  server.seen = Sighting{observation, now};
}

/// The mapping that all saw has become another, so what they said is old: held against the new one
/// it would make the NAT look as if it mapped by destination.
void NatObserver::distrust_others(TimePoint now, const Server& teller) {
  const AddressFamily family = teller.endpoint.address.family();
  for (Server& server : servers_) {
    const bool other = server.endpoint != teller.endpoint && server.client &&
                       server.endpoint.address.family() == family;
    if (!other) continue;
    server.seen.reset();
    server.client->refresh_now(now);
  }
  std::erase_if(words_, [&](const PeerWord& w) { return w.network.address.family() == family; });
}

void NatObserver::remember_word(const Prefix& network, const Sighting& seen) {
  std::erase_if(words_, [&](const PeerWord& word) { return word.network == network; });
  if (words_.size() == kPeerWordsMax) words_.erase(words_.begin());
  words_.push_back({network, seen});  // so the one heard last is the last
}

void NatObserver::forget_unconfirmed(TimePoint now) {
  const auto is_old = [&](const Sighting& seen) {
    return now - seen.confirmed_at >= kObservationMemory;
  };
  for (Server& server : servers_) {
    if (server.seen && is_old(*server.seen)) server.seen.reset();
  }
  std::erase_if(words_, [&](const PeerWord& word) { return is_old(word.seen); });
}

void NatObserver::conclude(TimePoint now) {
  findings_ = {conclusion(AddressFamily::kIpv4), conclusion(AddressFamily::kIpv6)};
  choose_keeper(now, AddressFamily::kIpv4);
  choose_keeper(now, AddressFamily::kIpv6);
}

NatObserver::FamilyFindings NatObserver::conclusion(AddressFamily family) const {
  const std::vector<MappingObservation> seen = observations(family);
  const NatBehavior behavior = infer_nat_behavior(seen, gateway_);
  std::vector<Endpoint> own;
  for (const IpAddress& address : own_) own.push_back({address, port_});
  std::vector<Endpoint> mapped = newest_first(seen);
  keep_first_of_each_address(mapped);
  std::vector<IpAddress> externals;
  for (const Endpoint& endpoint : mapped) externals.push_back(endpoint.address);
  return {.candidates = reflexive_candidates(seen, behavior.mapping, own),
          .behavior = behavior,
          .filtering = filtering_.behavior(family),
          .externals = std::move(externals)};
}

/// Where all destinations share one mapping, one server's requests keep it alive for all. The first
/// that answers does it, so that the choice does not wander.
void NatObserver::choose_keeper(TimePoint now, AddressFamily family) {
  const MappingBehavior mapping = behavior(family).mapping;
  const bool shared =
      mapping == MappingBehavior::kNone || mapping == MappingBehavior::kEndpointIndependent;
  bool kept = false;
  for (Server& server : servers_) {
    if (!server.client || server.endpoint.address.family() != family) continue;
    server.client->set_pace(now, shared && kept ? kBindingRecheck : refresh_);
    kept |= server.seen && server.client->reachable();
  }
}

/// Whether `mapped` can be a public endpoint of ours. One of another family than the asked one is
/// the outside of a NAT64, where nobody can punch.
bool NatObserver::is_credible(const Endpoint& mapped, const Endpoint& by) const {
  const IpAddress& address = mapped.address;
  return mapped.port != 0 && address.family() == by.address.family() &&
         has_family(address.family()) && is_unicast_beyond_link(address) && !address.is_private() &&
         !inside_any(address, mesh_networks_);
}

/// Our end of a mapping. A host with several addresses does not know from which one a packet left:
/// the best is taken, and one in carriers' space last, since VPNs use it too.
Endpoint NatObserver::local_endpoint(const Endpoint& mapped) const {
  if (std::ranges::count(own_, mapped.address) > 0) return {mapped.address, port_};
  std::optional<IpAddress> best;
  for (const Candidate& host : hosts_) {
    const IpAddress& address = host.endpoint.address;
    if (address.family() != mapped.address.family()) continue;
    if (!best || (is_carrier_space(*best) && !is_carrier_space(address))) best = address;
  }
  assert(best && "a credible mapping is of a family that this host has");
  return {*best, port_};
}

bool NatObserver::has_family(AddressFamily family) const {
  return std::ranges::any_of(
      hosts_, [&](const Candidate& host) { return host.endpoint.address.family() == family; });
}

std::vector<Endpoint> NatObserver::server_endpoints() const {
  std::vector<Endpoint> endpoints;
  for (const Server& server : servers_) endpoints.push_back(server.endpoint);
  return endpoints;
}

std::vector<MappingObservation> NatObserver::observations(AddressFamily family) const {
  std::vector<MappingObservation> seen;
  for (const Server& server : servers_) {
    if (server.seen && server.endpoint.address.family() == family) {
      seen.push_back(server.seen->observation);
    }
  }
  for (const PeerWord& word : words_) {
    if (word.network.address.family() == family) seen.push_back(word.seen.observation);
  }
  return seen;
}

const NatObserver::FamilyFindings& NatObserver::findings(AddressFamily family) const {
  return family == AddressFamily::kIpv4 ? findings_.ipv4 : findings_.ipv6;
}

}  // namespace kadwire::rendezvous
