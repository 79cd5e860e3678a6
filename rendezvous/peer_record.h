#pragma once

/// What a node publishes about itself: signed by its identity, so anyone may carry it and nobody
/// else can write or withdraw it. Byte layout: rendezvous/PROTOCOL.md. Version 1.
///   body       version u8 ‖ flags u8 ‖ NodeId 32 ‖ WireGuard signing key 32 ‖ cross-signature 64 ‖
///              sequence be64 ‖ issued be64 (Unix ms) ‖ lifetime be32 (s) ‖ lease nonce u8 ‖
///              lease since be64 (Unix ms) ‖ mesh IPv4 network 4 ‖ its length u8 ‖ fields
///   field      type u8 ‖ length u8 ‖ value, types not descending; unknown types are kept and
///   skipped record     body ‖ identity signature 64 over (kRecordDomain, mesh id, body)
/// Not here: sealing and padding (dht/sealed_value.h), what becomes of a record
/// (node/peer_table.h).

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "crypto/node_identity.h"
#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"
#include "rendezvous/candidate.h"
#include "rendezvous/nat_behavior.h"

namespace kadwire::rendezvous {

inline constexpr std::string_view kRecordDomain = "kadwire record v1";
/// RFC 1035 label size.
inline constexpr std::size_t kHostnameBytesMax = 63;
/// What fits the fixed-size sealed DHT value: 560 − 40 (seal) − 2 (length).
inline constexpr std::size_t kRecordBytesMax = 518;
/// How long a record may claim to be valid: a day covers a laptop's night.
inline constexpr std::chrono::seconds kRecordLifetimeMax = std::chrono::hours(24);
/// A record from further in the future comes from a wrong clock or a liar.
inline constexpr std::chrono::minutes kClockSkewMax{10};

struct PeerRecord {
  crypto::NodeId node;
  crypto::WireguardSigningKey wireguard_signing_key;
  crypto::WireguardKey wireguard_key;  ///< derived from the signing key and checked by decode
  std::uint64_t sequence = 0;          ///< larger replaces smaller
  WallTime issued;
  std::chrono::seconds lifetime{0};
  bool tombstone = false;       ///< "I have left": withdraws everything else
  bool answers_frames = false;  ///< on WireGuard's port (agent.h); else only WireGuard is there
  bool relays = false;          ///< offers to relay for members (relay_desk.h)
  bool relayed_only = false;    ///< wants no direct path but to those that relay
  std::uint8_t lease_nonce = 0;
  WallTime lease_since;               ///< since when the node holds its IPv4 lease
  Prefix ipv4_network;                ///< the mesh IPv4 network this node believes in
  std::optional<NatBehavior> nat;     ///< what stands before its IPv4; nullopt: it does not say
  std::vector<Candidate> candidates;  ///< at most kCandidatesMax
  std::string hostname;               ///< UTF-8 without control characters, may be empty

  [[nodiscard]] WallTime expires() const { return issued + lifetime; }
};

/// A record as bytes together with its meaning, verified. The bytes are what is passed on.
struct SignedRecord {
  PeerRecord record;
  Bytes encoded;
};

enum class RecordError {
  kMalformed,  ///< cut short, too long, a field out of its bounds, fields out of order
  kUnknownVersion,
  kBadCrossSignature,
  kBadSignature,
};
[[nodiscard]] std::string_view describe(RecordError error);

/// Encodes and signs. `record`'s node and keys are taken from `identity`. The hostname is cut to
/// what fits; candidates beyond kCandidatesMax are dropped.
[[nodiscard]] SignedRecord sign_record(PeerRecord record, const crypto::NodeIdentity& identity,
                                       const crypto::MeshId& mesh);

/// Strict: bounds first, then both signatures. Reads no clock: freshness is the caller's question.
[[nodiscard]] tl::expected<SignedRecord, RecordError> decode_record(ByteView encoded,
                                                                    const crypto::MeshId& mesh);

enum class Freshness { kFresh, kExpired, kFromTheFuture };
[[nodiscard]] Freshness freshness(const PeerRecord& record, WallTime now);

/// The next sequence number of a node: the larger of previous + 1 and Unix milliseconds, so that
/// lost state does not silence a node.
[[nodiscard]] std::uint64_t next_sequence(std::uint64_t previous, WallTime now);

}  // namespace kadwire::rendezvous
