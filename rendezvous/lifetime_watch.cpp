#include "rendezvous/lifetime_watch.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// Looks that have to agree before a mapping counts as gone.
constexpr int kGoneLooks = 2;

}  // namespace

void LifetimeWatch::restart(TimePoint now, std::span<const Endpoint> servers) {
  servers_.assign(servers.begin(), servers.end());
  surveyed_.clear();
  known_ = {};
  settled_ = false;
  retry_ = kLifetimeRetry;
  probe_.reset();
  survey_at_.reset();
  if (!servers_.empty()) survey_at_ = now + kLifetimeSettle;
}

void LifetimeWatch::set_servers(TimePoint now, std::span<const Endpoint> servers) {
  servers_.assign(servers.begin(), servers.end());
  if (servers_.empty()) {
    probe_.reset();
    survey_at_.reset();
    return;
  }
  if (probe_) return;
  const bool hope = std::ranges::any_of(servers_, [&](const auto& each) { return is_news(each); });
  if (survey_at_ && (decided() || !hope)) return;
  survey_at_ = std::min(survey_at_.value_or(TimePoint::max()), now + kLifetimeSettle);
}

/// The last survey did not ask it.
bool LifetimeWatch::is_news(const Endpoint& server) const {
  return std::ranges::find(surveyed_, server) == surveyed_.end();
}

bool LifetimeWatch::handle_datagram(TimePoint now, LifetimePort port, const Endpoint& from,
                                    ByteView datagram) {
  if (!probe_ || !probe_->handle_datagram(now, port, from, datagram)) return false;
  follow(now);
  return true;
}

void LifetimeWatch::handle_timeout(TimePoint now) {
  if (probe_) {
    probe_->handle_timeout(now);
    follow(now);
  } else if (survey_at_ && now >= *survey_at_) {
    begin(now);
  }
}

std::optional<TimePoint> LifetimeWatch::next_timeout() const {
  return probe_ ? probe_->next_timeout() : survey_at_;
}

std::optional<Transmit> LifetimeWatch::poll_transmit(LifetimePort port) {
  return probe_ ? probe_->poll_transmit(port) : std::nullopt;
}

void LifetimeWatch::begin(TimePoint now) {
  survey_at_.reset();
  surveyed_ = servers_;
  alive_below_ = 0;
  gone_from_ = kLifetimeLadder.size();
  rung_ = kLifetimeFirstRung;
  server_ = 0;
  gone_ = losses_ = looks_ = 0;
  look(now);
}

void LifetimeWatch::look(TimePoint now) {
  ++looks_;
  probe_.emplace(surveyed_[server_], kLifetimeLadder[rung_], random_, now);
}

void LifetimeWatch::follow(TimePoint now) {
  if (!probe_->finished()) return;
  judge(probe_->verdict());
  probe_.reset();
  learn();
  const bool no_more = server_ == surveyed_.size() || looks_ == kLifetimeLooksMax;
  if (decided() || no_more) return end(now);
  look(now);
}

void LifetimeWatch::judge(LifetimeVerdict verdict) {
  switch (verdict) {
    case LifetimeVerdict::kAlive:
      alive_below_ = rung_ + 1;
      break;
    case LifetimeVerdict::kGone:
      if (++gone_ < kGoneLooks) return;
      gone_from_ = rung_;
      break;
    case LifetimeVerdict::kUnanswered:
    case LifetimeVerdict::kUnsupported:
      return try_next_server();
    case LifetimeVerdict::kUnknown:
      if (++losses_ == kLifetimeLossesMax) try_next_server();
      return;
  }
  gone_ = losses_ = 0;
  rung_ = next_rung();
}

void LifetimeWatch::try_next_server() {
  ++server_;
  gone_ = losses_ = 0;
}

/// In the middle of what is open.
std::size_t LifetimeWatch::next_rung() const {
  return alive_below_ + (gone_from_ - alive_below_) / 2;
}

/// A first survey's bounds count as they come. What an earlier one settled stays until this one is
/// decided, or finds it to be too much.
void LifetimeWatch::learn() {
  BindingLifetime found;
  if (alive_below_ > 0) found.at_least = kLifetimeLadder[alive_below_ - 1];
  if (gone_from_ < kLifetimeLadder.size()) found.at_most = kLifetimeLadder[gone_from_];
  const bool too_much =
      settled_ && known_.at_least && found.at_most <= known_.at_least && found.at_most.has_value();
  settled_ = decided() || (settled_ && !too_much);
  if (decided() || !settled_) known_ = found;
}

void LifetimeWatch::end(TimePoint now) {
  survey_at_ = now + (decided() ? kLifetimeRecheck : retry_);
  retry_ = decided() ? kLifetimeRetry : std::min(2 * retry_, kLifetimeRecheck);
}

}  // namespace kadwire::rendezvous
