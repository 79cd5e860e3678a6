#include "rendezvous/stun_responder.h"

#include <gtest/gtest.h>

#include "rendezvous/stun_message.h"

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{1h};
constexpr StunTransactionId kTransaction{std::byte{1}, std::byte{2}};
constexpr auto kUnheardOf = static_cast<StunAttributeType>(0x0026);  // PADDING

StunWriter request() {
  return {StunClass::kRequest, kStunBinding, kTransaction};
}

class StunResponderTest : public ::testing::Test {
 protected:
  std::optional<Transmit> answer(ByteView datagram, TimePoint now = kStart) {
    auto reply = responder_.handle_datagram(now, from_, home_, datagram);
    if (!reply) return std::nullopt;
    source_ = reply->source;
    return reply->transmit;
  }
  /// A request long enough for an answer with OTHER-ADDRESS.
  std::optional<Endpoint> told_other_address() {
    const auto reply = answer(request().software(std::string(60, ' ')).take());
    return reply ? parse_stun(reply->payload)->other_address() : std::nullopt;
  }
  std::optional<Endpoint> source_with(StunChange change) {
    source_ = {};
    const auto reply = answer(request().change_request(change).take());
    return reply ? std::optional(source_) : std::nullopt;
  }
  StunHome home_{*Endpoint::parse("198.51.100.1:3478"), 3479};
  Endpoint source_;  ///< of the last answer
  Endpoint from_ = *Endpoint::parse("192.0.2.1:32853");
  StunResponder responder_{{.per_source = {2, 3}, .in_all = {5, 5}}};
};

TEST_F(StunResponderTest, TellsAnIpv4ClientItsEndpointIn32Bytes) {
  const auto reply = answer(request().take());
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->to, from_);
  EXPECT_EQ(reply->payload.size(), 32U);
  const auto message = parse_stun(reply->payload);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->message_class, StunClass::kSuccess);
  EXPECT_EQ(message->transaction, kTransaction);
  EXPECT_EQ(message->xor_mapped_address(), from_);
  EXPECT_EQ(responder_.stats().answered, 1U);
}

TEST_F(StunResponderTest, TellsAnIpv6ClientItsEndpointIn44Bytes) {
  from_ = *Endpoint::parse("[2001:db8::1]:40000");
  const auto reply = answer(request().take());
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->payload.size(), 44U);
  EXPECT_EQ(parse_stun(reply->payload)->xor_mapped_address(), from_);
}

TEST_F(StunResponderTest, NamesAnUnknownAttributeIfTheAnswerFitsTheRequest) {
  const Bytes large = request().software("a client").attribute(kUnheardOf, Bytes(4)).take();
  const auto reply = answer(large);
  ASSERT_TRUE(reply.has_value());
  EXPECT_LE(reply->payload.size(), large.size());
  const auto message = parse_stun(reply->payload);
  EXPECT_EQ(message->error_code()->code, 420);
  EXPECT_EQ(to_hex(*message->find(StunAttributeType::kUnknownAttributes)), "0026");
  EXPECT_EQ(responder_.stats().refused, 1U);
}

TEST_F(StunResponderTest, StaysSilentRatherThanAnswerWithMoreThanItGot) {
  EXPECT_FALSE(answer(request().attribute(kUnheardOf, Bytes(4)).take()).has_value());
  EXPECT_EQ(responder_.stats().ignored, 1U);
}

TEST_F(StunResponderTest, AnswersNothingButBindingRequests) {
  for (const StunClass other : {StunClass::kIndication, StunClass::kSuccess, StunClass::kError}) {
    EXPECT_FALSE(answer(StunWriter(other, kStunBinding, kTransaction).take()).has_value());
  }
  EXPECT_FALSE(answer(StunWriter(StunClass::kRequest, 3, kTransaction).take()).has_value());
  EXPECT_EQ(responder_.stats().ignored, 4U);
}

TEST_F(StunResponderTest, CountsWhatIsNotStun) {
  EXPECT_FALSE(answer(Bytes(20)).has_value());
  EXPECT_FALSE(answer({}).has_value());
  EXPECT_EQ(responder_.stats().malformed, 2U);
}

TEST_F(StunResponderTest, AnswersFromItsOtherPortOnRequest) {
  EXPECT_EQ(source_with({}), home_.at);
  EXPECT_EQ(source_with({.port = true}), Endpoint::parse("198.51.100.1:3479"));
  EXPECT_EQ(responder_.stats().elsewhere, 1U);
}

TEST_F(StunResponderTest, AnswersFromAnotherAddressOnceARequestCameToIt) {
  const StunChange both{.address = true, .port = true};
  EXPECT_EQ(source_with(both), std::nullopt);
  EXPECT_EQ(told_other_address(), Endpoint::parse("198.51.100.1:3479"));
  const StunHome first = home_;
  home_.at = *Endpoint::parse("192.0.2.7:3478");
  from_ = *Endpoint::parse("203.0.113.1:1000");
  EXPECT_EQ(told_other_address(), Endpoint::parse("198.51.100.1:3479"));
  home_ = first;
  EXPECT_EQ(source_with(both), Endpoint::parse("192.0.2.7:3479"));
}

TEST_F(StunResponderTest, AnswersNoPublicRequestFromAPrivateAddress) {
  home_.at = *Endpoint::parse("10.0.0.1:3478");
  EXPECT_TRUE(answer(request().take()).has_value());
  home_.at = *Endpoint::parse("198.51.100.1:3478");
  EXPECT_EQ(source_with({.address = true, .port = true}), std::nullopt);
}

TEST_F(StunResponderTest, NamesItsOtherAddressOnlyWhereTheAnswerIsNoLonger) {
  EXPECT_EQ(answer(request().software("").take())->payload.size(), 32U);
  const Bytes enough = request().software(std::string(20, ' ')).take();
  const auto reply = answer(enough);
  EXPECT_EQ(reply->payload.size(), enough.size());
  EXPECT_TRUE(parse_stun(reply->payload)->other_address().has_value());
}

TEST_F(StunResponderTest, IsNeverMadeToSendMoreThanItGotByAChange) {
  for (const bool address : {false, true}) {
    for (const bool port : {false, true}) {
      const auto reply = answer(request().change_request({address, port}).take(), kStart + 10s);
      if (reply) {
        EXPECT_EQ(reply->payload.size(), 32U);
      }
    }
  }
}

TEST_F(StunResponderTest, AnswersToAnotherPortOfTheSameAddressOnRequest) {
  const auto reply = answer(request().software("kadwire").response_port(40'000).take());
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->to, Endpoint::parse("192.0.2.1:40000"));
  EXPECT_EQ(source_, home_.at);
  EXPECT_EQ(parse_stun(reply->payload)->xor_mapped_address(), from_);
  EXPECT_EQ(responder_.stats().redirected, 1U);
}

TEST_F(StunResponderTest, SendsNothingToPortsOfServices) {
  for (const std::uint16_t port : std::vector<std::uint16_t>{1, 53, 1023}) {
    const auto reply =
        answer(request().software("kadwire").response_port(port).take(), kStart + port * 1s);
    EXPECT_TRUE(!reply || reply->to == from_) << port;
  }
  EXPECT_EQ(responder_.stats().redirected, 0U);
}

TEST_F(StunResponderTest, SendsToAnotherPortNoMoreThanItGot) {
  EXPECT_FALSE(answer(request().response_port(40'000).take()).has_value());
  const Bytes enough = request().software("").response_port(40'000).take();
  EXPECT_EQ(answer(enough)->payload.size(), enough.size());
}

TEST_F(StunResponderTest, OffersNothingAtASecondPort) {
  home_ = {*Endpoint::parse("198.51.100.1:3479"), 0};
  EXPECT_EQ(told_other_address(), std::nullopt);
  EXPECT_EQ(source_with({.port = true}), std::nullopt);
}

TEST_F(StunResponderTest, AnswersNobodyAtPortZero) {
  from_.port = 0;
  EXPECT_FALSE(answer(request().take()).has_value());
}

TEST_F(StunResponderTest, LimitsASourceNetworkWithoutMutingOthers) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(answer(request().take()).has_value());
  EXPECT_FALSE(answer(request().take()).has_value());
  EXPECT_EQ(responder_.stats().limited_by_source, 1U);
  from_ = *Endpoint::parse("198.51.100.1:1000");
  EXPECT_TRUE(answer(request().take()).has_value());
}

TEST_F(StunResponderTest, LimitsAllSourcesTogether) {
  int answered = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    from_.address = IpAddress::v4(0x0a000000 + (i << 8));
    if (answer(request().take())) ++answered;
  }
  EXPECT_EQ(answered, 5);
  EXPECT_EQ(responder_.stats().limited_in_all, 15U);
  EXPECT_TRUE(answer(request().take(), kStart + 1s).has_value());
}

TEST_F(StunResponderTest, SpendsNothingOnGarbage) {
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(answer(Bytes(40, std::byte{0x5a})).has_value());
  EXPECT_TRUE(answer(request().take()).has_value());
}

}  // namespace
}  // namespace kadwire::rendezvous
