#include "rendezvous/punch_session.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// Pings to an endpoint that only showed up as a source; the peer's own pings renew them.
constexpr int kStrangerPings = 2;

/// A relay that a ping of the peer's proved has no round trip of its own for a moment: another one
/// that has is not the better for it.
bool is_comparable(const Path& a, const Path& b) {
  return !a.relay || !b.relay || (a.measured && b.measured);
}

}  // namespace

PunchSession::PunchSession(const PunchContext& context, const crypto::NodeId& peer, Now now)
    : context_(context),
      link_(context.link, peer),
      controls_(context.link.identity.node_id() < peer),
      schedule_(context.link.identity.node_id(), peer),
      begun_(now.steady) {
  schedule_.begin(now.steady);
}

void PunchSession::set_targets(Now now, std::span<const Endpoint> targets, std::uint64_t sequence) {
  peer_sequence_ = std::max(peer_sequence_, sequence);
  targets_.assign(targets.begin(), targets.end());
  for (Path& path : paths_) path.claimed = false;
  const bool news = adopt_targets(now);
  if (news && !chosen_) begin_for_news(now);
}

/// Makes paths of the peer's claims, as many as kNewTargets lets; true: there are new ones.
bool PunchSession::adopt_targets(Now now) {
  bool news = false;
  for (const Endpoint& target : targets_) {
    Path* path = paths_.find({target, {}});
    if (path == nullptr) {
      if (!new_targets_.take(now.steady, kNewTargets)) continue;
      path = find_or_add(now, {target, {}});
      if (path == nullptr) continue;
      news = true;
      if (established()) path->check(now.steady, kCheckPings, kCheckSpacing);
    }
    path->claimed = true;
  }
  return news;
}

void PunchSession::begin(Now now) {
  schedule_.begin(now.steady);
  begun_ = now.steady;
}

/// The next try of a burst under way takes new candidates along by itself.
void PunchSession::begin_for_news(Now now) {
  if (!news_begun_ || now.steady - *news_begun_ >= kNewsSpacing) {
    news_begun_ = now.steady;
    return begin(now);
  }
  const bool in_burst = schedule_.next() && schedule_.tries() < kBurstTries;
  if (!in_burst) schedule_.begin(*news_begun_ + kNewsSpacing);
}

void PunchSession::set_relayed_only(Now now, bool only) {
  if (std::exchange(relayed_only_, only) == only) return;
  const bool direct = chosen_ && !chosen_path()->relay;
  if (only) stop_ports();
  if (direct) indirect_since_ = only ? std::optional(now.steady) : std::nullopt;
  choose(now);
}

void PunchSession::network_changed(Now now) {
  if (luck_) luck_->moved_at = now.steady;
  lost_ |= chosen_.has_value();  // under a new session epochs begin anew, and would not tell it
  doubt_all(now, PathCause::kOwnMove);
  begin(now);
}

void PunchSession::network_grew(Now now) {
  if (luck_) luck_->moved_at = now.steady;
  if (established()) start_checks(now);
  if (!chosen_) begin(now);
}

void PunchSession::handle_resume(Now now) {
  if (luck_) luck_->moved_at = now.steady;
  // The clock stood still: what was heard just before says no more of the peer's session.
  if (heard_) heard_ = std::min(*heard_, now.steady - kSessionDoubt);
  if (established()) start_checks(now);
  begin(now);
}

void PunchSession::record_changed(Now now) {
  record_owed_ = !send(now, RecordUpdate{context_.own_record});
}

Bytes PunchSession::handle_call(Now now, const Way& from, ReceivedCall call,
                                std::uint64_t known_sequence) {
  const Endpoint seen = from.introducer ? Endpoint{} : from.endpoint;
  history_.note(now.steady, PairEventKind::kHeardCall, PathCause::kNone, seen, from.introducer);
  Bytes frame = link_.answer(now, std::move(call), seen);
  record_owed_ = known_sequence < context_.own_sequence;
  answered_ = decltype(answered_)();
  repeat_answer(now, from, frame);
  return frame;
}

void PunchSession::repeat_answer(Now now, const Way& from, const Bytes& frame) {
  frames_.push_back({from, frame});
  std::erase_if(answered_, [&](const auto& entry) { return entry.first == from; });
  if (answered_.size() < kPathsMax) answered_.emplace_back(from, now.steady);
}

void PunchSession::handle_answer(Now now, const Way& from, ByteView payload) {
  const auto answered = link_.handle_answer(now, payload);
  if (!answered) return;
  heard_ = now.steady;
  history_.note(now.steady, PairEventKind::kAnswered, PathCause::kNone,
                from.introducer ? Endpoint{} : from.endpoint, from.introducer);
  peer_epoch_.reset();  // another run of the peer counts anew
  Path* path = find_or_add(now, from);
  // An answer's source may be forged: only where the call went can it have been read.
  if (path != nullptr && (from.introducer || path->is_worth_trying())) {
    if (!from.introducer && from.side_port == 0 && !path->relay && answered->seen != Endpoint{}) {
      seen_ = {from.endpoint, answered->seen};
    }
    estimate(*path, now.steady - called_);
    prove(now, *path);
  } else if (path != nullptr && prompted_checks_.take(now.steady, kPromptedChecks)) {
    path->check(now.steady, kStrangerPings, kCheckSpacing);
  }
  start_checks(now);
}

std::optional<PairMessage> PunchSession::handle_message(Now now, const Way& from,
                                                        ByteView payload) {
  auto received = link_.open(now, FrameType::kSession, payload);
  if (!received) return std::nullopt;
  heard_ = now.steady;
  Path* path = find_or_add(now, from);
  if (path != nullptr) path->heard = now.steady;
  if (received->confirms) confirm(now, from, path);
  if (const auto* ping = std::get_if<Ping>(&received->message)) {
    on_ping(now, from, *ping);
  } else if (const auto* pong = std::get_if<Pong>(&received->message)) {
    on_pong(now, from, *pong);
  } else {
    handle_roaming(now, from);
    return std::move(received->message);
  }
  return std::nullopt;
}

/// Whoever speaks under the new session has read the answer. If that went one way only, this way
/// carries in both directions; else this message's source, which may be forged, proves nothing.
void PunchSession::confirm(Now now, const Way& from, Path* path) {
  if (path != nullptr && answered_.size() == 1 && answered_.front().first == from) {
    estimate(*path, now.steady - answered_.front().second);
    prove(now, *path);
  }
  answered_ = decltype(answered_)();
  peer_epoch_.reset();  // another run of the peer counts anew
  start_checks(now);
}

/// What came over the tunnel proves the path better than any ping.
void PunchSession::handle_traffic(Now now, bool sent, bool received) {
  Path* path = chosen_path();
  if (path == nullptr) return;
  if (received) path->note_traffic(now.steady);
  if (received || !sent || path->due) return;
  if (path->relay && reserve() != nullptr) return path->doubt_quickly(now.steady);
  path->doubt(now.steady);
}

void PunchSession::handle_roaming(Now now, const Way& to) {
  if (!chosen_ || chosen_ == to || to.introducer) return;
  if (roamed_to_ == to && now.steady - roamed_at_ < kRoamingSpacing) return;
  roamed_to_ = to;
  roamed_at_ = now.steady;
  if (!chosen_path()->due) chosen_path()->doubt(now.steady);
  Path* path = find_or_add(now, to);
  if (path == nullptr || path->proven || path->due) return;
  if (!prompted_checks_.take(now.steady, kPromptedChecks)) return;
  path->check(now.steady, path->is_worth_trying() ? kCheckPings : kStrangerPings, kCheckSpacing);
}

bool PunchSession::wants_introducers(Now now) const {
  const auto due = schedule_.next();
  if (!due || now.steady < *due) return false;
  return direct_unlikely_ || now.steady - begun_ >= kDetourDelay;
}

void PunchSession::handle_timeout(Now now, std::span<const crypto::NodeId> introducers) {
  link_.forget_expired(now.steady);
  bool chosen_died = false;
  for (Path& path : paths_) {
    if (path.take_verdict(now.steady)) chosen_died |= chosen_ == path.way;
  }
  if (chosen_died && !fall_back(now, PathCause::kSilent)) {
    lost_ = true;
    doubt_all(now, PathCause::kSilent);
  }
  keep_reserve(now);
  release_relays(now);
  ask_loads(now);
  const auto renewal = link_.renewal();
  if (renewal && now.steady >= *renewal && !schedule_.next()) begin(now);
  if (schedule_.take(now)) call(now, introducers);
  for (Path& path : paths_) {
    if (path.due && now.steady >= *path.due) send_check(now, path);
  }
  // A relay that has closed would be asked for another port.
  if (established()) paths_.forget_dead_ends();
  send_openings(now);
  send_spray(now);
}

std::optional<TimePoint> PunchSession::next_timeout() const {
  std::optional<TimePoint> earliest = schedule_.next();
  const auto consider = [&](std::optional<TimePoint> other) {
    if (other) earliest = std::min(earliest.value_or(*other), *other);
  };
  if (!earliest) consider(link_.renewal());
  consider(paths_.next_due());
  consider(next_of_ports());
  consider(reserve_due());
  consider(release_due());
  consider(loads_due_);
  return earliest;
}

/// Where there is a session that the peer should still have, checks open NATs as well as calls.
void PunchSession::call(Now now, std::span<const crypto::NodeId> introducers) {
  adopt_targets(now);
  const auto renewal = link_.renewal();
  const bool fresh = established() && heard_ && now.steady - *heard_ < kSessionDoubt &&
                     now.steady < renewal.value_or(now.steady);
  if (fresh) {
    const bool direct = chosen_ && !chosen_path()->relay;
    if (direct) return schedule_.stop();
    // Where nothing leads to the peer, members do: nothing else can tell it of a relay.
    for (const crypto::NodeId& introducer : introducers) {
      if (!chosen_) (void)find_or_add(now, {{}, introducer});
    }
    for (Path& path : paths_) {
      if (path.proven || path.due || !path.is_worth_trying()) continue;
      path.check(now.steady, 1, kCheckSpacing);
    }
    return note_guesses_due(now);
  }
  if (context_.own_record.empty()) return;
  called_ = now.steady;
  const Bytes frame = link_.call(now, peer_sequence_, context_.own_record);
  history_.note(now.steady, PairEventKind::kCalled);
  for (const Path& path : paths_) {
    if (!path.way.introducer && path.is_worth_trying()) frames_.push_back({path.way, frame});
  }
  for (const crypto::NodeId& introducer : introducers) {
    history_.note(now.steady, PairEventKind::kCalledBy, PathCause::kNone, {}, introducer);
    frames_.push_back({{{}, introducer}, frame});
  }
}

/// A session is there: every path is tried at once.
void PunchSession::start_checks(Now now) {
  if (!indirect_since_ && !chosen_) indirect_since_ = now.steady;
  if (record_owed_) record_changed(now);
  for (Path& path : paths_) {
    if (path.due || !path.is_worth_trying()) continue;
    path.check(now.steady, path.proven ? kDoubtPings : kCheckPings,
               path.proven ? kDoubtSpacing : kCheckSpacing);
  }
}

void PunchSession::send_check(Now now, Path& path) {
  const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
  const bool use = chosen_ == path.way;
  if (path.relay) binds_.push_back({*path.relay, path.way.endpoint});
  seal_to(now, path.way, Ping{id, use, lost_, context_.epoch});
  path.note_sent(now.steady, id, use);
}

void PunchSession::on_ping(Now now, const Way& from, const Ping& ping) {
  on_epoch(now, ping.epoch);
  seal_to(now, from, Pong{ping.id, context_.epoch, from.introducer ? Endpoint{} : from.endpoint});
  if (ping.lost) on_lost(now, from);
  if (ping.use && controls_) handle_roaming(now, from);
  Path* path = paths_.find(from);
  if (path == nullptr) return;
  if (ping.use && !controls_) {
    for (Path& other : paths_) other.nominated = false;
    path->nominated = true;
  }
  if (path->relay) on_relayed_ping(now, *path);
  check_prompted(now, *path, ping);
  choose(now);
}

/// The path that the peer used died for it; if we still use that one, we should not.
void PunchSession::on_lost(Now now, const Way& from) {
  if (!chosen_ || chosen_ == from || now.steady - chosen_at_ < kLostGrace) return;
  if (!prompted_doubts_.take(now.steady, kPromptedDoubts, kPromptedDoubtTokens)) return;
  chosen_path()->proven = false;
  if (!fall_back(now, PathCause::kPeerLostIt)) doubt_all(now, PathCause::kPeerLostIt);
}

/// A ping over a path that is not proven here has it checked at once. One over the chosen path that
/// does not say "use" is from a follower that has not heard of the choice.
void PunchSession::check_prompted(Now now, Path& path, const Ping& ping) {
  const bool untold = controls_ && chosen_ == path.way && !ping.use;
  if (path.due || (path.proven && !untold)) return;
  if (!prompted_checks_.take(now.steady, kPromptedChecks)) return;
  if (path.proven) return path.check(now.steady, kDoubtPings, kDoubtSpacing);
  const int pings = path.is_worth_trying() ? kCheckPings : kStrangerPings;
  path.check(now.steady, pings, kCheckSpacing);
}

void PunchSession::on_pong(Now now, const Way& from, const Pong& pong) {
  on_epoch(now, pong.epoch);
  Path* path = paths_.find(from);
  if (path == nullptr) return;
  auto sent = note_probe(now, from, pong.id);
  if (const Check* check = path->find_check(pong.id); check != nullptr) {
    sent = check->sent;
    path->told |= check->use;
  }
  if (!sent) sent = guess_sent_at(from, pong.id);
  if (!sent) return;
  // Through a relay the peer sees the relay; a side port's mapping is not WireGuard's.
  if (pong.seen != Endpoint{} && !from.introducer && from.side_port == 0 && !path->relay) {
    seen_ = {from.endpoint, pong.seen};
  }
  path->note_answer(now.steady - *sent);
  prove(now, *path);
  // The check may have begun before the choice: then the peer has not heard of that yet.
  const bool untold = controls_ && chosen_ == path->way && !path->told;
  if (untold && !path->due) path->check(now.steady, kCheckPings, kCheckSpacing);
}

/// The peer's own addresses changed: what was proven before may lead nowhere.
void PunchSession::on_epoch(Now now, std::uint8_t epoch) {
  if (!peer_epoch_) {
    peer_epoch_ = epoch;
    return;
  }
  // Epochs wrap, and messages overtake each other: an older one is no news.
  if (static_cast<std::int8_t>(epoch - *peer_epoch_) <= 0) return;
  // Not noted if too many came in a row: the next message says it again.
  if (!prompted_doubts_.take(now.steady, kPromptedDoubts, kPromptedDoubtTokens)) return;
  peer_epoch_ = epoch;
  if (luck_) luck_->moved_at = now.steady;
  doubt_all(now, PathCause::kPeerMove);
}

/// A handshake's round trip: the call may have been an earlier one.
void PunchSession::estimate(Path& path, Duration rtt) {
  if (!path.measured) path.rtt = rtt;
}

void PunchSession::prove(Now now, Path& path) {
  if (!path.proven && !path.way.introducer) {
    history_.note(now.steady, PairEventKind::kPathProven, PathCause::kNone, path.way.endpoint,
                  path.relay);
  }
  path.proven = path.answered = true;
  path.heard = now.steady;
  choose(now);
  if (record_owed_) record_changed(now);
}

/// Nothing is certain any more: all paths are tried anew, and the first that answers is taken.
void PunchSession::doubt_all(Now now, PathCause cause) {
  note_loss(now, cause);
  const bool had_path = chosen_.has_value();
  if (had_path) choice_changed_ = true;
  chosen_.reset();
  restart_guesses(now);
  for (Path& path : paths_) {
    path.proven = path.nominated = false;
    if (established() && path.is_worth_trying()) path.check(now.steady, kCheckPings, kCheckSpacing);
  }
  if (!indirect_since_) indirect_since_ = now.steady;
  if (had_path || !schedule_.next()) begin(now);
}

bool PunchSession::may_use(const Path& path) const {
  if (relayed_only_ && !path.relay) return false;
  return path.proven && !path.way.introducer && (controls_ || path.nominated);
}

void PunchSession::choose(Now now, PathCause if_none) {
  Path* current = chosen_path();
  if (current != nullptr && !may_use(*current)) current = nullptr;
  Path* best = current;
  for (Path& path : paths_) {
    if (!may_use(path) || (current != nullptr && !is_comparable(path, *current))) continue;
    if (best == nullptr || is_better_path(quality(path), quality(*best))) best = &path;
  }
  if (best == nullptr || best == current) return;
  // "Better" is no order among three, as noise adds up: the best must beat the current one itself.
  if (current != nullptr && !is_worth_choosing(now, *best, *current)) return;
  choose(now, best, cause_for(*best, current, if_none));
}

void PunchSession::choose(Now now, Path* path, PathCause cause) {
  history_.note(now.steady, PairEventKind::kPathChosen, cause, path->way.endpoint, path->relay);
  context_.tally.note(cause);
  chosen_ = path->way;
  chosen_at_ = now.steady;
  path->told = false;
  choice_changed_ = true;
  lost_ = false;
  loads_due_.reset();
  if (path->relay && controls_) loads_due_ = schedule_.next_beat(now, kLoadSpacing);
  if (!path->relay) {
    indirect_since_.reset();
    note_met_port();
    stop_ports();
    const auto renewal = link_.renewal();
    if (!renewal || now.steady < *renewal) schedule_.stop();  // else the calls go on: they renew
  }
  if (controls_ && !path->due) path->check(now.steady, kCheckPings, kCheckSpacing);  // tells
}

bool PunchSession::send_straight(Now now, const PairMessage& message) {
  const Path* path = best_way(true);
  if (path == nullptr || !established()) return false;
  seal_to(now, path->way, message);
  return true;
}

bool PunchSession::send(Now now, const PairMessage& message) {
  const Path* path = best_way(false);
  if (path == nullptr || !established()) return false;
  seal_to(now, path->way, message);
  return true;
}

void PunchSession::seal_to(Now now, const Way& way, const PairMessage& message) {
  if (auto frame = link_.seal(now, FrameType::kSession, message))
    frames_.push_back({way, std::move(*frame)});
}

std::optional<OutgoingFrame> PunchSession::poll_frame() {
  return take_front(frames_);
}

bool PunchSession::poll_choice() {
  return std::exchange(choice_changed_, false);
}

std::optional<PunchSession::Seen> PunchSession::poll_seen() {
  return std::exchange(seen_, std::nullopt);
}

std::optional<ChosenPath> PunchSession::chosen() const {
  const Path* path = chosen_path();
  if (path == nullptr) return std::nullopt;
  return ChosenPath{path->way.endpoint, quality(*path), path->relay, path->way.side_port};
}

std::optional<TimePoint> PunchSession::indirect_since() const {
  return established() ? indirect_since_ : std::nullopt;
}

std::optional<Duration> PunchSession::direct_rtt() const {
  const Path* path = chosen_path();
  return path == nullptr || path->relay ? std::nullopt : std::optional(path->rtt);
}

Path* PunchSession::find_or_add(Now now, const Way& way) {
  Path* path = paths_.find_or_add(now.steady, way, chosen_);
  // What comes to a side port from where it was opened to leads to the peer's claim as well.
  if (path != nullptr && opened_towards(way)) path->claimed = true;
  return path;
}

Path* PunchSession::chosen_path() {
  return chosen_ ? paths_.find(*chosen_) : nullptr;
}

const Path* PunchSession::chosen_path() const {
  return chosen_ ? paths_.find(*chosen_) : nullptr;
}

/// The chosen path, else the one that was heard from last. `straight`: without introducers.
const Path* PunchSession::best_way(bool straight) const {
  const Path* path = chosen_path();
  return path != nullptr ? path : paths_.last_heard(straight);
}

PathQuality PunchSession::quality(const Path& path) const {
  const IpAddress& address = path.way.endpoint.address;
  const bool on_link = std::ranges::any_of(context_.addresses, [&](const LocalAddress& local) {
    return local.prefix.contains(address);
  });
  return {path.proven, path.relay.has_value(), on_link, address.is_v6(), path.rtt, path.load};
}

}  // namespace kadwire::rendezvous
