/// PunchSession's search for ports that nobody told: those in a row (port_guess) and those that
/// only chance finds (port_spray).

#include <algorithm>
#include <cassert>
#include <utility>

#include "rendezvous/punch_session.h"

namespace kadwire::rendezvous {

void PunchSession::set_guess(const std::optional<PortGuess>& guess,
                             const std::optional<Endpoint>& own) {
  if (!guess && !guesses_) return;
  if (!guesses_) guesses_ = std::make_unique<Guesses>();
  Guesses& all = *guesses_;
  all.guess = guess;
  if (!guess) return;
  if (all.told != guess->newest) {
    all.met.reset();
    all.rounds = 0;
  }
  all.news |= all.told != guess->newest || all.own != own;
  all.told = guess->newest;
  all.own = own;
  if (all.met) all.guess->newest = *all.met;
}

/// Rounds are counted from the peer's newest mapping. News of the own one do not move that, but
/// they let who is through with its rounds go through them again, as the peer does.
void PunchSession::note_guesses_due(Now now) {
  if (!guesses_) return;
  guesses_->due = now.steady;
  const auto& last = guesses_->last;
  const bool under_way = last && now.steady - last->check.sent <= kBurstSpacingLast;
  if (std::exchange(guesses_->news, false) && !under_way) guesses_->rounds = 0;
}

void PunchSession::restart_guesses(Now now) {
  if (!guesses_) return;
  guesses_->rounds = 0;
  guesses_->after = now.steady + kGuessDelay;
}

/// Before the peer is heard, after a loss, it does not guess, and has not told its ports of now.
bool PunchSession::wants_guesses(Now now) const {
  if (!guesses_ || !guesses_->guess || guesses_->due != now.steady) return false;
  if (now.steady < guesses_->after) return false;
  const auto since = indirect_since();
  if (!since || !heard_ || *heard_ < *since) return false;
  const bool crosses = guesses_->guess->order != PortGuess::Order::kWindows;
  if (crosses && guesses_->rounds >= kCrossingRounds) return false;
  return guesses_->pace.has(now.steady, kGuessPace, kGuessTokens);
}

/// A ping to each, and whichever finds the mapping that the peer's own pings keep open is answered.
void PunchSession::guess_ports(Now now) {
  assert(wants_guesses(now));
  Guesses& all = *guesses_;
  all.due.reset();
  (void)all.pace.take(now.steady, kGuessPace, kGuessTokens);
  const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
  all.last = {*all.guess, all.rounds++, {id, now.steady}};
  for (const Endpoint& endpoint : guessed_endpoints(all.last->guess, all.last->number)) {
    seal_to(now, {endpoint}, Ping{id, false, lost_, context_.epoch});
  }
}

/// Where the two have met is the newest mapping of the peer's that is known; the next rounds, when
/// this path is lost, begin from there.
void PunchSession::note_met_port() {
  if (!guesses_) return;
  const int last = std::exchange(guesses_->rounds, 0) - 1;
  auto& guess = guesses_->guess;
  if (!guess || !is_guessed(*guess, chosen_->endpoint)) return;
  guesses_->met = guess->newest = newest_after(*guess, chosen_->endpoint, last);
}

PunchSession::Luck& PunchSession::luck() {
  if (!luck_) luck_ = std::make_unique<Luck>();
  return *luck_;
}

void PunchSession::set_opening(const std::optional<Opening>& opening) {
  if (!opening && !luck_) return;
  luck().to = opening;
  if (!opening) luck_->opening.reset();  // or the rest of it would be due for ever
}

bool PunchSession::opened_towards(const Way& way) const {
  return way.side_port != 0 && luck_ && luck_->to && luck_->to->to == way.endpoint;
}

/// When a guess with this id was sent there; nullopt: none was.
std::optional<TimePoint> PunchSession::guess_sent_at(const Way& from, std::uint32_t id) const {
  if (from.introducer || from.side_port != 0) return std::nullopt;
  if (guesses_ && guesses_->last && guesses_->last->check.id == id) {
    const auto sent_to = guessed_endpoints(guesses_->last->guess, guesses_->last->number);
    if (std::ranges::find(sent_to, from.endpoint) == sent_to.end()) return std::nullopt;
    return guesses_->last->check.sent;
  }
  if (!luck_ || from.endpoint.address != luck_->sprayed_address) return std::nullopt;
  const auto batch = std::ranges::find(luck_->sprayed, id, &Check::id);
  return batch == luck_->sprayed.end() ? std::nullopt : std::optional(batch->sent);
}

/// What failed may be tried again soon where something is new: an address, or the NAT.
std::optional<TimePoint> PunchSession::opening_due() const {
  const auto since = indirect_since();
  if (!since || !luck_ || !luck_->to) return std::nullopt;
  const bool fresh = luck_->moved_at || luck_->opened != luck_->to;
  TimePoint due = std::max(*since + kOpeningDelay,
                           luck_->openings.next(fresh ? kFreshOpeningSpacing : kOpeningSpacing,
                                                kLuckWindow + kLuckMargin));
  if (luck_->moved_at) due = std::max(due, *luck_->moved_at + kMovedOpeningDelay);
  return due;
}

void PunchSession::open_ports(Now now, std::uint16_t first_port) {
  luck().openings.note(now.steady);
  luck_->opened = luck_->to;
  luck_->moved_at.reset();
  luck_->opening.emplace(first_port, now.steady);
  send_openings(now);
}

/// The pings need no answer: behind the NAT that calls for all this none arrives.
void PunchSession::send_openings(Now now) {
  if (!luck_ || !luck_->opening || !luck_->to) return;
  const auto ports = luck_->opening->take(now.steady);
  if (ports.empty()) return;
  const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
  for (const std::uint16_t port : ports) {
    seal_to(now, {luck_->to->to, {}, port}, Ping{id, false, lost_, context_.epoch});
  }
  if (luck_->opening->is_near_end()) send(now, PortsOpened{luck_->to->external});
}

bool PunchSession::may_spray(Now now) const {
  if (!indirect_since()) return false;
  return !luck_ || now.steady >= luck_->sprays.next(kSpraySpacing, kLuckWindow);
}

void PunchSession::spray(Now now, const IpAddress& at) {
  assert(may_spray(now) && at.is_v4());
  luck().sprays.note(now.steady);
  luck().sprayed_address = at;
  luck().sprayed.clear();
  luck().spray.emplace(at, context_.link.random, now.steady);
  send_spray(now);
}

void PunchSession::send_spray(Now now) {
  if (!luck_ || !luck_->spray) return;
  const auto endpoints = luck_->spray->take(now.steady);
  if (endpoints.empty()) return;
  const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
  luck_->sprayed.push_back({id, now.steady});
  for (const Endpoint& endpoint : endpoints) {
    seal_to(now, {endpoint}, Ping{id, false, lost_, context_.epoch});
  }
}

/// A direct path is there: what is still under way is of no use.
void PunchSession::stop_ports() {
  if (!luck_) return;
  luck_->opening.reset();
  luck_->spray.reset();
  luck_->sprayed = {};
}

std::optional<TimePoint> PunchSession::next_of_ports() const {
  if (!luck_) return std::nullopt;
  const auto opening = luck_->opening ? luck_->opening->next() : std::nullopt;
  const auto spray = luck_->spray ? luck_->spray->next() : std::nullopt;
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
