#pragma once

/// PORT: what a node remembers across restarts. Production: StateStore's files. A failure to save is
/// the implementation's to report; the node goes on.

#include <span>

#include "dht/directory.h"
#include "node/base/bytes.h"
#include "node/state_store.h"

namespace kadwire::node {

class NodeMemory {
 public:
  virtual ~NodeMemory() = default;
  virtual void save_node_state(const NodeState& state) = 0;
  virtual void save_peer_cache(std::span<const Bytes> records) = 0;
  virtual void save_dht_nodes(std::span<const dht::KnownNode> nodes) = 0;
};

}  // namespace kadwire::node
