/// PunchSession's search for ports that nobody told: those in a row (port_guess) and those that
/// only chance finds (port_spray).

#include <algorithm>
#include <cassert>

#include "rendezvous/punch_session.h"

namespace kadwire::rendezvous {

/// A ping to each, and whichever finds the mapping that the peer's own pings keep open is answered.
void PunchSession::guess_ports(Now now) {
  if (!guess_) return;
  guessed_ = {static_cast<std::uint32_t>(random_u64(context_.link.random)), now.steady};
  for (const Endpoint& endpoint : guessed_endpoints(*guess_, schedule_.tries())) {
    seal_to(now, {endpoint}, Ping{guessed_->id, false, lost_, context_.epoch});
  }
}

/// When a guess with this id was sent there; nullopt: none was.
std::optional<TimePoint> PunchSession::guess_sent_at(const Way& from, std::uint32_t id) const {
  if (from.introducer || from.side_port != 0) return std::nullopt;
  if (guess_ && guessed_ && guessed_->id == id && is_guessed(*guess_, from.endpoint)) {
    return guessed_->sent;
  }
  const auto batch = std::ranges::find(sprayed_, id, &Check::id);
  const bool sprayed = batch != sprayed_.end() && from.endpoint.address == sprayed_address_;
  return sprayed ? std::optional(batch->sent) : std::nullopt;
}

std::optional<TimePoint> PunchSession::opening_due() const {
  const auto since = indirect_since();
  if (!opening_to_ || !since) return std::nullopt;
  const TimePoint due = *since + kOpeningDelay;
  return opened_at_ ? std::max(due, *opened_at_ + kOpeningSpacing) : due;
}

void PunchSession::open_ports(Now now, std::uint16_t first_port) {
  opened_at_ = now.steady;
  opening_.emplace(first_port, now.steady);
  send_openings(now);
}

/// The pings need no answer: behind the NAT that calls for all this none arrives.
void PunchSession::send_openings(Now now) {
  if (!opening_ || !opening_to_) return;
  const auto ports = opening_->take(now.steady);
  if (ports.empty()) return;
  const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
  for (const std::uint16_t port : ports) {
    seal_to(now, {opening_to_->to, {}, port}, Ping{id, false, lost_, context_.epoch});
  }
  // Twice, as any message may be lost.
  if (opening_->ends_round()) send(now, PortsOpened{opening_to_->external});
}

bool PunchSession::may_spray(Now now) const {
  return indirect_since() && (!sprayed_at_ || now.steady - *sprayed_at_ >= kSpraySpacing);
}

void PunchSession::spray(Now now, const IpAddress& at) {
  assert(may_spray(now) && at.is_v4());
  sprayed_at_ = now.steady;
  sprayed_address_ = at;
  sprayed_.clear();
  spray_.emplace(at, context_.link.random, now.steady);
  send_spray(now);
}

void PunchSession::send_spray(Now now) {
  if (!spray_) return;
  const auto endpoints = spray_->take(now.steady);
  if (endpoints.empty()) return;
  const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
  sprayed_.push_back({id, now.steady});
  for (const Endpoint& endpoint : endpoints) {
    seal_to(now, {endpoint}, Ping{id, false, lost_, context_.epoch});
  }
}

/// A direct path is there. Answers to what was sent may still come.
void PunchSession::stop_ports() {
  opening_.reset();
  spray_.reset();
}

std::optional<TimePoint> PunchSession::next_of_ports() const {
  const auto opening = opening_ ? opening_->next() : std::nullopt;
  const auto spray = spray_ ? spray_->next() : std::nullopt;
  if (!opening || !spray) return opening ? opening : spray;
  return std::min(*opening, *spray);
}

std::optional<FlowTie> PunchSession::tie() const {
  if (const Path* path = chosen_path(); path != nullptr && path->way.side_port != 0) {
    return FlowTie{path->way.endpoint, path->way.side_port};
  }
  for (const Path& path : paths_) {
    const bool in_use = chosen_ && chosen_->endpoint == path.way.endpoint;
    if (path.way.side_port != 0 && !in_use) return FlowTie{path.way.endpoint, path.way.side_port};
  }
  return std::nullopt;
}

}  // namespace kadwire::rendezvous
