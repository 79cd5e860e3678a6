#pragma once

/// A node that shows whatever a test says.

#include <cassert>
#include <vector>

#include "node/node_view.h"

namespace kadwire::testing {

class FakeInspector final : public node::NodeInspector {
 public:
  [[nodiscard]] node::NodeView node_view() const override { return node; }
  [[nodiscard]] std::vector<node::PeerView> peer_views() const override { return peers; }

  node::NodeView node;
  std::vector<node::PeerView> peers;
};

/// A peer whose NodeId is `first` and then zeroes.
inline node::PeerView peer_named(std::string hostname, std::vector<unsigned> first,
                                 node::PathKind path = node::PathKind::kDirect) {
  node::PeerView peer;
  assert(first.size() <= peer.node.bytes.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    peer.node.bytes[i] = static_cast<std::byte>(first[i]);
  }
  peer.hostname = std::move(hostname);
  peer.path = path;
  return peer;
}

}  // namespace kadwire::testing
