#include "tools/testnet/internet/mapping_service.h"

#include <algorithm>

namespace kadwire::testnet {
namespace {

constexpr std::uint8_t kPcpVersion = 2;
constexpr std::uint8_t kNatPmpVersion = 0;
constexpr std::uint8_t kResponse = 0x80;
constexpr std::uint8_t kMap = 1;  ///< of UDP, in either protocol
constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kPcpMapBytes = 60;  ///< header and MAP, without options
/// For how long a host is to leave a gateway in peace after an error (RFC 6887 §7.2).
constexpr std::uint32_t kErrorSeconds = 30;

// Result codes: RFC 6887 §7.4; NAT-PMP (RFC 6886 §3.5) has the first three alike.
constexpr std::uint8_t kSuccess = 0;
constexpr std::uint8_t kUnsupportedVersion = 1;
constexpr std::uint8_t kNotAuthorized = 2;
constexpr std::uint8_t kMalformed = 3;
constexpr std::uint8_t kUnsupportedOpcode = 4;
constexpr std::uint8_t kNoResources = 8;
constexpr std::uint8_t kUnsupportedProtocol = 9;
constexpr std::uint8_t kAddressMismatch = 12;
constexpr std::uint8_t kNatPmpNoResources = 4;
constexpr std::uint8_t kNatPmpUnsupportedOpcode = 5;

std::uint32_t seconds_of(Duration duration) {
  return static_cast<std::uint32_t>(duration / 1s);
}

void write_mapped(ByteWriter& writer, const IpAddress& v4) {
  writer.be64(0).be16(0).be16(0xffff).raw(v4.bytes());
}

}  // namespace

/// A MAP request as it came, and what becomes of it.
struct MappingService::PcpRequest {
  std::uint32_t lifetime = 0;  ///< asked for, then granted; seconds
  ByteView client;             ///< 16 bytes
  Nonce nonce{};
  std::uint8_t protocol = 0;
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;  ///< wished for, then given
};

void MappingService::restart(TimePoint now) {
  started_ = now;
  owners_.clear();
}

std::optional<Bytes> MappingService::answer(TimePoint now, const Endpoint& from, ByteView request,
                                            NatBox& nat, const IpAddress& external) {
  ByteReader reader(request);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  if (!reader.ok() || (opcode & kResponse) != 0 || !model_.listens()) return std::nullopt;
  if (version == kPcpVersion && model_.speaks_pcp())
    return answer_pcp(now, from, request, nat, external);
  if (version == kNatPmpVersion && model_.speaks_nat_pmp()) {
    return answer_nat_pmp(now, from, request, nat, external);
  }
  ByteWriter refusal;
  if (model_.speaks_pcp()) {
    refusal.u8(kPcpVersion).u8(kResponse | opcode).u8(0).u8(kUnsupportedVersion);
    return refusal.be32(kErrorSeconds).be32(epoch(now)).be64(0).be32(0).take();
  }
  refusal.u8(kNatPmpVersion).u8(kResponse | opcode).be16(kUnsupportedVersion);
  return refusal.be32(epoch(now)).take();
}

std::optional<Bytes> MappingService::answer_pcp(TimePoint now, const Endpoint& from,
                                                ByteView request, NatBox& nat,
                                                const IpAddress& external) {
  ByteReader reader(request);
  reader.u8();
  const std::uint8_t opcode = reader.u8();
  reader.be16();
  PcpRequest asked;
  asked.lifetime = reader.be32();
  asked.client = reader.raw(16);
  asked.nonce = reader.array<12>();
  asked.protocol = reader.u8();
  reader.raw(3);
  asked.internal_port = reader.be16();
  asked.external_port = reader.be16();
  std::uint8_t result = kMalformed;
  if (opcode != kMap) {
    result = kUnsupportedOpcode;
  } else if (request.size() >= kPcpMapBytes) {
    result = serve_pcp(now, from, asked, nat);
  }
  ByteWriter writer;
  writer.u8(kPcpVersion).u8(kResponse | opcode).u8(0).u8(result);
  writer.be32(result == kSuccess ? asked.lifetime : kErrorSeconds);
  writer.be32(epoch(now)).be64(0).be32(0);
  writer.raw(asked.nonce).u8(asked.protocol).u8(0).be16(0);
  writer.be16(asked.internal_port).be16(asked.external_port);
  write_mapped(writer, external);
  return writer.take();
}

/// The result code; on success `request` has what was granted. A mapping is its nonce's: whoever
/// has another one may neither renew nor delete it (RFC 6887 §11.3).
std::uint8_t MappingService::serve_pcp(TimePoint now, const Endpoint& from, PcpRequest& request,
                                       NatBox& nat) {
  ByteWriter source;
  write_mapped(source, from.address);
  if (!std::ranges::equal(request.client, source.view())) return kAddressMismatch;
  if (request.protocol != kUdp) return kUnsupportedProtocol;
  if (request.internal_port == 0) return kMalformed;
  if (model_.refuses) return kNotAuthorized;
  const Endpoint inside{from.address, request.internal_port};
  const auto owner = owners_.find(inside);
  const bool stands = nat.explicit_port(now, inside).has_value();
  if (stands && owner != owners_.end() && owner->second != request.nonce) return kNotAuthorized;
  if (request.lifetime == 0) {
    nat.unmap_port(now, inside);
    owners_.erase(inside);
    return kSuccess;
  }
  const Duration lease = granted(request.lifetime);
  const auto port = nat.map_port(now, inside, request.external_port, lease);
  if (!port) return kNoResources;
  owners_[inside] = request.nonce;
  request.external_port = *port;
  request.lifetime = seconds_of(lease);
  return kSuccess;
}

std::optional<Bytes> MappingService::answer_nat_pmp(TimePoint now, const Endpoint& from,
                                                    ByteView request, NatBox& nat,
                                                    const IpAddress& external) const {
  ByteReader reader(request);
  reader.u8();
  const std::uint8_t opcode = reader.u8();
  if (opcode == 0) return nat_pmp_address(now, external);
  reader.be16();
  const Endpoint inside{from.address, reader.be16()};
  const std::uint16_t wish = reader.be16();
  const std::uint32_t wanted = reader.be32();
  std::uint8_t result = model_.refuses ? kNotAuthorized : kSuccess;
  if (opcode != kMap) result = kNatPmpUnsupportedOpcode;
  if (!reader.ok()) return std::nullopt;
  std::uint16_t port = 0;
  Duration lease{0};
  if (result == kSuccess && wanted == 0) {
    nat.unmap_port(now, inside);
  } else if (result == kSuccess) {
    lease = granted(wanted);
    port = nat.map_port(now, inside, wish, lease).value_or(0);
    if (port == 0) result = kNatPmpNoResources;
  }
  ByteWriter writer;
  writer.u8(kNatPmpVersion).u8(kResponse | opcode).be16(result).be32(epoch(now));
  return writer.be16(inside.port).be16(port).be32(seconds_of(lease)).take();
}

Bytes MappingService::nat_pmp_address(TimePoint now, const IpAddress& external) const {
  ByteWriter writer;
  writer.u8(kNatPmpVersion).u8(kResponse).be16(kSuccess).be32(epoch(now));
  return writer.raw(external.bytes()).take();
}

std::vector<Bytes> MappingService::announcements(TimePoint now, const IpAddress& external) const {
  std::vector<Bytes> all;
  if (model_.speaks_pcp()) {
    ByteWriter writer;
    writer.u8(kPcpVersion).u8(kResponse).be16(kSuccess).be32(0).be32(epoch(now)).be64(0).be32(0);
    all.push_back(writer.take());
  }
  if (model_.speaks_nat_pmp()) all.push_back(nat_pmp_address(now, external));
  return all;
}

Duration MappingService::granted(std::uint32_t wanted_seconds) const {
  return std::clamp<Duration>(std::chrono::seconds(wanted_seconds), kMappingLeaseMin,
                              model_.lease_max);
}

std::uint32_t MappingService::epoch(TimePoint now) const {
  return seconds_of(now - started_);
}

}  // namespace kadwire::testnet
