#include "node/adapters/side_ports.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <utility>

#include "node/adapters/port_filter.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/socket_options.h"

namespace kadwire::node {
namespace {

/// A bound socket that hears nothing; none if the port is taken or there are no more descriptors.
/// An IPv6 one holds the port for IPv4 too.
UniqueFd hold(const Endpoint& any) {
  const bool v6 = any.address.is_v6();
  UniqueFd fd(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || (v6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0))) return {};
  if (!attach_filter(fd.get(), deaf_filter())) return {};
  const SocketAddress address = to_socket_address(any);
  if (bind(fd.get(), address.get(), address.length) != 0) return {};
  return fd;
}

bool has_ipv6() {
  return static_cast<bool>(UniqueFd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
}

/// Blocks tried, of each sort: other programs hold single ports, other daemons whole blocks.
constexpr int kBlocksTried = 16;

/// The ports that the system hands out: first and last.
std::pair<unsigned, unsigned> ephemeral_ports() {
  std::pair<unsigned, unsigned> range{32'768, 60'999};  // Linux's default
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  file >> range.first >> range.second;
  return range;
}

}  // namespace

std::optional<SidePorts> SidePorts::find(std::uint16_t count) {
  const auto [low, high] = ephemeral_ports();
  for (const bool beside : {true, false}) {
    int tried = 0;
    for (unsigned first = 65'536 - count; first >= 1024 && tried < kBlocksTried; first -= count) {
      const bool overlaps = first <= high && first + count > low;
      if (overlaps == beside) continue;
      ++tried;
      SidePorts ports(static_cast<std::uint16_t>(first), count);
      if (ports.held() == count) return ports;
    }
  }
  return std::nullopt;
}

SidePorts::SidePorts(std::uint16_t first, std::uint16_t count) : first_(first) {
  const IpAddress any = has_ipv6() ? IpAddress::v6({}) : IpAddress();
  for (unsigned port = first; port < first + unsigned{count}; ++port) {
    UniqueFd fd = hold({any, static_cast<std::uint16_t>(port)});
    if (fd) sockets_.push_back(std::move(fd));
  }
}

}  // namespace kadwire::node
