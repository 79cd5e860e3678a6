#include "node/adapters/netlink_network_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

using namespace std::chrono_literals;

/// One change of an address comes as several notices within a millisecond or two.
constexpr auto kCoalesceDelay = 50ms;
/// A router with many routes takes long to read: then at most a twentieth of the time is spent so.
constexpr int kPauseFactor = 20;
constexpr int kNoticesPerWakeMax = 64;

tl::expected<UniqueFd, NetlinkError> open_notice_socket() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups =
      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(NetlinkError{std::string("The kernel's notices about the network cannot "
                                                   "be received: ") +
                                       std::strerror(errno) + "."});
  }
  return fd;
}

/// The default routes' next hops, the lower metric first; each once.
std::vector<IpAddress> gateways_of(const std::vector<InterfaceRoute>& routes) {
  std::vector<std::pair<std::uint32_t, IpAddress>> by_metric;
  for (const InterfaceRoute& route : routes) {
    if (route.prefix.length == 0 && route.gateway) {
      by_metric.emplace_back(route.metric, *route.gateway);
    }
  }
  std::ranges::sort(by_metric);
  std::vector<IpAddress> gateways;
  for (const auto& [metric, gateway] : by_metric) {
    if (std::ranges::find(gateways, gateway) == gateways.end()) gateways.push_back(gateway);
  }
  return gateways;
}

}  // namespace

tl::expected<NetworkState, NetlinkError> read_network_state(Rtnetlink& netlink,
                                                            const std::string& own_interface) {
  const auto links = netlink.links();
  if (!links) return tl::unexpected(links.error());
  std::map<std::uint32_t, const Link*> by_index;
  std::uint32_t own_index = 0;
  for (const Link& link : *links) {
    if (link.name == own_interface) own_index = link.index;
    by_index.emplace(link.index, &link);
  }
  const auto addresses = netlink.addresses();
  if (!addresses) return tl::unexpected(addresses.error());
  const auto routes = netlink.routes(own_index);
  if (!routes) return tl::unexpected(routes.error());

  NetworkState state;
  for (const InterfaceAddress& address : *addresses) {
    const auto link = by_index.find(address.link_index);
    if (link == by_index.end() || address.link_index == own_index) continue;
    if (!link->second->running) continue;
    state.addresses.push_back({address.prefix, link->second->name, address.deprecated,
                               address.tentative, address.temporary,
                               link->second->kind == "bridge"});
  }
  for (const InterfaceRoute& route : *routes) {
    const auto link = by_index.find(route.link_index);
    if (link == by_index.end() || route.prefix.length == 0) continue;
    state.routes.push_back({route.prefix, link->second->name});
  }
  state.gateways = gateways_of(*routes);
  std::ranges::sort(state.addresses);
  std::ranges::sort(state.routes);
  return state;
}

struct NetlinkNetworkMonitor::Watch : std::enable_shared_from_this<Watch> {
  Watch(asio::io_context& loop, Rtnetlink query, UniqueFd notice_socket, std::string own)
      : context(loop),
        netlink(std::move(query)),
        notices(loop, notice_socket.release()),
        pause(loop),
        own_interface(std::move(own)) {}

  void wait_for_notices();
  void discard_notices();
  void look_soon();
  void look();

  asio::io_context& context;
  Rtnetlink netlink;
  asio::posix::stream_descriptor notices;
  asio::steady_timer pause;
  std::string own_interface;
  Handler handler;
  std::optional<NetworkState> last;  ///< nullopt: nothing delivered yet
  std::chrono::nanoseconds next_pause = kCoalesceDelay;
  bool looking_soon = false;
  bool closed = false;
};

void NetlinkNetworkMonitor::Watch::wait_for_notices() {
  notices.async_wait(asio::posix::stream_descriptor::wait_read,
                     [watch = shared_from_this()](const std::error_code&) {
                       if (watch->closed) return;
                       watch->discard_notices();
                       watch->look_soon();
                       watch->wait_for_notices();
                     });
}

void NetlinkNetworkMonitor::Watch::discard_notices() {
  std::array<char, 8192> buffer;
  for (int i = 0; i < kNoticesPerWakeMax; ++i) {
    // ENOBUFS says that notices were lost: no matter, everything is read anew.
    const ssize_t size = recv(notices.native_handle(), buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  }
}

void NetlinkNetworkMonitor::Watch::look_soon() {
  if (std::exchange(looking_soon, true)) return;
  pause.expires_after(next_pause);
  pause.async_wait([watch = shared_from_this()](const std::error_code&) {
    watch->looking_soon = false;
    if (!watch->closed) watch->look();
  });
}

void NetlinkNetworkMonitor::Watch::look() {
  const auto began = std::chrono::steady_clock::now();
  auto state = read_network_state(netlink, own_interface);
  const auto took = std::chrono::steady_clock::now() - began;
  next_pause = std::max<std::chrono::nanoseconds>(kCoalesceDelay, kPauseFactor * took);
  if (!state) return look_soon();  // out of memory, or it never held still: try again
  if (last == *state) return;
  last = std::move(*state);
  handler(*last);
}

tl::expected<std::unique_ptr<NetlinkNetworkMonitor>, NetlinkError> NetlinkNetworkMonitor::open(
    asio::io_context& context, std::string own_interface) {
  auto netlink = Rtnetlink::open();
  if (!netlink) return tl::unexpected(std::move(netlink).error());
  auto notices = open_notice_socket();
  if (!notices) return tl::unexpected(std::move(notices).error());
  return std::unique_ptr<NetlinkNetworkMonitor>(new NetlinkNetworkMonitor(std::make_shared<Watch>(
      context, std::move(*netlink), std::move(*notices), std::move(own_interface))));
}

NetlinkNetworkMonitor::NetlinkNetworkMonitor(std::shared_ptr<Watch> watch)
    : watch_(std::move(watch)) {}

NetlinkNetworkMonitor::~NetlinkNetworkMonitor() {
  watch_->closed = true;
  std::error_code ignored;
  watch_->notices.close(ignored);
  watch_->pause.cancel();
}

void NetlinkNetworkMonitor::start(Handler handler) {
  assert(!watch_->handler && handler);
  watch_->handler = std::move(handler);
  watch_->wait_for_notices();
  asio::post(watch_->context, [watch = watch_] {
    if (!watch->closed) watch->look();
  });
}

}  // namespace kadwire::node
