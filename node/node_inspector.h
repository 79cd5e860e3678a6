#pragma once

/// What the control room may ask of a running node.

#include <optional>
#include <vector>

#include "node/node_view.h"
#include "node/peer_story.h"

namespace kadwire::node {

/// Answered by the driver.
class NodeInspector {
 public:
  virtual ~NodeInspector() = default;
  [[nodiscard]] virtual NodeView node_view() const = 0;
  /// Sorted by hostname, then NodeId.
  [[nodiscard]] virtual std::vector<PeerView> peer_views() const = 0;
  /// nullopt: no such peer.
  [[nodiscard]] virtual std::optional<PeerStory> peer_story(const crypto::NodeId& node) const = 0;
  /// Sends one ping over every path to this peer; path_views() tells what came of it. False: there
  /// is no pair session with it, so nothing can be asked.
  virtual bool probe_paths(const crypto::NodeId& node) = 0;
  /// As of the last probe_paths(); empty before it.
  [[nodiscard]] virtual std::vector<PathView> path_views(const crypto::NodeId& node) const = 0;
};

}  // namespace kadwire::node
