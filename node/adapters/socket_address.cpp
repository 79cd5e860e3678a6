#include "node/adapters/socket_address.h"

#include <netinet/in.h>

#include <cstring>

namespace kadwire::node {

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  const ByteView bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    result.length = sizeof v4;
    std::memcpy(&result.storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    result.length = sizeof v6;
    std::memcpy(&result.storage, &v6, sizeof v6);
  }
  return result;
}

std::optional<Endpoint> to_endpoint(const sockaddr* address, socklen_t length) {
  if (length >= sizeof(sockaddr_in) && address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    const auto bytes = std::as_bytes(std::span(&v4.sin_addr, 1));
    return Endpoint{*IpAddress::from_bytes(bytes), ntohs(v4.sin_port)};
  }
  if (length >= sizeof(sockaddr_in6) && address->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof v6);
    const auto bytes = std::as_bytes(std::span(&v6.sin6_addr, 1));
    return Endpoint{*IpAddress::from_bytes(bytes), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

}  // namespace kadwire::node
