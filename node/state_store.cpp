#include "node/state_store.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "dht/node_cache.h"

namespace kadwire::node {
namespace {

using crypto::SecretBytes;

constexpr std::size_t kSeedBytes = 32;  ///< Ed25519 (RFC 8032 §5.1.5)
/// An operator who started afresh this often has other problems; the bound only ends the search.
constexpr int kOldStatesMax = 1000;

struct FileRule {
  StateKind kind;
  const char* name;
  std::size_t payload_bytes_max;
  bool secret;
};

constexpr std::array kFileRules{
    FileRule{StateKind::kIdentity, "identity", 2 * kSeedBytes, true},
    FileRule{StateKind::kNodeState, "state", 8 + 1 + 8 + 2, false},
    FileRule{StateKind::kPeerCache, "peers", 2 + kCachedRecordsMax*(2 + kCachedRecordBytesMax),
             false},
    FileRule{StateKind::kDhtNodes, "dht-nodes", dht::kNodeCacheBytesMax, false},
};

const FileRule& rule_of(StateKind kind) {
  const auto* rule = std::ranges::find(kFileRules, kind, &FileRule::kind);
  assert(rule != kFileRules.end());
  return *rule;
}

tl::unexpected<StateError> error_of(std::string message) {
  return tl::unexpected(StateError{std::move(message)});
}

tl::unexpected<StateError> read_error(const std::filesystem::path& file, std::error_code error) {
  return error_of("cannot read " + file.string() + " (" + error.message() +
                  "): check that it is a plain file of this user with mode 0600, or move it away");
}

tl::unexpected<StateError> write_error(const std::filesystem::path& file, std::error_code error) {
  return error_of("cannot write " + file.string() + " (" + error.message() +
                  "): what was saved before is kept; make room or check the folder");
}

tl::unexpected<StateError> fault_error(const std::filesystem::path& file, StateFault fault) {
  const std::string name = file.string();
  switch (fault) {
    case StateFault::kForeign:
      return error_of(name + " is not a file that kadwire wrote: move it away");
    case StateFault::kOtherVersion:
      return error_of(name +
                      " was written by another version of kadwire: use that version, or "
                      "move the file away to start without it");
    case StateFault::kDamaged:
      return error_of(name + " is damaged: restore it, or move it away to start without it");
    case StateFault::kOtherMesh:
      return error_of(name +
                      " belongs to another mesh: use that mesh's secret, or start afresh "
                      "on this interface");
  }
  assert(false && "every StateFault has its sentence");
  return error_of(name);
}

// One codec for each kind of payload. What a decoder refuses passed the checksum, so it is our own
// writing by another rule: it counts as damaged.

Bytes encode(const NodeState& state) {
  return ByteWriter()
      .be64(state.record_sequence)
      .u8(state.lease_nonce)
      .be64(unix_milliseconds(state.lease_since))
      .be16(state.dht_port)
      .take();
}

std::optional<NodeState> decode_node_state(ByteView payload) {
  ByteReader reader(payload);
  NodeState state;
  state.record_sequence = reader.be64();
  state.lease_nonce = reader.u8();
  state.lease_since = wall_from_unix_milliseconds(reader.be64());
  state.dht_port = reader.be16();
  if (!reader.finished()) return std::nullopt;
  return state;
}

Bytes encode(std::span<const Bytes> records) {
  ByteWriter writer;
  writer.be16(static_cast<std::uint16_t>(records.size()));
  for (const Bytes& record : records) {
    assert(record.size() <= kCachedRecordBytesMax);
    writer.be16(static_cast<std::uint16_t>(record.size())).raw(record);
  }
  return writer.take();
}

std::optional<std::vector<Bytes>> decode_peer_cache(ByteView payload) {
  ByteReader reader(payload);
  const std::size_t count = reader.be16();
  if (count > kCachedRecordsMax) return std::nullopt;
  std::vector<Bytes> records;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const ByteView record = reader.raw(reader.be16());
    records.emplace_back(record.begin(), record.end());
  }
  if (!reader.finished()) return std::nullopt;
  return records;
}

}  // namespace

StateStore::StateStore(std::filesystem::path path, const crypto::MeshId& mesh, StateFolder folder,
                       UniqueFd lock)
    : path_(std::move(path)), mesh_(mesh), folder_(std::move(folder)), lock_(std::move(lock)) {}

tl::expected<StateStore, StateError> StateStore::open(const std::filesystem::path& folder,
                                                      const crypto::MeshId& mesh, Mode mode) {
  auto opened = StateFolder::open(folder);
  if (!opened) {
    return error_of("cannot use the state folder " + folder.string() + " (" +
                    opened.error().message() +
                    "): it must be a folder of this user and closed to all others (mode 0700)");
  }
  auto lock = opened->lock();
  if (!lock && lock.error() == std::errc::resource_unavailable_try_again) {
    return error_of("the state folder " + folder.string() +
                    " is in use by another kadwire: stop that one, or use another interface");
  }
  if (!lock) return write_error(folder / "lock", lock.error());
  StateStore store(folder, mesh, std::move(*opened), std::move(*lock));
  if (auto settled = store.settle_mesh(mode); !settled) return tl::unexpected(settled.error());
  return store;
}

tl::expected<std::optional<SecretBytes>, StateError> StateStore::load_payload(
    StateKind kind) const {
  const FileRule& rule = rule_of(kind);
  const std::size_t size_max = rule.payload_bytes_max + kStateFrameBytes;
  const auto content = folder_.read(rule.name, size_max, rule.secret);
  if (!content && content.error() == std::errc::file_too_large) {
    return fault_error(path_ / rule.name, StateFault::kDamaged);
  }
  if (!content) return read_error(path_ / rule.name, content.error());
  if (!*content) return std::nullopt;
  const auto payload = unframe_state(kind, mesh_, (*content)->view());
  if (!payload) return fault_error(path_ / rule.name, payload.error());
  return SecretBytes::copy_of(*payload);
}

tl::expected<void, StateError> StateStore::save_payload(StateKind kind, ByteView payload) {
  const FileRule& rule = rule_of(kind);
  assert(payload.size() <= rule.payload_bytes_max);
  // What is there may be a newer version's, or only slightly damaged: not ours to destroy.
  if (const auto present = load_payload(kind); !present) return tl::unexpected(present.error());
  const StateFrame frame = frame_state(kind, mesh_, payload);
  const ByteView parts[] = {frame.header, payload, frame.checksum};
  if (const auto written = folder_.write(rule.name, parts); !written) {
    return write_error(path_ / rule.name, written.error());
  }
  return {};
}

tl::expected<void, StateError> StateStore::settle_mesh(Mode mode) {
  std::vector<StateKind> foreign;
  for (const FileRule& rule : kFileRules) {
    const auto content =
        folder_.read(rule.name, rule.payload_bytes_max + kStateFrameBytes, rule.secret);
    if (!content || !*content) continue;  // what cannot be read is reported by whoever needs it
    const auto payload = unframe_state(rule.kind, mesh_, (*content)->view());
    if (!payload && payload.error() == StateFault::kOtherMesh) foreign.push_back(rule.kind);
  }
  if (foreign.empty()) return {};
  if (mode == Mode::kStartAfresh) return set_aside(foreign);
  return fault_error(path_ / rule_of(foreign.front()).name, StateFault::kOtherMesh);
}

tl::expected<void, StateError> StateStore::set_aside(std::span<const StateKind> kinds) {
  const auto is_taken = [&](int number) {
    return std::ranges::any_of(kFileRules, [&](const FileRule& rule) {
      return folder_.exists(std::string(rule.name) + ".old-" + std::to_string(number));
    });
  };
  int number = 1;
  while (number < kOldStatesMax && is_taken(number)) ++number;
  for (const StateKind kind : kinds) {
    const std::string name = rule_of(kind).name;
    const std::string old_name = name + ".old-" + std::to_string(number);
    if (folder_.exists(old_name)) {
      return error_of(path_.string() + " holds too much old state: remove the *.old-* files");
    }
    if (const auto renamed = folder_.rename(name, old_name); !renamed) {
      return write_error(path_ / old_name, renamed.error());
    }
  }
  return {};
}

tl::expected<std::optional<crypto::NodeIdentity>, StateError> StateStore::load_identity() const {
  const auto payload = load_payload(StateKind::kIdentity);
  if (!payload) return tl::unexpected(payload.error());
  if (!*payload) return std::nullopt;
  const ByteView seeds = (*payload)->view();
  if (seeds.size() != 2 * kSeedBytes) {
    return fault_error(path_ / rule_of(StateKind::kIdentity).name, StateFault::kDamaged);
  }
  return crypto::NodeIdentity::from_seeds(seeds.first(kSeedBytes), seeds.subspan(kSeedBytes));
}

tl::expected<void, StateError> StateStore::save_identity(const crypto::NodeIdentity& identity) {
  SecretBytes seeds(2 * kSeedBytes);
  std::ranges::copy(identity.identity_seed().view(), seeds.writable().begin());
  std::ranges::copy(identity.wireguard_seed().view(), seeds.writable().begin() + kSeedBytes);
  return save_payload(StateKind::kIdentity, seeds.view());
}

tl::expected<NodeState, StateError> StateStore::load_node_state() const {
  const auto payload = load_payload(StateKind::kNodeState);
  if (!payload) return tl::unexpected(payload.error());
  if (!*payload) return NodeState{};
  const auto state = decode_node_state((*payload)->view());
  if (!state) return fault_error(path_ / rule_of(StateKind::kNodeState).name, StateFault::kDamaged);
  return *state;
}

tl::expected<void, StateError> StateStore::save_node_state(const NodeState& state) {
  return save_payload(StateKind::kNodeState, encode(state));
}

std::vector<Bytes> StateStore::load_peer_cache() const {
  const auto payload = load_payload(StateKind::kPeerCache);
  if (!payload || !*payload) return {};
  return decode_peer_cache((*payload)->view()).value_or(std::vector<Bytes>{});
}

tl::expected<void, StateError> StateStore::save_peer_cache(std::span<const Bytes> records) {
  const auto kept = records.first(std::min(records.size(), kCachedRecordsMax));
  return save_payload(StateKind::kPeerCache, encode(kept));
}

std::vector<dht::KnownNode> StateStore::load_dht_nodes() const {
  const auto payload = load_payload(StateKind::kDhtNodes);
  if (!payload || !*payload) return {};
  return dht::decode_nodes((*payload)->view()).value_or(std::vector<dht::KnownNode>{});
}

tl::expected<void, StateError> StateStore::save_dht_nodes(std::span<const dht::KnownNode> nodes) {
  return save_payload(StateKind::kDhtNodes, dht::encode_nodes(nodes));
}

}  // namespace kadwire::node
