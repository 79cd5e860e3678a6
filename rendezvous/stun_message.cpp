#include "rendezvous/stun_message.h"

#include <gnutls/crypto.h>
#include <sodium.h>

#include <algorithm>
#include <cassert>

namespace kadwire::rendezvous {
namespace {

constexpr std::size_t kAttributeHeaderBytes = 4;
constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kSha256Bytes = 32;
/// §14.6: a shorter cut of the tag is refused.
constexpr std::size_t kSha256TagBytesMin = 16;
constexpr std::size_t kFingerprintBytes = 4;
/// "STUN" in ASCII: keeps the CRC apart from that of another protocol in the same datagram (§14.7).
constexpr std::uint32_t kFingerprintXor = 0x5354554e;
/// RFC 5780 §7.2.
constexpr std::uint32_t kChangeAddressFlag = 0x04;
constexpr std::uint32_t kChangePortFlag = 0x02;

constexpr std::size_t padded(std::size_t size) {
  return (size + 3) / 4 * 4;
}

/// ITU-T V.42: reflected, polynomial 0x04c11db7.
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320U : 0U);
    table[i] = value;
  }
  return table;
}

std::uint32_t crc32(ByteView bytes) {
  static constexpr auto kTable = make_crc_table();
  std::uint32_t crc = 0xffffffff;
  for (const std::byte byte : bytes) {
    crc = crc >> 8 ^ kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  }
  return ~crc;
}

/// `before` is the message up to the attribute that carries the result, and the message's length
/// field counts that attribute as the last one (§14.5): `tag_bytes` is its value's size.
Bytes with_length_up_to(ByteView before, std::size_t tag_bytes) {
  Bytes covered(before.begin(), before.end());
  const std::size_t length = before.size() + kAttributeHeaderBytes + tag_bytes - kStunHeaderBytes;
  covered[2] = static_cast<std::byte>(length >> 8);
  covered[3] = static_cast<std::byte>(length);
  return covered;
}

Bytes hmac(gnutls_mac_algorithm_t algorithm, ByteView key, ByteView covered) {
  Bytes tag(gnutls_hmac_get_len(algorithm));
  const int result = gnutls_hmac_fast(algorithm, key.data(), key.size(), covered.data(),
                                      covered.size(), tag.data());
  assert(result == 0 && "HMAC cannot fail for a known algorithm");
  (void)result;
  return tag;
}

/// What stands before `value`'s attribute in the message.
ByteView before_attribute(const StunMessage& message, ByteView value) {
  const auto offset = static_cast<std::size_t>(value.data() - message.datagram.data());
  return message.datagram.first(offset - kAttributeHeaderBytes);
}

StunIntegrity compare_tag(const StunMessage& message, ByteView tag, ByteView key,
                          gnutls_mac_algorithm_t algorithm) {
  const Bytes covered = with_length_up_to(before_attribute(message, tag), tag.size());
  const Bytes expected = hmac(algorithm, key, covered);
  return sodium_memcmp(tag.data(), expected.data(), tag.size()) == 0 ? StunIntegrity::kValid
                                                                     : StunIntegrity::kInvalid;
}

/// The 14 bits of the message type: class bits at 4 and 8, the method around them (§5).
std::uint16_t type_bits(StunClass message_class, std::uint16_t method) {
  const unsigned m = method;
  const auto c = static_cast<unsigned>(message_class);
  return static_cast<std::uint16_t>((m & 0xf80) << 2 | (m & 0x070) << 1 | (m & 0x00f) |
                                    (c & 2) << 7 | (c & 1) << 4);
}

StunClass class_of(std::uint16_t type) {
  const unsigned bits = type;
  return static_cast<StunClass>((bits >> 7 & 2) | (bits >> 4 & 1));
}

std::uint16_t method_of(std::uint16_t type) {
  const unsigned bits = type;
  return static_cast<std::uint16_t>((bits >> 2 & 0xf80) | (bits >> 1 & 0x070) | (bits & 0x00f));
}

/// What addresses are XORed with: the cookie, then the transaction id (§14.2).
ByteArray<16> address_mask(const StunTransactionId& transaction) {
  return *to_array<16>(ByteWriter().be32(kStunCookie).raw(transaction).view());
}

/// MAPPED-ADDRESS's form (§14.1), which others share.
std::optional<Endpoint> read_address(ByteView value) {
  ByteReader reader(value);
  reader.u8();  // reserved, to be ignored
  const std::uint8_t family = reader.u8();
  const std::uint16_t port = reader.be16();
  const ByteView address = reader.raw(reader.remaining());
  const bool is_v4 = family == 1 && address.size() == 4;
  const bool is_v6 = family == 2 && address.size() == 16;
  if (!is_v4 && !is_v6) return std::nullopt;
  return Endpoint{*IpAddress::from_bytes(address), port};
}

Bytes write_address(std::uint16_t port, ByteView address) {
  ByteWriter writer;
  writer.u8(0).u8(address.size() == 4 ? 1 : 2).be16(port).raw(address);
  return writer.take();
}

bool fingerprint_matches(const StunMessage& message, ByteView value) {
  return ByteReader(value).be32() == (crc32(before_attribute(message, value)) ^ kFingerprintXor);
}

bool is_known(StunAttributeType type) {
  switch (type) {
    case StunAttributeType::kMappedAddress:
    case StunAttributeType::kChangeRequest:
    case StunAttributeType::kUsername:
    case StunAttributeType::kMessageIntegrity:
    case StunAttributeType::kErrorCode:
    case StunAttributeType::kUnknownAttributes:
    case StunAttributeType::kRealm:
    case StunAttributeType::kNonce:
    case StunAttributeType::kMessageIntegritySha256:
    case StunAttributeType::kPasswordAlgorithm:
    case StunAttributeType::kUserhash:
    case StunAttributeType::kXorMappedAddress:
    case StunAttributeType::kResponsePort:
    case StunAttributeType::kSoftware:
    case StunAttributeType::kFingerprint:
    case StunAttributeType::kOtherAddress:
      return true;
  }
  return false;
}

/// Whether an attribute counts, given those before it: behind MESSAGE-INTEGRITY only its SHA-256
/// form and the fingerprint do, behind that form only the fingerprint (§14.5, §14.6).
bool counts_after(const std::vector<StunAttribute>& earlier, StunAttributeType type) {
  if (type == StunAttributeType::kFingerprint) return true;
  const auto has = [&](StunAttributeType wanted) {
    return std::ranges::any_of(earlier, [&](const auto& each) { return each.type == wanted; });
  };
  if (has(StunAttributeType::kMessageIntegritySha256)) return false;
  return type == StunAttributeType::kMessageIntegritySha256 ||
         !has(StunAttributeType::kMessageIntegrity);
}

bool has_valid_size(const StunAttribute& attribute) {
  const std::size_t size = attribute.value.size();
  switch (attribute.type) {
    case StunAttributeType::kMessageIntegrity:
      return size == kSha1Bytes;
    case StunAttributeType::kMessageIntegritySha256:
      return size >= kSha256TagBytesMin && size <= kSha256Bytes && size % 4 == 0;
    case StunAttributeType::kFingerprint:
      return size == kFingerprintBytes;
    default:
      return true;
  }
}

bool read_attributes(ByteReader& reader, std::vector<StunAttribute>& attributes) {
  std::size_t seen = 0;
  bool ended = false;
  while (reader.remaining() > 0) {
    const auto type = static_cast<StunAttributeType>(reader.be16());
    const std::uint16_t size = reader.be16();
    const StunAttribute attribute{type, reader.raw(size)};
    reader.raw(padded(size) - size);
    const bool in_bounds = reader.ok() && ++seen <= kStunAttributesMax;
    if (!in_bounds || ended || !has_valid_size(attribute)) return false;
    ended = type == StunAttributeType::kFingerprint;
    if (counts_after(attributes, type)) attributes.push_back(attribute);
  }
  return true;
}

}  // namespace

std::optional<ByteView> StunMessage::find(StunAttributeType type) const {
  const auto found = std::ranges::find(attributes, type, &StunAttribute::type);
  if (found == attributes.end()) return std::nullopt;
  return found->value;
}

std::optional<Endpoint> StunMessage::xor_mapped_address() const {
  const auto value = find(StunAttributeType::kXorMappedAddress);
  auto endpoint = value ? read_address(*value) : std::nullopt;
  if (!endpoint) return std::nullopt;
  const ByteView masked = endpoint->address.bytes();
  Bytes plain(masked.begin(), masked.end());
  const ByteArray<16> mask = address_mask(transaction);
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] ^= mask[i];
  return Endpoint{*IpAddress::from_bytes(plain),
                  static_cast<std::uint16_t>(endpoint->port ^ (kStunCookie >> 16))};
}

std::optional<Endpoint> StunMessage::other_address() const {
  const auto value = find(StunAttributeType::kOtherAddress);
  return value ? read_address(*value) : std::nullopt;
}

StunChange StunMessage::change_request() const {
  const auto value = find(StunAttributeType::kChangeRequest);
  if (!value) return {};
  ByteReader reader(*value);
  const std::uint32_t flags = reader.be32();
  if (!reader.finished()) return {};
  return {(flags & kChangeAddressFlag) != 0, (flags & kChangePortFlag) != 0};
}

/// The two bytes after the port are padding, which some count as the value's and some do not.
std::optional<std::uint16_t> StunMessage::response_port() const {
  const auto value = find(StunAttributeType::kResponsePort);
  if (!value || (value->size() != 2 && value->size() != 4)) return std::nullopt;
  const std::uint16_t port = ByteReader(*value).be16();
  return port == 0 ? std::nullopt : std::optional(port);
}

std::optional<StunErrorCode> StunMessage::error_code() const {
  const auto value = find(StunAttributeType::kErrorCode);
  if (!value) return std::nullopt;
  ByteReader reader(*value);
  reader.be16();  // reserved
  const unsigned hundreds = reader.u8() & 0x07;
  const unsigned number = reader.u8();
  if (!reader.ok() || hundreds < 3 || hundreds > 6 || number > 99) return std::nullopt;
  return StunErrorCode{static_cast<std::uint16_t>(hundreds * 100 + number),
                       as_text(reader.raw(reader.remaining()))};
}

std::vector<std::uint16_t> StunMessage::unknown_required() const {
  std::vector<std::uint16_t> unknown;
  for (const StunAttribute& attribute : attributes) {
    const auto number = static_cast<std::uint16_t>(attribute.type);
    if (number >= 0x8000 || is_known(attribute.type)) continue;
    if (std::ranges::find(unknown, number) == unknown.end()) unknown.push_back(number);
  }
  return unknown;
}

std::string_view describe(StunError error) {
  switch (error) {
    case StunError::kNotStun:
      return "not STUN";
    case StunError::kMalformed:
      return "malformed";
    case StunError::kBadFingerprint:
      return "bad fingerprint";
  }
  assert(false);
  return {};
}

tl::expected<StunMessage, StunError> parse_stun(ByteView datagram) {
  ByteReader reader(datagram);
  const std::uint16_t type = reader.be16();
  const std::uint16_t length = reader.be16();
  const std::uint32_t cookie = reader.be32();
  StunMessage message{class_of(type), method_of(type), reader.array<12>(), {}, datagram};
  const bool is_stun = reader.ok() && (type & 0xc000) == 0 && cookie == kStunCookie &&
                       length == reader.remaining() && length % 4 == 0;
  if (!is_stun) return tl::unexpected(StunError::kNotStun);
  if (datagram.size() > kStunBytesMax || !read_attributes(reader, message.attributes)) {
    return tl::unexpected(StunError::kMalformed);
  }
  const auto fingerprint = message.find(StunAttributeType::kFingerprint);
  if (fingerprint && !fingerprint_matches(message, *fingerprint)) {
    return tl::unexpected(StunError::kBadFingerprint);
  }
  return message;
}

StunIntegrity check_integrity(const StunMessage& message, ByteView key) {
  const auto tag = message.find(StunAttributeType::kMessageIntegrity);
  if (!tag) return StunIntegrity::kAbsent;
  return compare_tag(message, *tag, key, GNUTLS_MAC_SHA1);
}

StunIntegrity check_integrity_sha256(const StunMessage& message, ByteView key) {
  const auto tag = message.find(StunAttributeType::kMessageIntegritySha256);
  if (!tag) return StunIntegrity::kAbsent;
  return compare_tag(message, *tag, key, GNUTLS_MAC_SHA256);
}

StunWriter::StunWriter(StunClass message_class, std::uint16_t method,
                       const StunTransactionId& transaction)
    : transaction_(transaction) {
  assert(method < 0x1000);
  message_ = ByteWriter()
                 .be16(type_bits(message_class, method))
                 .be16(0)
                 .be32(kStunCookie)
                 .raw(transaction)
                 .take();
}

StunWriter& StunWriter::attribute(StunAttributeType type, ByteView value) {
  assert(value.size() <= kStunTextBytesMax);
  ByteWriter writer;
  writer.be16(static_cast<std::uint16_t>(type)).be16(static_cast<std::uint16_t>(value.size()));
  writer.raw(value).raw(Bytes(padded(value.size()) - value.size()));
  message_.insert(message_.end(), writer.view().begin(), writer.view().end());
  set_length(0);
  return *this;
}

StunWriter& StunWriter::username(std::string_view name) {
  return attribute(StunAttributeType::kUsername, as_bytes(name));
}

StunWriter& StunWriter::software(std::string_view description) {
  return attribute(StunAttributeType::kSoftware, as_bytes(description));
}

StunWriter& StunWriter::xor_mapped_address(const Endpoint& endpoint) {
  const ByteArray<16> mask = address_mask(transaction_);
  const ByteView plain = endpoint.address.bytes();
  Bytes masked(plain.begin(), plain.end());
  for (std::size_t i = 0; i < masked.size(); ++i) masked[i] ^= mask[i];
  const auto port = static_cast<std::uint16_t>(endpoint.port ^ (kStunCookie >> 16));
  return attribute(StunAttributeType::kXorMappedAddress, write_address(port, masked));
}

StunWriter& StunWriter::other_address(const Endpoint& endpoint) {
  return attribute(StunAttributeType::kOtherAddress,
                   write_address(endpoint.port, endpoint.address.bytes()));
}

StunWriter& StunWriter::change_request(StunChange change) {
  const std::uint32_t flags =
      (change.address ? kChangeAddressFlag : 0) | (change.port ? kChangePortFlag : 0);
  return attribute(StunAttributeType::kChangeRequest, ByteWriter().be32(flags).view());
}

StunWriter& StunWriter::response_port(std::uint16_t port) {
  assert(port != 0);
  return attribute(StunAttributeType::kResponsePort, ByteWriter().be16(port).be16(0).view());
}

StunWriter& StunWriter::error_code(std::uint16_t code, std::string_view reason) {
  assert(code >= 300 && code <= 699);
  ByteWriter writer;
  writer.be16(0).u8(static_cast<std::uint8_t>(code / 100));
  writer.u8(static_cast<std::uint8_t>(code % 100)).text(reason);
  return attribute(StunAttributeType::kErrorCode, writer.view());
}

StunWriter& StunWriter::unknown_attributes(std::span<const std::uint16_t> types) {
  ByteWriter writer;
  for (const std::uint16_t type : types) writer.be16(type);
  return attribute(StunAttributeType::kUnknownAttributes, writer.view());
}

StunWriter& StunWriter::message_integrity(ByteView key) {
  set_length(kAttributeHeaderBytes + kSha1Bytes);
  return attribute(StunAttributeType::kMessageIntegrity, hmac(GNUTLS_MAC_SHA1, key, message_));
}

StunWriter& StunWriter::message_integrity_sha256(ByteView key) {
  set_length(kAttributeHeaderBytes + kSha256Bytes);
  return attribute(StunAttributeType::kMessageIntegritySha256,
                   hmac(GNUTLS_MAC_SHA256, key, message_));
}

StunWriter& StunWriter::fingerprint() {
  set_length(kAttributeHeaderBytes + kFingerprintBytes);
  return attribute(StunAttributeType::kFingerprint,
                   ByteWriter().be32(crc32(message_) ^ kFingerprintXor).view());
}

Bytes StunWriter::take() {
  assert(message_.size() <= kStunBytesMax);
  return std::move(message_);
}

void StunWriter::set_length(std::size_t more) {
  const std::size_t length = message_.size() + more - kStunHeaderBytes;
  message_[2] = static_cast<std::byte>(length >> 8);
  message_[3] = static_cast<std::byte>(length);
}

}  // namespace kadwire::rendezvous
