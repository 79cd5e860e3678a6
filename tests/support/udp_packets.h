#pragma once

/// Whole packets as a host would put them on the wire, for tests that then spoil them.

#include "node/adapters/udp_packet.h"
#include "node/base/endpoint.h"
#include "rendezvous/frame.h"
#include "rendezvous/stun_message.h"

namespace kadwire::testing {

inline constexpr std::uint8_t kTestHopLimit = 64;

/// Writes the checksum over the 20 bytes at the packet's beginning.
inline void renew_ipv4_checksum(Bytes& packet) {
  packet[10] = packet[11] = std::byte{0};
  const std::uint16_t checksum = node::internet_checksum(ByteView(packet).first(20));
  packet[10] = static_cast<std::byte>(checksum >> 8);
  packet[11] = static_cast<std::byte>(checksum & 0xff);
}

/// From `from` to `to`, which are of one family.
inline Bytes udp_packet(const Endpoint& from, const Endpoint& to, ByteView payload) {
  Bytes segment = node::encode_udp(from.port, to.port, payload);
  node::fill_in_checksum(segment, from.address, to.address);
  const auto segment_bytes = static_cast<std::uint16_t>(segment.size());
  ByteWriter writer;
  if (from.address.is_v4()) {
    writer.u8(0x45).u8(0).be16(static_cast<std::uint16_t>(node::kIpv4HeaderBytes + segment_bytes));
    writer.be16(0x1234).be16(0x4000).u8(kTestHopLimit).u8(17).be16(0);
  } else {
    writer.be32(0x60000000).be16(segment_bytes).u8(17).u8(kTestHopLimit);
  }
  writer.raw(from.address.bytes()).raw(to.address.bytes()).raw(segment);
  Bytes packet = writer.take();
  if (from.address.is_v4()) renew_ipv4_checksum(packet);
  return packet;
}

/// A frame by its looks: the header's first byte, and a text to know it by.
inline Bytes frame_like(std::string_view text) {
  ByteWriter writer;
  writer.u8(std::to_integer<std::uint8_t>(rendezvous::kFrameVersion1)).text(text);
  return writer.take();
}

inline Bytes stun_request() {
  return rendezvous::StunWriter(rendezvous::StunClass::kRequest, rendezvous::kStunBinding, {})
      .take();
}

/// WireGuard's message of this type (1 to 4), by its looks.
inline Bytes wireguard_like(int type) {
  Bytes message(148, std::byte{0xaa});
  message[0] = static_cast<std::byte>(type);
  message[1] = message[2] = message[3] = std::byte{0};
  return message;
}

}  // namespace kadwire::testing
