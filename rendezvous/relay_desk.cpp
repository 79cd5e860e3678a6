#include "rendezvous/relay_desk.h"

#include <algorithm>

#include "node/base/queue.h"

namespace kadwire::rendezvous {

RelayDesk::Key RelayDesk::key_of(const crypto::NodeId& a, const crypto::NodeId& b) {
  return a < b ? Key{a, b} : Key{b, a};
}

void RelayDesk::handle_request(TimePoint now, const crypto::NodeId& from,
                               const crypto::NodeId& peer) {
  if (from == peer) return;
  const Key key = key_of(from, peer);
  auto found = pairs_.find(key);
  const bool asked = found != pairs_.end() && end_of(*found, from).asked;
  if (!asked && !make_room(from, found == pairs_.end())) {
    ++counters_.refused;
    answer(from, peer, 0);
    return;
  }
  if (found == pairs_.end()) {
    found = pairs_.emplace(key, Pair{.id = ++last_id_, .made = now}).first;
    actions_.push_back(OpenRelay{found->second.id});
  }
  const Pair& pair = found->second;
  End& end = end_of(*found, from);
  end.asked = true;
  end.released = false;
  if (pair.port != 0) answer(from, peer, pair.port, asked);
}

void RelayDesk::handle_port(RelayId id, std::uint16_t port) {
  const auto found = find(id);
  if (found == pairs_.end()) return;
  auto& [key, pair] = *found;
  pair.port = port;
  if (pair.low.asked) answer(key.first, key.second, port);
  if (pair.high.asked) answer(key.second, key.first, port);
  if (port != 0) return;
  ++counters_.refused;
  pairs_.erase(found);
}

std::optional<std::uint64_t> RelayDesk::handle_bind(RelayId id, const BindClaim& claim) {
  const auto found = find(id);
  if (found == pairs_.end() || found->first != key_of(claim.member, claim.peer)) return {};
  const Pair& pair = found->second;
  End& end = end_of(*found, claim.member);
  if (!end.asked || end.at == claim.at) return {};
  if (!end.challenge || end.challenge->at != claim.at) {
    end.challenge = {claim.at, random_u64(random_) | 1};  // 0 is no proof
  }
  if (claim.proof != end.challenge->proof) {
    ++counters_.challenged;
    return end.challenge->proof;
  }
  ++counters_.proven;
  end.challenge.reset();
  end.at = claim.at;
  if (pair.low.at == pair.high.at) return {};  // two members behind one endpoint: none is meant
  if (pair.low.at && pair.high.at) actions_.push_back(JoinRelay{id, *pair.low.at, *pair.high.at});
  return {};
}

void RelayDesk::send(RelayId id, const Endpoint& to, Bytes frame) {
  actions_.push_back(SendFromRelay{id, to, std::move(frame)});
}

void RelayDesk::handle_release(TimePoint now, const crypto::NodeId& from,
                               const crypto::NodeId& peer) {
  const auto found = pairs_.find(key_of(from, peer));
  if (found == pairs_.end() || !end_of(*found, from).asked) return;
  Pair& pair = found->second;
  if (!pair.low.released && !pair.high.released) pair.released = now;
  end_of(*found, from).released = true;
  const auto needs = [](const End& end) { return end.asked && !end.released; };
  if (!needs(pair.low) && !needs(pair.high)) close(found);
}

void RelayDesk::handle_idle(RelayId id) {
  const auto found = find(id);
  if (found != pairs_.end()) close(found);
}

void RelayDesk::remove_member(const crypto::NodeId& node) {
  for (auto pair = pairs_.begin(); pair != pairs_.end();) {
    const bool concerned = pair->first.first == node || pair->first.second == node;
    pair = concerned ? close(pair) : std::next(pair);
  }
}

void RelayDesk::handle_timeout(TimePoint now) {
  for (auto pair = pairs_.begin(); pair != pairs_.end();) {
    const auto end = end_of_patience(pair->second);
    pair = end && now >= *end ? close(pair) : std::next(pair);
  }
}

std::optional<TimePoint> RelayDesk::next_timeout() const {
  std::optional<TimePoint> earliest;
  for (const auto& [key, pair] : pairs_) {
    const auto end = end_of_patience(pair);
    if (end) earliest = std::min(earliest.value_or(*end), *end);
  }
  return earliest;
}

std::optional<RelayAction> RelayDesk::poll_action() {
  return take_front(actions_);
}

std::optional<RelayAnswer> RelayDesk::poll_answer() {
  return take_front(answers_);
}

RelayDesk::Pairs::iterator RelayDesk::find(RelayId id) {
  return std::ranges::find_if(pairs_, [&](const auto& entry) { return entry.second.id == id; });
}

RelayDesk::End& RelayDesk::end_of(Pairs::value_type& entry, const crypto::NodeId& member) {
  return member == entry.first.first ? entry.second.low : entry.second.high;
}

bool RelayDesk::is_complete(const Pair& pair) {
  return pair.low.asked && pair.high.asked && pair.port != 0;
}

std::optional<TimePoint> RelayDesk::end_of_patience(const Pair& pair) {
  if (!is_complete(pair)) return pair.made + kRelayAskPatience;
  if (pair.low.released || pair.high.released) return pair.released + kRelayDrain;
  return std::nullopt;
}

/// The pairs that one side alone has asked for: `asker`, or with nullptr whichever.
RelayDesk::Alone RelayDesk::find_alone(const crypto::NodeId* asker) {
  Alone alone{pairs_.end()};
  for (auto entry = pairs_.begin(); entry != pairs_.end(); ++entry) {
    const auto& [key, pair] = *entry;
    if (pair.low.asked == pair.high.asked) continue;
    const crypto::NodeId& by = pair.low.asked ? key.first : key.second;
    if (asker != nullptr && by != *asker) continue;
    ++alone.count;
    if (alone.oldest == pairs_.end() || pair.id < alone.oldest->second.id) alone.oldest = entry;
  }
  return alone;
}

/// Pairs that wait for their other side give way: the asker's own beyond its share, anybody's where
/// there is no place left; not for somebody who is refused. What others ask for with this member as
/// the other side does not count against it.
bool RelayDesk::make_room(const crypto::NodeId& asker, bool another_pair) {
  if (traffic_.used_up && another_pair) return false;
  const Alone own = find_alone(&asker);
  if (another_pair && own.count >= kRelayedAloneMax) close(own.oldest);
  const auto asked = std::ranges::count_if(pairs_, [&](const auto& entry) {
    return (entry.first.first == asker && entry.second.low.asked) ||
           (entry.first.second == asker && entry.second.high.asked);
  });
  if (static_cast<std::size_t>(asked) >= kRelayedPairsPerMemberMax) return false;
  if (!another_pair || pairs_.size() < pairs_max_) return true;
  const Alone any = find_alone(nullptr);
  if (any.count == 0) return false;
  close(any.oldest);
  return true;
}

/// Who has a place is not told to leave because there are few: that would free none, since it keeps
/// one in reserve, and all would go where nobody is any better off.
void RelayDesk::answer(const crypto::NodeId& to, const crypto::NodeId& peer, std::uint16_t port,
                       bool placed) {
  constexpr std::uint8_t kToStay = kLoadNearlyFull - 1;
  const std::uint8_t its = placed ? std::max(std::min(load(), kToStay), traffic_.load) : load();
  answers_.push_back({to, peer, port, its});
}

std::uint8_t RelayDesk::load() const {
  const std::size_t places = std::min(pairs_.size() * kLoadMax / pairs_max_, std::size_t{kLoadMax});
  return std::max(static_cast<std::uint8_t>(places), traffic_.load);
}

RelayDesk::Pairs::iterator RelayDesk::close(Pairs::iterator pair) {
  actions_.push_back(CloseRelay{pair->second.id});
  return pairs_.erase(pair);
}

}  // namespace kadwire::rendezvous
