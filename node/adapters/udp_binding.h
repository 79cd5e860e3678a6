#pragma once

/// Opens and binds UDP sockets, one family each (IPV6_V6ONLY), so an IPv4-mapped address never
/// appears. Private to the adapters.

#include <cstdint>
#include <vector>

#include <tl/expected.hpp>

#include "node/adapters/socket_options.h"
#include "node/adapters/unique_fd.h"
#include "node/base/endpoint.h"

namespace kadwire::node {

struct BoundSocket {
  UniqueFd fd;  ///< does not block
  Endpoint local;
};

/// Exactly this address; port 0: the kernel picks one.
[[nodiscard]] tl::expected<BoundSocket, SocketError> bind_udp(const Endpoint& wanted);

/// All addresses of every family that the host has, on one port; 0: one that the kernel picks. The
/// error says which family has the port taken, or that the host has neither.
[[nodiscard]] tl::expected<std::vector<BoundSocket>, SocketError> bind_udp_on_every_family(
    std::uint16_t port, int receive_buffer_bytes = kReceiveBufferBytes);

}  // namespace kadwire::node
