#include "rendezvous/path_table.h"

#include <algorithm>
#include <utility>

namespace kadwire::rendezvous {

void Path::check(TimePoint now, int pings, Duration first_spacing) {
  checks_left = pings;
  spacing = first_spacing;
  in_haste = false;
  due = now;
  pending = std::vector<Check>();
}

void Path::doubt(TimePoint now) {
  check(now, kDoubtPings, std::max(kDoubtSpacing, rtt * 3 / 2));
}

void Path::doubt_quickly(TimePoint now) {
  check(now, kQuickDoubtPings, kQuickDoubtSpacing);
  in_haste = true;
  if (now - heard > rtt) due = now + rtt * 5 / 4;
}

void Path::note_traffic(TimePoint now) {
  heard = now;
  if (!in_haste || checks_left != kQuickDoubtPings) return;
  due.reset();
  checks_left = 0;
}

void Path::note_sent(TimePoint now, std::uint32_t id, bool use) {
  if (pending.size() >= static_cast<std::size_t>(kCheckPings)) pending.erase(pending.begin());
  pending.push_back({id, now, use});
  --checks_left;
  due = now + (checks_left > 0 ? spacing : std::max(kCheckPatience, 2 * rtt));
  // A doubt is settled sooner; a handshake's round trip may be too short to go by.
  if (proven && measured && checks_left == 0) {
    due = now + (in_haste ? rtt * 9 / 8 : std::max(spacing, 2 * rtt));
  }
  if (!proven) spacing *= 2;
}

bool Path::take_verdict(TimePoint now) {
  if (!due || now < *due || checks_left > 0) return false;
  due.reset();
  proven = false;
  return true;
}

const Check* Path::find_check(std::uint32_t id) const {
  const auto check = std::ranges::find(pending, id, &Check::id);
  return check == pending.end() ? nullptr : &*check;
}

void Path::note_answer(Duration round_trip) {
  // The least of a while; what was in doubt may have become slower.
  rtt = measured && proven ? std::min(rtt, round_trip) : round_trip;
  measured = true;
  due.reset();
  checks_left = 0;
  pending = std::vector<Check>();
}

Path* PathTable::find(const Way& way) {
  return const_cast<Path*>(std::as_const(*this).find(way));
}

const Path* PathTable::find(const Way& way) const {
  const auto found = std::ranges::find(paths_, way, &Path::way);
  return found == paths_.end() ? nullptr : &*found;
}

template <typename Predicate>
void PathTable::erase_if(Predicate goes) {
  for (const Path& path : paths_) {
    if (goes(path)) remember(path);
  }
  std::erase_if(paths_, goes);
}

void PathTable::remember(const Path& path) {
  if (!path.relay) return;
  std::erase_if(former_relays_,
                [&](const auto& former) { return former.first == path.way.endpoint; });
  if (former_relays_.size() == kFormerRelaysMax) former_relays_.erase(former_relays_.begin());
  former_relays_.emplace_back(path.way.endpoint, *path.relay);
}

std::optional<crypto::NodeId> PathTable::relay_at(const Endpoint& endpoint) const {
  if (const Path* path = find({endpoint, {}}); path != nullptr) return path->relay;
  const auto former =
      std::ranges::find(former_relays_, endpoint, &std::pair<Endpoint, crypto::NodeId>::first);
  return former == former_relays_.end() ? std::nullopt : std::optional(former->second);
}

Path* PathTable::find_or_add(TimePoint now, const Way& way, const std::optional<Way>& kept) {
  if (Path* path = find(way)) return path;
  const auto side_paths =
      std::ranges::count_if(paths_, [](const Path& path) { return path.way.side_port != 0; });
  if (way.side_port != 0 && std::cmp_greater_equal(side_paths, kSidePathsMax)) return nullptr;
  if (paths_.size() >= kPathsMax) {
    // Whoever has neither been claimed nor proven goes, the one silent for longest first.
    const auto rank = [&](const Path& path) {
      const bool needed = path.proven || path.claimed || kept == path.way;
      return std::pair(needed, path.heard);
    };
    const auto least = std::ranges::min_element(paths_, {}, rank);
    if (rank(*least).first) return nullptr;
    remember(*least);
    paths_.erase(least);
  }
  const auto relay = way == Way{way.endpoint, {}} ? relay_at(way.endpoint) : std::nullopt;
  Path& path = paths_.emplace_back();
  path.way = way;
  path.relay = relay;
  path.heard = now;
  return &path;
}

Path* PathTable::add_relayed(TimePoint now, const Endpoint& endpoint, const crypto::NodeId& relay,
                             const std::optional<Way>& kept) {
  erase_if([&](const Path& path) {
    return path.relay == relay && path.way.endpoint != endpoint && kept != path.way;
  });
  Path* path = find_or_add(now, {endpoint, {}}, kept);
  if (path != nullptr) path->relay = relay;
  return path;
}

void PathTable::forget_member(const crypto::NodeId& node, const std::optional<Way>& kept) {
  erase_if([&](const Path& path) {
    return (path.way.introducer == node || path.relay == node) && kept != path.way;
  });
}

void PathTable::forget_relays() {
  erase_if([](const Path& path) { return path.relay.has_value(); });
}

void PathTable::forget_dead_ends() {
  erase_if([](const Path& path) {
    return (path.relay || path.way.side_port != 0) && !path.proven && !path.due;
  });
}

const Path* PathTable::last_heard(bool straight) const {
  const auto rank = [](const Path& path) { return std::pair(path.proven, path.heard); };
  const Path* best = nullptr;
  for (const Path& path : paths_) {
    const bool usable = path.way.introducer ? !straight : path.proven;
    if (usable && (best == nullptr || rank(path) > rank(*best))) best = &path;
  }
  return best;
}

std::vector<crypto::NodeId> PathTable::relays() const {
  std::vector<crypto::NodeId> relays;
  for (const Path& path : paths_) {
    if (path.relay && (path.proven || path.due)) relays.push_back(*path.relay);
  }
  return relays;
}

bool PathTable::relay_works(const crypto::NodeId& relay) const {
  return std::ranges::any_of(paths_,
                             [&](const Path& path) { return path.relay == relay && path.proven; });
}

std::vector<crypto::NodeId> PathTable::working_introducers() const {
  std::vector<const Path*> detours;
  for (const Path& path : paths_) {
    if (path.way.introducer && path.proven) detours.push_back(&path);
  }
  std::ranges::stable_sort(detours, {}, [](const Path* path) { return path->rtt; });
  std::vector<crypto::NodeId> introducers;
  for (const Path* path : detours) introducers.push_back(*path->way.introducer);
  return introducers;
}

std::optional<TimePoint> PathTable::next_due() const {
  std::optional<TimePoint> earliest;
  for (const Path& path : paths_) {
    if (path.due) earliest = std::min(earliest.value_or(*path.due), *path.due);
  }
  return earliest;
}

}  // namespace kadwire::rendezvous
