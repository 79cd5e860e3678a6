#include "tools/lab/icmp_echo.h"

#include <algorithm>
#include <utility>

namespace kadwire::lab {
namespace {

constexpr std::uint8_t kIpv4EchoRequest = 8, kIpv4EchoReply = 0;
constexpr std::uint8_t kIpv6EchoRequest = 128, kIpv6EchoReply = 129;

/// RFC 1071, over an even number of bytes.
std::uint16_t internet_checksum(ByteView bytes) {
  std::uint32_t sum = 0;
  ByteReader reader(bytes);
  while (reader.remaining() >= 2) sum += reader.be16();
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes encode(std::uint8_t type, std::uint16_t checksum, EchoId id) {
  ByteWriter writer;
  writer.u8(type).u8(0).be16(checksum).be16(id.identifier).be16(id.sequence).be64(id.tag);
  return std::move(writer).take();
}

}  // namespace

Bytes encode_echo_request(AddressFamily family, EchoId id) {
  if (family == AddressFamily::kIpv6) return encode(kIpv6EchoRequest, 0, id);
  return encode(kIpv4EchoRequest, internet_checksum(encode(kIpv4EchoRequest, 0, id)), id);
}

std::optional<EchoId> decode_echo_reply(AddressFamily family, ByteView datagram) {
  if (datagram.empty()) return std::nullopt;
  const bool v4 = family == AddressFamily::kIpv4;
  const std::size_t ip_header = v4 ? (std::to_integer<std::size_t>(datagram[0]) & 0xf) * 4 : 0;
  ByteReader reader(datagram);
  reader.raw(ip_header);
  const std::uint8_t type = reader.u8();
  const std::uint8_t code = reader.u8();
  reader.be16();  // the checksum: the kernel has verified it
  EchoId id;
  id.identifier = reader.be16();
  id.sequence = reader.be16();
  id.tag = reader.be64();
  const bool is_reply = type == (v4 ? kIpv4EchoReply : kIpv6EchoReply) && code == 0;
  if (!reader.finished() || !is_reply) return std::nullopt;
  return id;
}

}  // namespace kadwire::lab
