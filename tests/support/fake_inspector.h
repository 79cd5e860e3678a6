#pragma once

/// A node that shows whatever a test says.

#include <algorithm>
#include <cassert>
#include <vector>

#include "node/node_inspector.h"

namespace kadwire::testing {

class FakeInspector final : public node::NodeInspector {
 public:
  [[nodiscard]] node::NodeView node_view() const override { return node; }
  [[nodiscard]] std::vector<node::PeerView> peer_views() const override { return peers; }

  [[nodiscard]] std::optional<node::PeerStory> peer_story(
      const crypto::NodeId& wanted) const override {
    const auto found = std::ranges::find(
        stories, wanted, [](const node::PeerStory& story) { return story.peer.node; });
    return found == stories.end() ? std::nullopt : std::optional(*found);
  }
  bool probe_paths(const crypto::NodeId&) override {
    ++probes;
    return has_session;
  }
  [[nodiscard]] std::vector<node::PathView> path_views(const crypto::NodeId&) const override {
    return paths;
  }

  node::NodeView node;
  std::vector<node::PeerView> peers;
  std::vector<node::PeerStory> stories;
  std::vector<node::PathView> paths;
  bool has_session = true;
  int probes = 0;
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
