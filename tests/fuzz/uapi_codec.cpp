/// Any reply of a device's control socket is read within its bounds, or refused.

#include "node/adapters/uapi_codec.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "crypto/secret_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kadwire::node;
  [[maybe_unused]] static const bool ready = (kadwire::crypto::initialise(), true);
  const std::string_view reply(reinterpret_cast<const char*>(data), size);

  const auto error_number = parse_set_reply(reply);
  assert(!error_number || *error_number >= 0);
  const auto device = parse_get_reply(reply);
  assert(!error_number || device);  // a get reply may say as little as a set reply
  if (!device) return 0;
  assert(is_complete_reply(reply) && device->error_number >= 0);
  assert(device->private_key.empty() || device->private_key.size() == 32);
  assert(device->peers.size() <= kUapiPeersMax);
  for (const PeerStatus& peer : device->peers) {
    assert(peer.allowed_ips.size() <= kUapiAllowedIpsMax);
    assert(std::ranges::is_sorted(peer.allowed_ips));
    assert(!peer.endpoint || peer.endpoint->port != 0);
  }
  return 0;
}
