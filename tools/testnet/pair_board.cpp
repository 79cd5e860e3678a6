#include "tools/testnet/pair_board.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "tools/testnet/punch_truth.h"

namespace kadwire::testnet {

PairBoard::PairBoard(Population& population, const Internet& internet, const SimMesh& mesh)
    : population_(population),
      internet_(internet),
      mesh_networks_{mesh.ipv4_network(), mesh.ipv6_network()} {
  for (const Index index : population.members()) {
    const std::size_t row = rows_.size();
    rows_.emplace_back().index = index;
    by_index_[index] = row;
    MemberNode& member = *population[index].member;
    by_key_[member.identity().wireguard_key()] = row;
    member.set_session_handler(
        [this, row](const crypto::WireguardKey& peer) { on_session(row, peer); });
  }
  pairs_.resize(rows_.size() * (rows_.size() - std::min<std::size_t>(rows_.size(), 1)) / 2);
}

void PairBoard::set_handlers(ChangeHandler on_change, ApartHandler on_apart,
                             MilestoneHandler on_milestone) {
  on_change_ = std::move(on_change);
  on_apart_ = std::move(on_apart);
  on_milestone_ = std::move(on_milestone);
}

/// The triangle's rows lie one after the other.
std::size_t PairBoard::position(std::size_t a, std::size_t b) {
  const auto [smaller, larger] = std::minmax(a, b);
  return larger * (larger - 1) / 2 + smaller;
}

const MemberNode& PairBoard::member(std::size_t row) const {
  return *population_[rows_[row].index].member;
}

void PairBoard::refresh(Index index) {
  const auto found = by_index_.find(index);
  if (found == by_index_.end()) return;
  const std::size_t a = found->second;
  Row& row = rows_[a];
  const bool runs = member(a).running();
  if (runs != row.running) row.first_reached = row.all_reached = false;
  const bool was_public = row.public_address;
  row.running = runs;
  read_addresses(a);
  find_relays(a);
  if (row.public_address || was_public) return refresh_all();  // others may relay through it
  for (std::size_t b = 0; b < rows_.size(); ++b) {
    if (b == a) continue;
    update(a, b, {compute_possible(a, b), pairs_[position(a, b)].up});
  }
}

void PairBoard::refresh_all() {
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    rows_[row].running = member(row).running();
    read_addresses(row);
  }
  for (std::size_t row = 0; row < rows_.size(); ++row) find_relays(row);
  for (std::size_t a = 0; a < rows_.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b)
      update(a, b, {compute_possible(a, b), pairs_[position(a, b)].up});
  }
}

void PairBoard::sweep() {
  for (std::size_t a = 0; a < rows_.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const Pair was = pairs_[position(a, b)];
      if (!was.up) continue;
      const bool stands = rows_[a].running && rows_[b].running &&
                          member(a).device().shares_session_with(member(b).device());
      if (!stands || was.relayed != is_relayed(a, b)) update(a, b, {was.possible, stands});
    }
  }
}

void PairBoard::read_addresses(std::size_t position) {
  Row& row = rows_[position];
  row.addresses = local_addresses(internet_, population_[row.index].host->id());
  row.candidates = rendezvous::host_candidates(row.addresses, kWireguardPort, mesh_networks_);
  row.surroundings = internet_.surroundings(population_[row.index].host->id());
  row.public_address = std::ranges::any_of(row.candidates, [](const auto& candidate) {
    return !candidate.endpoint.address.is_private();
  });
  std::erase_if(public_addresses_, [&](const auto& entry) { return entry.second == position; });
  for (const auto& candidate : row.candidates) {
    const IpAddress& address = candidate.endpoint.address;
    if (!address.is_private()) public_addresses_[address] = position;
  }
}

void PairBoard::find_relays(std::size_t row) {
  rows_[row].relays.clear();
  for (std::size_t other = 0; other < rows_.size(); ++other) {
    const Row& relay = rows_[other];
    if (other == row || !relay.running || !relay.public_address) continue;
    const Group& group = *population_[relay.index].group;
    if (!group.announces || group.force_relay) continue;
    if (dials_through(rows_[row], relay)) rows_[row].relays.push_back(other);
  }
}

/// Would a datagram from a port that nobody heard of yet reach one of the other's own addresses?
bool PairBoard::dials_through(const Row& from, const Row& to) const {
  constexpr std::uint16_t kUnheardOf = 1;
  const HostId sender = population_[from.index].host->id();
  const HostId target = population_[to.index].host->id();
  const auto candidates =
      rendezvous::dialable_candidates(to.candidates, from.addresses, mesh_networks_);
  return std::ranges::any_of(candidates, [&](const rendezvous::Candidate& candidate) {
    return internet_.would_be_answered(sender, kUnheardOf, target, candidate.endpoint);
  });
}

/// Whatever the nodes believe: WireGuard's packets go where they go.
bool PairBoard::is_relayed(std::size_t a, std::size_t b) const {
  return sends_through_another(a, b) || sends_through_another(b, a);
}

bool PairBoard::sends_through_another(std::size_t from, std::size_t to) const {
  const auto endpoint = member(from).device().sends_to(member(to).identity().wireguard_key());
  if (!endpoint) return false;
  const auto owner = public_addresses_.find(endpoint->address);
  return owner != public_addresses_.end() && owner->second != to;
}

/// A path must carry both ways, but only one side need dial.
bool PairBoard::compute_possible(std::size_t a, std::size_t b) const {
  const Row& one = rows_[a];
  const Row& other = rows_[b];
  if (!one.running || !other.running) return false;
  const Group& group = *population_[one.index].group;
  const Group& others = *population_[other.index].group;
  if (!group.announces && !others.announces) return false;  // unknown to each other
  // Who does not announce is known once its call arrives; a mailbox lets in any.
  const bool mailboxes = group.mailbox && others.mailbox;
  if (relayed_only(a, b)) {
    // Straight is not wanted.
  } else if (mailboxes || (group.announces && others.announces)) {
    if (dials_through(one, other) || dials_through(other, one)) return true;
    if (is_certain_to_punch(one.surroundings, other.surroundings)) return true;
  } else if (group.announces ? dials_through(other, one) : dials_through(one, other)) {
    return true;
  }
  std::vector<std::size_t> common;
  std::ranges::set_intersection(one.relays, other.relays, std::back_inserter(common));
  return !common.empty();
}

/// Who forces relays reaches only those straight.
bool PairBoard::relayed_only(std::size_t a, std::size_t b) const {
  const auto forces = [&](std::size_t row) {
    return population_[rows_[row].index].group->force_relay;
  };
  const auto relays = [&](std::size_t row) { return rows_[row].public_address && !forces(row); };
  return (forces(a) && !relays(b)) || (forces(b) && !relays(a));
}

void PairBoard::on_session(std::size_t row, const crypto::WireguardKey& peer) {
  const auto found = by_key_.find(peer);
  if (found == by_key_.end()) return;
  const std::size_t other = found->second;
  const Pair was = pairs_[position(row, other)];
  if (was.up || !member(row).device().shares_session_with(member(other).device())) return;
  update(row, other, {was.possible, true});
}

/// Keeps every count in step with one pair.
void PairBoard::update(std::size_t a, std::size_t b, Pair now) {
  now.relayed = now.up && is_relayed(a, b);
  Pair& stored = pairs_[position(a, b)];
  now.met = now.up || (stored.met && rows_[a].running && rows_[b].running);
  const Pair was = std::exchange(stored, now);
  const auto count = [](std::size_t& counter, bool before, bool after) {
    counter += after ? 1 : 0;
    counter -= before ? 1 : 0;
  };
  count(possible_count_, was.possible, now.possible);
  count(up_count_, was.up, now.up);
  count(relayed_count_, was.relayed, now.relayed);
  count(up_of_possible_, was.possible && was.up, now.possible && now.up);
  for (Row* row : {&rows_[a], &rows_[b]}) {
    count(row->possible, was.possible, now.possible);
    count(row->up, was.up, now.up);
    count(row->up_of_possible, was.possible && was.up, now.possible && now.up);
  }
  const auto state = [](const Pair& pair) {
    if (!pair.up) return PairState::kNone;
    return pair.relayed ? PairState::kRelayed : PairState::kDirect;
  };
  const auto [first, second] = std::minmax(rows_[a].index, rows_[b].index);
  if (was.apart() != now.apart() && on_apart_) on_apart_(first, second, now.apart());
  if (state(was) != state(now) && on_change_) on_change_(first, second, state(now));
  reach(rows_[a]);
  reach(rows_[b]);
}

void PairBoard::reach(Row& row) {
  if (!row.running || row.up == 0) return;
  if (!std::exchange(row.first_reached, true) && on_milestone_) on_milestone_(row.index, false);
  if (row.up_of_possible < row.possible) return;
  if (!std::exchange(row.all_reached, true) && on_milestone_) on_milestone_(row.index, true);
}

std::size_t PairBoard::running() const {
  return static_cast<std::size_t>(std::ranges::count(rows_, true, &Row::running));
}

bool PairBoard::is_up(Index a, Index b) const {
  return pairs_[position(by_index_.at(a), by_index_.at(b))].up;
}

bool PairBoard::is_possible(Index a, Index b) const {
  const Pair& pair = pairs_[position(by_index_.at(a), by_index_.at(b))];
  return pair.possible || pair.up;
}

std::vector<std::pair<Index, Index>> PairBoard::missing() const {
  std::vector<std::pair<Index, Index>> missing;
  for (std::size_t a = 0; a < rows_.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const Pair& each = pairs_[position(a, b)];
      if (each.possible && !each.up) missing.emplace_back(rows_[b].index, rows_[a].index);
    }
  }
  return missing;
}

}  // namespace kadwire::testnet
