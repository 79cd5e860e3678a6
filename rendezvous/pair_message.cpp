#include "rendezvous/pair_message.h"

#include <algorithm>
#include <cassert>

#include "rendezvous/frame.h"
#include "rendezvous/path_choice.h"
#include "rendezvous/peer_record.h"

namespace kadwire::rendezvous {
namespace {

enum class Type : std::uint8_t {
  kPing = 1,
  kPong = 2,
  kRecord = 3,
  kForward = 4,
  kForwarded = 5,
  kRelayRequest = 6,
  kRelayReply = 7,
  kUseRelay = 8,
  kRelayBind = 9,
  kPortsOpened = 10,
  kRelayRelease = 11,
  kRelayChallenge = 12,
  kRelayReleased = 13,
};

constexpr std::uint8_t kFlagUse = 0x01;
constexpr std::uint8_t kFlagLost = 0x02;
constexpr std::size_t kAddressBytes = 16;

struct Encoder {
  ByteWriter writer;

  ByteWriter& begin(Type type) { return writer.u8(static_cast<std::uint8_t>(type)); }

  void operator()(const Ping& ping) {
    const int flags = (ping.use ? kFlagUse : 0) | (ping.lost ? kFlagLost : 0);
    begin(Type::kPing).be32(ping.id).u8(static_cast<std::uint8_t>(flags)).u8(ping.epoch);
    write_endpoint(writer, {});  // room for the pong
  }
  void operator()(const Pong& pong) {
    begin(Type::kPong).be32(pong.id).u8(0).u8(pong.epoch);
    write_endpoint(writer, pong.seen);
  }
  void operator()(const RecordUpdate& update) { begin(Type::kRecord).raw(update.record); }
  void operator()(const Forward& forward) {
    begin(Type::kForward).raw(forward.to.bytes).raw(forward.frame);
  }
  void operator()(const Forwarded& forwarded) {
    begin(Type::kForwarded).raw(forwarded.from.bytes).raw(forwarded.frame);
  }
  void operator()(const RelayRequest& request) {
    begin(Type::kRelayRequest).raw(request.peer.bytes);
  }
  void operator()(const RelayReply& reply) {
    begin(Type::kRelayReply).raw(reply.peer.bytes).be16(reply.port).u8(reply.load);
  }
  void operator()(const RelayBind& bind) {
    begin(Type::kRelayBind).raw(bind.peer.bytes).be64(bind.proof);
  }
  void operator()(const RelayChallenge& challenge) {
    begin(Type::kRelayChallenge).raw(challenge.peer.bytes).be64(challenge.proof);
  }
  void operator()(const RelayRelease& release) {
    begin(Type::kRelayRelease).raw(release.peer.bytes);
  }
  void operator()(const RelayReleased& released) {
    begin(Type::kRelayReleased).raw(released.peer.bytes);
  }
  void operator()(const UseRelay& use) { begin(Type::kUseRelay).raw(use.relay.bytes); }
  void operator()(const PortsOpened& opened) {
    assert(opened.at.is_v4());
    begin(Type::kPortsOpened).raw(opened.at.bytes());
  }
};

crypto::NodeId read_node(ByteReader& reader) {
  return {reader.array<32>()};
}

std::optional<PairMessage> read_ping(ByteReader& reader) {
  Ping ping;
  ping.id = reader.be32();
  const std::uint8_t flags = reader.u8();
  ping.use = (flags & kFlagUse) != 0;
  ping.lost = (flags & kFlagLost) != 0;
  ping.epoch = reader.u8();
  const auto room = read_endpoint(reader);
  if (flags > (kFlagUse | kFlagLost) || room != Endpoint{}) return std::nullopt;
  return ping;
}

std::optional<PairMessage> read_pong(ByteReader& reader) {
  Pong pong;
  pong.id = reader.be32();
  const std::uint8_t flags = reader.u8();
  pong.epoch = reader.u8();
  const auto seen = read_endpoint(reader);
  if (flags != 0 || !seen) return std::nullopt;
  pong.seen = *seen;
  return pong;
}

/// The rest of the message, of 1 to `most` bytes.
std::optional<Bytes> read_rest(ByteReader& reader, std::size_t most) {
  const ByteView rest = reader.raw(reader.remaining());
  if (rest.empty() || rest.size() > most) return std::nullopt;
  return Bytes(rest.begin(), rest.end());
}

template <typename Message>
std::optional<PairMessage> read_carried_frame(ByteReader& reader) {
  const crypto::NodeId node = read_node(reader);
  auto frame = read_rest(reader, kFrameBytesMax);
  if (!frame) return std::nullopt;
  return Message{node, std::move(*frame)};
}

template <typename Message>
Message read_proof(ByteReader& reader) {
  const crypto::NodeId peer = read_node(reader);
  return {peer, reader.be64()};
}

std::optional<PairMessage> read_message(Type type, ByteReader& reader) {
  switch (type) {
    case Type::kPing:
      return read_ping(reader);
    case Type::kPong:
      return read_pong(reader);
    case Type::kRecord: {
      auto record = read_rest(reader, kRecordBytesMax);
      if (!record) return std::nullopt;
      return RecordUpdate{std::move(*record)};
    }
    case Type::kForward:
      return read_carried_frame<Forward>(reader);
    case Type::kForwarded:
      return read_carried_frame<Forwarded>(reader);
    case Type::kRelayRequest:
      return RelayRequest{read_node(reader)};
    case Type::kRelayReply: {
      RelayReply reply{.peer = read_node(reader)};
      reply.port = reader.be16();
      reply.load = reader.u8();
      if (reply.load > kLoadMax) return std::nullopt;
      return reply;
    }
    case Type::kRelayBind:
      return read_proof<RelayBind>(reader);
    case Type::kRelayRelease:
      return RelayRelease{read_node(reader)};
    case Type::kRelayChallenge:
      return read_proof<RelayChallenge>(reader);
    case Type::kRelayReleased:
      return RelayReleased{read_node(reader)};
    case Type::kUseRelay:
      return UseRelay{read_node(reader)};
    case Type::kPortsOpened:
      return PortsOpened{IpAddress::v4(reader.array<4>())};
  }
  return std::nullopt;
}

}  // namespace

Bytes encode_pair_message(const PairMessage& message) {
  Encoder encoder;
  std::visit(encoder, message);
  return encoder.writer.take();
}

std::optional<PairMessage> decode_pair_message(ByteView text) {
  ByteReader reader(text);
  const auto type = static_cast<Type>(reader.u8());
  auto message = read_message(type, reader);
  if (!reader.finished()) return std::nullopt;
  return message;
}

void write_endpoint(ByteWriter& writer, const Endpoint& endpoint) {
  const ByteView address = endpoint.address.bytes();
  const bool none = endpoint == Endpoint{};
  writer.u8(none ? 0 : static_cast<std::uint8_t>(endpoint.address.family()));
  writer.be16(endpoint.port).raw(address).raw(Bytes(kAddressBytes - address.size()));
}

std::optional<Endpoint> read_endpoint(ByteReader& reader) {
  const std::uint8_t family = reader.u8();
  const std::uint16_t port = reader.be16();
  const auto bytes = reader.array<kAddressBytes>();
  const bool v4 = family != static_cast<std::uint8_t>(AddressFamily::kIpv6);
  const auto filling = std::span(bytes).subspan(v4 ? 4 : kAddressBytes);
  const bool filled = std::ranges::all_of(filling, [](std::byte b) { return b == std::byte{0}; });
  if (!filled) return std::nullopt;
  const auto address = IpAddress::from_bytes(std::span(bytes).first(v4 ? 4 : kAddressBytes));
  const Endpoint endpoint{*address, port};
  // Second spellings: an IPv4-mapped IPv6 address, and none under a family.
  const bool none = endpoint == Endpoint{};
  const std::uint8_t spelt = none ? 0 : static_cast<std::uint8_t>(address->family());
  if (family != spelt) return std::nullopt;
  return endpoint;
}

}  // namespace kadwire::rendezvous
