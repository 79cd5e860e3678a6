#include "rendezvous/gateway_message.h"

#include <gtest/gtest.h>

#include <string>

namespace kadwire::rendezvous {
namespace {

Bytes hex(const std::string& text) {
  return *from_hex(text);
}

template <typename Body>
std::optional<Body> body_of(const std::string& datagram) {
  const auto answer = decode_gateway_answer(hex(datagram));
  if (!answer || !std::holds_alternative<Body>(answer->body)) return std::nullopt;
  return std::get<Body>(answer->body);
}

// 203.0.113.5:40000 for port 51820 (0xca6c), an hour, epoch 0x01020304.
const std::string kPcpHeader =
    "028100"
    "00"
    "00000e10"
    "01020304"
    "000000000000000000000000";
const std::string kPcpMap =
    "000102030405060708090a0b"
    "11"
    "000000"
    "ca6c"
    "9c40"
    "00000000000000000000ffffcb007105";

TEST(GatewayMessage, AsksInPcpForAPortOfTheOwnAddress) {
  const PcpMapRequest request{*to_array<12>(hex("000102030405060708090a0b")),
                              *IpAddress::parse("192.168.1.20"), 51820, 40000,
                              std::chrono::hours(1)};
  EXPECT_EQ(to_hex(encode_pcp_map(request)),
            "02010000"
            "00000e10"
            "00000000000000000000ffffc0a80114"
            "000102030405060708090a0b"
            "11"
            "000000"
            "ca6c"
            "9c40"
            "00000000000000000000ffff00000000");
}

TEST(GatewayMessage, AsksInNatPmpForTheAddressAndForAPort) {
  EXPECT_EQ(to_hex(encode_natpmp_address_request()), "0000");
  EXPECT_EQ(to_hex(encode_natpmp_map(51820, 40000, std::chrono::hours(1))),
            "00010000"
            "ca6c"
            "9c40"
            "00000e10");
}

TEST(GatewayMessage, WishesNoExternalPortWhenItRemovesInNatPmp) {
  EXPECT_EQ(to_hex(encode_natpmp_map(51820, 40000, std::chrono::seconds(0))),
            "00010000"
            "ca6c"
            "0000"
            "00000000");
}

TEST(GatewayMessage, ReadsWhatPcpMapped) {
  const auto map = body_of<PcpMapAnswer>(kPcpHeader + kPcpMap);
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(to_hex(map->nonce), "000102030405060708090a0b");
  EXPECT_EQ(map->internal_port, 51820);
  EXPECT_EQ(map->external, *Endpoint::parse("203.0.113.5:40000"));
  EXPECT_EQ(map->lifetime, std::chrono::hours(1));
  EXPECT_EQ(decode_gateway_answer(hex(kPcpHeader + kPcpMap))->epoch.count(), 0x01020304);
}

TEST(GatewayMessage, PassesOverOptionsOfAPcpAnswer) {
  EXPECT_TRUE(body_of<PcpMapAnswer>(kPcpHeader + kPcpMap + "80010000").has_value());
}

TEST(GatewayMessage, ReadsAnAnnouncement) {
  EXPECT_TRUE(
      body_of<PcpAnnouncement>("02800000"
                               "00000000"
                               "00000005"
                               "000000000000000000000000"));
}

TEST(GatewayMessage, ReadsWhatNatPmpMappedAndItsAddress) {
  const auto map = body_of<NatPmpMapAnswer>(
      "00810000"
      "00000007"
      "ca6c"
      "9c40"
      "00000e10");
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(map->internal_port, 51820);
  EXPECT_EQ(map->external_port, 40000);
  EXPECT_EQ(map->lifetime, std::chrono::hours(1));
  const auto address = body_of<NatPmpAddressAnswer>(
      "00800000"
      "00000007"
      "cb007105");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->external, *IpAddress::parse("203.0.113.5"));
}

TEST(GatewayMessage, ReadsRefusalsOfBothShortAndLong) {
  const auto pcp = body_of<GatewayRefusal>(
      "02810002"
      "0000003c"
      "00000007"
      "000000000000000000000000");
  ASSERT_TRUE(pcp.has_value());
  EXPECT_EQ(pcp->opcode, 1);
  EXPECT_EQ(pcp->code, 2);
  EXPECT_EQ(body_of<GatewayRefusal>("00810001"
                                    "00000007")
                ->code,
            1);
  EXPECT_EQ(body_of<GatewayRefusal>("00810003"
                                    "00000007"
                                    "ca6c"
                                    "0000"
                                    "00000000")
                ->code,
            3);
}

TEST(GatewayMessage, RefusesWhatIsCutOrTooLong) {
  for (const std::string& whole : {kPcpHeader + kPcpMap,
                                   std::string("00810000"
                                               "00000007"
                                               "ca6c"
                                               "9c40"
                                               "00000e10"),
                                   std::string("00800000"
                                               "00000007"
                                               "cb007105")}) {
    const Bytes bytes = hex(whole);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_gateway_answer(ByteView(bytes).first(size))) << whole << ' ' << size;
    }
  }
  EXPECT_FALSE(
      decode_gateway_answer(hex("00800000"
                                "00000007"
                                "cb007105"
                                "00")));
  EXPECT_FALSE(decode_gateway_answer(hex(kPcpHeader + kPcpMap + "00")));
  Bytes long_one = hex(kPcpHeader + kPcpMap);
  long_one.resize(kPcpBytesMax + 4);
  EXPECT_FALSE(decode_gateway_answer(long_one));
}

TEST(GatewayMessage, RefusesRequestsOtherVersionsAndOtherProtocolsThanUdp) {
  EXPECT_FALSE(decode_gateway_answer(hex("0000")));
  EXPECT_FALSE(
      decode_gateway_answer(hex("00010000"
                                "ca6c"
                                "9c40"
                                "00000e10")));
  EXPECT_FALSE(
      decode_gateway_answer(hex("02010000"
                                "00000e10"
                                "01020304"
                                "000000000000000000000000")));
  EXPECT_FALSE(
      decode_gateway_answer(hex("01800000"
                                "00000007"
                                "cb007105")));
  std::string tcp = kPcpHeader + kPcpMap;
  tcp.replace(24 * 2 + 24, 2, "06");
  EXPECT_FALSE(decode_gateway_answer(hex(tcp)));
  EXPECT_FALSE(
      decode_gateway_answer(hex("00820000"
                                "00000007"
                                "ca6c"
                                "9c40"
                                "00000e10")));
}

}  // namespace
}  // namespace kadwire::rendezvous
