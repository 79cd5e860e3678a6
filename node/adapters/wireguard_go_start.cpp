#include "node/adapters/wireguard_go_start.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "node/adapters/uapi_exchange.h"

namespace kadwire::node {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

template <typename T>
using Awaitable = asio::awaitable<tl::expected<T, DeviceError>>;

/// wireguard-go serves its socket some 15 ms after its start, on a busy machine 100 ms.
constexpr auto kSocketPatience = std::chrono::seconds(5);
constexpr auto kSocketRetry = milliseconds(1);
/// An interface whose process is just ending vanishes within this time.
constexpr auto kVanishPatience = milliseconds(500);
constexpr auto kVanishRetry = milliseconds(10);
/// Far more than wireguard-go takes from serving its socket to binding its first port.
constexpr auto kFirstBindPatience = milliseconds(1000);
constexpr auto kStopPatience = milliseconds(1000);
constexpr int kListenPortsMax = 100;  ///< how many ports are tried, from the wanted one up
/// IFNAMSIZ less its terminator.
constexpr std::size_t kInterfaceNameBytesMax = 15;

tl::unexpected<DeviceError> error(std::string message) {
  return tl::unexpected(DeviceError{std::move(message)});
}

asio::awaitable<void> pause(milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

tl::expected<void, DeviceError> check_name(const std::string& name) {
  const bool well_formed = !name.empty() && name.size() <= kInterfaceNameBytesMax && name != "." &&
                           name != ".." && std::ranges::all_of(name, [](char c) {
                             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') ||
                                    std::string_view("_=+.-").find(c) != std::string_view::npos;
                           });
  if (well_formed) return {};
  return error("An interface name has 1 to 15 letters, digits and _=+.- characters.");
}

tl::expected<void, DeviceError> check_permission() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  const bool known = syscall(SYS_capget, &header, sets) == 0;
  if (known && (sets[0].effective & (1U << CAP_NET_ADMIN)) != 0) return {};
  return error("Making a network interface needs root (CAP_NET_ADMIN); run this with sudo.");
}

tl::expected<void, DeviceError> check_tun_device() {
  const UniqueFd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (fd) return {};
  if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
    return error("/dev/net/tun is missing: the tun module is not loaded; run: modprobe tun");
  }
  return error(std::string("/dev/net/tun cannot be opened: ") + std::strerror(errno) + ".");
}

DeviceError foreign(const std::string& interface, std::string_view reason) {
  std::string message = "Interface ";
  message.append(interface).append(" exists and ").append(reason);
  message.append("; it is left untouched. Choose another name with --interface, or remove it: ");
  message.append("ip link delete ").append(interface);
  return {std::move(message)};
}

tl::expected<std::optional<Link>, DeviceError> find_link(const std::string& interface) {
  auto netlink = Rtnetlink::open();
  if (!netlink) return error(std::move(netlink).error().message);
  auto link = netlink->find_link(interface);
  if (!link) return error(std::move(link).error().message);
  return std::move(*link);
}

/// Who holds the interface's name and control socket: nobody, or one process both.
struct Holder {
  std::optional<Link> link;
  std::optional<WireguardGoProcess> process;  ///< present exactly if the link is
  UapiDevice device;                          ///< what the process says of it
};

/// Why neither is the case.
struct Obstacle {
  DeviceError error;
  bool passing = false;  ///< so it looks while a process is ending: worth another look
};

tl::expected<Holder, Obstacle> look(const std::string& interface) {
  auto link = find_link(interface);
  if (!link) return tl::unexpected(Obstacle{link.error(), false});
  if (*link && (*link)->kind != "tun") {
    return tl::unexpected(Obstacle{foreign(interface, "is not one of wireguard-go's"), false});
  }
  const auto uapi = connect_uapi(uapi_socket_path(interface));
  if (!uapi && *link) {
    return tl::unexpected(Obstacle{foreign(interface, "no WireGuard answers for it"), true});
  }
  if (!uapi) return Holder{};
  auto process = WireguardGoProcess::behind(uapi->get());
  if (!process) return tl::unexpected(Obstacle{process.error(), true});
  if (!*link) {
    return tl::unexpected(
        Obstacle{{"The control socket of interface " + interface + " is in use by process " +
                  std::to_string(process->pid()) + "."},
                 true});
  }
  return Holder{std::move(*link), std::move(*process), {}};
}

/// Waits for an earlier interface whose process is just ending.
Awaitable<Holder> look_until_settled(const std::string& interface) {
  const auto deadline = Clock::now() + kVanishPatience;
  for (;;) {
    auto holder = look(interface);
    if (holder && holder->process) {
      auto device = co_await exchange_get(uapi_socket_path(interface));
      if (device) {
        holder->device = std::move(*device);
      } else {
        holder =
            tl::unexpected(Obstacle{foreign(interface, "does not answer as WireGuard does"), true});
      }
    }
    if (holder) co_return std::move(*holder);
    if (!holder.error().passing || Clock::now() >= deadline) {
      co_return tl::unexpected(holder.error().error);
    }
    co_await pause(kVanishRetry);
  }
}

/// An interface that stands: ours exactly if its private key is.
tl::expected<StandingInterface, DeviceError> adopt(const WireguardGoOptions& options,
                                                   const Holder& holder) {
  if (!holder.device.private_key.equals(options.private_key.view())) {
    return tl::unexpected(foreign(options.interface, "has another private key than this node's"));
  }
  StandingInterface standing{*holder.link, holder.device.listen_port.value_or(0), true, {}};
  standing.notes.push_back("Interface " + options.interface + " was left by an earlier run: its " +
                           std::to_string(holder.device.peers.size()) + " tunnels go on.");
  return standing;
}

/// Until the new process serves its socket. An error if it ends before, or takes too long.
Awaitable<bool> wait_for_socket(const std::string& interface, WireguardGoProcess& process) {
  const std::string path = uapi_socket_path(interface);
  const auto deadline = Clock::now() + kSocketPatience;
  while (!connect_uapi(path)) {
    if (process.has_ended()) {
      co_return error("wireguard-go " + process.reap() + " while it made interface " + interface +
                      "; to see why, run: wireguard-go -f " + interface);
    }
    if (Clock::now() >= deadline) {
      co_return error("wireguard-go did not serve " + path + " within 5 s.");
    }
    co_await pause(kSocketRetry);
  }
  co_return true;
}

/// Soon after it began to serve, wireguard-go binds a random port of its own accord. Had it been
/// given a port by then, it would bind that one a second time, and could lose it in between.
asio::awaitable<void> wait_for_first_bind(const std::string& path) {
  const auto deadline = Clock::now() + kFirstBindPatience;
  while (Clock::now() < deadline) {
    const auto device = co_await exchange_get(path);
    if (!device || device->listen_port) co_return;
    co_await pause(kSocketRetry);
  }
}

/// The wanted port, or the next free one.
Awaitable<std::uint16_t> bind_listen_port(const WireguardGoOptions& options) {
  const int first = options.listen_port;
  const int last = std::min(first + kListenPortsMax - 1, 65535);
  const std::string path = uapi_socket_path(options.interface);
  co_await wait_for_first_bind(path);
  for (int port = first; port <= last; ++port) {
    WipedText request = encode_listen_port(static_cast<std::uint16_t>(port));
    const auto refused = co_await exchange_set(path, std::move(request));
    if (!refused) co_return error("wireguard-go refused a port: " + refused.error().reason + ".");
    if (*refused == 0) co_return static_cast<std::uint16_t>(port);
    if (*refused != EADDRINUSE) {
      co_return error("UDP port " + std::to_string(port) +
                      " cannot be bound: " + std::strerror(*refused) + ".");
    }
  }
  co_return error("UDP ports " + std::to_string(first) + " to " + std::to_string(last) +
                  " are all in use; choose another with --listen-port");
}

tl::expected<Link, DeviceError> set_link_up(const WireguardGoOptions& options) {
  auto link = find_link(options.interface);
  if (!link) return tl::unexpected(std::move(link).error());
  if (!*link) return error("Interface " + options.interface + " vanished while it was set up.");
  auto netlink = Rtnetlink::open();
  if (!netlink) return error(std::move(netlink).error().message);
  const auto up = netlink->set_up(**link, options.mtu_bytes);
  if (!up) return error(up.error().message);
  return std::move(**link);
}

/// Gives a fresh, empty interface its key, state, MTU and port.
Awaitable<StandingInterface> configure(const WireguardGoOptions& options) {
  WipedText request = encode_private_key(options.private_key);
  const auto refused =
      co_await exchange_set(uapi_socket_path(options.interface), std::move(request));
  if (!refused || *refused != 0) {
    co_return error("wireguard-go refused the private key: " +
                    (refused ? std::string(std::strerror(*refused)) : refused.error().reason) +
                    ".");
  }
  auto link = set_link_up(options);
  if (!link) co_return tl::unexpected(link.error());
  const auto port = co_await bind_listen_port(options);
  if (!port) co_return tl::unexpected(port.error());
  StandingInterface standing{std::move(*link), *port, false, {}};
  if (*port != options.listen_port) {
    standing.notes.push_back("UDP port " + std::to_string(options.listen_port) +
                             " is in use: WireGuard listens on " + std::to_string(*port) + ".");
  }
  co_return standing;
}

Awaitable<StandingInterface> start(const WireguardGoOptions& options,
                                   std::optional<WireguardGoProcess>& process) {
  const auto tun = check_tun_device();
  if (!tun) co_return tl::unexpected(tun.error());
  auto spawned = WireguardGoProcess::spawn(options.program, options.interface);
  if (!spawned) co_return tl::unexpected(spawned.error());
  process.emplace(std::move(*spawned));
  const auto served = co_await wait_for_socket(options.interface, *process);
  if (!served) co_return tl::unexpected(served.error());
  auto standing = co_await configure(options);
  co_return standing;
}

}  // namespace

asio::awaitable<tl::expected<StandingInterface, DeviceError>> bring_up(
    const WireguardGoOptions& options, std::optional<WireguardGoProcess>& process) {
  const auto named = check_name(options.interface);
  if (!named) co_return tl::unexpected(named.error());
  const auto permitted = check_permission();
  if (!permitted) co_return tl::unexpected(permitted.error());
  auto holder = co_await look_until_settled(options.interface);
  if (!holder) co_return tl::unexpected(holder.error());
  if (holder->process) {
    auto adopted = adopt(options, *holder);
    if (adopted) process = std::move(holder->process);
    co_return adopted;
  }
  auto standing = co_await start(options, process);
  if (!standing && process) {
    process->stop(kStopPatience);
    process.reset();
  }
  co_return standing;
}

}  // namespace kadwire::node
