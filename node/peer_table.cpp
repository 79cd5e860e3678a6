#include "node/peer_table.h"

#include <algorithm>

#include "crypto/mesh_address.h"

namespace kadwire::node {

PeerTable::PeerTable(const crypto::KeySchedule& keys, const crypto::NodeIdentity& self,
                     Prefix ipv4_network)
    : keys_(keys),
      self_(self),
      ipv4_network_(ipv4_network),
      self_ipv6_(crypto::mesh_ipv6_address(keys, self.node_id())) {}

PeerTable::Verdict PeerTable::apply(Now now, rendezvous::SignedRecord record, Source source,
                                    const Tunnel& tunnel) {
  const rendezvous::PeerRecord& claim = record.record;
  switch (rendezvous::freshness(claim, now.wall)) {
    case rendezvous::Freshness::kFresh:
      break;
    case rendezvous::Freshness::kExpired:
      return Verdict::kExpired;
    case rendezvous::Freshness::kFromTheFuture:
      return Verdict::kFromTheFuture;
  }
  const auto row = rows_.find(claim.node);
  if (claim.node == self_.node_id() || claim.sequence <= known_sequence(claim.node)) {
    if (row != rows_.end() && source == Source::kDht) row->second.from_dht = true;
    if (row != rows_.end() && source == Source::kLan) row->second.from_lan = true;
    return Verdict::kKnown;
  }
  if (claim.tombstone) return bury(record);
  if (conflicts(claim)) return Verdict::kConflict;
  if (row != rows_.end()) {
    fill(now, row->second, std::move(record), source);
    return Verdict::kUpdated;
  }
  if (rows_.size() >= kPeersMax) return Verdict::kFull;
  departed_.erase(claim.node);
  PeerRow fresh{.signed_record = {},
                .seen = now.wall,
                .ipv6 = {},
                .ipv4_claim = {},
                .held_since = {},
                .tunnel = tunnel,
                .status = {}};
  const crypto::NodeId node = claim.node;
  fill(now, fresh, std::move(record), source);
  fresh.tunnel = tunnel;
  rows_.emplace(node, std::move(fresh));
  return Verdict::kNew;
}

bool PeerTable::expire(Now now) {
  std::erase_if(departed_, [&](const auto& entry) {
    return entry.second.record.issued + rendezvous::kRecordLifetimeMax < now.wall;
  });
  return std::erase_if(rows_, [&](const auto& entry) {
           return entry.second.record().expires() < now.wall && !entry.second.tunnel.up();
         }) > 0;
}

bool PeerTable::assign_addresses(Now now, const LeaseClaim& self) {
  std::vector<LeaseClaim> claims;
  std::vector<PeerRow*> claimants;
  for (auto& [node, row] : rows_) {
    if (!row.ipv4_claim) continue;
    const bool settled = row.held_since && now.steady - *row.held_since >= kLeaseSettling;
    const bool pinned = row.holds_lease && (settled || row.lease_remembered);
    claims.push_back({node, *row.ipv4_claim, row.record().lease_since, pinned});
    claimants.push_back(&row);
  }
  claims.push_back(self);
  const std::vector<bool> holds = assign_leases(claims);
  for (std::size_t i = 0; i < claimants.size(); ++i) {
    PeerRow& row = *claimants[i];
    if (holds[i] && !row.holds_lease) row.held_since = now.steady;
    row.holds_lease = holds[i];
  }
  return holds.back();
}

void PeerTable::release_addresses() {
  for (auto& [node, row] : rows_) row.holds_lease = false;
}

bool PeerTable::is_claimed(const IpAddress& address) const {
  return std::ranges::any_of(rows_,
                             [&](const auto& entry) { return entry.second.ipv4_claim == address; });
}

std::vector<Bytes> PeerTable::records() const {
  std::vector<Bytes> records;
  for (const bool holder : {true, false}) {
    for (const auto& [node, row] : rows_) {
      if (row.holds_lease == holder) records.push_back(row.signed_record.encoded);
    }
  }
  for (const auto& [node, record] : departed_) records.push_back(record.encoded);
  return records;
}

PeerTable::Verdict PeerTable::bury(const rendezvous::SignedRecord& record) {
  const crypto::NodeId node = record.record.node;
  if (departed_.size() >= kDepartedMax && !departed_.contains(node)) {
    departed_.erase(std::ranges::min_element(
        departed_, {}, [](const auto& entry) { return entry.second.record.issued; }));
  }
  departed_.insert_or_assign(node, record);
  return rows_.erase(node) > 0 ? Verdict::kDeparted : Verdict::kKnown;
}

std::uint64_t PeerTable::known_sequence(const crypto::NodeId& node) const {
  if (const auto row = rows_.find(node); row != rows_.end()) return row->second.record().sequence;
  const auto departed = departed_.find(node);
  return departed == departed_.end() ? 0 : departed->second.record.sequence;
}

/// Whoever came first keeps its WireGuard key and IPv6 address: a member that cross-signs a second
/// NodeId, or grinds one onto another's interface id, gains nothing.
bool PeerTable::conflicts(const rendezvous::PeerRecord& record) const {
  const IpAddress ipv6 = crypto::mesh_ipv6_address(keys_, record.node);
  if (ipv6 == self_ipv6_ || record.wireguard_key == self_.wireguard_key()) return true;
  return std::ranges::any_of(rows_, [&](const auto& entry) {
    if (entry.first == record.node) return false;
    return entry.second.record().wireguard_key == record.wireguard_key || entry.second.ipv6 == ipv6;
  });
}

void PeerTable::fill(Now now, PeerRow& row, rendezvous::SignedRecord record, Source source) const {
  const std::optional<IpAddress> before = row.ipv4_claim;
  if (row.record().wireguard_key != record.record.wireguard_key) {
    row.status.reset();
    row.tunnel.reset(now.steady);
  }
  row.signed_record = std::move(record);
  row.seen = source == Source::kCache ? row.record().issued : now.wall;
  row.from_dht |= source == Source::kDht;
  row.from_cache |= source == Source::kCache;
  row.from_member |= source == Source::kMember;
  row.from_lan |= source == Source::kLan;
  row.ipv6 = crypto::mesh_ipv6_address(keys_, row.record().node);
  row.ipv4_claim.reset();
  if (row.record().ipv4_network == ipv4_network_) {
    row.ipv4_claim =
        crypto::mesh_ipv4_lease(keys_, ipv4_network_, row.record().node, row.record().lease_nonce);
  }
  if (row.ipv4_claim == before) return;
  row.holds_lease = false;  // a new address is a new claim
  row.held_since.reset();
  row.lease_remembered = source == Source::kCache;
}

}  // namespace kadwire::node
