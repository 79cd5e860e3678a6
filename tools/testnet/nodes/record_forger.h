#pragma once

/// A hostile member that speaks in others' names, with whatever signatures it can make, and claims
/// others' mesh addresses and endpoints in records of its own. What must come of it: nothing for
/// the former, and for the latter at most what a member may claim. Sans-IO.

#include <functional>
#include <map>

#include "crypto/node_identity.h"
#include "tools/testnet/nodes/record_abuser.h"

namespace kadwire::testnet {

/// Each trick is played against each of ten members within two minutes.
inline constexpr auto kForgePause = 2s;
/// Identities made in search of one that can claim a member's IPv4 lease. Each has 256 leases of
/// the 65,534 in a /16, so one victim in eight is met.
inline constexpr std::size_t kGroundIdentities = 32;
/// Identities of its own that claim others' leases, at most one a victim.
inline constexpr std::size_t kThievesMax = 32;

class RecordForger final : public RecordAbuser {
 public:
  /// `on_key` is told of the WireGuard keys it makes.
  RecordForger(Now now, const SimMesh& mesh, RandomSource& random,
               std::function<void(const crypto::WireguardKey&)> on_key);

 private:
  /// Holds a lease that is a victim's too.
  struct Thief {
    crypto::NodeIdentity identity;
    std::uint8_t nonce = 0;
  };
  void act(Now now) override;
  [[nodiscard]] Bytes altered_copy(const rendezvous::SignedRecord& victim);
  [[nodiscard]] Bytes in_its_name(Now now, const rendezvous::SignedRecord& victim, bool tombstone);
  [[nodiscard]] Bytes with_its_key(Now now, const rendezvous::SignedRecord& victim);
  [[nodiscard]] std::optional<Bytes> stolen_lease(Now now, const rendezvous::SignedRecord& victim);
  void grind(const rendezvous::PeerRecord& victim);
  void add_endpoints(rendezvous::PeerRecord& record, const rendezvous::PeerRecord& victim);
  /// Its own signature, right or not, over what the record now says.
  void sign_again(Bytes& encoded) const;

  std::function<void(const crypto::WireguardKey&)> on_key_;
  crypto::NodeIdentity self_;
  std::map<crypto::NodeId, Thief> thieves_;  ///< by victim
  std::size_t turn_ = 0;
};

}  // namespace kadwire::testnet
