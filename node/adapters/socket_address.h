#pragma once

/// Between Endpoint and the kernel's sockaddr.

#include <sys/socket.h>

#include <optional>

#include "node/base/endpoint.h"

namespace kadwire::node {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

[[nodiscard]] SocketAddress to_socket_address(const Endpoint& endpoint);
/// nullopt for another family than IPv4 and IPv6, or a length that does not hold one.
[[nodiscard]] std::optional<Endpoint> to_endpoint(const sockaddr* address, socklen_t length);

}  // namespace kadwire::node
