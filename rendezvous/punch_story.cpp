/// What PunchSession has for people: the causes in its history, and pings that somebody asked for.

#include <algorithm>

#include "rendezvous/punch_session.h"

namespace kadwire::rendezvous {

bool PunchSession::probe(Now now) {
  probes_.clear();
  if (!established()) return false;
  for (const Path& path : paths_) {
    if (path.way.introducer || !path.is_worth_trying()) continue;
    const auto id = static_cast<std::uint32_t>(random_u64(context_.link.random));
    if (path.relay) binds_.push_back({*path.relay, path.way.endpoint});
    seal_to(now, path.way, Ping{id, chosen_ == path.way, lost_, context_.epoch});
    probes_.push_back({path.way, path.relay, id, now.steady, {}});
  }
  return true;
}

/// When the probe was sent that this pong is for; nullopt: it is for none.
std::optional<TimePoint> PunchSession::note_probe(Now now, const Way& from, std::uint32_t id) {
  const auto probe = std::ranges::find_if(
      probes_, [&](const Probe& each) { return each.id == id && each.way == from; });
  if (probe == probes_.end()) return std::nullopt;
  if (!probe->rtt) probe->rtt = now.steady - probe->sent;
  return probe->sent;
}

/// Why this path is better than the one before; `before` is nullptr if there is none that could be
/// kept.
PathCause PunchSession::cause_for(const Path& path, const Path* before, PathCause if_none) const {
  if (!controls_) return PathCause::kPeerChose;
  if (relayed_only_ && chosen_ && !chosen_path()->relay) return PathCause::kOperator;
  if (before == nullptr) return chosen_ ? PathCause::kRepeated : if_none;
  if (before->relay && !path.relay) return PathCause::kDirect;
  const bool faster =
      is_better_path({.proven = true, .rtt = path.rtt}, {.proven = true, .rtt = before->rtt});
  if (faster) return PathCause::kFaster;
  // For its load's sake, if that makes the difference.
  const auto of = [](const Path& each) {
    return PathQuality{.proven = true, .relayed = true, .rtt = each.rtt, .load = each.load};
  };
  return path.relay && is_better_path(of(path), of(*before)) ? PathCause::kRoomier
                                                             : PathCause::kPreferred;
}

void PunchSession::note_loss(Now now, PathCause cause) {
  const Path* lost = chosen_path();
  if (lost == nullptr) return;
  history_.note(now.steady, PairEventKind::kPathLost, cause, lost->way.endpoint, lost->relay);
  context_.tally.note(cause);
}

}  // namespace kadwire::rendezvous
