#pragma once

/// The one derivation tree of a mesh: everything two members must agree on comes from here.
///   prk = HKDF-Extract-SHA256(salt "kadwire v1", ikm)                              (RFC 5869)
///   key(label, context, n) = HKDF-Expand-SHA256(prk, label ‖ 0x00 ‖ context, n)
/// Integers in a context are big-endian. Vectors: tests/vectors/key_schedule.json.

#include <string_view>

#include "crypto/mesh_secret.h"
#include "crypto/node_identity.h"
#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"
#include "node/base/time.h"

namespace kadwire::crypto {

/// 20 bytes, the size of a Kademlia key in OpenDHT.
using InfoHash = ByteArray<20>;

class KeySchedule {
 public:
  explicit KeySchedule(const MeshSecret& secret);

  [[nodiscard]] const MeshId& mesh_id() const { return mesh_id_; }
  /// 12 hex digits.
  [[nodiscard]] std::string mesh_id_text() const;

  [[nodiscard]] InfoHash topic(Hour hour, std::uint8_t shard) const;
  [[nodiscard]] InfoHash mailbox(Hour hour, const NodeId& node) const;

  [[nodiscard]] SecretBytes record_seal_key(Hour hour) const;
  [[nodiscard]] SecretBytes mailbox_seal_key(Hour hour, const NodeId& node) const;
  [[nodiscard]] SecretBytes group_seal_key(Hour hour) const;
  [[nodiscard]] SecretBytes frame_tag_key(Hour hour) const;
  [[nodiscard]] SecretBytes noise_psk() const;
  /// The same whichever way round the two keys are given.
  [[nodiscard]] SecretBytes wireguard_psk(const WireguardKey& a, const WireguardKey& b) const;

  /// The raw derivation, for mesh_address and tests. `label` has no NUL.
  void derive(std::string_view label, ByteView context, std::span<std::byte> out) const;

 private:
  SecretBytes prk_;
  MeshId mesh_id_{};
};

}  // namespace kadwire::crypto
