/// PunchSession's dealings with relays: the paths that lead through one, the one in reserve, and
/// letting them go once a direct path has lasted.

#include <algorithm>

#include "node/base/queue.h"
#include "rendezvous/punch_session.h"

namespace kadwire::rendezvous {

void PunchSession::add_relayed(Now now, const Endpoint& endpoint, const crypto::NodeId& relay) {
  Path* path = paths_.add_relayed(now.steady, endpoint, relay, chosen_);
  if (path == nullptr || path->proven || path->due) return;
  if (!established()) return binds_.push_back({relay, endpoint});
  path->check(now.steady, kCheckPings, kCheckSpacing);
}

/// A relay hears nothing from an end before that has echoed a number, and sends nothing to the
/// other before that has: a ping that came through tells that both ways are open, a round trip
/// before the pong to ours does. What was said too early is said again at once, and that is timed;
/// until then the same member's round trip as an introducer is the best guess.
void PunchSession::on_relayed_ping(Now now, Path& path) {
  if (path.proven || path.pending.empty()) return;
  if (path.due && path.checks_left > 0) path.due = now.steady;
  const Path* detour = paths_.find({{}, path.relay});
  const bool timed = detour != nullptr && detour->proven;
  estimate(path, timed ? detour->rtt : now.steady - path.pending.front().sent);
  prove(now, path);
}

std::optional<TimePoint> PunchSession::relay_due() const {
  const auto since = indirect_since();
  if (!since || direct_unlikely_) return since;
  return *since + kRelayDelay;
}

void PunchSession::forget_member(const crypto::NodeId& node) {
  paths_.forget_member(node, chosen_);
}

/// Another relay that may be used, when WireGuard uses one; nullptr: none.
const Path* PunchSession::reserve() const {
  const Path* chosen = chosen_path();
  if (chosen == nullptr || !chosen->relay) return nullptr;
  const auto found = std::ranges::find_if(paths_, [&](const Path& path) {
    return path.relay && path.proven && !(path.way == chosen->way);
  });
  return found == paths_.end() ? nullptr : &*found;
}

/// From a relay that died to the one in reserve, without a round trip. The side that follows has no
/// say in this: it lets the other know.
bool PunchSession::fall_back(Now now, PathCause cause) {
  const Path* next = reserve();
  if (next == nullptr || !controls_) return false;
  note_loss(now, cause);
  chosen_.reset();
  choose(now, PathCause::kReserve);
  return true;
}

std::optional<TimePoint> PunchSession::reserve_due() const {
  const Path* path = controls_ ? reserve() : nullptr;
  if (path == nullptr || path->due) return std::nullopt;
  return path->heard + kReserveSpacing;
}

std::optional<TimePoint> PunchSession::release_due() const {
  const Path* path = chosen_path();
  const bool direct = path != nullptr && !path->relay && !relayed_only_;
  if (!direct || paths_.relays().empty()) return std::nullopt;
  return std::min(std::max(chosen_at_, relay_used_) + kReleaseDelay, chosen_at_ + kReleaseDelayMax);
}

void PunchSession::release_relays(Now now) {
  const auto due = release_due();
  if (!due || now.steady < *due) return;
  for (const crypto::NodeId& relay : paths_.relays()) releases_.push_back(relay);
  paths_.forget_relays();
  choice_changed_ = true;  // WireGuard may still be using one, if the tunnel carries much
}

void PunchSession::keep_reserve(Now now) {
  const auto due = reserve_due();
  if (!due || now.steady < *due) return;
  paths_.find(reserve()->way)->check(now.steady, kDoubtPings, kDoubtSpacing);
}

void PunchSession::note_relay_load(Now now, const crypto::NodeId& relay, std::uint8_t load) {
  for (Path& path : paths_) {
    if (path.relay != relay || !std::exchange(path.load_awaited, false)) continue;
    path.load = load;
    path.load_said = now.steady;
  }
  choose(now);
}

/// Both are asked at once, so that nobody moves to one because it had room some minutes ago. Where
/// there is no other relay nothing can be chosen, and nobody is asked.
void PunchSession::ask_loads(Now now) {
  if (!loads_due_ || now.steady < *loads_due_) return;
  loads_due_ = schedule_.next_beat(now, kLoadSpacing);
  const Path* other = reserve();
  if (other == nullptr) return;
  for (Path* path : {chosen_path(), paths_.find(other->way)}) {
    path->load_awaited = true;
    load_questions_.push_back(*path->relay);
  }
}

/// A tunnel that has just begun takes the best of what answers; one that has settled stays.
bool PunchSession::is_worth_choosing(Now now, const Path& path, const Path& current) const {
  if (now.steady - chosen_at_ < kRelaySettling) {
    return is_better_path(quality(path), quality(current));
  }
  const TimePoint said = std::min(path.load_said, current.load_said);
  return is_worth_moving(quality(path), quality(current), now.steady - said < kLoadNews);
}

std::optional<crypto::NodeId> PunchSession::poll_load_question() {
  return take_front(load_questions_);
}

std::optional<Bytes> PunchSession::seal_bind(Now now, const PairMessage& message) {
  return link_.seal(now, FrameType::kBind, message);
}

std::optional<PairMessage> PunchSession::open_bind(Now now, ByteView payload) {
  auto received = link_.open(now, FrameType::kBind, payload);
  if (!received) return std::nullopt;
  heard_ = now.steady;
  if (received->confirms) start_checks(now);
  return std::move(received->message);
}

bool PunchSession::handle_challenge(Now now, const Way& from, const crypto::NodeId& relay) {
  Path* path = paths_.find(from);
  if (path == nullptr || path->relay != relay) return false;
  if (path->due && path->checks_left > 0) path->due = now.steady;
  return true;
}

std::optional<PunchSession::Bind> PunchSession::poll_bind() {
  return take_front(binds_);
}

std::optional<crypto::NodeId> PunchSession::poll_release() {
  return take_front(releases_);
}

}  // namespace kadwire::rendezvous
