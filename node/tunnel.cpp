#include "node/tunnel.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kadwire::node {
namespace {

/// A relay that was left stays for 10 s (rendezvous/punch_session.h), and longer where WireGuard is
/// seen to use it; which may be for some milliseconds now and then, so that is looked at often.
constexpr Duration kLeavingRelay = 12s;
/// WireGuard's REJECT_AFTER_TIME (white paper, §6.1): no session under which something came longer
/// ago is good any more. A peer that slept meanwhile still believes in it, and does not dial.
constexpr Duration kSessionMax = 180s;

}  // namespace

Tunnel::Tunnel(TimePoint now, Role role, bool resume)
    : role_(role),
      next_dial_(role == Role::kInitiator || resume ? now : now + kResponderPatience),
      next_status_(now),
      resume_(resume) {}

void Tunnel::set_candidates(TimePoint now, std::vector<Endpoint> candidates) {
  if (candidates == candidates_) return;
  const bool first = candidates_.empty();
  candidates_ = std::move(candidates);
  path_.reset();
  if (up()) return;
  spacing_ = spacing_first_;
  if (role_ == Role::kInitiator && !first) next_dial_ = now;
  // With no attempt under way there is nothing to wait for.
  next_status_ = std::min(next_status_, first ? now : now + spacing_);
}

void Tunnel::set_path(TimePoint now, const Path& path) {
  candidates_ = {path.endpoint};
  if (path.relayed) {
    left_relay_.reset();
  } else if (path_ && path_->relayed) {
    left_relay_ = path_->endpoint;
  }
  path_ = path;
  path_set_ = now;
  last_good_.reset();
  // A response needs a round trip, and its renewal would throw it away.
  spacing_first_ = std::max(kDialSpacingFirst, 2 * path.rtt + kDialSpacingFirst / 2);
  if (up()) {
    next_status_ = std::min(next_status_, now + kMovingPoll);
    return;
  }
  spacing_ = spacing_first_;
  next_dial_ = now;
  if (role_ == Role::kResponder) {
    // The initiator's packet comes with its word of the path: what a dial would cross.
    const bool outlived = heard_at_ && now - *heard_at_ > kSessionMax;
    next_dial_ += resume_    ? spacing_first_
                  : outlived ? spacing_first_ + kNudgeAfter  // it dials if it knows that it slept
                             : kResponderPatience;
    looked_at_ = true;  // so it is looked first whether that handshake has come about
  }
  next_status_ = std::min(next_status_, next_dial_);
}

Tunnel::Traffic Tunnel::handle_status(TimePoint now, const PeerStatus* status) {
  looked_at_ = true;
  const bool shaken =
      status != nullptr && status->last_handshake && status->last_handshake != last_handshake_;
  Traffic traffic = status != nullptr ? count(now, *status) : Traffic{};
  // What the first status after a suspension shows, handshakes too, may have been before it.
  const bool old = std::exchange(slept_, false);
  if (old) traffic = {};
  // A session outlives a silence: data under it is as good as a new handshake.
  if ((shaken && !old) || ((up() || fell_silent_) && traffic.received)) rise(now, *status);
  if (up() && now - *heard_at_ > kSilenceMax) fall_silent(now);

  const bool waits = role_ == Role::kResponder || candidates_.empty();
  next_status_ = now + (up()    ? poll_spacing(now)
                        : waits ? std::min(spacing_, kWaitingPollLast)
                                : spacing_);
  if (up() && overdue() > now) next_status_ = std::min(next_status_, overdue());
  if (!up() && waits) spacing_ = std::min(spacing_ * 3 / 2, kDialSpacingLast);
  if (!up() && !candidates_.empty()) next_status_ = std::min(next_status_, next_dial_);
  return up() ? traffic : Traffic{};
}

/// What passed since the last status.
Tunnel::Traffic Tunnel::count(TimePoint now, const PeerStatus& status) {
  const bool sent = status.tx_bytes > last_tx_bytes_;
  const bool received = status.rx_bytes > last_rx_bytes_;
  const std::uint64_t sent_bytes = sent ? status.tx_bytes - last_tx_bytes_ : 0;
  Traffic traffic{.sent = wants_answer(now, sent_bytes, received), .received = received};
  if (sent) sent_after_ = std::max(sent_after_, seen_at_);
  seen_at_ = now;
  const std::uint64_t quiet = in_use(now) ? kQuietBytesMax : kIdleBytesMax;
  if (status.rx_bytes > last_rx_bytes_ + quiet || status.tx_bytes > last_tx_bytes_ + quiet) {
    used_at_ = now;
  }
  if (in_use(now) && status.rx_bytes > last_rx_bytes_ + kQuietBytesMax) came_at_ = now;
  traffic.fell_quiet = falls_quiet(now, traffic);
  unanswered_ = sent && !received;
  doubted_ = traffic.sent && !received;
  sends_to_ = status.endpoint;
  if (path_ && sends_to_ != path_->endpoint) strayed_ = now;
  traffic.on_left_relay = on_left_relay();
  if (has_roamed(now)) traffic.roamed_to = sends_to_;
  last_handshake_ = status.last_handshake;
  last_rx_bytes_ = status.rx_bytes;
  last_tx_bytes_ = status.tx_bytes;
  return traffic;
}

/// Keepalives of both sides cross, or do not: a lone one asks for nothing while the other side's
/// come.
bool Tunnel::wants_answer(TimePoint now, std::uint64_t sent_bytes, bool received) {
  if (received) asked_ = false;
  if (received || sent_bytes > kKeepaliveBytes) return sent_bytes > 0;
  asked_ |= sent_bytes > 0;
  if (!asked_ || (heard_at_ && now - *heard_at_ < kHeardLately)) return false;
  asked_ = false;
  return true;
}

bool Tunnel::falls_quiet(TimePoint now, const Traffic& traffic) {
  if (!came_at_ || traffic.received || now - *came_at_ < kHush) return false;
  came_at_.reset();
  return !traffic.sent && path_ && !path_->relayed;
}

Duration Tunnel::poll_spacing(TimePoint now) const {
  if (unconfirmed()) return std::max(next_nudge_ - now, Duration(kMovingPoll));
  const bool moving = path_ && now - path_set_ < kMoving;
  // One keepalive of the old path leads an idle tunnel back for as long as it is idle.
  if (!in_use(now) && !doubted_) return moving ? kActivePoll : kUpPoll;
  if (moving && on_left_relay()) return kStrayPoll;
  if (left_relay_ && now - path_set_ < kLeavingRelay) return kMovingPoll;
  if (moving && now - std::max(path_set_, strayed_) < kMoved) return kMovingPoll;
  return path_ && path_->relayed ? kRelayedPoll : kActivePoll;
}

std::optional<Endpoint> Tunnel::astray(TimePoint now) const {
  if (!up() || !path_ || !sends_to_ || *sends_to_ == path_->endpoint) return std::nullopt;
  if (now - path_set_ >= kMoving && !unanswered_ && !on_left_relay()) return std::nullopt;
  return path_->endpoint;
}

bool Tunnel::on_left_relay() const {
  return left_relay_ && sends_to_ == left_relay_;
}

bool Tunnel::has_roamed(TimePoint now) const {
  return path_ && sends_to_ && *sends_to_ != path_->endpoint && now - path_set_ >= kMoving &&
         !on_left_relay();
}

bool Tunnel::unconfirmed() const {
  return up() && nudges_left_ > 0 && last_rx_bytes_ <= kResponseBytes;
}

bool Tunnel::take_nudge(TimePoint now) {
  if (up() && now >= overdue()) {
    sent_after_ = now;
    return true;
  }
  if (!unconfirmed() || now < next_nudge_) return false;
  --nudges_left_;
  next_nudge_ = now + kNudgeAfter * (1 << (kNudgesMax - nudges_left_));
  if (unconfirmed()) next_status_ = next_nudge_;
  return true;
}

bool Tunnel::in_use(TimePoint now) const {
  return used_at_ && now - *used_at_ < kQuietAfter;
}

bool Tunnel::may_dial_unseen(TimePoint now) const {
  return !looked_at_ && !up() && !candidates_.empty() && now >= next_dial_;
}

std::optional<Endpoint> Tunnel::dial(TimePoint now, RandomSource& random) {
  if (up() || candidates_.empty() || now < next_dial_) return std::nullopt;
  std::vector<Endpoint> targets = candidates_;
  if (last_good_ && !std::ranges::count(targets, *last_good_)) targets.push_back(*last_good_);
  const Endpoint target = targets[dials_ % targets.size()];
  ++dials_;
  fell_silent_ = false;
  resume_ = false;
  looked_at_ = true;
  state_ = State::kDialling;
  // Jitter keeps two sides that both dial from crossing again and again.
  const Duration spacing = random_between(random, spacing_ * 9 / 10, spacing_ * 11 / 10);
  next_dial_ = now + (role_ == Role::kInitiator ? spacing : std::max(spacing, kResponderPatience));
  next_status_ = now + spacing;
  spacing_ = std::min(spacing_ * 3 / 2, kDialSpacingLast);
  last_handshake_.reset();  // a renewed peer starts from nothing
  last_rx_bytes_ = last_tx_bytes_ = 0;
  return target;
}

void Tunnel::handle_resume(TimePoint now, Duration asleep) {
  slept_ = true;
  if (!up()) return dial_soon(now);
  *heard_at_ -= asleep;
  if (now - *heard_at_ > kSilenceMax) fall_silent(now);
  next_status_ = now;
}

void Tunnel::reset(TimePoint now) {
  state_ = State::kWaiting;
  dials_ = 0;
  looked_at_ = fell_silent_ = false;
  spacing_ = spacing_first_;
  next_dial_ = next_status_ = now;
  last_handshake_.reset();
  last_rx_bytes_ = last_tx_bytes_ = 0;
}

void Tunnel::dial_soon(TimePoint now) {
  spacing_ = spacing_first_;
  next_dial_ = next_status_ = now;
}

std::chrono::seconds Tunnel::keepalive() const {
  return up() || dials_ > 0 ? keepalive_ : std::chrono::seconds(0);
}

void Tunnel::rise(TimePoint now, const PeerStatus& status) {
  if (state_ == State::kDialling) {
    nudges_left_ = kNudgesMax;
    next_nudge_ = now + kNudgeAfter;
  }
  if (!up()) sent_after_ = now;  // the handshake took a packet of this side
  state_ = State::kUp;
  heard_at_ = now;
  fell_silent_ = false;
  if (status.endpoint) last_good_ = status.endpoint;
  spacing_ = spacing_first_;
}

void Tunnel::fall_silent(TimePoint now) {
  fell_silent_ = true;
  state_ = State::kWaiting;
  next_dial_ = role_ == Role::kInitiator ? now : now + kResponderPatience;
}

}  // namespace kadwire::node
