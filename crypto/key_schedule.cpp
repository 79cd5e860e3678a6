#include "crypto/key_schedule.h"

#include <algorithm>
#include <cassert>

#include "crypto/hkdf.h"

namespace kadwire::crypto {
namespace {

constexpr std::string_view kExtractSalt = "kadwire v1";
constexpr std::size_t kKeyBytes = 32;  ///< every symmetric key of this tree

Bytes hour_context(Hour hour) {
  return ByteWriter().be64(hour).take();
}

Bytes hour_and_node_context(Hour hour, const NodeId& node) {
  return ByteWriter().be64(hour).raw(node.bytes).take();
}

SecretBytes derive_key(const KeySchedule& keys, std::string_view label, ByteView context) {
  SecretBytes key(kKeyBytes);
  keys.derive(label, context, key.writable());
  return key;
}

}  // namespace

KeySchedule::KeySchedule(const MeshSecret& secret)
    : prk_(hkdf_extract(as_bytes(kExtractSalt), secret.ikm.view())) {
  assert(secret.ikm.size() == kSecretBytes);
  derive("mesh id", {}, mesh_id_);
}

void KeySchedule::derive(std::string_view label, ByteView context, std::span<std::byte> out) const {
  assert(label.find('\0') == std::string_view::npos);
  hkdf_expand(prk_.view(), ByteWriter().text(label).u8(0).raw(context).view(), out);
}

std::string KeySchedule::mesh_id_text() const {
  return to_hex(mesh_id_);
}

InfoHash KeySchedule::topic(Hour hour, std::uint8_t shard) const {
  InfoHash hash;
  derive("dht topic", ByteWriter().be64(hour).u8(shard).view(), hash);
  return hash;
}

InfoHash KeySchedule::mailbox(Hour hour, const NodeId& node) const {
  InfoHash hash;
  derive("dht mailbox", hour_and_node_context(hour, node), hash);
  return hash;
}

SecretBytes KeySchedule::record_seal_key(Hour hour) const {
  return derive_key(*this, "record seal", hour_context(hour));
}

SecretBytes KeySchedule::mailbox_seal_key(Hour hour, const NodeId& node) const {
  return derive_key(*this, "mailbox seal", hour_and_node_context(hour, node));
}

SecretBytes KeySchedule::group_seal_key(Hour hour) const {
  return derive_key(*this, "group seal", hour_context(hour));
}

SecretBytes KeySchedule::frame_tag_key(Hour hour) const {
  return derive_key(*this, "frame tag", hour_context(hour));
}

SecretBytes KeySchedule::noise_psk() const {
  return derive_key(*this, "noise psk", {});
}

SecretBytes KeySchedule::wireguard_psk(const WireguardKey& a, const WireguardKey& b) const {
  const auto& [lower, higher] = std::minmax(a, b);
  return derive_key(*this, "wireguard psk", ByteWriter().raw(lower.bytes).raw(higher.bytes).view());
}

}  // namespace kadwire::crypto
