/// Agent's dealings with third members: introducers, which pass frames on, and relays, which pass
/// WireGuard's datagrams on; asking others to be one, and being one for others.

#include <algorithm>
#include <tuple>
#include <utility>

#include "rendezvous/agent.h"

namespace kadwire::rendezvous {

/// Members reached directly: the nearest two, those that relay first, because everybody reaches
/// them; and another one each time, because the nearest may not know the peer.
std::vector<crypto::NodeId> Agent::introducers_for(const crypto::NodeId& node, Peer& peer) const {
  std::vector<std::tuple<bool, Duration, crypto::NodeId>> reachable;
  for (const auto& [other, introducer] : peers_) {
    if (other == node) continue;
    const auto rtt = introducer.punch.direct_rtt();
    if (rtt) reachable.emplace_back(!introducer.relays, *rtt, other);
  }
  std::ranges::sort(reachable);
  std::vector<crypto::NodeId> introducers;
  const std::size_t nearest = std::min(kNearestIntroducers, reachable.size());
  for (std::size_t i = 0; i < nearest; ++i) introducers.push_back(std::get<2>(reachable[i]));
  if (const std::size_t others = reachable.size() - nearest; others > 0) {
    introducers.push_back(std::get<2>(reachable[nearest + peer.introduction_turn++ % others]));
  }
  return introducers;
}

void Agent::pass_on(Now now, const crypto::NodeId& sender, const Forward& forward) {
  if (!options_.introduces) return;
  const auto to = peers_.find(forward.to);
  if (to == peers_.end() || forward.to == sender) return;
  if (!peers_.at(sender).forwards.take(now.steady, kForwardsPerMember)) return;
  if (!to->second.punch.send_straight(now, Forwarded{sender, forward.frame})) return;
  ++stats_.forwarded;
  collect(now, to->first, to->second);
}

/// Either side's wish binds both. A relay itself is reached straight: else there were none to use.
bool Agent::relayed_only(const Peer& peer) const {
  return (options_.relayed_only && !peer.relays) || (peer.relayed_only && !offers_relay_);
}

/// The controlling side chooses relays: those that passed its messages on, the fastest first. It
/// tells the other, which asks the same ones.
void Agent::ask_relays(Now now, const crypto::NodeId& node, Peer& peer) {
  const auto due = relay_due(peer);
  if (!due || now.steady < *due) return;
  const bool works = peer.punch.has_choice();
  const bool in_a_row = now.steady - peer.relays_asked <= 2 * kReserveRelayPatience;
  peer.relay_patience =
      works && in_a_row ? std::min(peer.relay_patience * 2, kReserveRelayPatience) : kRelayPatience;
  peer.relays_asked = now.steady;
  const std::vector<crypto::NodeId> relays = relays_for(now, node, peer);
  peer.relays_missed = relays.empty();
  if (relays.empty() && !works) peer.punch.history().note(now.steady, PairEventKind::kNoRelay);
  const std::size_t wanted = works ? 1 : kRelaysMax;
  const std::size_t asked = std::min(wanted, relays.size());
  for (std::size_t i = 0; i < asked; ++i) {
    const crypto::NodeId& relay = relays[peer.relay_turn++ % relays.size()];
    if (!is_under_way(now, peer, relay)) request_relay(now, relay, node);
    peer.punch.send(now, UseRelay{relay});
  }
}

/// A relay is reached now: whoever needed one and found none, as all do who have just moved, asks
/// at once.
void Agent::ask_missed_relays(Now now) {
  for (auto& [node, peer] : peers_) {
    if (!std::exchange(peer.relays_missed, false)) continue;
    peer.relays_asked = now.steady - peer.relay_patience;
    peer.due = now.steady;
    peers_due_ = now.steady;
  }
}

/// Where nothing direct is to be expected soon: who is to pass a call on is asked to relay as well,
/// and who passed one on is so by whom it reached. Then both have a port before they have a
/// session.
void Agent::ask_ahead(Now now, const crypto::NodeId& node, Peer& peer,
                      std::span<const crypto::NodeId> introducers) {
  if (!peer.punch.direct_unlikely() || peer.punch.established()) return;
  for (const crypto::NodeId& introducer :
       introducers.first(std::min(kRelaysMax, introducers.size()))) {
    const auto relay = peers_.find(introducer);
    const bool relays = relay != peers_.end() && relay->second.relays;
    if (relays && !is_under_way(now, peer, introducer)) request_relay(now, introducer, node);
  }
}

bool Agent::is_under_way(Now now, const Peer& peer, const crypto::NodeId& relay) {
  return !peer.punch.relay_works(relay) && peer.requests.is_under_way(now.steady, relay);
}

/// Whoever passed our messages on has a session with the peer and comes first, unless it is nearly
/// full; any other relay that is reached directly may have one. Of each those that cost least
/// first. While one of them works, the others.
std::vector<crypto::NodeId> Agent::relays_for(Now now, const crypto::NodeId& node,
                                              const Peer& peer) const {
  const auto introducers = peer.punch.working_introducers();
  const auto in_use = peer.punch.has_choice() ? peer.punch.relays() : std::vector<crypto::NodeId>();
  std::vector<std::tuple<bool, Duration, crypto::NodeId>> reachable;
  for (const auto& [other, relay] : peers_) {
    const auto rtt = relay.punch.direct_rtt();
    if (other == node || !relay.relays || !rtt) continue;
    if (std::ranges::find(in_use, other) != in_use.end()) continue;
    const bool introduces = std::ranges::find(introducers, other) != introducers.end();
    const bool recent = now.steady - relay.load_said < kLoadMemory;
    const std::uint8_t load = recent ? relay.relay_load : 0;
    reachable.emplace_back(!introduces || load >= kLoadNearlyFull, relay_cost(*rtt, load), other);
  }
  std::ranges::sort(reachable);
  std::vector<crypto::NodeId> relays;
  for (const auto& [later, cost, other] : reachable) relays.push_back(other);
  return relays;
}

std::optional<TimePoint> Agent::relay_due(const Peer& peer) {
  const auto due = peer.punch.relay_due();
  if (!peer.punch.controls() || !due) return std::nullopt;
  const bool works = peer.punch.has_choice();
  if (works && peer.punch.relays().size() >= kRelaysMax) return std::nullopt;
  return std::max(*due, peer.relays_asked + peer.relay_patience);
}

void Agent::request_relay(Now now, const crypto::NodeId& relay, const crypto::NodeId& peer) {
  const auto found = peers_.find(relay);
  if (found == peers_.end() || relay == peer) return;
  if (!found->second.punch.send_straight(now, RelayRequest{peer})) return;
  Peer& asker = peers_.at(peer);
  asker.releases.settle(relay);
  asker.punch.history().note(now.steady, PairEventKind::kRelayAsked, PathCause::kNone, {}, relay);
  asker.requests.add(now.steady, relay);
  collect(now, relay, found->second);
}

/// Until the path through the relay works, or a direct one does.
void Agent::repeat_requests(Now now, const crypto::NodeId& node, Peer& peer) {
  while (const auto repeat = peer.requests.take(now.steady)) {
    const bool works = peer.punch.relay_works(repeat->relay);
    if (works || peer.punch.direct_rtt()) {
      peer.requests.settle(repeat->relay);
      continue;
    }
    const auto relay = peers_.find(repeat->relay);
    if (repeat->unanswered && relay != peers_.end() &&
        relay->second.punch.send_straight(now, RelayRequest{node})) {
      collect(now, relay->first, relay->second);
    }
    if (peer.punch.controls()) peer.punch.send(now, UseRelay{repeat->relay});
  }
}

/// The peer says it until the path works: once is enough while this side is at it.
void Agent::on_use_relay(Now now, const crypto::NodeId& sender, const UseRelay& use) {
  if (!is_under_way(now, peers_.at(sender), use.relay)) request_relay(now, use.relay, sender);
}

/// The relay is where we reach it anyhow, at another port. Only who was asked may name one.
void Agent::on_relay_reply(Now now, const crypto::NodeId& relay, const RelayReply& reply) {
  const auto peer = peers_.find(reply.peer);
  Peer& sender = peers_.at(relay);
  const auto path = sender.punch.chosen();
  if (peer == peers_.end() || !path || path->relay) return;
  sender.relay_load = reply.load;
  sender.load_said = now.steady;
  if (!peer->second.requests.note_answer(relay)) return note_load(now, *peer, relay, reply.load);
  const bool granted = reply.port != 0;
  peer->second.punch.history().note(
      now.steady, granted ? PairEventKind::kRelayGranted : PairEventKind::kRelayRefused,
      PathCause::kNone, {}, relay);
  if (!granted) return peer->second.requests.settle(relay);
  peer->second.punch.add_relayed(now, {path->endpoint.address, reply.port}, relay);
  note_load(now, *peer, relay, reply.load);
}

/// Of a relay that has a port for the two; of others it changes nothing.
void Agent::note_load(Now now, Peers::value_type& peer, const crypto::NodeId& relay,
                      std::uint8_t load) {
  peer.second.punch.note_relay_load(now, relay, load);
  collect(now, peer.first, peer.second);
}

/// The request for a port that is open already: its answer says how full the relay is.
void Agent::ask_loads(Now now, const crypto::NodeId& node, Peer& peer) {
  while (const auto relay = peer.punch.poll_load_question()) {
    const auto found = peers_.find(*relay);
    if (found == peers_.end()) continue;
    if (found->second.punch.send_straight(now, RelayRequest{node})) {
      collect(now, *relay, found->second);
    }
  }
}

/// To relays that are reached straight; to others it will be said when they are, or not at all.
void Agent::send_releases(Now now, const crypto::NodeId& node, Peer& peer) {
  while (const auto relay = peer.releases.take(now.steady)) {
    const auto found = peers_.find(*relay);
    if (found == peers_.end()) continue;
    if (found->second.punch.send_straight(now, RelayRelease{node})) {
      collect(now, *relay, found->second);
    }
  }
}

/// Answered whether there was such a pair or not: the first answer may have been lost.
void Agent::on_release(Now now, const crypto::NodeId& sender, const RelayRelease& release) {
  desk_.handle_release(now.steady, sender, release.peer);
  Peer& peer = peers_.at(sender);
  if (peer.punch.send_straight(now, RelayReleased{release.peer})) collect(now, sender, peer);
}

/// What a relay may send to is what a member may be sent to that names it (candidate.h): never this
/// host, its links as a whole, the mesh's insides, or somebody's private network elsewhere.
bool Agent::may_relay_to(const Endpoint& end) const {
  return is_dialable(end, context_.addresses, mesh_networks_);
}

void Agent::handle_bind(Now now, RelayId id, const Endpoint& from, ByteView datagram) {
  const auto frame = open_frame(datagram, hour_of(now.wall), frame_keys_);
  if (!frame || frame->type != FrameType::kBind || !may_relay_to(from)) {
    ++stats_.frames_refused;
    return;
  }
  crypto::NodeId node;
  Peer* sender = owner_of(frame->payload, node);
  if (sender == nullptr) return;
  const auto message = sender->punch.open_bind(now, frame->payload);
  const auto* bind = message ? std::get_if<RelayBind>(&*message) : nullptr;
  const auto proof =
      bind ? desk_.handle_bind(id, {node, bind->peer, from, bind->proof}) : std::nullopt;
  if (proof) {
    auto challenge = sender->punch.seal_bind(now, RelayChallenge{bind->peer, *proof});
    if (challenge) desk_.send(id, from, std::move(*challenge));
  }
  collect(now, node, *sender);
}

/// Answered only to where this node bound by itself: nobody can have it speak to strangers.
void Agent::on_challenge(Now now, const Way& from, ByteView payload) {
  crypto::NodeId node;
  Peer* relay = from.introducer ? nullptr : owner_of(payload, node);
  if (relay == nullptr) return;
  const auto message = relay->punch.open_bind(now, payload);
  collect(now, node, *relay);
  const auto* challenge = message ? std::get_if<RelayChallenge>(&*message) : nullptr;
  const auto peer = challenge ? peers_.find(challenge->peer) : peers_.end();
  if (peer == peers_.end() || !peer->second.punch.handle_challenge(now, from, node)) return;
  auto answer = relay->punch.seal_bind(now, RelayBind{challenge->peer, challenge->proof});
  if (answer) transmits_.push_back({{from.endpoint, std::move(*answer)}});
  collect(now, challenge->peer, peer->second);
}

void Agent::handle_relay_port(Now now, RelayId id, std::uint16_t port) {
  desk_.handle_port(id, port);
  tell_relay_answers(now);
}

void Agent::tell_relay_answers(Now now) {
  while (const auto answer = desk_.poll_answer()) {
    const auto peer = peers_.find(answer->to);
    if (peer == peers_.end()) continue;
    if (!peer->second.punch.send_straight(now,
                                          RelayReply{answer->peer, answer->port, answer->load}))
      continue;
    collect(now, answer->to, peer->second);
  }
}

}  // namespace kadwire::rendezvous
