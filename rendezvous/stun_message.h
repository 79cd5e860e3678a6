#pragma once

/// STUN messages as bytes (RFC 8489, and RFC 5780's attributes for a NAT's behaviour): the codec
/// alone, strict and bounded.
/// A parsed message is a view into its datagram. Transactions, retransmission and answers are for
/// others (stun_responder.h). Deviations: classic STUN without the magic cookie (RFC 3489) is
/// refused; a message has at most kStunBytesMax bytes and kStunAttributesMax attributes.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::rendezvous {

inline constexpr std::size_t kStunHeaderBytes = 20;
/// RFC 8489 §6.1: what fits IPv6's minimum MTU.
inline constexpr std::size_t kStunBytesMax = 1280;
/// Real messages have fewer than ten; the rest would be work for nothing.
inline constexpr std::size_t kStunAttributesMax = 24;
/// The longest text an attribute may have (§14.8: 127 characters of at most 6 bytes, and one).
inline constexpr std::size_t kStunTextBytesMax = 763;
inline constexpr std::uint32_t kStunCookie = 0x2112a442;
inline constexpr std::uint16_t kStunBinding = 0x001;
inline constexpr std::uint16_t kStunPort = 3478;  ///< §18.6

enum class StunClass : std::uint8_t { kRequest = 0, kIndication = 1, kSuccess = 2, kError = 3 };

/// RFC 8489 §14 and §18.3. A number below 0x8000 must be understood, any other may be skipped.
enum class StunAttributeType : std::uint16_t {
  kMappedAddress = 0x0001,
  kChangeRequest = 0x0003,  ///< RFC 5780 §7.2
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000a,
  kRealm = 0x0014,
  kNonce = 0x0015,
  kMessageIntegritySha256 = 0x001c,
  kPasswordAlgorithm = 0x001d,
  kUserhash = 0x001e,
  kXorMappedAddress = 0x0020,
  kResponsePort = 0x0027,  ///< RFC 5780 §7.5
  kSoftware = 0x8022,
  kFingerprint = 0x8028,
  kOtherAddress = 0x802c,  ///< RFC 5780 §7.4
};

using StunTransactionId = ByteArray<12>;

struct StunAttribute {
  StunAttributeType type{};
  ByteView value;  ///< without padding
};

struct StunErrorCode {
  std::uint16_t code = 0;   ///< 300 to 699
  std::string_view reason;  ///< as sent: unverified text
};

/// What of the endpoint that an answer comes from is to be another than the one that was asked.
struct StunChange {
  bool address = false;
  bool port = false;
  bool operator==(const StunChange&) const = default;
};

struct StunMessage {
  StunClass message_class = StunClass::kRequest;
  std::uint16_t method = kStunBinding;  ///< 12 bits
  StunTransactionId transaction{};
  /// In order, without what follows MESSAGE-INTEGRITY and is to be ignored (§14.5).
  std::vector<StunAttribute> attributes;
  ByteView datagram;  ///< the whole message

  /// The first of its kind; later ones are ignored (§14).
  [[nodiscard]] std::optional<ByteView> find(StunAttributeType type) const;
  /// nullopt if absent or malformed.
  [[nodiscard]] std::optional<Endpoint> xor_mapped_address() const;
  /// Where the server can answer from besides, as it claims; nullopt if absent or malformed.
  [[nodiscard]] std::optional<Endpoint> other_address() const;
  /// Nothing to be changed if absent or malformed.
  [[nodiscard]] StunChange change_request() const;
  /// To which port of the address it came from the answer is to go; nullopt if absent, malformed,
  /// or 0.
  [[nodiscard]] std::optional<std::uint16_t> response_port() const;
  [[nodiscard]] std::optional<StunErrorCode> error_code() const;
  /// Those that must be understood and are not known here; in order, each once.
  [[nodiscard]] std::vector<std::uint16_t> unknown_required() const;
};

enum class StunError {
  kNotStun,         ///< too short, top bits or cookie wrong, or the length is not the datagram's
  kMalformed,       ///< too long, an attribute beyond the end, too many, FINGERPRINT not the last
  kBadFingerprint,  ///< FINGERPRINT is there and wrong
};
[[nodiscard]] std::string_view describe(StunError error);

/// Reads a whole datagram. The result's views live as long as `datagram`'s storage. A FINGERPRINT
/// is checked; integrity is not, because it needs a key.
[[nodiscard]] tl::expected<StunMessage, StunError> parse_stun(ByteView datagram);

enum class StunIntegrity { kAbsent, kValid, kInvalid };
/// MESSAGE-INTEGRITY (HMAC-SHA1, §14.5) under `key`: the password, or MD5(user:realm:password).
[[nodiscard]] StunIntegrity check_integrity(const StunMessage& message, ByteView key);
/// MESSAGE-INTEGRITY-SHA256 (§14.6); a tag cut to 16, 20, 24 or 28 bytes is accepted, as the RFC
/// asks.
[[nodiscard]] StunIntegrity check_integrity_sha256(const StunMessage& message, ByteView key);

/// Builds a message, attribute by attribute, in the order of the calls: integrity comes after what
/// it protects, the fingerprint last. The caller keeps within kStunBytesMax (asserted by take).
class StunWriter {
 public:
  StunWriter(StunClass message_class, std::uint16_t method, const StunTransactionId& transaction);
  /// Any attribute by its bytes, at most kStunTextBytesMax of them.
  StunWriter& attribute(StunAttributeType type, ByteView value);
  StunWriter& username(std::string_view name);
  StunWriter& software(std::string_view description);
  StunWriter& xor_mapped_address(const Endpoint& endpoint);
  StunWriter& other_address(const Endpoint& endpoint);
  StunWriter& change_request(StunChange change);
  /// Not 0.
  StunWriter& response_port(std::uint16_t port);
  /// `code` is 300 to 699.
  StunWriter& error_code(std::uint16_t code, std::string_view reason);
  StunWriter& unknown_attributes(std::span<const std::uint16_t> types);
  StunWriter& message_integrity(ByteView key);
  StunWriter& message_integrity_sha256(ByteView key);
  StunWriter& fingerprint();
  [[nodiscard]] Bytes take();

 private:
  /// The header's length field as it is once `more` bytes of attributes have been added.
  void set_length(std::size_t more);
  Bytes message_;
  StunTransactionId transaction_;
};

}  // namespace kadwire::rendezvous
