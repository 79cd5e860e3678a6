#include "node/adapters/multicast_lan_port.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <asio/posix/stream_descriptor.hpp>

#include "node/adapters/receive_loop.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

/// Larger than any datagram that is ours: a longer one is cut, and no beacon any more.
constexpr std::size_t kDatagramBytesMax = 2048;

Endpoint group_of(AddressFamily family) {
  const auto text = family == AddressFamily::kIpv4 ? kLanGroupIpv4 : kLanGroupIpv6;
  return {*IpAddress::parse(text), kLanPort};
}

/// IPv4's socket is bound to the group and hears nothing else. IPv6's cannot be, for the group is
/// another one on each link: it is told where each datagram went.
bool prepare(int fd, AddressFamily family) {
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  if (family == AddressFamily::kIpv4) {
    return set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1) &&
           set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  }
  return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0) &&
         set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

tl::expected<UniqueFd, int> open_socket(AddressFamily family) {
  const bool v4 = family == AddressFamily::kIpv4;
  UniqueFd fd(socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  Endpoint local = group_of(family);
  if (!v4) local.address = *IpAddress::parse("::");
  const SocketAddress address = to_socket_address(local);
  if (!fd || !prepare(fd.get(), family) || bind(fd.get(), address.get(), address.length) != 0) {
    return tl::unexpected(errno);
  }
  return fd;
}

}  // namespace

/// The socket of one family.
struct MulticastLanPort::Leg {
  Leg(asio::io_context& context, AddressFamily its_family, UniqueFd fd)
      : family(its_family), group(group_of(its_family)), descriptor(context, fd.release()) {}
  [[nodiscard]] bool change_membership(unsigned link, bool joins);
  void send(unsigned link, ByteView datagram);

  AddressFamily family;
  Endpoint group;
  asio::posix::stream_descriptor descriptor;
  std::vector<unsigned> links;  ///< joined
};

/// False if the link is gone, or lacks the family or multicast.
bool MulticastLanPort::Leg::change_membership(unsigned link, bool joins) {
  const int fd = descriptor.native_handle();
  const SocketAddress address = to_socket_address(group);
  if (family == AddressFamily::kIpv4) {
    ip_mreqn request{};
    request.imr_multiaddr = reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr;
    request.imr_ifindex = static_cast<int>(link);
    return setsockopt(fd, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                      sizeof request) == 0;
  }
  ipv6_mreq request{};
  request.ipv6mr_multiaddr = reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr;
  request.ipv6mr_interface = link;
  return setsockopt(fd, IPPROTO_IPV6, joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                    sizeof request) == 0;
}

void MulticastLanPort::Leg::send(unsigned link, ByteView datagram) {
  const int fd = descriptor.native_handle();
  SocketAddress to = to_socket_address(group);
  if (family == AddressFamily::kIpv4) {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(link);
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0) return;
  } else {
    reinterpret_cast<sockaddr_in6*>(to.get())->sin6_scope_id = link;
  }
  (void)sendto(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL, to.get(), to.length);
}

struct MulticastLanPort::Shared {
  bool receive_one(Leg& leg);
  [[nodiscard]] static bool went_to_group(const Leg& leg, msghdr& message);

  std::vector<std::unique_ptr<Leg>> legs;  ///< never empty, never changed
  Handler handler;
  bool closed = false;
  std::array<std::byte, kDatagramBytesMax> buffer;
};

/// In IPv6 the kernel looks at the group alone, so that one joined on any link would do.
bool MulticastLanPort::Shared::went_to_group(const Leg& leg, msghdr& message) {
  if (leg.family == AddressFamily::kIpv4) return true;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != IPPROTO_IPV6 || header->cmsg_type != IPV6_PKTINFO) continue;
    in6_pktinfo info;
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    return IN6_IS_ADDR_MULTICAST(&info.ipi6_addr) &&
           std::ranges::find(leg.links, info.ipi6_ifindex) != leg.links.end();
  }
  return false;
}

/// False if there is no datagram.
bool MulticastLanPort::Shared::receive_one(Leg& leg) {
  SocketAddress source;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control;
  iovec data{buffer.data(), buffer.size()};
  msghdr message{source.get(), source.length, &data, 1, control.data(), control.size(), 0};
  const ssize_t size = recvmsg(leg.descriptor.native_handle(), &message, 0);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (size < 0) return true;
  const auto from = to_endpoint(source.get(), message.msg_namelen);
  if (!from || !went_to_group(leg, message)) return true;
  handler(*from, ByteView(buffer).first(static_cast<std::size_t>(size)));
  return true;
}

tl::expected<std::unique_ptr<MulticastLanPort>, SocketError> MulticastLanPort::open(
    asio::io_context& context, bool use_ipv6) {
  auto shared = std::make_shared<Shared>();
  int failure = EAFNOSUPPORT;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    if (family == AddressFamily::kIpv6 && !use_ipv6) continue;
    auto fd = open_socket(family);
    if (fd) {
      shared->legs.push_back(std::make_unique<Leg>(context, family, std::move(*fd)));
    } else if (!lacks_family(fd.error())) {
      failure = fd.error();
    }
  }
  if (shared->legs.empty()) {
    return tl::unexpected(SocketError{
        "UDP port " + std::to_string(kLanPort) +
        " for members on the same link cannot be opened: " + std::strerror(failure) + "."});
  }
  return std::unique_ptr<MulticastLanPort>(new MulticastLanPort(std::move(shared)));
}

MulticastLanPort::MulticastLanPort(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

MulticastLanPort::~MulticastLanPort() {
  shared_->closed = true;
  for (const auto& leg : shared_->legs) {
    std::error_code ignored;
    leg->descriptor.close(ignored);
  }
}

void MulticastLanPort::start(Handler handler) {
  assert(!shared_->handler && handler);
  shared_->handler = std::move(handler);
  for (const auto& leg : shared_->legs) {
    keep_receiving(shared_, leg->descriptor,
                   [shared = shared_.get(), &leg = *leg] { return shared->receive_one(leg); });
  }
}

void MulticastLanPort::set_links(std::span<const std::string> interfaces) {
  std::vector<unsigned> wanted;
  for (const std::string& name : interfaces) {
    if (const unsigned index = if_nametoindex(name.c_str()); index != 0) wanted.push_back(index);
  }
  for (const auto& leg : shared_->legs) {
    std::erase_if(leg->links, [&](unsigned link) {
      const bool leaves = std::ranges::find(wanted, link) == wanted.end();
      if (leaves) (void)leg->change_membership(link, false);
      return leaves;
    });
    for (const unsigned link : wanted) {
      if (std::ranges::find(leg->links, link) != leg->links.end()) continue;
      if (leg->change_membership(link, true)) leg->links.push_back(link);
    }
  }
}

void MulticastLanPort::send(ByteView datagram) {
  for (const auto& leg : shared_->legs) {
    for (const unsigned link : leg->links) leg->send(link, datagram);
  }
}

}  // namespace kadwire::node
