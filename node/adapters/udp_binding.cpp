#include "node/adapters/udp_binding.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "node/adapters/socket_address.h"

namespace kadwire::node {
namespace {

/// The kernel picks a port for one family; so often may it be taken in the other.
constexpr int kEphemeralAttemptsMax = 16;

/// The error is errno's value.
tl::expected<BoundSocket, int> bind_socket(const Endpoint& wanted, int receive_buffer_bytes) {
  const bool v6 = wanted.address.is_v6();
  UniqueFd fd(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return tl::unexpected(errno);
  if (v6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) return tl::unexpected(errno);
  enlarge_receive_buffer(fd.get(), receive_buffer_bytes);
  const SocketAddress address = to_socket_address(wanted);
  if (bind(fd.get(), address.get(), address.length) != 0) return tl::unexpected(errno);
  SocketAddress bound;
  if (getsockname(fd.get(), bound.get(), &bound.length) != 0) return tl::unexpected(errno);
  return BoundSocket{std::move(fd), *to_endpoint(bound.get(), bound.length)};
}

std::string sentence_about(const Endpoint& wanted, int error) {
  return "UDP " + wanted.to_string() + " cannot be bound: " + std::strerror(error) + ".";
}

tl::expected<std::vector<BoundSocket>, SocketError> try_every_family(std::uint16_t port,
                                                                     int receive_buffer_bytes) {
  const IpAddress any_v4;
  const IpAddress any_v6 = IpAddress::v6({});
  std::vector<BoundSocket> sockets;
  std::string reasons;
  for (const IpAddress& any : {any_v6, any_v4}) {
    const Endpoint wanted{any, sockets.empty() ? port : sockets.front().local.port};
    auto bound = bind_socket(wanted, receive_buffer_bytes);
    if (bound) {
      sockets.push_back(std::move(*bound));
    } else if (!lacks_family(bound.error())) {
      return tl::unexpected(SocketError{sentence_about(wanted, bound.error())});
    } else {
      if (!reasons.empty()) reasons += ' ';
      reasons += sentence_about(wanted, bound.error());
    }
  }
  if (sockets.empty()) return tl::unexpected(SocketError{reasons});
  return sockets;
}

}  // namespace

tl::expected<BoundSocket, SocketError> bind_udp(const Endpoint& wanted) {
  auto bound = bind_socket(wanted, kReceiveBufferBytes);
  if (!bound) return tl::unexpected(SocketError{sentence_about(wanted, bound.error())});
  return std::move(*bound);
}

tl::expected<std::vector<BoundSocket>, SocketError> bind_udp_on_every_family(
    std::uint16_t port, int receive_buffer_bytes) {
  auto sockets = try_every_family(port, receive_buffer_bytes);
  const int further_attempts = port == 0 ? kEphemeralAttemptsMax - 1 : 0;
  for (int i = 0; !sockets && i < further_attempts; ++i)
    sockets = try_every_family(0, receive_buffer_bytes);
  return sockets;
}

}  // namespace kadwire::node
