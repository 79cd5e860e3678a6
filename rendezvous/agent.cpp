#include "rendezvous/agent.h"

#include <algorithm>

namespace kadwire::rendezvous {

Agent::Agent(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
             RandomSource& random, AgentOptions options)
    : options_(options),
      frame_keys_(keys),
      indices_(random),
      context_{{keys, identity, frame_keys_, indices_, random}, {}, 0, 0, {}, stats_.paths},
      call_sources_(kCallsPerSource),
      desk_(random, options.relayed_pairs) {}

void Agent::set_own_record(Now now, const SignedRecord& record) {
  if (record.record.sequence <= context_.own_sequence) return;
  context_.own_record = record.encoded;
  context_.own_sequence = record.record.sequence;
  offers_relay_ = record.record.relays;
  note_external(record.record);
  for (auto& [node, peer] : peers_) {
    peer.punch.set_relayed_only(now, relayed_only(peer));
    peer.punch.record_changed(now);
    collect(now, node, peer);
  }
}

void Agent::set_network(Now now, std::vector<LocalAddress> addresses,
                        std::vector<Prefix> mesh_networks) {
  const bool changed = addresses != context_.addresses;
  const bool first = !std::exchange(network_known_, true);
  const bool moved = !first && lost_address(context_.addresses, addresses);
  if (changed) reached_unasked_.clear();
  context_.addresses = std::move(addresses);
  mesh_networks_ = std::move(mesh_networks);
  if (!changed) return;
  if (moved) ++context_.epoch;
  for (auto& [node, peer] : peers_) {
    retarget(now, peer);
    if (moved) peer.punch.network_changed(now);
    if (!moved && !first) peer.punch.network_grew(now);
    collect(now, node, peer);
  }
}

void Agent::handle_resume(Now now) {
  for (auto& [node, peer] : peers_) {
    peer.punch.handle_resume(now);
    collect(now, node, peer);
  }
}

void Agent::set_peer(Now now, const PeerRecord& record) {
  auto found = peers_.find(record.node);
  if (found == peers_.end()) {
    found = peers_.try_emplace(record.node, context_, record.node, now).first;
  }
  Peer& peer = found->second;
  peer.candidates = record.candidates;
  peer.sequence = record.sequence;
  peer.nat = record.nat;
  peer.relays = record.relays;
  peer.relayed_only = record.relayed_only;
  peer.punch.set_relayed_only(now, relayed_only(peer));
  retarget(now, peer);
  answer_strangers(now, record.node, peer);
  collect(now, record.node, peer);
}

/// The calls of one who is a peer now, each once, over all ways it came.
void Agent::answer_strangers(Now now, const crypto::NodeId& node, Peer& peer) {
  std::erase_if(strangers_, [&](Stranger& stranger) {
    if (stranger.call.node != node) return false;
    if (now.steady - stranger.came >= kStrangerPatience) return true;
    const CallId id = stranger.call.id;
    answer(now, peer, stranger.ways.front(), std::move(stranger.call));
    for (const Way& way : std::span(stranger.ways).subspan(1)) {
      (void)repeat_answer(now, way, id);
    }
    return true;
  });
}

void Agent::remove_peer(const crypto::NodeId& node) {
  std::erase_if(strangers_, [&](const Stranger& stranger) { return stranger.call.node == node; });
  const auto peer = peers_.find(node);
  if (peer == peers_.end()) return;
  forget(node, peer->second);
  peers_.erase(peer);
  find_peers_due();
}

void Agent::keep_only(const std::function<bool(const crypto::NodeId&)>& stays) {
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    if (stays(peer->first)) {
      ++peer;
      continue;
    }
    forget(peer->first, peer->second);
    peer = peers_.erase(peer);
  }
  find_peers_due();
}

/// Whatever speaks of this peer outside its entry.
void Agent::forget(const crypto::NodeId& node, const Peer& peer) {
  desk_.remove_member(node);
  ties_changed_ |= peer.tie.has_value();
  for (const CallId& call : peer.answered) answers_.erase(call);
  for (auto& [other, remaining] : peers_) remaining.punch.forget_member(node);
}

void Agent::retarget(Now now, Peer& peer) {
  std::vector<Endpoint> targets;
  for (const Candidate& candidate :
       dialable_candidates(peer.candidates, context_.addresses, mesh_networks_)) {
    targets.push_back(candidate.endpoint);
  }
  peer.punch.set_targets(now, targets, peer.sequence);
  aim(peer);
}

bool Agent::handle_datagram(Now now, const Endpoint& from, ByteView datagram,
                            std::uint16_t side_port) {
  if (!looks_like_frame(datagram)) return false;
  ++stats_.frames_in;
  if (may_hear(from)) {
    handle_frame(now, {from, {}, side_port}, datagram);
  } else {
    ++stats_.frames_refused;
  }
  return true;
}

/// A source that could become WireGuard's endpoint. One inside the mesh came through a tunnel: its
/// path would lead the tunnel through itself.
bool Agent::may_hear(const Endpoint& from) const {
  return from.port != 0 && is_unicast_beyond_link(from.address) &&
         !inside_any(from.address, mesh_networks_);
}

void Agent::handle_frame(Now now, const Way& from, ByteView datagram) {
  const auto frame = open_frame(datagram, hour_of(now.wall), frame_keys_);
  if (!frame) {
    ++stats_.frames_refused;
    return;
  }
  switch (frame->type) {
    case FrameType::kCall:
      return on_call(now, from, frame->payload);
    case FrameType::kAnswer:
      return on_answer(now, from, frame->payload);
    case FrameType::kSession:
      return on_message(now, from, frame->payload);
    case FrameType::kBind:
      return on_challenge(now, from, frame->payload);
    case FrameType::kBeacon:
      break;  // those come to multicast groups only
  }
  ++stats_.frames_refused;
}

/// What costs least is asked first: a repetition, the rates, then the handshake's arithmetic.
void Agent::on_call(Now now, const Way& from, ByteView payload) {
  ByteReader reader(payload);
  reader.be32();
  const CallId id = reader.array<32>();
  if (!reader.ok() || repeat_answer(now, from, id) || is_waiting(from, id)) return;
  if (!may_call(now, from)) {
    ++stats_.calls_limited;
    return;
  }
  auto received = read_call(context_.link, payload);
  if (!received) return;
  const auto text = read_call_payload(received->call.payload());
  if (!text) return;
  auto record = decode_record(text->record, context_.link.keys.mesh_id());
  if (!record) return;
  const crypto::NodeId node = record->record.node;
  // The handshake proved a static key, the record a NodeId: they must be one member's.
  if (crypto::noise_key(node) != received->call.initiator()) return;
  if (node == context_.link.identity.node_id()) return;
  Call call{id, node, std::move(*received), text->known_sequence};
  const auto peer = peers_.find(node);
  if (!from.introducer && from.side_port == 0 &&
      (peer == peers_.end() || !peer->second.punch.knows(from))) {
    // Nothing was sent there, so no NAT or firewall took this for an answer.
    reached_unasked_.insert(from.endpoint.address.family());
  }
  if (peer == peers_.end() || record->record.sequence > peer->second.sequence) {
    events_.push_back(RecordReceived{std::move(record->encoded)});
  }
  if (peer != peers_.end()) return answer(now, peer->second, from, std::move(call));
  if (strangers_.size() >= kStrangersMax) strangers_.erase(strangers_.begin());
  strangers_.push_back({std::move(call), {from}, now.steady});
}

/// The same call of a stranger by another way: the answer will go there too.
bool Agent::is_waiting(const Way& from, const CallId& call) {
  const auto stranger =
      std::ranges::find(strangers_, call, [](const Stranger& waiting) { return waiting.call.id; });
  if (stranger == strangers_.end()) return false;
  std::vector<Way>& ways = stranger->ways;
  const bool known = std::ranges::find(ways, from) != ways.end();
  if (!known && ways.size() < kCallWaysMax) ways.push_back(from);
  return true;
}

void Agent::answer(Now now, Peer& peer, const Way& from, Call call) {
  Bytes frame = peer.punch.handle_call(now, from, std::move(call.call), call.known_sequence);
  answers_.insert_or_assign(call.id, Answer{call.node, std::move(frame)});
  peer.answered.push_back(call.id);
  if (peer.answered.size() > kAnswersMax) {
    answers_.erase(peer.answered.front());
    peer.answered.pop_front();
  }
  if (from.introducer) ask_ahead(now, call.node, peer, std::span(&*from.introducer, 1));
  collect(now, call.node, peer);
}

/// Each source's own limit first, or one could use up what all may.
bool Agent::may_call(Now now, const Way& from) {
  if (from.introducer) {
    const auto introducer = peers_.find(*from.introducer);
    if (introducer == peers_.end()) return false;
    if (!introducer->second.calls.take(now.steady, kCallsPerSource)) return false;
  } else if (!call_sources_.take(now.steady, from.endpoint.address)) {
    return false;
  }
  return calls_in_all_.take(now.steady, kCallsInAll);
}

/// The answer may have been lost, or the same call came by another way, which may be the better
/// one.
bool Agent::repeat_answer(Now now, const Way& from, const CallId& call) {
  const auto found = answers_.find(call);
  if (found == answers_.end()) return false;
  const Answer& answer = found->second;
  Peer& peer = peers_.at(answer.node);
  peer.punch.repeat_answer(now, from, answer.frame);
  collect(now, answer.node, peer);
  return true;
}

void Agent::on_answer(Now now, const Way& from, ByteView payload) {
  crypto::NodeId node;
  Peer* peer = owner_of(payload, node);
  if (peer == nullptr) return;
  peer->punch.handle_answer(now, from, payload);
  collect(now, node, *peer);
}

void Agent::on_message(Now now, const Way& from, ByteView payload) {
  crypto::NodeId node;
  Peer* peer = owner_of(payload, node);
  if (peer == nullptr) return;
  auto message = peer->punch.handle_message(now, from, payload);
  collect(now, node, *peer);
  if (message) act(now, node, from, std::move(*message));
}

void Agent::act(Now now, const crypto::NodeId& sender, const Way& from, PairMessage message) {
  if (auto* update = std::get_if<RecordUpdate>(&message)) {
    events_.push_back(RecordReceived{std::move(update->record)});
  } else if (const auto* use = std::get_if<UseRelay>(&message)) {
    on_use_relay(now, sender, *use);
  } else if (const auto* opened = std::get_if<PortsOpened>(&message)) {
    on_ports_opened(now, sender, *opened);
  } else if (from.introducer) {
    return;  // what introducers and relays are asked comes straight, or calls would go in circles
  } else if (const auto* forward = std::get_if<Forward>(&message)) {
    pass_on(now, sender, *forward);
  } else if (const auto* forwarded = std::get_if<Forwarded>(&message)) {
    handle_frame(now, {{}, sender}, forwarded->frame);
  } else if (const auto* request = std::get_if<RelayRequest>(&message)) {
    // A port for somebody who could not bind to it would be held for nothing.
    if (!options_.relays || !peers_.contains(request->peer)) return;
    desk_.handle_request(now.steady, sender, request->peer);
    tell_relay_answers(now);
  } else if (const auto* release = std::get_if<RelayRelease>(&message)) {
    on_release(now, sender, *release);
  } else if (const auto* released = std::get_if<RelayReleased>(&message)) {
    const auto peer = peers_.find(released->peer);
    if (peer != peers_.end()) peer->second.releases.settle(sender);
  } else if (const auto* reply = std::get_if<RelayReply>(&message)) {
    on_relay_reply(now, sender, *reply);
  }
}

void Agent::prompt(Now now, const crypto::NodeId& node) {
  const auto peer = peers_.find(node);
  if (peer == peers_.end()) return;
  peer->second.punch.prompt(now);
  collect(now, node, peer->second);
}

void Agent::handle_traffic(Now now, const crypto::NodeId& node, bool sent, bool received) {
  const auto peer = peers_.find(node);
  if (peer == peers_.end()) return;
  peer->second.punch.handle_traffic(now, sent, received);
  collect(now, node, peer->second);
}

void Agent::handle_roaming(Now now, const crypto::NodeId& node, const Endpoint& to) {
  const auto peer = peers_.find(node);
  if (peer == peers_.end() || !may_hear(to)) return;
  peer->second.punch.handle_roaming(now, {to, {}});
  collect(now, node, peer->second);
}

void Agent::note_relay_used(Now now, const crypto::NodeId& node) {
  const auto peer = peers_.find(node);
  if (peer != peers_.end()) peer->second.punch.note_relay_used(now);
}

void Agent::handle_timeout(Now now) {
  std::erase_if(strangers_, [&](const Stranger& stranger) {
    return now.steady - stranger.came >= kStrangerPatience;
  });
  desk_.handle_timeout(now.steady);
  for (auto& [node, peer] : peers_) {
    if (!peer.due || now.steady < *peer.due) continue;
    std::vector<crypto::NodeId> introducers;
    if (peer.punch.wants_introducers(now)) introducers = introducers_for(node, peer);
    peer.punch.handle_timeout(now, introducers);
    guess_ports(now, peer);
    ask_ahead(now, node, peer, introducers);
    repeat_requests(now, node, peer);
    ask_relays(now, node, peer);
    open_ports(now, peer);
    collect(now, node, peer);
  }
  find_peers_due();
}

void Agent::find_peers_due() {
  peers_due_.reset();
  for (const auto& [node, peer] : peers_) {
    if (peer.due) peers_due_ = std::min(peers_due_.value_or(*peer.due), *peer.due);
  }
}

std::optional<TimePoint> Agent::next_timeout() const {
  std::optional<TimePoint> earliest;
  const auto consider = [&](std::optional<TimePoint> other) {
    if (other) earliest = std::min(earliest.value_or(*other), *other);
  };
  consider(peers_due_);
  // At the front is the oldest.
  if (!strangers_.empty()) consider(strangers_.front().came + kStrangerPatience);
  consider(desk_.next_timeout());
  return earliest;
}

/// Takes over whatever the peer's session has to say. Frames through an introducer become messages
/// to it, which have frames of their own.
void Agent::collect(Now now, const crypto::NodeId& node, Peer& peer) {
  while (const auto bind = peer.punch.poll_bind()) {
    const auto relay = peers_.find(bind->relay);
    if (relay == peers_.end()) continue;
    if (auto frame = relay->second.punch.seal_bind(now, RelayBind{node})) {
      transmits_.push_back({{bind->at, std::move(*frame)}});
    }
  }
  while (const auto relay = peer.punch.poll_release()) peer.releases.add(now.steady, *relay);
  send_releases(now, node, peer);
  ask_loads(now, node, peer);
  while (auto outgoing = peer.punch.poll_frame()) {
    if (!outgoing->way.introducer) {
      ++stats_.frames_out;
      transmits_.push_back(
          {{outgoing->way.endpoint, std::move(outgoing->frame)}, outgoing->way.side_port});
      continue;
    }
    const auto introducer = peers_.find(*outgoing->way.introducer);
    if (introducer == peers_.end()) continue;
    if (introducer->second.punch.send_straight(now, Forward{node, std::move(outgoing->frame)})) {
      collect(now, introducer->first, introducer->second);
    }
  }
  if (const auto seen = peer.punch.poll_seen())
    events_.push_back(SeenByPeer{seen->peer, seen->mapped});
  if (const auto tie = peer.punch.tie(); tie != peer.tie) {
    peer.tie = tie;
    ties_changed_ = true;
  }
  peer.due = peer.punch.next_timeout();
  if (peer.due) peer.due = std::max(*peer.due, now.steady);
  for (const auto due :
       {relay_due(peer), opening_due(peer), peer.requests.next(), peer.releases.next()}) {
    if (!due) continue;
    const TimePoint when = std::max(*due, now.steady);  // it may have been without a path before
    peer.due = std::min(peer.due.value_or(when), when);
  }
  if (peer.due) peers_due_ = std::min(peers_due_.value_or(*peer.due), *peer.due);
  if (!peer.punch.poll_choice()) return;
  if (const auto path = peer.punch.chosen()) {
    events_.push_back(PathChanged{node, *path, peer.punch.controls()});
    if (peer.relays && !path->relay) ask_missed_relays(now);
  } else {
    events_.push_back(PathLost{});
  }
}

std::optional<PortTransmit> Agent::poll_transmit() {
  return take_front(transmits_);
}

std::optional<AgentEvent> Agent::poll_event() {
  return take_front(events_);
}

bool Agent::probe(Now now, const crypto::NodeId& node) {
  const auto peer = peers_.find(node);
  if (peer == peers_.end() || !peer->second.punch.probe(now)) return false;
  collect(now, node, peer->second);
  return true;
}

const PunchSession* Agent::session(const crypto::NodeId& node) const {
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : &found->second.punch;
}

Agent::Peer* Agent::owner_of(ByteView payload, crypto::NodeId& node) {
  const auto index = receiver_index(payload);
  const crypto::NodeId* owner = index ? indices_.find(*index) : nullptr;
  if (owner == nullptr) return nullptr;
  node = *owner;
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : &found->second;
}

}  // namespace kadwire::rendezvous
