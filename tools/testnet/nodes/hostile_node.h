#pragma once

/// One or several nodes of the DHT on one host, each behind a hostile face: the production
/// bootstrap node as DhtNode runs it, around a disguised directory. Which face: hostile_dht.h and
/// hostile_member.h.

#include <functional>
#include <memory>
#include <vector>

#include "tools/testnet/nodes/dht_node.h"

namespace kadwire::testnet {

class HostileNode final : public Program {
 public:
  /// What a face is put on.
  struct Bare {
    std::unique_ptr<dht::Directory> directory;
    dht::InfoHash id{};
    Now now;
    RandomSource& random;  ///< outlives the directory
  };
  using Disguise = std::function<std::unique_ptr<dht::Directory>(Bare bare)>;
  /// Chooses a node's id.
  using IdChooser = std::function<dht::InfoHash(Now now, RandomSource& random)>;
  struct Options {
    std::vector<Endpoint> bootstrap;
    std::uint64_t seed = 0;
    std::size_t nodes = 1;     ///< on ports of their own, from kDhtPort
    IdChooser choose_id = {};  ///< empty: drawn, as an honest node does
    /// At the beginning of each hour all nodes are made anew, with ids chosen anew.
    bool moves_every_hour = false;
  };

  /// `host` outlives the node.
  HostileNode(SimHost& host, Options options, Disguise disguise);
  ~HostileNode() override;

  void start() override;
  void leave() override { crash(); }
  void crash() override;
  [[nodiscard]] bool running() const override { return !running_.empty(); }
  /// Of the first of its nodes.
  [[nodiscard]] dht::DirectoryStats dht_stats() const override;

 private:
  struct Running;
  void make_nodes();
  SimHost& host_;
  Options options_;
  Disguise disguise_;
  SeededRandom random_;
  Lifetime lifetime_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace kadwire::testnet
