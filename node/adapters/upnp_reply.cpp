#include "node/adapters/upnp_reply.h"

namespace kadwire::node {
namespace {

using rendezvous::UpnpError;
using rendezvous::UpnpGrant;

constexpr std::uint8_t kGranted = 0xff;

}  // namespace

Bytes encode_upnp_reply(const UpnpReply& reply) {
  ByteWriter writer;
  writer.u8(reply.outcome ? kGranted : static_cast<std::uint8_t>(reply.outcome.error()));
  writer.be16(reply.outcome ? reply.outcome->external_port : std::uint16_t{0});
  const auto external = reply.outcome ? reply.outcome->external : std::nullopt;
  writer.raw(external && external->is_v4() ? external->bytes() : IpAddress{}.bytes());
  return writer.text(reply.description_url).take();
}

UpnpReply decode_upnp_reply(ByteView bytes) {
  UpnpReply reply{tl::unexpected(UpnpError::kNoGateway), {}};
  ByteReader reader(bytes);
  const std::uint8_t result = reader.u8();
  const std::uint16_t port = reader.be16();
  const IpAddress external = IpAddress::v4(reader.array<4>());
  if (!reader.ok() || reader.remaining() >= kUpnpUrlBytesMax) return reply;
  reply.description_url = as_text(reader.raw(reader.remaining()));
  if (result == kGranted && port != 0) {
    reply.outcome = UpnpGrant{std::nullopt, port};
    if (!external.is_unspecified()) reply.outcome->external = external;
  } else if (result <= static_cast<std::uint8_t>(UpnpError::kRefused)) {
    reply.outcome = tl::unexpected(static_cast<UpnpError>(result));
  }
  return reply;
}

}  // namespace kadwire::node
