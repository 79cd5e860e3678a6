/// Any reply of a device's control socket is read within its bounds, or refused.

#include "node/adapters/uapi_codec.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "crypto/secret_bytes.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kadwire::node;
  [[maybe_unused]] static const bool ready = (kadwire::crypto::initialise(), true);
  const std::string_view reply(reinterpret_cast<const char*>(data), size);

  const auto error_number = parse_set_reply(reply);
  require(!error_number || *error_number >= 0);
  const auto device = parse_get_reply(reply);
  require(!error_number || device);  // a get reply may say as little as a set reply
  if (!device) return 0;
  require(is_complete_reply(reply) && device->error_number >= 0);
  require(device->private_key.empty() || device->private_key.size() == 32);
  require(device->peers.size() <= kUapiPeersMax);
  for (const PeerStatus& peer : device->peers) {
    require(peer.allowed_ips.size() <= kUapiAllowedIpsMax);
    require(std::ranges::is_sorted(peer.allowed_ips));
    require(!peer.endpoint || peer.endpoint->port != 0);
  }
  return 0;
}
