#include "node/mesh_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "crypto/mesh_address.h"
#include "node/base/queue.h"
#include "node/static_endpoint.h"

namespace kadwire::node {

MeshNode::MeshNode(MeshNodeConfig config, const crypto::KeySchedule& keys,
                   const crypto::NodeIdentity& identity, RandomSource& random, Now now)
    : config_(std::move(config)),
      keys_(keys),
      identity_(identity),
      random_(random),
      announcer_(keys, random, operations_),
      listener_(keys, random, operations_),
      peers_(keys, identity, config_.ipv4_network),
      data_plane_(keys, identity, random, peers_, config_.device_adopted, now),
      own_(keys, identity, config_.ipv4_network, config_.hostname, config_.state),
      started_(now.steady),
      next_sweep_(now.steady + kSweep),
      next_record_renewal_(now.steady + kRecordRenewal) {
  if (config_.frames) {
    agent_.emplace(keys, identity, random,
                   rendezvous::AgentOptions{.introduces = config_.introduces,
                                            .relays = config_.relays,
                                            .side_ports = config_.side_ports,
                                            .relayed_only = config_.relayed_only});
    nat_.emplace(random, mesh_networks());
    if (config_.finds_lifetime) pace_.emplace(random);
    if (config_.mailbox) mailbox_.emplace(keys, identity, random, operations_);
  }
  if (config_.maps_ports) mapping_.emplace(random, mesh_networks(), mapping_secret());
  if (config_.lan) lan_.emplace(keys, random);
  for (Bytes& record : config_.cached_records) {
    receive(now, std::move(record), Source::kCache, false);
  }
  config_.cached_records.clear();
  data_plane_.peers_changed(now);
  listener_.start(now);
}

void MeshNode::handle_network(Now now, const NetworkState& network) {
  const bool moved = network_known_ && network.addresses != network_.addresses;
  network_ = network;
  check_ipv4_overlap(network);
  const bool first = !std::exchange(network_known_, true);
  start_beside_wireguard(now);
  start_mapping(now);
  if (choose_candidates() || first) publish(now);
  for (auto& [node, row] : peers_.rows()) refresh_candidates(now, row);
  settle_leases(now);
  if (moved) data_plane_.addresses_changed(now);
  if (moved) watch_mailboxes(now);
  if (lan_) lan_->network_changed(now);
  data_plane_.peers_changed(now);
  follow_lan(now);
  follow_agent(now);
}

/// Timers stood still, and others' did not: records, mappings and sessions have grown old or are
/// gone. All is asked for anew, and nothing given up that may still work.
void MeshNode::handle_resume(Now now, Duration asleep) {
  if (leaving_) return;
  notice(Notice::Level::kInfo,
         fmt::format("resumed asleep_s={}",
                     std::chrono::duration_cast<std::chrono::seconds>(asleep).count()));
  if (network_known_) next_record_renewal_ -= asleep;
  if (now.steady >= next_record_renewal_) {
    publish(now);
  } else {
    announcer_.announce_again(now);
  }
  if (mapping_) mapping_->refresh_now(now.steady);
  data_plane_.handle_resume(now, asleep);
  if (!agent_) return;
  nat_->refresh_now(now.steady);
  agent_->handle_resume(now);
  watch_mailboxes(now);
  follow_agent(now);
}

void MeshNode::handle_directory_event(Now now, const dht::DirectoryEvent& event) {
  if (const auto* change = std::get_if<dht::ConnectivityChanged>(&event)) {
    connected_ = change->connected;
    if (connected_ && own_.begin_lease(now.wall) && network_known_) publish(now);
    clock_check_.reset();
    if (connected_ && !clock_checked_) clock_check_ = now.steady + kAloneMax;
    notice(Notice::Level::kInfo, connected_ ? "dht connected" : "dht lost");
  }
  listener_.handle_event(now, event);
  announcer_.handle_event(now, event);
  if (mailbox_) mailbox_->handle_event(now, event);
  receive_records(now);
  follow_mailbox(now);
  follow_agent(now);
}

void MeshNode::handle_timeout(Now now) {
  announcer_.handle_timeout(now);
  listener_.handle_timeout(now);
  receive_records(now);
  if (mapping_) mapping_->handle_timeout(now.steady);
  if (leaving_) return;
  if (now.steady >= next_record_renewal_) publish(now);
  if (now.steady >= next_sweep_) sweep(now);
  if (cache_save_ && now.steady >= *cache_save_) save_cache(now);
  watch_clock(now);
  watch_newcomers(now);
  data_plane_.handle_timeout(now);
  follow_mapping(now);
  follow_lan(now);
  if (!agent_) return;
  follow_farewells(now);
  follow_mailbox(now);
  nat_->handle_timeout(now.steady);
  if (pace_) pace_->handle_timeout(now.steady);
  follow_pace(now);
  if (const auto due = agent_->next_timeout(); due && now.steady >= *due) {
    agent_->handle_timeout(now);
  }
  follow_agent(now);
}

void MeshNode::handle_device_event(Now now, const DeviceEvent& event) {
  if (const auto* ready = std::get_if<DeviceReady>(&event)) {
    config_.listen_port = ready->listen_port;
    start_beside_wireguard(now);
    start_mapping(now);
    if (network_known_ && choose_candidates()) publish(now);
  }
  data_plane_.handle_event(now, event);
  tell_traffic(now);
  follow_agent(now);
}

void MeshNode::leave(Now now) {
  leaving_ = true;
  data_plane_.stop();
  if (mapping_) mapping_->remove(now.steady);
  save_cache(now);
  Bytes farewell = own_.sign(now.wall, true).encoded;
  if (lan_) say_on_lan(now, farewell);
  if (config_.announces) announcer_.set_record(now, std::move(farewell));
  actions_.push_back(SaveNodeState{own_.state()});
}

bool MeshNode::departed() const {
  const bool gave_back = !mapping_ || mapping_->holds_nothing();
  return leaving_ && gave_back && (!connected_ || !config_.announces || announcer_.accepted());
}

std::optional<TimePoint> MeshNode::next_timeout() const {
  std::optional<TimePoint> earliest;
  const auto consider = [&](std::optional<TimePoint> other) {
    if (other) earliest = std::min(earliest.value_or(*other), *other);
  };
  consider(announcer_.next_timeout());
  consider(listener_.next_timeout());
  if (mapping_) consider(mapping_->next_timeout());
  if (leaving_) return earliest;
  consider(next_sweep_);
  consider(next_record_renewal_);
  consider(data_plane_.next_timeout());
  if (agent_) consider(agent_->next_timeout());
  if (nat_) consider(nat_->next_timeout());
  consider(farewells_.next());
  if (pace_) consider(pace_->next_timeout());
  if (mailbox_) consider(mailbox_->next_timeout());
  if (lan_) consider(lan_->next_timeout());
  consider(cache_save_);
  consider(missed_check_);
  if (alone()) consider(clock_check_);
  return earliest;
}

std::optional<Action> MeshNode::poll_action() {
  if (auto action = take_front(actions_)) return action;
  if (auto action = data_plane_.poll_action()) return action;
  if (auto action = agent_ ? agent_->poll_relay_action() : std::nullopt) return std::move(*action);
  if (auto request = mapping_ ? mapping_->poll_upnp() : std::nullopt) return std::move(*request);
  if (auto request = listener_.poll_request()) return std::move(*request);
  if (auto request = announcer_.poll_request()) return std::move(*request);
  if (auto request = mailbox_ ? mailbox_->poll_request() : std::nullopt) return std::move(*request);
  return std::nullopt;
}

void MeshNode::receive_records(Now now) {
  bool changed = false;
  while (auto received = listener_.poll_record()) {
    changed |= receive(now, std::move(received->record), Source::kDht, received->outside_hours);
  }
  if (changed) data_plane_.peers_changed(now);
}

/// True if a row came, went or changed: the data plane is to be told, once for many records.
bool MeshNode::receive(Now now, Bytes encoded, Source source, bool outside_hours) {
  auto record = rendezvous::decode_record(encoded, keys_.mesh_id());
  if (!record) {
    notice(Notice::Level::kDebug,
           fmt::format("record refused reason=\"{}\"", rendezvous::describe(record.error())));
    return false;
  }
  const rendezvous::PeerRecord& claim = record->record;
  if (claim.node == identity_.node_id()) {
    on_own_record(now, *record);
    return false;
  }
  if (outside_hours) {
    on_wrong_clock(now, claim);
    return false;
  }
  return accept(now, std::move(*record), source);
}

/// The same for a record that was verified, and is another node's.
bool MeshNode::accept(Now now, rendezvous::SignedRecord record, Source source) {
  if (doubts_farewell(now, record)) {
    const auto* session = agent_->session(record.record.node);
    const auto path = session != nullptr ? session->chosen() : std::nullopt;
    farewells_.add(now.steady, std::move(record), path ? path->quality.rtt : kFarewellRttMax / 4);
    return false;
  }
  const rendezvous::PeerRecord claim = record.record;
  const auto verdict = peers_.apply(now, std::move(record), source, new_tunnel(now, claim.node));
  return on_verdict(now, verdict, claim);
}

void MeshNode::on_own_record(Now now, const rendezvous::SignedRecord& record) {
  if (leaving_ || !own_.outbid(record.record.sequence)) return;
  notice(Notice::Level::kInfo, "record outbid reason=\"an earlier run published a later one\"");
  publish(now);
}

void MeshNode::on_wrong_clock(Now now, const rendezvous::PeerRecord& record) {
  const auto offset = std::chrono::round<std::chrono::minutes>(record.issued - now.wall);
  const bool said = clock_problem_.has_value();
  clock_problem_ = fmt::format(
      "a member's clock is {} min {} this one: members meet only while clocks agree within some "
      "minutes; set this clock (timedatectl set-ntp true) or the other's",
      std::abs(offset.count()), offset.count() > 0 ? "ahead of" : "behind");
  if (!said) notice(Notice::Level::kWarning, "clock " + *clock_problem_);
}

/// Refused, and either clock may be the wrong one. Any member can sign such a record, so there is
/// one at most, which goes when its owner is heard of with a better one.
void MeshNode::on_future_record(Now now, const rendezvous::PeerRecord& record) {
  const std::string peer = record.node.short_form();
  notice(Notice::Level::kDebug, fmt::format("record from the future node={}", peer));
  const auto ahead = std::chrono::round<std::chrono::minutes>(record.issued - now.wall);
  const bool said = future_record_ && future_record_->node == record.node;
  // The same again, later, tells less of how far the clocks are apart.
  if (said && future_record_->sequence == record.sequence) return;
  future_record_ = {
      record.node, record.sequence, now.steady,
      fmt::format("the record of member {} is dated {} min from now, so it is refused: "
                  "that member's clock is ahead, or this one behind; set this clock "
                  "(timedatectl set-ntp true) or the member's",
                  peer, ahead.count())};
  if (!said) notice(Notice::Level::kWarning, "clock " + future_record_->problem);
}

bool MeshNode::on_verdict(Now now, PeerTable::Verdict verdict,
                          const rendezvous::PeerRecord& record) {
  const std::string peer = record.node.short_form();
  const bool dated_well = verdict != PeerTable::Verdict::kFromTheFuture;
  if (dated_well && future_record_ && future_record_->node == record.node) future_record_.reset();
  switch (verdict) {
    case PeerTable::Verdict::kNew:
      clock_problem_.reset();  // whom one meets within the active hours has the same hour
      notice(Notice::Level::kInfo,
             fmt::format("peer found node={} hostname=\"{}\"", peer, record.hostname));
      missed_pause_ = kMissedFirst;
      missed_check_ = now.steady + missed_pause_;
      break;
    case PeerTable::Verdict::kDeparted:
      if (agent_) agent_->remove_peer(record.node);
      notice(Notice::Level::kInfo, fmt::format("peer left node={}", peer));
      break;
    case PeerTable::Verdict::kUpdated:
      break;
    case PeerTable::Verdict::kKnown:
    case PeerTable::Verdict::kExpired:
      return false;
    case PeerTable::Verdict::kFromTheFuture:
      on_future_record(now, record);
      return false;
    case PeerTable::Verdict::kConflict:
    case PeerTable::Verdict::kFull:
      notice(Notice::Level::kDebug, fmt::format("peer refused node={} reason=\"{}\"", peer,
                                                verdict == PeerTable::Verdict::kFull
                                                    ? "the table is full"
                                                    : "its key or address is another member's"));
      return false;
  }
  if (const auto row = peers_.rows().find(record.node); row != peers_.rows().end()) {
    refresh_candidates(now, row->second);
    if (is_guided(row->second)) {
      agent_->set_peer(now, record);
      if (mailbox_) mailbox_->watch(now, record.node);
    }
  }
  if (!cache_save_) {
    cache_save_ = std::max(now.steady + kCacheSaveDelay, cache_saved_ + kCacheSaveSpacing);
  }
  settle_leases(now);
  return true;
}

void MeshNode::check_ipv4_overlap(const NetworkState& network) {
  const auto clash = std::ranges::find_if(network.routes, [&](const LocalRoute& route) {
    return route.prefix.overlaps(config_.ipv4_network);
  });
  ipv4_usable_ = clash == network.routes.end();
  if (ipv4_usable_) {
    overlap_problem_.reset();
  } else if (!overlap_problem_) {
    overlap_problem_ = fmt::format(
        "mesh IPv4 is left out: {} overlaps the local route {} on {}; mesh IPv6 works, or make a "
        "mesh with another range (kadwire init --net CIDR)",
        config_.ipv4_network.to_string(), clash->prefix.to_string(), clash->interface);
    notice(Notice::Level::kWarning, *overlap_problem_);
  }
}

void MeshNode::settle_leases(Now now) {
  if (!ipv4_usable_) {
    peers_.release_addresses();
  } else if (peers_.assign_addresses(now, own_.claim(now.wall))) {
    ipv4_exhausted_ = false;
  } else {
    return move_lease(now);
  }
  choose_addresses();
}

void MeshNode::move_lease(Now now) {
  const std::string lost = own_.ipv4().to_string();
  const bool moved = own_.take_next_lease(
      now.wall, [&](const IpAddress& address) { return peers_.is_claimed(address); });
  if (moved) {
    notice(Notice::Level::kWarning,
           fmt::format("lease moved from={} to={} reason=\"another member held it first\"", lost,
                       own_.ipv4().to_string()));
    settle_leases(now);  // nobody else claims the new one
    return publish(now);
  }
  if (!ipv4_exhausted_) {
    notice(Notice::Level::kWarning,
           fmt::format("lease lost address={} reason=\"no free address is left\"", lost));
  }
  ipv4_exhausted_ = true;
  choose_addresses();
}

bool MeshNode::choose_candidates() {
  const auto own = usable_addresses();
  const auto mesh = mesh_networks();
  const auto hosts = rendezvous::without_card_numbers(
      rendezvous::host_candidates(own, config_.listen_port, mesh), own, mesh);
  const bool services_changed =
      own_.set_services({config_.frames, offers_relay(), config_.relayed_only});
  auto learnt = static_candidates();
  std::ranges::copy(mapped_candidates(), std::back_inserter(learnt));
  if (nat_) {
    std::ranges::copy(rendezvous::without_card_numbers(nat_->candidates(), own, mesh),
                      std::back_inserter(learnt));
  }
  const bool nat_changed = nat_ && own_.set_nat(nat_->behavior(AddressFamily::kIpv4));
  return own_.set_candidates(rendezvous::published_candidates(hosts, learnt)) || services_changed ||
         nat_changed;
}

/// In the operator's order, names last.
std::vector<rendezvous::Candidate> MeshNode::static_candidates() const {
  std::vector<Endpoint> endpoints = config_.static_endpoints;
  for (const auto& [name, known] : static_names_) {
    endpoints.insert(endpoints.end(), known.endpoints.begin(), known.endpoints.end());
  }
  std::vector<rendezvous::Candidate> candidates;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.address.is_v6() && !config_.use_ipv6) continue;
    candidates.push_back({rendezvous::CandidateKind::kStatic, endpoint});
  }
  return candidates;
}

void MeshNode::set_static_name(Now now, const std::string& name, std::span<const Endpoint> resolved,
                               const std::string& problem) {
  NamedEndpoints chosen = choose_endpoints(resolved, mesh_networks());
  StaticName& known = static_names_[name];
  known.endpoints = std::move(chosen.endpoints);
  const std::string& flaw = problem.empty() ? chosen.left_out : problem;
  std::string said = flaw.empty() ? "" : fmt::format("--endpoint {}: {}", name, flaw);
  if (!said.empty() && said != known.problem) notice(Notice::Level::kWarning, said);
  known.problem = std::move(said);
  if (network_known_ && choose_candidates()) publish(now);
  follow_agent(now);
}

void MeshNode::choose_addresses() {
  if (!network_known_) return;  // the mesh's range may overlap a route
  std::vector<Prefix> addresses;
  if (ipv4_usable_ && !ipv4_exhausted_) {
    addresses.push_back({own_.ipv4(), config_.ipv4_network.length});
  }
  addresses.push_back(
      {crypto::mesh_ipv6_address(keys_, identity_.node_id()), config_.ipv6_network.length});
  if (addresses == addresses_) return;
  addresses_ = addresses;
  actions_.push_back(SetAddresses{std::move(addresses)});
}

void MeshNode::refresh_candidates(Now now, PeerRow& row) {
  std::vector<Endpoint> endpoints;
  for (const rendezvous::Candidate& candidate : rendezvous::dialable_candidates(
           row.record().candidates, usable_addresses(), mesh_networks())) {
    endpoints.push_back(candidate.endpoint);
  }
  // Without its frames a relay could not be agreed upon, and straight is not wanted.
  if (!is_guided(row) && (config_.relayed_only || row.record().relayed_only)) endpoints.clear();
  row.has_targets = !endpoints.empty();
  if (is_guided(row)) return;  // the agent finds the path
  row.tunnel.set_candidates(now.steady, std::move(endpoints));
}

void MeshNode::publish(Now now) {
  if (leaving_) return;
  const rendezvous::SignedRecord record = own_.sign(now.wall);
  if (agent_) agent_->set_own_record(now, record);
  if (mailbox_) mailbox_->set_own_record(record);
  if (lan_) lan_->set_record(now, record.encoded);
  if (config_.announces) announcer_.set_record(now, record.encoded);
  next_record_renewal_ = now.steady + kRecordRenewal;
  actions_.push_back(SaveNodeState{own_.state()});
}

/// What the cache says proves nobody's presence.
bool MeshNode::alone() const {
  return std::ranges::none_of(peers_.rows(), [](const auto& entry) {
    return entry.second.from_dht || entry.second.tunnel.up();
  });
}

void MeshNode::watch_clock(Now now) {
  if (!clock_check_ || now.steady < *clock_check_ || !alone()) return;
  clock_check_.reset();
  clock_checked_ = true;
  listener_.ask_neighbouring_hours(now);
}

void MeshNode::watch_newcomers(Now now) {
  if (!missed_check_ || now.steady < *missed_check_) return;
  missed_check_.reset();
  const bool missed = std::ranges::any_of(peers_.rows(), [](const auto& entry) {
    return entry.second.from_dht && entry.second.has_targets && !entry.second.tunnel.up();
  });
  if (!missed) return;
  announcer_.announce_again(now);
  missed_pause_ *= 2;
  if (missed_pause_ <= kMissedLast) missed_check_ = now.steady + missed_pause_;
}

void MeshNode::sweep(Now now) {
  next_sweep_ = now.steady + kSweep;
  if (future_record_ && now.steady - future_record_->seen >= kFutureRecordMemory) {
    future_record_.reset();
  }
  if (!peers_.expire(now)) return;
  if (agent_) agent_->keep_only([&](const auto& node) { return peers_.rows().contains(node); });
  settle_leases(now);
  data_plane_.peers_changed(now);
}

void MeshNode::save_cache(Now now) {
  cache_save_.reset();
  cache_saved_ = now.steady;
  actions_.push_back(SavePeerCache{peers_.records()});
}

Tunnel MeshNode::new_tunnel(Now now, const crypto::NodeId& node) const {
  const bool initiator = identity_.node_id() < node;
  const bool resume = config_.identity_restored && now.steady - started_ < kResumeWindow;
  const auto role = initiator ? Tunnel::Role::kInitiator : Tunnel::Role::kResponder;
  Tunnel tunnel(now.steady, role, resume);
  tunnel.set_keepalive(data_plane_.keepalive());
  return tunnel;
}

std::vector<Prefix> MeshNode::mesh_networks() const {
  return {config_.ipv4_network, config_.ipv6_network};
}

std::vector<rendezvous::LocalAddress> MeshNode::usable_addresses() const {
  auto addresses = network_.addresses;
  if (!config_.use_ipv6) {
    std::erase_if(addresses, [](const auto& each) { return each.prefix.address.is_v6(); });
  }
  return addresses;
}

void MeshNode::notice(Notice::Level level, std::string text) {
  actions_.push_back(Notice{level, std::move(text)});
}

}  // namespace kadwire::node
