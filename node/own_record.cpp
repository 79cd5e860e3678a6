#include "node/own_record.h"

namespace kadwire::node {

OwnRecord::OwnRecord(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
                     Prefix ipv4_network, std::string hostname, const NodeState& state)
    : keys_(keys),
      identity_(identity),
      ipv4_network_(ipv4_network),
      hostname_(std::move(hostname)),
      state_(state),
      ipv4_(crypto::mesh_ipv4_lease(keys, ipv4_network, identity.node_id(), state.lease_nonce)) {}

bool OwnRecord::set_services(const Services& services) {
  return std::exchange(services_, services) != services;
}

bool OwnRecord::set_nat(const rendezvous::NatBehavior& nat) {
  const bool known = nat.mapping != rendezvous::MappingBehavior::kUnknown;
  const auto said = known ? std::optional(nat) : std::nullopt;
  return std::exchange(nat_, said) != said;
}

bool OwnRecord::set_candidates(std::vector<rendezvous::Candidate> candidates) {
  if (candidates == candidates_) return false;
  candidates_ = std::move(candidates);
  return true;
}

bool OwnRecord::begin_lease(WallTime now) {
  if (lease_began()) return false;
  state_.lease_since = now;
  return true;
}

bool OwnRecord::outbid(std::uint64_t sequence) {
  if (sequence <= state_.record_sequence) return false;
  state_.record_sequence = sequence;
  return true;
}

bool OwnRecord::take_next_lease(WallTime now, const std::function<bool(const IpAddress&)>& taken) {
  for (unsigned step = 1; step < kLeaseNonces; ++step) {
    const auto nonce = static_cast<std::uint8_t>(state_.lease_nonce + step);
    const IpAddress address =
        crypto::mesh_ipv4_lease(keys_, ipv4_network_, identity_.node_id(), nonce);
    if (taken(address)) continue;
    state_.lease_nonce = nonce;
    if (lease_began()) state_.lease_since = now;
    ipv4_ = address;
    return true;
  }
  return false;
}

rendezvous::SignedRecord OwnRecord::sign(WallTime now, bool tombstone) {
  state_.record_sequence = rendezvous::next_sequence(state_.record_sequence, now);
  rendezvous::PeerRecord record;
  record.sequence = state_.record_sequence;
  record.issued = now;
  record.lifetime = kRecordLifetime;
  record.tombstone = tombstone;
  record.lease_nonce = state_.lease_nonce;
  record.lease_since = lease_began() ? state_.lease_since : now;
  record.ipv4_network = ipv4_network_;
  if (!tombstone) {
    record.candidates = candidates_;
    record.nat = nat_;
    record.answers_frames = services_.answers_frames;
    record.relays = services_.relays;
    record.relayed_only = services_.relayed_only;
    record.hostname = hostname_;
  }
  return rendezvous::sign_record(std::move(record), identity_, keys_.mesh_id());
}

LeaseClaim OwnRecord::claim(WallTime now) const {
  const WallTime since = lease_began() ? state_.lease_since : now;
  return {identity_.node_id(), ipv4_, since, now - since >= kLeaseSettling};
}

}  // namespace kadwire::node
