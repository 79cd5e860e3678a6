#pragma once

/// One mesh's secret and keys, and records of made-up members, from a seed.

#include "crypto/key_schedule.h"
#include "crypto/mesh_address.h"
#include "crypto/mesh_secret.h"
#include "crypto/node_identity.h"
#include "rendezvous/peer_record.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testing {

using testnet::SeededRandom;

/// 2025-11-20 12:20: an hour's middle, far from any overlap.
inline constexpr WallTime kNoonTwenty{std::chrono::milliseconds{1'763'641'200'000}};

/// What the members of one mesh share.
class TestMesh {
 public:
  /// `net` is the secret's net=, for example "10.9.0.0/29"; empty: derived.
  explicit TestMesh(std::uint64_t seed, std::string_view net = {}) : random_(seed) {
    secret_ = crypto::generate_mesh_secret(random_);
    if (!net.empty()) secret_.ipv4_network = Prefix::parse(net).value();
    keys_.emplace(secret_);
  }
  [[nodiscard]] const crypto::KeySchedule& keys() const { return *keys_; }
  [[nodiscard]] Prefix ipv4_network() const { return crypto::mesh_ipv4_network(*keys_, secret_); }
  [[nodiscard]] Prefix ipv6_network() const { return crypto::mesh_ipv6_network(*keys_); }
  [[nodiscard]] crypto::NodeIdentity make_identity() {
    return crypto::NodeIdentity::generate(random_);
  }
  [[nodiscard]] SeededRandom& random() { return random_; }

  /// What an honest member would say at `issued`: lease 0 held since then, for a day.
  [[nodiscard]] rendezvous::PeerRecord record_at(WallTime issued) const {
    rendezvous::PeerRecord record;
    record.sequence = unix_milliseconds(issued);
    record.issued = issued;
    record.lifetime = rendezvous::kRecordLifetimeMax;
    record.lease_since = issued;
    record.ipv4_network = ipv4_network();
    return record;
  }
  [[nodiscard]] rendezvous::SignedRecord sign(rendezvous::PeerRecord record,
                                              const crypto::NodeIdentity& identity) const {
    return rendezvous::sign_record(std::move(record), identity, keys_->mesh_id());
  }

 private:
  SeededRandom random_;
  crypto::MeshSecret secret_;
  std::optional<crypto::KeySchedule> keys_;
};

}  // namespace kadwire::testing
