#include "tools/testnet/nodes/wireguard_message.h"

#include <algorithm>
#include <cassert>

#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {
namespace {

constexpr std::uint8_t kInitiationType = 1;
constexpr std::uint8_t kResponseType = 2;
constexpr std::uint8_t kDataType = 4;

/// What is written so far, with zeros up to the message's size.
Bytes fill_up(ByteWriter writer, std::size_t size) {
  Bytes datagram = writer.take();
  assert(datagram.size() <= size);
  datagram.resize(size);
  return datagram;
}

/// Reads `count` bytes, which must all be zero.
bool skip_zeros(ByteReader& reader, std::size_t count) {
  return std::ranges::all_of(reader.raw(count), [](std::byte each) { return each == std::byte{}; });
}

/// The type and the three zeros behind it.
ByteWriter begin(std::uint8_t type) {
  ByteWriter writer;
  writer.u8(type).u8(0).be16(0);
  return writer;
}

std::optional<WireguardMessage> decode_initiation(ByteReader reader) {
  InitiationMessage message;
  bool strict = skip_zeros(reader, 3);
  message.sender_index = reader.be32();
  message.session = reader.be64();
  message.timestamp = reader.be64();
  message.sender.bytes = reader.array<32>();
  message.receiver.bytes = reader.array<32>();
  strict &= skip_zeros(reader, reader.remaining());
  if (!strict || !reader.finished()) return std::nullopt;
  return message;
}

std::optional<WireguardMessage> decode_response(ByteReader reader) {
  ResponseMessage message;
  bool strict = skip_zeros(reader, 3);
  message.sender_index = reader.be32();
  message.receiver_index = reader.be32();
  message.session = reader.be64();
  message.psk_digest = reader.be64();
  strict &= skip_zeros(reader, reader.remaining());
  if (!strict || !reader.finished()) return std::nullopt;
  return message;
}

std::optional<WireguardMessage> decode_data(ByteReader reader) {
  DataMessage message;
  const std::uint8_t from_initiator = reader.u8();
  message.from_initiator = from_initiator == 1;
  const std::size_t size = reader.be16();
  if (from_initiator > 1 || size > kTunnelMtuBytes) return std::nullopt;
  message.receiver_index = reader.be32();
  message.session = reader.be64();
  const ByteView packet = reader.raw(size);
  message.packet.assign(packet.begin(), packet.end());
  bool strict = skip_zeros(reader, padded_size(size) - size);
  message.counter = reader.be64();
  message.source_tag = reader.be32();
  strict &= skip_zeros(reader, 4) && (message.source_tag == 0) == (size == 0);
  if (!strict || !reader.finished()) return std::nullopt;
  return message;
}

}  // namespace

Bytes encode(const InitiationMessage& message) {
  ByteWriter writer = begin(kInitiationType);
  writer.be32(message.sender_index).be64(message.session).be64(message.timestamp);
  writer.raw(message.sender.bytes).raw(message.receiver.bytes);
  return fill_up(std::move(writer), kInitiationBytes);
}

Bytes encode(const ResponseMessage& message) {
  ByteWriter writer = begin(kResponseType);
  writer.be32(message.sender_index).be32(message.receiver_index);
  writer.be64(message.session).be64(message.psk_digest);
  return fill_up(std::move(writer), kResponseBytes);
}

Bytes encode(const DataMessage& message) {
  const std::size_t size = message.packet.size();
  assert(size <= kTunnelMtuBytes);
  ByteWriter writer;
  writer.u8(kDataType).u8(message.from_initiator ? 1 : 0).be16(static_cast<std::uint16_t>(size));
  writer.be32(message.receiver_index).be64(message.session);
  writer.raw(message.packet).raw(Bytes(padded_size(size) - size));
  writer.be64(message.counter).be32(message.source_tag).be32(0);
  return writer.take();
}

std::optional<WireguardMessage> decode(ByteView datagram) {
  ByteReader reader(datagram);
  switch (reader.u8()) {
    case kInitiationType:
      return datagram.size() == kInitiationBytes ? decode_initiation(reader) : std::nullopt;
    case kResponseType:
      return datagram.size() == kResponseBytes ? decode_response(reader) : std::nullopt;
    case kDataType:
      return decode_data(reader);
    default:
      return std::nullopt;
  }
}

std::size_t padded_size(std::size_t packet_bytes) {
  const std::size_t padded = (packet_bytes + kPaddingBytes - 1) / kPaddingBytes * kPaddingBytes;
  return std::min(padded, std::max(packet_bytes, kTunnelMtuBytes));
}

std::uint64_t psk_digest(ByteView psk) {
  return derived_seed(psk.size(), as_text(psk));
}

std::uint32_t source_tag(const IpAddress& address) {
  const std::uint64_t digest = derived_seed(address.bits(), as_text(address.bytes()));
  return static_cast<std::uint32_t>(digest >> 32) | 1;
}

}  // namespace kadwire::testnet
