#include "node/adapters/udp_packet.h"

#include <netinet/in.h>

#include <cassert>

namespace kadwire::node {
namespace {

/// Version 4, and a header of five words: no options.
constexpr std::uint8_t kPlainIpv4 = 0x45;
/// "More fragments" and the fragment offset.
constexpr std::uint16_t kFragmentMask = 0x3fff;
constexpr std::size_t kChecksumOffset = 6;

/// What the IP header tells.
struct IpPacket {
  IpAddress source;
  IpAddress destination;
  ByteView payload;
};
using IpResult = tl::expected<IpPacket, UdpPacketError>;

/// Adds big-endian words; an odd last byte is the high half of one.
std::uint64_t sum_of_words(ByteView bytes, std::uint64_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = std::to_integer<std::uint64_t>(bytes[i]);
    sum += i % 2 == 0 ? value << 8 : value;
  }
  return sum;
}

std::uint16_t folded(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

IpResult open_ipv4(ByteView packet) {
  if (packet.size() < kIpv4HeaderBytes) return tl::unexpected(UdpPacketError::kTruncated);
  ByteReader reader(packet);
  if (reader.u8() != kPlainIpv4) return tl::unexpected(UdpPacketError::kForeign);
  reader.u8();  // traffic class
  const std::size_t total_bytes = reader.be16();
  reader.be16();  // identification
  const std::uint16_t fragment = reader.be16();
  reader.u8();  // time to live
  const std::uint8_t protocol = reader.u8();
  reader.be16();  // checksum
  const auto source = reader.array<4>();
  const auto destination = reader.array<4>();
  if (total_bytes < kIpv4HeaderBytes || internet_checksum(packet.first(kIpv4HeaderBytes)) != 0) {
    return tl::unexpected(UdpPacketError::kMalformed);
  }
  if (total_bytes > packet.size()) return tl::unexpected(UdpPacketError::kTruncated);
  if (protocol != IPPROTO_UDP || (fragment & kFragmentMask) != 0) {
    return tl::unexpected(UdpPacketError::kForeign);
  }
  return IpPacket{IpAddress::v4(source), IpAddress::v4(destination),
                  packet.first(total_bytes).subspan(kIpv4HeaderBytes)};
}

IpResult open_ipv6(ByteView packet) {
  if (packet.size() < kIpv6HeaderBytes) return tl::unexpected(UdpPacketError::kTruncated);
  ByteReader reader(packet);
  reader.be32();  // version, traffic class, flow label
  const std::size_t payload_bytes = reader.be16();
  const std::uint8_t next_header = reader.u8();
  reader.u8();  // hop limit
  const IpAddress source = IpAddress::v6(reader.array<16>());
  const IpAddress destination = IpAddress::v6(reader.array<16>());
  if (payload_bytes > reader.remaining()) return tl::unexpected(UdpPacketError::kTruncated);
  if (next_header != IPPROTO_UDP) return tl::unexpected(UdpPacketError::kForeign);
  // A mapped address has become IPv4: it would pass for a host that never sent this.
  if (source.is_v4() || destination.is_v4()) return tl::unexpected(UdpPacketError::kBadAddress);
  return IpPacket{source, destination, reader.raw(payload_bytes)};
}

IpResult open_ip(ByteView packet) {
  if (packet.empty()) return tl::unexpected(UdpPacketError::kTruncated);
  switch (std::to_integer<unsigned>(packet[0]) >> 4) {
    case 4:
      return open_ipv4(packet);
    case 6:
      return open_ipv6(packet);
    default:
      return tl::unexpected(UdpPacketError::kForeign);
  }
}

bool can_be_a_host(const Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() &&
         !endpoint.address.is_multicast();
}

}  // namespace

std::uint16_t internet_checksum(ByteView bytes) {
  return static_cast<std::uint16_t>(~folded(sum_of_words(bytes)));
}

tl::expected<UdpPacket, UdpPacketError> parse_udp_packet(ByteView packet) {
  const auto ip = open_ip(packet);
  if (!ip) return tl::unexpected(ip.error());
  ByteReader reader(ip->payload);
  const std::uint16_t from_port = reader.be16();
  const std::uint16_t to_port = reader.be16();
  const std::size_t length = reader.be16();
  reader.be16();  // checksum
  if (!reader.ok()) return tl::unexpected(UdpPacketError::kTruncated);
  if (length < kUdpHeaderBytes || length > ip->payload.size()) {
    return tl::unexpected(UdpPacketError::kMalformed);
  }
  UdpPacket result{
      {ip->source, from_port}, {ip->destination, to_port}, reader.raw(length - kUdpHeaderBytes)};
  if (!can_be_a_host(result.from) || !can_be_a_host(result.to)) {
    return tl::unexpected(UdpPacketError::kBadAddress);
  }
  return result;
}

Bytes encode_udp(std::uint16_t from_port, std::uint16_t to_port, ByteView payload) {
  assert(payload.size() <= kUdpPayloadBytesMax);
  ByteWriter writer;
  writer.be16(from_port).be16(to_port);
  writer.be16(static_cast<std::uint16_t>(kUdpHeaderBytes + payload.size())).be16(0).raw(payload);
  return writer.take();
}

std::uint16_t udp_checksum(const IpAddress& source, const IpAddress& destination,
                           ByteView segment) {
  assert(source.family() == destination.family());
  // The pseudo-headers of both families sum up alike: their length fields differ in width only.
  std::uint64_t sum = IPPROTO_UDP + segment.size();
  sum = sum_of_words(source.bytes(), sum);
  sum = sum_of_words(destination.bytes(), sum);
  const auto checksum = static_cast<std::uint16_t>(~folded(sum_of_words(segment, sum)));
  return checksum == 0 ? 0xffff : checksum;
}

void fill_in_checksum(Bytes& segment, const IpAddress& source, const IpAddress& destination) {
  assert(segment.size() >= kUdpHeaderBytes);
  const std::uint16_t checksum = udp_checksum(source, destination, segment);
  segment[kChecksumOffset] = static_cast<std::byte>(checksum >> 8);
  segment[kChecksumOffset + 1] = static_cast<std::byte>(checksum & 0xff);
}

}  // namespace kadwire::node
