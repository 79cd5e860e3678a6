#include "rendezvous/pair_history.h"

#include <algorithm>
#include <limits>

namespace kadwire::rendezvous {
namespace {

ByteArray<kMemberBytes> head_of(const crypto::NodeId& node) {
  return *to_array<kMemberBytes>(ByteView(node.bytes).first(kMemberBytes));
}

bool ends_episode(const PairEvent& event) {
  return event.kind == PairEventKind::kPathChosen || event.kind == PairEventKind::kPathLost;
}

bool same_but_for_time(const PairEvent& a, const PairEvent& b) {
  return a.kind == b.kind && a.cause == b.cause && a.port == b.port && a.address == b.address &&
         a.member == b.member;
}

}  // namespace

std::optional<Endpoint> PairEvent::endpoint() const {
  return port == 0 ? std::nullopt : std::optional(Endpoint{address, port});
}

bool PairEvent::is_through(const crypto::NodeId& node) const {
  return member == head_of(node);
}

void PairHistory::note(TimePoint now, PairEventKind kind, PathCause cause, const Endpoint& endpoint,
                       const std::optional<crypto::NodeId>& through) {
  PairEvent event{
      .at = now, .kind = kind, .cause = cause, .port = endpoint.port, .address = endpoint.address};
  if (through) event.member = head_of(*through);
  for (auto known = events_.rbegin(); known != events_.rend() && !ends_episode(*known); ++known) {
    if (!same_but_for_time(*known, event)) continue;
    const int count = std::min(known->count + 1, int{std::numeric_limits<std::uint16_t>::max()});
    event.count = static_cast<std::uint16_t>(count);
    events_.erase(std::next(known).base());
    break;
  }
  events_.reserve(kPairEventsMax);  // once, and not a power of two
  if (events_.size() == kPairEventsMax) events_.erase(events_.begin());
  events_.push_back(event);
}

const PairEvent* PairHistory::last(PairEventKind kind) const {
  const auto found = std::find_if(events_.rbegin(), events_.rend(),
                                  [&](const PairEvent& event) { return event.kind == kind; });
  return found == events_.rend() ? nullptr : &*found;
}

}  // namespace kadwire::rendezvous
