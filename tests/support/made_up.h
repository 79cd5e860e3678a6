#pragma once

/// Members, keys and addresses for tests that need some, and do not care which.

#include <string_view>

#include "crypto/node_identity.h"
#include "node/base/endpoint.h"
#include "rendezvous/candidate.h"

namespace kadwire::testing {

/// Ids are in the order of their numbers, of which the lower 16 bits count.
[[nodiscard]] inline crypto::NodeId node(unsigned number) {
  crypto::NodeId id;
  id.bytes[0] = static_cast<std::byte>(number >> 8);
  id.bytes[1] = static_cast<std::byte>(number);
  return id;
}

/// Of these the lower 8 bits count.
[[nodiscard]] inline crypto::WireguardKey wireguard_key(unsigned number) {
  crypto::WireguardKey key;
  key.bytes[0] = static_cast<std::byte>(number);
  return key;
}

/// As in "198.51.100.1:3478" or "[2001:db8::1]:3478".
[[nodiscard]] inline Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}

/// An own address with the length of its link's prefix.
[[nodiscard]] inline rendezvous::LocalAddress local(const Prefix& prefix) {
  return {.prefix = prefix, .interface = "eth0"};
}
/// As in "192.168.1.10/24".
[[nodiscard]] inline rendezvous::LocalAddress local(std::string_view prefix) {
  return local(Prefix::parse(prefix).value());
}

}  // namespace kadwire::testing
