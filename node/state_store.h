#pragma once

/// What a node keeps across restarts, in one folder per interface (0700). Files are written whole and
/// atomically (temporary file, fsync, rename, fsync of the folder), carry a format version, a checksum
/// and the mesh id, and are never overwritten when they cannot be understood.
/// The mesh secret is not among them. Not here: when to save (driver).

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "crypto/node_identity.h"
#include "dht/directory.h"
#include "node/base/bytes.h"
#include "node/base/time.h"

namespace kadwire::node {

/// The small facts that change while a node runs.
struct NodeState {
  std::uint64_t record_sequence = 0;  ///< the last one published
  std::uint8_t lease_nonce = 0;
  WallTime lease_since;
  std::uint16_t dht_port = 0;         ///< 0: none yet
  bool operator==(const NodeState&) const = default;
};

/// One clear sentence naming the file, what is wrong and what to do.
struct StateError {
  std::string message;
};

class StateStore {
 public:
  enum class Mode {
    kKeep,         ///< state of another mesh is an error
    kStartAfresh,  ///< state of another mesh is set aside (renamed with a ".old-N" suffix), not deleted
  };
  /// Creates the folder if needed and locks it (flock on "lock") against a second daemon.
  [[nodiscard]] static tl::expected<StateStore, StateError> open(
      const std::filesystem::path& folder, const crypto::MeshId& mesh, Mode mode);

  /// nullopt: there is none yet. An error: it is there and cannot be used.
  [[nodiscard]] tl::expected<std::optional<crypto::NodeIdentity>, StateError> load_identity() const;
  [[nodiscard]] tl::expected<void, StateError> save_identity(const crypto::NodeIdentity& identity);
  [[nodiscard]] tl::expected<NodeState, StateError> load_node_state() const;
  [[nodiscard]] tl::expected<void, StateError> save_node_state(const NodeState& state);
  /// Signed records of peers, to be verified again by whoever loads them. Damaged caches load as
  /// empty, with the reason in the error slot left to the log: they can be learnt again.
  [[nodiscard]] std::vector<Bytes> load_peer_cache() const;
  [[nodiscard]] tl::expected<void, StateError> save_peer_cache(std::span<const Bytes> records);
  [[nodiscard]] std::vector<dht::KnownNode> load_dht_nodes() const;
  [[nodiscard]] tl::expected<void, StateError> save_dht_nodes(std::span<const dht::KnownNode> nodes);

  StateStore(StateStore&&) noexcept;
  StateStore& operator=(StateStore&&) noexcept;
  ~StateStore();

 private:
  StateStore(std::filesystem::path folder, const crypto::MeshId& mesh, int lock);
  std::filesystem::path folder_;
  crypto::MeshId mesh_;
  int lock_ = -1;  ///< file descriptor that holds the lock
};

}  // namespace kadwire::node
