#pragma once

/// This node's own record as it develops: its candidates, its IPv4 lease, its sequence number.
/// Pure.

#include <functional>
#include <string>
#include <vector>

#include "crypto/mesh_address.h"
#include "node/membership/lease.h"
#include "node/state_store.h"
#include "rendezvous/peer_record.h"

namespace kadwire::node {

/// Long enough for a laptop's night: members keep a silent peer's addresses that long.
inline constexpr std::chrono::seconds kRecordLifetime = rendezvous::kRecordLifetimeMax;
/// A record is signed anew this often, so that its issue time stays young.
inline constexpr Duration kRecordRenewal = 1h;
/// Nonces tried for a free IPv4 lease: with all of them taken the network is as good as full.
inline constexpr unsigned kLeaseNonces = 256;

struct Services {
  bool answers_frames = false;
  bool relays = false;
  bool relayed_only = false;
  bool operator==(const Services&) const = default;
};

class OwnRecord {
 public:
  /// `keys` and `identity` outlive this object. `state` is what the last run left, or zeroes.
  OwnRecord(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
            Prefix ipv4_network, std::string hostname, const NodeState& state);

  /// What this node does for others beside WireGuard, and wants of them. True if it differs from
  /// what the record says.
  bool set_services(const Services& services);
  /// The NAT before this host's IPv4. True if it differs from what the record says.
  bool set_nat(const rendezvous::NatBehavior& nat);
  /// True if they differ from what the record says, so that it must be published again.
  bool set_candidates(std::vector<rendezvous::Candidate> candidates);
  /// Members can hear this node from `now` on. A lease that nobody was told of begins only here:
  /// nobody could dispute it before. True if it began, so that the record must be published again.
  bool begin_lease(WallTime now);
  /// A record of our own with this sequence is about: ours must be higher. True if it was not.
  bool outbid(std::uint64_t sequence);
  /// Moves to the next nonce whose address `taken` denies. False if there is none.
  bool take_next_lease(WallTime now, const std::function<bool(const IpAddress&)>& taken);
  /// Signs the record as it is now, under a fresh sequence number.
  [[nodiscard]] rendezvous::SignedRecord sign(WallTime now, bool tombstone = false);

  [[nodiscard]] const IpAddress& ipv4() const { return ipv4_; }
  [[nodiscard]] LeaseClaim claim(WallTime now) const;
  [[nodiscard]] const std::vector<rendezvous::Candidate>& candidates() const { return candidates_; }
  [[nodiscard]] bool relays() const { return services_.relays; }
  [[nodiscard]] const std::string& hostname() const { return hostname_; }
  /// What to save: sequence and lease.
  [[nodiscard]] const NodeState& state() const { return state_; }

 private:
  [[nodiscard]] bool lease_began() const { return state_.lease_since != WallTime{}; }

  const crypto::KeySchedule& keys_;
  const crypto::NodeIdentity& identity_;
  Prefix ipv4_network_;
  std::string hostname_;
  NodeState state_;  ///< lease_since is zero until the lease began
  IpAddress ipv4_;
  std::vector<rendezvous::Candidate> candidates_;
  std::optional<rendezvous::NatBehavior> nat_;
  Services services_;
};

}  // namespace kadwire::node
