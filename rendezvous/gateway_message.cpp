#include "rendezvous/gateway_message.h"

#include <cassert>

namespace kadwire::rendezvous {
namespace {

constexpr std::uint8_t kResponseBit = 0x80;
constexpr std::uint8_t kPcpAnnounce = 0;
constexpr std::uint8_t kPcpMap = 1;
constexpr std::uint8_t kNatPmpAddress = 0;
constexpr std::uint8_t kNatPmpMapUdp = 1;
constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::size_t kPcpHeaderBytes = 24;

std::uint32_t wire_seconds(std::chrono::seconds lifetime) {
  assert(lifetime.count() >= 0 && lifetime.count() <= 0xffffffffLL);
  return static_cast<std::uint32_t>(lifetime.count());
}

/// RFC 6887 §5: an IPv4 address travels IPv4-mapped.
void write_mapped(ByteWriter& writer, const IpAddress& address) {
  assert(address.is_v4());
  writer.be64(0).be16(0).be16(0xffff).raw(address.bytes());
}

std::optional<GatewayAnswer> decode_pcp(ByteView datagram) {
  if (datagram.size() < kPcpHeaderBytes || datagram.size() > kPcpBytesMax) return std::nullopt;
  if (datagram.size() % 4 != 0) return std::nullopt;
  ByteReader reader(datagram);
  reader.u8();  // the version, which led here
  const std::uint8_t opcode = reader.u8();
  reader.u8();
  const std::uint8_t result = reader.u8();
  const std::chrono::seconds lifetime{reader.be32()};
  GatewayAnswer answer{GatewayProtocol::kPcp, std::chrono::seconds{reader.be32()}, {}};
  reader.raw(12);
  if ((opcode & kResponseBit) == 0) return std::nullopt;
  if (result != 0) {
    answer.body = GatewayRefusal{static_cast<std::uint8_t>(opcode & ~kResponseBit), result};
    return answer;
  }
  if (opcode == (kResponseBit | kPcpAnnounce)) {
    answer.body = PcpAnnouncement{};
    return answer;
  }
  if (opcode != (kResponseBit | kPcpMap)) return std::nullopt;
  PcpMapAnswer map;
  map.nonce = reader.array<12>();
  map.lifetime = lifetime;
  const std::uint8_t protocol = reader.u8();
  reader.raw(3);
  map.internal_port = reader.be16();
  map.external.port = reader.be16();
  map.external.address = IpAddress::v6(reader.array<16>());
  if (!reader.ok() || protocol != kProtocolUdp) return std::nullopt;
  answer.body = map;
  return answer;
}

std::optional<GatewayAnswer> decode_natpmp(ByteView datagram) {
  ByteReader reader(datagram);
  reader.u8();  // the version, which led here
  const std::uint8_t opcode = reader.u8();
  const std::uint16_t result = reader.be16();
  GatewayAnswer answer{GatewayProtocol::kNatPmp, std::chrono::seconds{reader.be32()}, {}};
  if (!reader.ok() || (opcode & kResponseBit) == 0) return std::nullopt;
  if (result != 0) {  // some stop here, some repeat the request
    answer.body = GatewayRefusal{static_cast<std::uint8_t>(opcode & ~kResponseBit), result};
    return answer;
  }
  if (opcode == (kResponseBit | kNatPmpAddress)) {
    answer.body = NatPmpAddressAnswer{IpAddress::v4(reader.array<4>())};
  } else if (opcode == (kResponseBit | kNatPmpMapUdp)) {
    NatPmpMapAnswer map;
    map.internal_port = reader.be16();
    map.external_port = reader.be16();
    map.lifetime = std::chrono::seconds{reader.be32()};
    answer.body = map;
  } else {
    return std::nullopt;
  }
  return reader.finished() ? std::optional(answer) : std::nullopt;
}

}  // namespace

Bytes encode_pcp_map(const PcpMapRequest& request) {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(GatewayProtocol::kPcp)).u8(kPcpMap).be16(0);
  writer.be32(wire_seconds(request.lifetime));
  write_mapped(writer, request.own);
  writer.raw(request.nonce).u8(kProtocolUdp).u8(0).be16(0);
  writer.be16(request.internal_port).be16(request.external_port);
  write_mapped(writer, IpAddress{});  // any external address
  return writer.take();
}

Bytes encode_natpmp_address_request() {
  return ByteWriter{}.u8(0).u8(kNatPmpAddress).take();
}

Bytes encode_natpmp_map(std::uint16_t internal_port, std::uint16_t external_port,
                        std::chrono::seconds lifetime) {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(GatewayProtocol::kNatPmp)).u8(kNatPmpMapUdp).be16(0);
  writer.be16(internal_port).be16(lifetime.count() == 0 ? std::uint16_t{0} : external_port);
  return writer.be32(wire_seconds(lifetime)).take();
}

std::optional<GatewayAnswer> decode_gateway_answer(ByteView datagram) {
  if (datagram.empty()) return std::nullopt;
  switch (static_cast<GatewayProtocol>(datagram[0])) {
    case GatewayProtocol::kPcp:
      return decode_pcp(datagram);
    case GatewayProtocol::kNatPmp:
      return decode_natpmp(datagram);
  }
  return std::nullopt;  // another version
}

}  // namespace kadwire::rendezvous
