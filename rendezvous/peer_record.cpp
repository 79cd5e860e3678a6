#include "rendezvous/peer_record.h"

#include <algorithm>
#include <cassert>

#include "node/base/utf8.h"

namespace kadwire::rendezvous {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kFlagTombstone = 0x01;
constexpr std::uint8_t kFlagAnswersFrames = 0x02;
constexpr std::uint8_t kFlagRelays = 0x04;
constexpr std::uint8_t kFlagRelayedOnly = 0x08;
constexpr std::uint8_t kFieldCandidate = 1;
constexpr std::uint8_t kFieldHostname = 2;
constexpr std::uint8_t kFieldNat = 3;
constexpr std::size_t kSignatureBytes = 64;
/// The mesh's IPv4 network leaves room for at least two hosts and is no larger than any private
/// one.
constexpr unsigned kNetworkLengthMin = 8;
constexpr unsigned kNetworkLengthMax = 30;

/// U+0000 to U+001F and U+007F to U+009F, which could steer the terminal that a name is shown on.
/// `text` is UTF-8.
bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

bool is_hostname(std::string_view text) {
  return text.size() <= kHostnameBytesMax && is_utf8(text) && !has_control_character(text);
}

/// The longest beginning of `text` that a record may carry.
std::string_view longest_hostname(std::string_view text) {
  text = text.substr(0, kHostnameBytesMax);
  while (!is_hostname(text)) text.remove_suffix(1);
  return text;
}

bool is_mesh_network(const Prefix& prefix) {
  return prefix.address.is_v4() && prefix.length >= kNetworkLengthMin &&
         prefix.length <= kNetworkLengthMax && prefix == prefix.network();
}

std::uint8_t flags_of(const PeerRecord& record) {
  return static_cast<std::uint8_t>(
      (record.tombstone ? kFlagTombstone : 0) | (record.answers_frames ? kFlagAnswersFrames : 0) |
      (record.relays ? kFlagRelays : 0) | (record.relayed_only ? kFlagRelayedOnly : 0));
}

void write_candidate(ByteWriter& writer, const Candidate& candidate) {
  assert(candidate.endpoint.port != 0);
  const ByteView address = candidate.endpoint.address.bytes();
  writer.u8(kFieldCandidate).u8(static_cast<std::uint8_t>(1 + 2 + address.size()));
  writer.u8(static_cast<std::uint8_t>(candidate.kind)).be16(candidate.endpoint.port).raw(address);
}

Bytes encode_body(const PeerRecord& record, const crypto::Signature& cross_signature) {
  ByteWriter writer;
  writer.u8(kVersion).u8(flags_of(record));
  writer.raw(record.node.bytes).raw(record.wireguard_signing_key.bytes).raw(cross_signature);
  writer.be64(record.sequence).be64(unix_milliseconds(record.issued));
  writer.be32(static_cast<std::uint32_t>(record.lifetime.count()));
  writer.u8(record.lease_nonce).be64(unix_milliseconds(record.lease_since));
  writer.raw(record.ipv4_network.address.bytes());
  writer.u8(static_cast<std::uint8_t>(record.ipv4_network.length));
  for (const Candidate& candidate : record.candidates) write_candidate(writer, candidate);
  if (!record.hostname.empty()) {
    writer.u8(kFieldHostname).u8(static_cast<std::uint8_t>(record.hostname.size()));
    writer.text(record.hostname);
  }
  if (record.nat) {
    writer.u8(kFieldNat).u8(kNatBehaviorBytes).raw(encode_nat_behavior(*record.nat));
  }
  return writer.take();
}

bool read_candidate(ByteView value, PeerRecord& record) {
  ByteReader reader(value);
  const std::uint8_t kind = reader.u8();
  const std::uint16_t port = reader.be16();
  const ByteView address_bytes = reader.raw(reader.remaining());
  const auto address = IpAddress::from_bytes(address_bytes);
  const bool known_kind = kind >= static_cast<std::uint8_t>(CandidateKind::kHost) &&
                          kind <= static_cast<std::uint8_t>(CandidateKind::kStatic);
  if (!address || !known_kind || port == 0) return false;
  // An IPv4-mapped IPv6 address would be a second spelling of an IPv4 one.
  if (address->bytes().size() != address_bytes.size()) return false;
  if (record.candidates.size() == kCandidatesMax) return false;
  record.candidates.push_back({static_cast<CandidateKind>(kind), {*address, port}});
  return true;
}

bool read_hostname(ByteView value, PeerRecord& record) {
  const std::string_view text = as_text(value);
  if (text.empty() || !is_hostname(text)) return false;
  record.hostname = text;
  return true;
}

/// Types ascend; only candidates repeat. What a later version adds is skipped here and stays in the
/// encoded bytes, under the signature.
bool read_fields(ByteReader& reader, PeerRecord& record) {
  int previous_type = -1;
  while (reader.ok() && reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    const ByteView value = reader.raw(reader.u8());
    const bool in_order =
        type > previous_type || (type == previous_type && type == kFieldCandidate);
    if (!reader.ok() || !in_order) return false;
    if (type == kFieldCandidate && !read_candidate(value, record)) return false;
    if (type == kFieldHostname && !read_hostname(value, record)) return false;
    if (type == kFieldNat && !(record.nat = decode_nat_behavior(value))) return false;
    previous_type = type;
  }
  return reader.finished();
}

/// Everything behind the version byte. nullopt: malformed.
std::optional<PeerRecord> read_body(ByteReader& reader, crypto::Signature& cross_signature) {
  PeerRecord record;
  const std::uint8_t flags = reader.u8();
  record.tombstone = (flags & kFlagTombstone) != 0;
  record.answers_frames = (flags & kFlagAnswersFrames) != 0;
  record.relays = (flags & kFlagRelays) != 0;
  record.relayed_only = (flags & kFlagRelayedOnly) != 0;
  record.node.bytes = reader.array<32>();
  record.wireguard_signing_key.bytes = reader.array<32>();
  cross_signature = reader.array<kSignatureBytes>();
  record.sequence = reader.be64();
  record.issued = wall_from_unix_milliseconds(reader.be64());
  record.lifetime = std::chrono::seconds(reader.be32());
  record.lease_nonce = reader.u8();
  record.lease_since = wall_from_unix_milliseconds(reader.be64());
  record.ipv4_network.address = IpAddress::v4(reader.array<4>());
  record.ipv4_network.length = reader.u8();
  if (!reader.ok() || record.lifetime > kRecordLifetimeMax) return std::nullopt;
  if (!is_mesh_network(record.ipv4_network) || !read_fields(reader, record)) return std::nullopt;
  return record;
}

}  // namespace

std::string_view describe(RecordError error) {
  switch (error) {
    case RecordError::kMalformed:
      return "malformed";
    case RecordError::kUnknownVersion:
      return "unknown version";
    case RecordError::kBadCrossSignature:
      return "the WireGuard key did not sign the node id";
    case RecordError::kBadSignature:
      return "not signed by the node it names, for this mesh";
  }
  assert(false);
  return {};
}

SignedRecord sign_record(PeerRecord record, const crypto::NodeIdentity& identity,
                         const crypto::MeshId& mesh) {
  assert(record.lifetime.count() >= 0 && record.lifetime <= kRecordLifetimeMax);
  assert(is_mesh_network(record.ipv4_network));
  record.node = identity.node_id();
  record.wireguard_signing_key = identity.wireguard_signing_key();
  record.wireguard_key = identity.wireguard_key();
  record.hostname = std::string(longest_hostname(record.hostname));
  if (record.candidates.size() > kCandidatesMax) record.candidates.resize(kCandidatesMax);
  Bytes encoded = encode_body(record, identity.cross_sign(mesh));
  const crypto::Signature signature = identity.sign(kRecordDomain, mesh, encoded);
  encoded.insert(encoded.end(), signature.begin(), signature.end());
  assert(encoded.size() <= kRecordBytesMax);
  return {std::move(record), std::move(encoded)};
}

tl::expected<SignedRecord, RecordError> decode_record(ByteView encoded,
                                                      const crypto::MeshId& mesh) {
  if (encoded.size() <= kSignatureBytes || encoded.size() > kRecordBytesMax) {
    return tl::unexpected(RecordError::kMalformed);
  }
  const ByteView body = encoded.first(encoded.size() - kSignatureBytes);
  ByteReader reader(body);
  if (reader.u8() != kVersion) return tl::unexpected(RecordError::kUnknownVersion);
  crypto::Signature cross_signature{};
  auto record = read_body(reader, cross_signature);
  if (!record) return tl::unexpected(RecordError::kMalformed);

  const auto signature = to_array<kSignatureBytes>(encoded.last(kSignatureBytes));
  if (!crypto::verify(record->node, kRecordDomain, mesh, body, *signature)) {
    return tl::unexpected(RecordError::kBadSignature);
  }
  const auto wireguard_key = crypto::verify_cross_signature(record->wireguard_signing_key,
                                                            record->node, mesh, cross_signature);
  if (!wireguard_key) return tl::unexpected(RecordError::kBadCrossSignature);
  record->wireguard_key = *wireguard_key;
  return SignedRecord{std::move(*record), Bytes(encoded.begin(), encoded.end())};
}

Freshness freshness(const PeerRecord& record, WallTime now) {
  if (record.issued > now + kClockSkewMax) return Freshness::kFromTheFuture;
  return record.expires() <= now ? Freshness::kExpired : Freshness::kFresh;
}

std::uint64_t next_sequence(std::uint64_t previous, WallTime now) {
  return std::max(previous + 1, unix_milliseconds(now));
}

}  // namespace kadwire::rendezvous
