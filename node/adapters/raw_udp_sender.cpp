#include "node/adapters/raw_udp_sender.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstring>

#include "node/adapters/control_messages.h"
#include "node/adapters/port_filter.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/socket_options.h"
#include "node/adapters/udp_packet.h"

namespace kadwire::node {
namespace {

void add_hop_limit(ControlMessages& control, AddressFamily family, int hop_limit) {
  const bool v4 = family == AddressFamily::kIpv4;
  control.add(v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT, hop_limit);
}

tl::expected<UniqueFd, int> open_deaf_socket(AddressFamily family, int type, int protocol) {
  const int domain = family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  UniqueFd fd(socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  // A raw socket gets a copy of every UDP packet: the kernel is to drop them. What comes before the
  // filter stands lies in the socket's buffer unread.
  if (!fd || !attach_filter(fd.get(), deaf_filter())) return tl::unexpected(errno);
  return fd;
}

}  // namespace

tl::expected<RawUdpSender, int> RawUdpSender::open(AddressFamily family) {
  auto raw = open_deaf_socket(family, SOCK_RAW, IPPROTO_UDP);
  if (!raw) return tl::unexpected(raw.error());
  // IPv6 lets the kernel, which knows the source, make the checksum: it lies at this offset.
  constexpr int kUdpChecksumOffset = 6;
  if (family == AddressFamily::kIpv6 &&
      !set_option(raw->get(), IPPROTO_IPV6, IPV6_CHECKSUM, kUdpChecksumOffset)) {
    return tl::unexpected(errno);
  }
  auto route = open_deaf_socket(family, SOCK_DGRAM, 0);
  if (!route) return tl::unexpected(route.error());
  return RawUdpSender(family, std::move(*raw), std::move(*route));
}

bool RawUdpSender::send(const Endpoint& to, const SendingOptions& options, ByteView payload) const {
  assert(to.address.family() == family_);
  std::optional<IpAddress> source = options.source;
  if (!source && to.address.is_v4()) source = source_towards(to);
  if (!source && to.address.is_v4()) return false;
  Bytes segment = encode_udp(options.from_port, to.port, payload);
  if (to.address.is_v4()) fill_in_checksum(segment, *source, to.address);

  SocketAddress address = to_socket_address({to.address, 0});  // a raw socket has no ports
  iovec part{segment.data(), segment.size()};
  ControlMessages control;
  if (source) control.add_source(*source);
  if (options.hop_limit != 0) add_hop_limit(control, family_, options.hop_limit);
  msghdr message{};
  message.msg_name = address.get();
  message.msg_namelen = address.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  control.attach_to(message);
  return sendmsg(raw_.get(), &message, MSG_NOSIGNAL) >= 0;
}

std::optional<IpAddress> RawUdpSender::source_towards(const Endpoint& to) const {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;  // forgets the source that the last destination had
  if (connect(route_.get(), &nowhere, sizeof nowhere) != 0) return std::nullopt;
  const SocketAddress address = to_socket_address(to);
  if (connect(route_.get(), address.get(), address.length) != 0) return std::nullopt;
  SocketAddress own;
  if (getsockname(route_.get(), own.get(), &own.length) != 0) return std::nullopt;
  const auto endpoint = to_endpoint(own.get(), own.length);
  return endpoint ? std::optional(endpoint->address) : std::nullopt;
}

}  // namespace kadwire::node
