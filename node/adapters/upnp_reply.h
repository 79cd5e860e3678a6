#pragma once

/// What a UPnP errand's child process tells its parent, as bytes in a pipe. Layout:
///   result 1 · external port 2 · external address 4, zeroes: unknown · description URL, the rest

#include <string>

#include "node/base/bytes.h"
#include "rendezvous/upnp_request.h"

namespace kadwire::node {

/// miniupnpc's own bound of a URL.
inline constexpr std::size_t kUpnpUrlBytesMax = 128;

struct UpnpReply {
  tl::expected<rendezvous::UpnpGrant, rendezvous::UpnpError> outcome;
  std::string description_url;  ///< where the device describes itself, for the next errand
};

inline constexpr std::size_t kUpnpReplyBytesMin = 7;
inline constexpr std::size_t kUpnpReplyBytesMax = kUpnpReplyBytesMin + kUpnpUrlBytesMax;

[[nodiscard]] Bytes encode_upnp_reply(const UpnpReply& reply);
/// Whatever a child in a bad way may have written: nonsense is no gateway. A grant has a port, and
/// no address or one that is not zero; the URL is shorter than kUpnpUrlBytesMax.
[[nodiscard]] UpnpReply decode_upnp_reply(ByteView bytes);

}  // namespace kadwire::node
