#include "rendezvous/stun_message.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::hex_bytes;
using kadwire::testing::load_vectors;

constexpr StunTransactionId kTransaction{std::byte{9}, std::byte{8}, std::byte{7}};

StunWriter request() {
  return {StunClass::kRequest, kStunBinding, kTransaction};
}

std::string_view text_of(const StunMessage& message, StunAttributeType type) {
  return as_text(message.find(type).value_or(ByteView{}));
}

/// RFC 5769. Its padding is not zero, which a receiver must not mind.
class Rfc5769 : public ::testing::Test {
 protected:
  /// Keeps the datagram alive and gives what it means.
  StunMessage parsed(const char* vector) {
    datagram_ = hex_bytes(vectors_[vector]["message"]);
    const auto message = parse_stun(datagram_);
    EXPECT_TRUE(message.has_value()) << vector;
    return message.value_or(StunMessage{});
  }
  void expect_response(const char* vector) {
    const StunMessage message = parsed(vector);
    EXPECT_EQ(message.message_class, StunClass::kSuccess);
    EXPECT_EQ(message.method, kStunBinding);
    EXPECT_EQ(text_of(message, StunAttributeType::kSoftware), vectors_[vector]["software"]);
    ASSERT_TRUE(message.xor_mapped_address().has_value());
    EXPECT_EQ(message.xor_mapped_address()->to_string(), vectors_[vector]["mapped"]);
    EXPECT_EQ(check_integrity(message, short_term_key_), StunIntegrity::kValid);
    EXPECT_TRUE(message.find(StunAttributeType::kFingerprint).has_value());
  }
  nlohmann::json vectors_ = load_vectors("stun_rfc5769.json");
  Bytes short_term_key_ = hex_bytes(vectors_["short_term_key"]);
  Bytes datagram_;
};

TEST_F(Rfc5769, SampleRequestIsRead) {
  const StunMessage message = parsed("request");
  EXPECT_EQ(message.message_class, StunClass::kRequest);
  EXPECT_EQ(text_of(message, StunAttributeType::kUsername), "evtj:h6vY");
  EXPECT_EQ(text_of(message, StunAttributeType::kSoftware), "STUN test client");
  EXPECT_EQ(check_integrity(message, short_term_key_), StunIntegrity::kValid);
  EXPECT_EQ(message.unknown_required(), std::vector<std::uint16_t>{0x0024});
}

TEST_F(Rfc5769, SampleIpv4ResponseIsRead) {
  expect_response("ipv4_response");
}

TEST_F(Rfc5769, SampleIpv6ResponseIsRead) {
  expect_response("ipv6_response");
}

TEST_F(Rfc5769, SampleRequestWithLongTermAuthenticationIsRead) {
  const StunMessage message = parsed("long_term_request");
  const auto& vector = vectors_["long_term_request"];
  EXPECT_EQ(text_of(message, StunAttributeType::kUsername), vector["username"]);
  EXPECT_EQ(text_of(message, StunAttributeType::kRealm), vector["realm"]);
  EXPECT_EQ(check_integrity(message, hex_bytes(vector["key"])), StunIntegrity::kValid);
}

TEST_F(Rfc5769, NoChangedByteIsVouchedForByTheFingerprint) {
  const Bytes original = hex_bytes(vectors_["request"]["message"]);
  for (std::size_t i = 0; i < original.size(); ++i) {
    Bytes changed = original;
    changed[i] ^= std::byte{0x04};
    const auto message = parse_stun(changed);
    const bool vouched_for = message && message->find(StunAttributeType::kFingerprint);
    EXPECT_FALSE(vouched_for) << "byte " << i;
  }
}

TEST_F(Rfc5769, AnotherKeyFailsTheIntegrity) {
  EXPECT_EQ(check_integrity(parsed("request"), as_bytes("wrong")), StunIntegrity::kInvalid);
}

TEST(StunSha256, AgreesWithTheIndependentImplementation) {
  const auto vectors = load_vectors("stun_sha256.json");
  const Bytes key = hex_bytes(vectors["key"]);
  for (const char* name : {"whole", "cut"}) {
    const Bytes datagram = hex_bytes(vectors[name]);
    const auto message = parse_stun(datagram);
    ASSERT_TRUE(message.has_value()) << name;
    EXPECT_EQ(check_integrity_sha256(*message, key), StunIntegrity::kValid) << name;
    EXPECT_EQ(check_integrity_sha256(*message, as_bytes("x")), StunIntegrity::kInvalid) << name;
    EXPECT_EQ(check_integrity(*message, key), StunIntegrity::kAbsent) << name;
  }
}

TEST(StunWriter, WritesTheIndependentImplementationsMessage) {
  const auto vectors = load_vectors("stun_sha256.json");
  StunTransactionId transaction;
  for (std::size_t i = 0; i < transaction.size(); ++i) transaction[i] = static_cast<std::byte>(i);
  const Bytes written = StunWriter(StunClass::kRequest, kStunBinding, transaction)
                            .username("alice")
                            .message_integrity_sha256(hex_bytes(vectors["key"]))
                            .fingerprint()
                            .take();
  EXPECT_EQ(to_hex(written), vectors["whole"]);
}

TEST(StunMessage, HasAResponsePortWithOrWithoutItsPadding) {
  const auto port_in = [](std::string_view value) {
    const Bytes bytes = *from_hex(value);
    const Bytes datagram = request().attribute(StunAttributeType::kResponsePort, bytes).take();
    return parse_stun(datagram)->response_port();
  };
  EXPECT_EQ(port_in("9c400000"), 40'000);
  EXPECT_EQ(port_in("9c40"), 40'000);
  EXPECT_EQ(port_in("00000000"), std::nullopt);
  EXPECT_EQ(port_in("9c4000"), std::nullopt);
  EXPECT_EQ(port_in(""), std::nullopt);
  const Bytes written = request().response_port(40'000).take();
  EXPECT_EQ(parse_stun(written)->response_port(), 40'000);
}

TEST(StunWriter, WritesWhatTheParserReads) {
  const Endpoint mapped = *Endpoint::parse("[2001:db8::7]:4000");
  const std::vector<std::uint16_t> unknown = {0x0003, 0x0024};
  const Bytes datagram = StunWriter(StunClass::kError, kStunBinding, kTransaction)
                             .error_code(438, "Stale Nonce")
                             .unknown_attributes(unknown)
                             .xor_mapped_address(mapped)
                             .message_integrity(as_bytes("key"))
                             .message_integrity_sha256(as_bytes("key"))
                             .fingerprint()
                             .take();
  const auto message = parse_stun(datagram);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->message_class, StunClass::kError);
  EXPECT_EQ(message->transaction, kTransaction);
  EXPECT_EQ(message->error_code()->code, 438);
  EXPECT_EQ(message->error_code()->reason, "Stale Nonce");
  EXPECT_EQ(to_hex(*message->find(StunAttributeType::kUnknownAttributes)), "00030024");
  EXPECT_EQ(message->xor_mapped_address(), mapped);
  EXPECT_EQ(check_integrity(*message, as_bytes("key")), StunIntegrity::kValid);
  EXPECT_EQ(check_integrity_sha256(*message, as_bytes("key")), StunIntegrity::kValid);
}

TEST(StunMessage, KeepsClassAndMethodApart) {
  constexpr std::array<std::uint16_t, 5> kMethods = {0x001, 0x003, 0x07f, 0x080, 0xfff};
  for (const std::uint16_t method : kMethods) {
    for (const StunClass each :
         {StunClass::kRequest, StunClass::kIndication, StunClass::kSuccess, StunClass::kError}) {
      const Bytes datagram = StunWriter(each, method, kTransaction).take();
      const auto message = parse_stun(datagram);
      ASSERT_TRUE(message.has_value());
      EXPECT_EQ(message->method, method);
      EXPECT_EQ(message->message_class, each);
    }
  }
}

TEST(StunMessage, IgnoresWhatStandsBehindTheIntegrity) {
  const Bytes datagram =
      request().message_integrity(as_bytes("key")).username("mallory").fingerprint().take();
  const auto message = parse_stun(datagram);
  ASSERT_TRUE(message.has_value());
  EXPECT_FALSE(message->find(StunAttributeType::kUsername).has_value());
  EXPECT_TRUE(message->find(StunAttributeType::kFingerprint).has_value());
}

TEST(StunMessage, TakesTheFirstOfTwoAlikeAttributes) {
  const Bytes datagram = request().username("first").username("second").take();
  EXPECT_EQ(text_of(*parse_stun(datagram), StunAttributeType::kUsername), "first");
}

TEST(StunMessage, ListsEachUnknownRequiredAttributeOnce) {
  const auto unknown = static_cast<StunAttributeType>(0x7fff);
  const auto optional = static_cast<StunAttributeType>(0x8000);
  const Bytes datagram =
      request().attribute(unknown, {}).attribute(optional, {}).attribute(unknown, {}).take();
  EXPECT_EQ(parse_stun(datagram)->unknown_required(), std::vector<std::uint16_t>{0x7fff});
}

struct RefusedCase {
  const char* name;
  const char* datagram;
  StunError error;
};

std::string name_of_case(const ::testing::TestParamInfo<RefusedCase>& refused) {
  return refused.param.name;
}

class StunRefuses : public ::testing::TestWithParam<RefusedCase> {};
TEST_P(StunRefuses, WithTheReason) {
  const auto message = parse_stun(*from_hex(GetParam().datagram));
  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error(), GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    Stun, StunRefuses,
    ::testing::Values(
        RefusedCase{"Nothing", "", StunError::kNotStun},
        RefusedCase{"ACutHeader", "000100002112a4420000000000000000000000", StunError::kNotStun},
        RefusedCase{"TopBits", "400100002112a442000000000000000000000000", StunError::kNotStun},
        RefusedCase{"ClassicStun", "000100000000a442000000000000000000000000", StunError::kNotStun},
        RefusedCase{"ALengthTooLarge", "000100042112a442000000000000000000000000",
                    StunError::kNotStun},
        RefusedCase{"ALengthTooSmall", "000100002112a44200000000000000000000000080220000",
                    StunError::kNotStun},
        RefusedCase{"AnUnalignedLength", "000100022112a4420000000000000000000000008022",
                    StunError::kNotStun},
        RefusedCase{"AnAttributeBeyondTheEnd", "000100042112a44200000000000000000000000080220001",
                    StunError::kMalformed},
        RefusedCase{"AShortFingerprint", "000100042112a44200000000000000000000000080280000",
                    StunError::kMalformed},
        RefusedCase{"AShortIntegrity", "000100082112a442000000000000000000000000000800046b6b6b6b",
                    StunError::kMalformed},
        RefusedCase{"AWrongFingerprint", "000100082112a442000000000000000000000000802800046b6b6b6b",
                    StunError::kBadFingerprint},
        RefusedCase{"AnythingBehindTheFingerprint",
                    "0001000c2112a442000000000000000000000000802800046b6b6b6b80220000",
                    StunError::kMalformed}),
    name_of_case);

TEST(StunMessage, BoundsTheNumberOfAttributesAndTheSize) {
  StunWriter many = request();
  for (std::size_t i = 0; i <= kStunAttributesMax; ++i) many.software("");
  EXPECT_EQ(parse_stun(many.take()).error(), StunError::kMalformed);

  Bytes large = request().software(std::string(760, 's')).take();
  large.insert(large.end(), large.begin() + kStunHeaderBytes, large.end());
  const std::size_t length = large.size() - kStunHeaderBytes;
  large[2] = static_cast<std::byte>(length >> 8);
  large[3] = static_cast<std::byte>(length);
  EXPECT_EQ(parse_stun(large).error(), StunError::kMalformed);
}

struct AttributeCase {
  const char* name;
  StunAttributeType type;
  const char* value;
};

std::string name_of_attribute(const ::testing::TestParamInfo<AttributeCase>& attribute) {
  return attribute.param.name;
}

class StunMalformedValue : public ::testing::TestWithParam<AttributeCase> {};
TEST_P(StunMalformedValue, IsNoValue) {
  const Bytes datagram = request().attribute(GetParam().type, *from_hex(GetParam().value)).take();
  const auto message = parse_stun(datagram);
  ASSERT_TRUE(message.has_value());
  EXPECT_FALSE(message->xor_mapped_address().has_value());
  EXPECT_FALSE(message->error_code().has_value());
}
constexpr auto kMapped = StunAttributeType::kXorMappedAddress;
constexpr auto kCode = StunAttributeType::kErrorCode;
INSTANTIATE_TEST_SUITE_P(
    Stun, StunMalformedValue,
    ::testing::Values(AttributeCase{"EmptyAddress", kMapped, ""},
                      AttributeCase{"FamilyZero", kMapped, "0000a147e112a643"},
                      AttributeCase{"Ipv6FamilyWithFourBytes", kMapped, "0002a147e112a643"},
                      AttributeCase{"FiveByteAddress", kMapped, "0001a147e112a64300"},
                      AttributeCase{"SeventeenByteAddress", kMapped,
                                    "0002a1470000000000000000000000000000000000"},
                      AttributeCase{"EmptyCode", kCode, ""},
                      AttributeCase{"CodeBelow300", kCode, "00000263"},
                      AttributeCase{"CodeAbove699", kCode, "00000700"},
                      AttributeCase{"NumberAbove99", kCode, "00000464"}),
    name_of_attribute);

}  // namespace
}  // namespace kadwire::rendezvous
