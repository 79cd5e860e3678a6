#pragma once

/// Hashes of addresses and endpoints for tables that nobody iterates.

#include <cstring>

#include "node/base/endpoint.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {

struct AddressHash {
  std::size_t operator()(const IpAddress& address) const {
    const ByteView bytes = address.bytes();
    std::uint64_t words[2] = {};
    std::memcpy(words, bytes.data(), bytes.size());
    return mix(words[0] ^ mix(words[1]));
  }
};

struct EndpointHash {
  std::size_t operator()(const Endpoint& endpoint) const {
    return mix(AddressHash{}(endpoint.address) + endpoint.port);
  }
};

}  // namespace kadwire::testnet
