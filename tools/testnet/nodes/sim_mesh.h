#pragma once

/// What the members of one simulated mesh share, from a seed.

#include "crypto/key_schedule.h"
#include "crypto/mesh_address.h"
#include "crypto/mesh_secret.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {

class SimMesh {
 public:
  explicit SimMesh(std::uint64_t seed) : SimMesh(SeededRandom(seed)) {}

  [[nodiscard]] const crypto::KeySchedule& keys() const { return keys_; }
  [[nodiscard]] const Prefix& ipv4_network() const { return ipv4_network_; }
  [[nodiscard]] const Prefix& ipv6_network() const { return ipv6_network_; }

 private:
  explicit SimMesh(SeededRandom random)
      : secret_(crypto::generate_mesh_secret(random)),
        keys_(secret_),
        ipv4_network_(crypto::mesh_ipv4_network(keys_, secret_)),
        ipv6_network_(crypto::mesh_ipv6_network(keys_)) {}

  crypto::MeshSecret secret_;
  crypto::KeySchedule keys_;
  Prefix ipv4_network_;
  Prefix ipv6_network_;
};

}  // namespace kadwire::testnet
