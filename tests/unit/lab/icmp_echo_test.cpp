#include "tools/lab/icmp_echo.h"

#include <gtest/gtest.h>

#include <utility>

namespace kadwire::lab {
namespace {

constexpr EchoId kEcho{.tag = 0xfedcba9876543210, .identifier = 0x1234, .sequence = 7};

/// A request made into the reply that a host would send; the checksum is not ours to check.
Bytes reply_to(AddressFamily family, EchoId id) {
  Bytes reply = encode_echo_request(family, id);
  reply[0] = family == AddressFamily::kIpv4 ? std::byte{0} : std::byte{129};
  return reply;
}

/// As a raw IPv4 socket delivers it: behind a header of 20 bytes and this many words of options.
Bytes with_ipv4_header(const Bytes& message, std::uint8_t option_words = 0) {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(0x45 + option_words));
  for (int i = 1; i < 20 + 4 * option_words; ++i) writer.u8(1);
  writer.raw(message);
  return std::move(writer).take();
}

TEST(IcmpEcho, AnIpv4RequestHasAChecksumThatSumsToZero) {
  const Bytes request = encode_echo_request(AddressFamily::kIpv4, kEcho);
  ASSERT_EQ(request.size(), 16U);
  EXPECT_EQ(request[0], std::byte{8});
  std::uint32_t sum = 0;
  ByteReader reader(request);
  while (reader.remaining() > 0) sum += reader.be16();
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

TEST(IcmpEcho, ReadsTheReplyOfEitherFamily) {
  EXPECT_EQ(decode_echo_reply(AddressFamily::kIpv4,
                              with_ipv4_header(reply_to(AddressFamily::kIpv4, kEcho))),
            kEcho);
  EXPECT_EQ(decode_echo_reply(AddressFamily::kIpv6, reply_to(AddressFamily::kIpv6, kEcho)), kEcho);
}

TEST(IcmpEcho, SkipsIpv4Options) {
  const Bytes datagram = with_ipv4_header(reply_to(AddressFamily::kIpv4, kEcho), 1);
  EXPECT_EQ(decode_echo_reply(AddressFamily::kIpv4, datagram), kEcho);
}

TEST(IcmpEcho, RefusesRequestsLongerPayloadsAndEveryTruncation) {
  EXPECT_FALSE(
      decode_echo_reply(AddressFamily::kIpv6, encode_echo_request(AddressFamily::kIpv6, kEcho)));
  Bytes longer = reply_to(AddressFamily::kIpv6, kEcho);
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_echo_reply(AddressFamily::kIpv6, longer));
  const Bytes whole = with_ipv4_header(reply_to(AddressFamily::kIpv4, kEcho));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_echo_reply(AddressFamily::kIpv4, ByteView(whole).first(size))) << size;
  }
}

}  // namespace
}  // namespace kadwire::lab
