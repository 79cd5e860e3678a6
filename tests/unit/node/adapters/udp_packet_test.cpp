#include "node/adapters/udp_packet.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/udp_packets.h"

namespace kadwire::node {
namespace {

using kadwire::testing::renew_ipv4_checksum;
using kadwire::testing::udp_packet;

const Endpoint kFromV4 = *Endpoint::parse("192.0.2.1:51820");
const Endpoint kToV4 = *Endpoint::parse("198.51.100.7:3478");
const Endpoint kFromV6 = *Endpoint::parse("[2001:db8::1]:51820");
const Endpoint kToV6 = *Endpoint::parse("[2001:db8:0:1::2]:3478");

Bytes packet_v4(std::string_view text) {
  return udp_packet(kFromV4, kToV4, as_bytes(text));
}

Bytes packet_v6(std::string_view text) {
  return udp_packet(kFromV6, kToV6, as_bytes(text));
}

void set16(Bytes& bytes, std::size_t offset, std::uint16_t value) {
  bytes[offset] = static_cast<std::byte>(value >> 8);
  bytes[offset + 1] = static_cast<std::byte>(value & 0xff);
}

TEST(InternetChecksum, IsThatOfTheExampleInRfc1071) {
  EXPECT_EQ(internet_checksum(*from_hex("0001f203f4f5f6f7")), 0x220d);
}

TEST(InternetChecksum, OverAHeaderWithItsChecksumIsZero) {
  EXPECT_EQ(internet_checksum(*from_hex("45000073000040004011b861c0a80001c0a800c7")), 0);
  EXPECT_NE(internet_checksum(*from_hex("45000073000040004011b862c0a80001c0a800c7")), 0);
}

// The expected values come from a few lines of Python that share nothing with the code.
TEST(UdpChecksum, CoversThePseudoHeaderOfEitherFamilyAndAnOddLastByte) {
  EXPECT_EQ(
      udp_checksum(kFromV4.address, kToV4.address, encode_udp(51820, 3478, as_bytes("kadwire"))),
      0x9d45);
  EXPECT_EQ(
      udp_checksum(kFromV6.address, kToV6.address, encode_udp(51820, 3478, as_bytes("kadwire!"))),
      0x2de9);
}

TEST(UdpChecksum, IsNeverZeroWhichWouldMeanThatThereIsNone) {
  EXPECT_EQ(
      udp_checksum(kFromV4.address, kToV4.address, encode_udp(51820, 3478, *from_hex("3b9b"))),
      0xffff);
}

TEST(UdpPacket, IsBuiltAsAHeaderAndThePayload) {
  Bytes segment = encode_udp(51820, 3478, as_bytes("kadwire"));
  EXPECT_EQ(to_hex(ByteView(segment).first(8)), "ca6c0d96000f0000");
  fill_in_checksum(segment, kFromV4.address, kToV4.address);
  EXPECT_EQ(to_hex(ByteView(segment).first(8)), "ca6c0d96000f9d45");
  EXPECT_EQ(as_text(ByteView(segment).subspan(8)), "kadwire");
}

TEST(UdpPacket, IsReadBackInBothFamilies) {
  const Bytes v4 = packet_v4("four");
  const auto four = parse_udp_packet(v4);
  ASSERT_TRUE(four);
  EXPECT_EQ(four->from, kFromV4);
  EXPECT_EQ(four->to, kToV4);
  EXPECT_EQ(as_text(four->payload), "four");

  const Bytes v6 = packet_v6("");
  const auto six = parse_udp_packet(v6);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->from, kFromV6);
  EXPECT_EQ(six->to, kToV6);
  EXPECT_TRUE(six->payload.empty());
}

TEST(UdpPacket, CutShortAnywhereIsRefused) {
  for (const Bytes& whole : {packet_v4("payload"), packet_v6("payload")}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto result = parse_udp_packet(ByteView(whole).first(size));
      ASSERT_FALSE(result) << size;
      EXPECT_EQ(result.error(), UdpPacketError::kTruncated) << size;
    }
  }
}

TEST(UdpPacket, EndsWhereItsHeadersSayWhateverPaddingFollows) {
  for (Bytes packet : {packet_v4("abc"), packet_v6("abc")}) {
    packet.resize(packet.size() + 20, std::byte{0xc1});
    const auto result = parse_udp_packet(packet);
    ASSERT_TRUE(result);
    EXPECT_EQ(as_text(result->payload), "abc");
  }
}

TEST(UdpPacket, MayFillLessThanItsIpPacket) {
  Bytes packet = packet_v4("abcdef");
  set16(packet, 24, 8 + 3);
  const auto result = parse_udp_packet(packet);
  ASSERT_TRUE(result);
  EXPECT_EQ(as_text(result->payload), "abc");
}

struct Spoiled {
  std::string what;
  bool v6;
  std::function<void(Bytes&)> spoil;
  UdpPacketError expected;
};

class SpoiledUdpPacket : public ::testing::TestWithParam<Spoiled> {};

TEST_P(SpoiledUdpPacket, IsRefusedForItsReason) {
  const Spoiled& spoiled = GetParam();
  Bytes packet = spoiled.v6 ? packet_v6("payload") : packet_v4("payload");
  spoiled.spoil(packet);
  if (!spoiled.v6 && spoiled.what != "WrongHeaderChecksum") renew_ipv4_checksum(packet);
  const auto result = parse_udp_packet(packet);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), spoiled.expected);
}

void put(Bytes& packet, std::size_t offset, std::string_view address) {
  const IpAddress parsed = *IpAddress::parse(address);
  std::ranges::copy(parsed.bytes(), packet.begin() + static_cast<std::ptrdiff_t>(offset));
}

INSTANTIATE_TEST_SUITE_P(
    All, SpoiledUdpPacket,
    ::testing::Values(
        Spoiled{"UdpLengthBeyondThePacket", false, [](Bytes& p) { set16(p, 24, 8 + 8); },
                UdpPacketError::kMalformed},
        Spoiled{"UdpLengthBeyondTheIpv6Packet", true, [](Bytes& p) { set16(p, 44, 8 + 8); },
                UdpPacketError::kMalformed},
        Spoiled{"UdpLengthBelowItsHeader", false, [](Bytes& p) { set16(p, 24, 7); },
                UdpPacketError::kMalformed},
        Spoiled{"UdpLengthZeroAsInAJumbogram", true, [](Bytes& p) { set16(p, 44, 0); },
                UdpPacketError::kMalformed},
        Spoiled{"NoRoomForTheUdpHeader", true, [](Bytes& p) { set16(p, 4, 7); },
                UdpPacketError::kTruncated},
        Spoiled{"TotalLengthBelowItsHeader", false, [](Bytes& p) { set16(p, 2, 19); },
                UdpPacketError::kMalformed},
        Spoiled{"WrongHeaderChecksum", false, [](Bytes& p) { p[10] ^= std::byte{1}; },
                UdpPacketError::kMalformed},
        Spoiled{"FirstFragment", false, [](Bytes& p) { set16(p, 6, 0x2000); },
                UdpPacketError::kForeign},
        Spoiled{"LaterFragment", false, [](Bytes& p) { set16(p, 6, 0x0010); },
                UdpPacketError::kForeign},
        Spoiled{"Options", false, [](Bytes& p) { p[0] = std::byte{0x46}; },
                UdpPacketError::kForeign},
        Spoiled{"Tcp", false, [](Bytes& p) { p[9] = std::byte{6}; }, UdpPacketError::kForeign},
        Spoiled{"Ipv6Fragment", true, [](Bytes& p) { p[6] = std::byte{44}; },
                UdpPacketError::kForeign},
        Spoiled{"Version5", true, [](Bytes& p) { p[0] = std::byte{0x50}; },
                UdpPacketError::kForeign},
        Spoiled{"FromPort0", false, [](Bytes& p) { set16(p, 20, 0); }, UdpPacketError::kBadAddress},
        Spoiled{"ToPort0", true, [](Bytes& p) { set16(p, 42, 0); }, UdpPacketError::kBadAddress},
        Spoiled{"FromAMulticastGroup", false, [](Bytes& p) { put(p, 12, "224.0.0.1"); },
                UdpPacketError::kBadAddress},
        Spoiled{"ToAMulticastGroup", true, [](Bytes& p) { put(p, 24, "ff02::1"); },
                UdpPacketError::kBadAddress},
        Spoiled{"FromNowhere", true, [](Bytes& p) { put(p, 8, "::"); },
                UdpPacketError::kBadAddress},
        Spoiled{"FromAnIpv4MappedAddress", true,
                [](Bytes& p) {
                  put(p, 8, "::");
                  p[18] = p[19] = std::byte{0xff};
                  p[20] = std::byte{192};
                },
                UdpPacketError::kBadAddress}),
    [](const auto& parameters) { return parameters.param.what; });

}  // namespace
}  // namespace kadwire::node
