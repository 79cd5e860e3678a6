#pragma once

/// A home gateway in virtual time: answers PCP, NAT-PMP and UPnP requests by the RFCs' text, as far
/// as it is told to speak them, and remembers what it maps.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/base/transmit.h"
#include "rendezvous/gateway_message.h"
#include "rendezvous/port_mapping.h"

namespace kadwire::rendezvous {

class FakeGateway {
 public:
  explicit FakeGateway(std::set<MappingProtocol> speaks) : speaks_(std::move(speaks)) {}

  // How it behaves.
  IpAddress external = *IpAddress::parse("203.0.113.5");
  std::chrono::seconds lease_max{24h};
  TimePoint started{};
  bool silent = false;
  bool knows_old_version = true;  ///< answers PCP with "unsupported version" if it has only NAT-PMP
  std::set<std::uint16_t> ports_taken;
  std::optional<std::uint16_t> refuses_with;  ///< a result code

  /// Internal port to external port.
  [[nodiscard]] const std::map<std::uint16_t, std::uint16_t>& maps() const { return maps_; }
  /// Loses all, as when the power failed.
  void restart(TimePoint now) {
    maps_.clear();
    started = now;
  }

  /// The answer to one datagram; nullopt: silence.
  std::optional<Bytes> answer(TimePoint now, const Transmit& transmit) {
    ByteReader reader(transmit.payload);
    const auto version = reader.u8();
    if (silent) return std::nullopt;
    const bool pcp = speaks_.contains(MappingProtocol::kPcp);
    const bool natpmp = speaks_.contains(MappingProtocol::kNatPmp);
    if (version == 2) {
      if (pcp) return answer_pcp(now, transmit.payload);
      if (!natpmp || !knows_old_version) return std::nullopt;
      return ByteWriter{}.u8(0).u8(0x81).be16(1).be32(epoch(now)).take();
    }
    if (!natpmp) return std::nullopt;
    return reader.u8() == 0 ? address_answer(now) : answer_natpmp(now, reader);
  }

  UpnpResult answer(const UpnpRequest& request) {
    if (silent || !speaks_.contains(MappingProtocol::kUpnp)) {
      return {request.id, tl::unexpected(UpnpError::kNoGateway)};
    }
    if (request.action == UpnpAction::kLook) {
      return {request.id, UpnpGrant{external, request.external_port}};
    }
    if (request.action == UpnpAction::kUnmap) {
      maps_.erase(request.internal_port);
    } else if (ports_taken.contains(request.external_port)) {
      return {request.id, tl::unexpected(UpnpError::kPortTaken)};
    } else if (refuses_with) {
      return {request.id, tl::unexpected(UpnpError::kRefused)};
    } else {
      maps_[request.internal_port] = request.external_port;
    }
    return {request.id, UpnpGrant{external, request.external_port}};
  }

  /// What NAT-PMP says of its address, asked or not.
  [[nodiscard]] Bytes address_answer(TimePoint now) const {
    return ByteWriter{}.u8(0).u8(0x80).be16(0).be32(epoch(now)).raw(external.bytes()).take();
  }
  [[nodiscard]] Bytes pcp_announcement(TimePoint now) const {
    ByteWriter writer;
    writer.u8(2).u8(0x80).be16(0).be32(0).be32(epoch(now)).be64(0).be32(0);
    return writer.take();
  }

 private:
  [[nodiscard]] std::uint32_t epoch(TimePoint now) const {
    return static_cast<std::uint32_t>((now - started) / 1s);
  }
  /// What is granted for a wanted lifetime.
  [[nodiscard]] std::uint32_t lease(std::uint32_t wanted) const {
    return std::min<std::uint32_t>(wanted, static_cast<std::uint32_t>(lease_max.count()));
  }
  /// The external port; 0: refused, or unmapped, as a lifetime of 0 asks for.
  std::uint16_t map(std::uint16_t internal, std::uint16_t wish, std::uint32_t wanted) {
    if (wanted == 0) maps_.erase(internal);
    if (wanted == 0 || refuses_with) return 0;
    while (ports_taken.contains(wish)) ++wish;
    maps_[internal] = wish;
    return wish;
  }

  Bytes answer_pcp(TimePoint now, ByteView request) {
    ByteReader reader(request);
    reader.be32();
    const std::uint32_t wanted = reader.be32();
    reader.raw(16);
    const ByteView body = reader.raw(36);
    ByteReader fields(body);
    const ByteView nonce_and_protocol = fields.raw(16);
    const std::uint16_t internal = fields.be16();
    const std::uint16_t wish = fields.be16();
    const std::uint16_t port = map(internal, wish, wanted);
    ByteWriter writer;
    writer.u8(2).u8(0x81).u8(0).u8(static_cast<std::uint8_t>(refuses_with.value_or(0)));
    writer.be32(lease(wanted)).be32(epoch(now)).be64(0).be32(0);
    writer.raw(nonce_and_protocol).be16(internal).be16(port);
    writer.be64(0).be16(0).be16(0xffff).raw(external.bytes());
    return writer.take();
  }

  Bytes answer_natpmp(TimePoint now, ByteReader reader) {
    reader.be16();
    const std::uint16_t internal = reader.be16();
    const std::uint16_t wish = reader.be16();
    const std::uint32_t wanted = reader.be32();
    const std::uint16_t port = map(internal, wish, wanted);
    ByteWriter writer;
    writer.u8(0).u8(0x81).be16(refuses_with.value_or(0)).be32(epoch(now));
    return writer.be16(internal).be16(port).be32(lease(wanted)).take();
  }

  std::set<MappingProtocol> speaks_;
  std::map<std::uint16_t, std::uint16_t> maps_;
};

}  // namespace kadwire::rendezvous
