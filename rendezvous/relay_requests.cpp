#include "rendezvous/relay_requests.h"

#include <algorithm>
#include <utility>

namespace kadwire::rendezvous {

void RelayRequests::add(TimePoint now, const crypto::NodeId& relay) {
  settle(relay);
  if (requests_.size() == kRelaysAwaitedMax) requests_.erase(requests_.begin());
  requests_.push_back({.relay = relay, .asked = now, .due = now + kRelayRequestSpacing});
}

bool RelayRequests::note_answer(const crypto::NodeId& relay) {
  const auto request = std::ranges::find(requests_, relay, &Request::relay);
  return request != requests_.end() && !std::exchange(request->answered, true);
}

void RelayRequests::settle(const crypto::NodeId& relay) {
  std::erase_if(requests_, [&](const Request& request) { return request.relay == relay; });
}

bool RelayRequests::is_under_way(TimePoint now, const crypto::NodeId& relay) const {
  const auto request = std::ranges::find(requests_, relay, &Request::relay);
  return request != requests_.end() && now - request->asked < kRelayRequestTime;
}

std::optional<RelayRequests::Repeat> RelayRequests::take(TimePoint now) {
  for (Request& request : requests_) {
    if (!request.due || now < *request.due) continue;
    const Repeat repeat{request.relay, !request.answered};
    request.due = now + kRelayRequestSpacing * (1 << request.said);
    // Asked often enough; the answer may still come.
    if (++request.said == kRelayRequestsMax) request.due.reset();
    return repeat;
  }
  return std::nullopt;
}

std::optional<TimePoint> RelayRequests::next() const {
  std::optional<TimePoint> earliest;
  for (const Request& request : requests_) {
    if (request.due) earliest = std::min(earliest.value_or(*request.due), *request.due);
  }
  return earliest;
}

}  // namespace kadwire::rendezvous
