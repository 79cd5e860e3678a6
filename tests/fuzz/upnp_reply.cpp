/// Any reply of a UPnP errand's child is read within its bounds, and what was read is written and
/// read as the same.

#include "node/adapters/upnp_reply.h"

#include <cassert>
#include <cstdint>
#include <span>

namespace {

using namespace kadwire;
using namespace kadwire::node;

void check(const UpnpReply& reply) {
  assert(reply.description_url.size() < kUpnpUrlBytesMax);
  if (!reply.outcome) return assert(reply.outcome.error() <= rendezvous::UpnpError::kRefused);
  assert(reply.outcome->external_port != 0);
  const auto& external = reply.outcome->external;
  assert(!external || (external->is_v4() && !external->is_unspecified()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  const UpnpReply reply = decode_upnp_reply(input);
  check(reply);
  const bool in_bounds = size >= kUpnpReplyBytesMin && size < kUpnpReplyBytesMax;
  assert(in_bounds || (!reply.outcome && reply.description_url.empty()));

  const Bytes encoded = encode_upnp_reply(reply);
  assert(encoded.size() == kUpnpReplyBytesMin + reply.description_url.size());
  const UpnpReply again = decode_upnp_reply(encoded);
  assert(again.description_url == reply.description_url);
  assert(again.outcome.has_value() == reply.outcome.has_value());
  if (reply.outcome) {
    assert(again.outcome->external_port == reply.outcome->external_port);
    assert(again.outcome->external == reply.outcome->external);
  } else {
    assert(again.outcome.error() == reply.outcome.error());
  }
  return 0;
}
