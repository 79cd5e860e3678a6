#include "rendezvous/filtering_watch.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// Of two servers' findings about one port the one that proves more is right.
int weight(FilteringBehavior filtering) {
  switch (filtering) {
    case FilteringBehavior::kUnknown:
      break;
    case FilteringBehavior::kAddressAndPortDependent:
      return 1;
    case FilteringBehavior::kPortIndependent:
      return 2;
    case FilteringBehavior::kAddressDependent:
      return 3;
    case FilteringBehavior::kEndpointIndependent:
      return 4;
  }
  return 0;
}

}  // namespace

void FilteringWatch::restart(std::span<const Endpoint> asked) {
  ipv4_ = {};
  ipv6_ = {};
  set_asked(asked);
}

void FilteringWatch::set_asked(std::span<const Endpoint> asked) {
  sent_to_.clear();
  for (const Endpoint& server : asked) sent_to_.push_back(server.address);
  for (Family* family : {&ipv4_, &ipv6_}) {
    std::erase_if(family->servers,
                  [&](const Endpoint& server) { return std::ranges::count(asked, server) == 0; });
  }
}

void FilteringWatch::server_answers(TimePoint now, const Endpoint& server) {
  Family& family = of(server.address.family());
  if (std::ranges::count(family.servers, server) > 0) return;
  family.servers.push_back(server);
  const bool first = family.servers.size() == 1;
  const bool undecided = !family.probe && family.known == FilteringBehavior::kUnknown;
  if (first || undecided) look(now, family);
}

void FilteringWatch::look_again(TimePoint now) {
  for (Family* family : {&ipv4_, &ipv6_}) {
    family->probe.reset();
    family->survey_at = now + kFilteringSettle;
  }
}

bool FilteringWatch::handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram) {
  Family& family = of(from.address.family());
  if (!family.probe || !family.probe->handle_datagram(now, from, datagram)) return false;
  follow(now, family);
  return true;
}

void FilteringWatch::handle_timeout(TimePoint now) {
  for (Family* family : {&ipv4_, &ipv6_}) {
    if (family->probe) {
      family->probe->handle_timeout(now);
      follow(now, *family);
    } else if (family->survey_at && now >= *family->survey_at) {
      family->next_server = 0;
      look(now, *family);
    }
  }
}

std::optional<TimePoint> FilteringWatch::next_timeout() const {
  std::optional<TimePoint> next;
  for (const Family* family : {&ipv4_, &ipv6_}) {
    const auto due = family->probe ? family->probe->next_timeout() : family->survey_at;
    if (due) next = std::min(next.value_or(*due), *due);
  }
  return next;
}

std::optional<Transmit> FilteringWatch::poll_transmit() {
  for (Family* family : {&ipv4_, &ipv6_}) {
    if (!family->probe) continue;
    if (auto transmit = family->probe->poll_transmit()) return transmit;
  }
  return std::nullopt;
}

FilteringBehavior FilteringWatch::behavior(AddressFamily family) const {
  return family == AddressFamily::kIpv4 ? ipv4_.known : ipv6_.known;
}

FilteringWatch::Family& FilteringWatch::of(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? ipv4_ : ipv6_;
}

/// At the next server; the first begins a survey.
void FilteringWatch::look(TimePoint now, Family& family) {
  if (family.next_server == 0) {
    family.offered = 0;
    family.best = FilteringBehavior::kUnknown;
  }
  family.survey_at.reset();
  if (family.next_server >= family.servers.size()) return end_survey(now, family);
  family.probe.emplace(family.servers[family.next_server++], sent_to_, random_, now);
}

/// What is proven counts at once; whether there is more to know, the other servers tell.
void FilteringWatch::follow(TimePoint now, Family& family) {
  const FilteringBehavior found = family.probe->result();
  if (weight(found) > weight(family.best)) family.best = found;
  if (lets_strangers_in(family.best) && weight(family.best) > weight(family.known)) {
    family.known = family.best;
  }
  if (!family.probe->finished()) return;
  if (family.probe->offered()) ++family.offered;
  family.probe.reset();
  const bool settled = family.best == FilteringBehavior::kEndpointIndependent ||
                       family.best == FilteringBehavior::kAddressDependent;
  if (settled || family.offered == kFilteringServersMax) return end_survey(now, family);
  look(now, family);
}

void FilteringWatch::end_survey(TimePoint now, Family& family) {
  const bool lossy = family.offered > 0 && family.best == FilteringBehavior::kUnknown;
  if (!lossy) family.known = family.best;
  family.survey_at = now + (lossy ? family.retry : kFilteringRecheck);
  family.retry = lossy ? std::min(2 * family.retry, kFilteringRecheck) : kFilteringRetry;
}

}  // namespace kadwire::rendezvous
