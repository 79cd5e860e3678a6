#pragma once

/// A node of the DHT that is in no mesh: the production bootstrap node on a simulated host. Every
/// honest node of the DHT is one; those that answer STUN and are named as a way in are bootstrap
/// nodes.

#include <memory>
#include <vector>

#include "dht/opendht_directory.h"
#include "tools/bootstrap/bootstrap_node.h"
#include "tools/testnet/nodes/program.h"
#include "tools/testnet/nodes/sim_ports.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {

inline constexpr std::uint16_t kDhtPort = 4222;
inline constexpr std::uint16_t kStunPort = 3478;  ///< RFC 8489 §18.6

class DhtNode final : public Program {
 public:
  struct Options {
    std::vector<Endpoint> bootstrap;  ///< of others
    bool answers_stun = false;
    std::uint64_t seed = 0;
  };
  /// `host` outlives the node.
  DhtNode(SimHost& host, Options options);
  ~DhtNode() override;

  void start() override;
  void leave() override { crash(); }
  void crash() override;
  [[nodiscard]] bool running() const override { return running_ != nullptr; }
  [[nodiscard]] std::optional<std::string> violation() const override;
  [[nodiscard]] dht::DirectoryStats dht_stats() const override;

 private:
  struct Running;
  SimHost& host_;
  Options options_;
  SeededRandom random_;
  std::vector<dht::KnownNode> known_;  ///< its file
  std::unique_ptr<Running> running_;
};

}  // namespace kadwire::testnet
