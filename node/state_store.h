#pragma once

/// What a node keeps across restarts, in one folder per interface (0700): the files "identity",
/// "state", "peers" and "dht-nodes", each framed (state_frame.h) and written whole
/// (state_folder.h), and "lock". A file that cannot be understood is never overwritten: saving over
/// it is an error too. The mesh secret is not among them. Not here: when to save (driver).

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
#include "node/state_folder.h"
#include "node/state_frame.h"

namespace kadwire::node {

/// Four times the largest mesh that is planned for.
inline constexpr std::size_t kCachedRecordsMax = 4096;
/// A frame's limit: no record travels in more.
inline constexpr std::size_t kCachedRecordBytesMax = 1200;

/// The small facts that change while a node runs.
struct NodeState {
  std::uint64_t record_sequence = 0;  ///< the last one published
  std::uint8_t lease_nonce = 0;
  WallTime lease_since;
  std::uint16_t dht_port = 0;  ///< 0: none yet
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
    kStartAfresh,  ///< state of another mesh is set aside (renamed with a ".old-N" suffix), not
                   ///< deleted
  };
  /// Creates the folder if needed and locks it (flock on "lock") against a second daemon.
  [[nodiscard]] static tl::expected<StateStore, StateError> open(
      const std::filesystem::path& folder, const crypto::MeshId& mesh, Mode mode);

  /// nullopt: there is none yet. An error: it is there and cannot be used.
  [[nodiscard]] tl::expected<std::optional<crypto::NodeIdentity>, StateError> load_identity() const;
  [[nodiscard]] tl::expected<void, StateError> save_identity(const crypto::NodeIdentity& identity);
  /// As a new node has it if nothing was saved yet.
  [[nodiscard]] tl::expected<NodeState, StateError> load_node_state() const;
  [[nodiscard]] tl::expected<void, StateError> save_node_state(const NodeState& state);
  /// Signed records of peers, to be verified again by whoever loads them. A cache that cannot be
  /// used loads as empty, because what it held can be learnt again; the next save says what is
  /// wrong.
  [[nodiscard]] std::vector<Bytes> load_peer_cache() const;
  /// The first kCachedRecordsMax are kept. None is longer than kCachedRecordBytesMax.
  [[nodiscard]] tl::expected<void, StateError> save_peer_cache(std::span<const Bytes> records);
  [[nodiscard]] std::vector<dht::KnownNode> load_dht_nodes() const;
  /// The first dht::kCachedNodesMax are kept.
  [[nodiscard]] tl::expected<void, StateError> save_dht_nodes(
      std::span<const dht::KnownNode> nodes);

 private:
  StateStore(std::filesystem::path path, const crypto::MeshId& mesh, StateFolder folder,
             UniqueFd lock);
  [[nodiscard]] tl::expected<std::optional<crypto::SecretBytes>, StateError> load_payload(
      StateKind kind) const;
  [[nodiscard]] tl::expected<void, StateError> save_payload(StateKind kind, ByteView payload);
  [[nodiscard]] tl::expected<void, StateError> settle_mesh(Mode mode);
  [[nodiscard]] tl::expected<void, StateError> set_aside(std::span<const StateKind> kinds);

  std::filesystem::path path_;  ///< for messages; files are reached through folder_
  crypto::MeshId mesh_;
  StateFolder folder_;
  UniqueFd lock_;  ///< held, never used: closing it gives the folder to the next daemon
};

}  // namespace kadwire::node
