#include "node/adapters/network_check.h"

#include <sys/socket.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "crypto/system_random.h"
#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/asio_scheduler.h"
#include "node/adapters/netlink_network_monitor.h"
#include "node/adapters/resolver.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/unique_fd.h"
#include "node/adapters/upnp_port_mapper.h"
#include "rendezvous/net_check.h"

namespace kadwire::node {
namespace {

using rendezvous::CheckSocket;
using rendezvous::NetCheck;

/// The address from which the kernel would send there; nullopt: it has no route.
std::optional<IpAddress> source_towards(const Endpoint& to) {
  const int family = to.address.is_v4() ? AF_INET : AF_INET6;
  const UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::nullopt;
  const SocketAddress remote = to_socket_address(to);
  if (::connect(fd.get(), remote.get(), remote.length) != 0) return std::nullopt;
  SocketAddress own;
  if (::getsockname(fd.get(), own.get(), &own.length) != 0) return std::nullopt;
  const auto local = to_endpoint(own.get(), own.length);
  return local ? std::optional(local->address) : std::nullopt;
}

bool is_tunnel(const Link& link) {
  return link.kind == "tun" || link.kind == "wireguard";
}

tl::expected<NetworkState, std::string> read_surroundings() {
  auto netlink = Rtnetlink::open();
  if (!netlink) return tl::unexpected(netlink.error().message);
  const auto links = netlink->links();
  if (!links) return tl::unexpected(links.error().message);
  auto state = read_network_state(*netlink, "");
  if (!state) return tl::unexpected(state.error().message);
  std::erase_if(state->addresses, [&](const rendezvous::LocalAddress& address) {
    const auto link = std::ranges::find(*links, address.interface, &Link::name);
    return link != links->end() && is_tunnel(*link);
  });
  return *std::move(state);
}

/// One check under way, with all it needs.
class Run {
 public:
  using Sockets =
      std::pair<std::unique_ptr<AsioDatagramSocket>, std::unique_ptr<AsioDatagramSocket>>;

  Run(asio::io_context& context, const NetworkState& network, Sockets sockets,
      const NetworkCheckProgress& progress)
      : context_(context),
        scheduler_(context),
        main_(std::move(sockets.first)),
        second_(std::move(sockets.second)),
        mapper_(context),
        resolver_(context),
        patience_(context),
        tick_(context),
        progress_(progress),
        check_({.addresses = network.addresses,
                .routers = network.gateways,
                .main_port = main_->local_port(),
                .second_port = second_->local_port()},
               random_, scheduler_.now().steady) {}

  rendezvous::NetReport run(const std::vector<BootstrapHost>& stun) {
    listen(*main_, CheckSocket::kMain);
    listen(*second_, CheckSocket::kSecond);
    mapper_.start([this](const rendezvous::UpnpResult& result) {
      check_.handle_upnp(scheduler_.now().steady, result);
      pump();
    });
    look_up(stun);
    tick();
    pump();
    context_.run();
    return check_.report();
  }

 private:
  void listen(AsioDatagramSocket& socket, CheckSocket which) {
    socket.start([this, which](const Endpoint& from, ByteView datagram) {
      check_.handle_datagram(scheduler_.now().steady, which, from, datagram);
      pump();
    });
  }

  void look_up(const std::vector<BootstrapHost>& stun) {
    for (const BootstrapHost& host : stun) {
      pending_.push_back(host.host);
      resolver_.resolve(host.host, host.port, [this, name = host.host](Resolver::Result result) {
        on_addresses(name, std::move(result));
      });
    }
    patience_.expires_after(kNameLookupMax);
    patience_.async_wait([this](const std::error_code& error) {
      if (!error) give_up_names();
    });
    if (pending_.empty()) check_.names_complete(scheduler_.now().steady);
  }

  void on_addresses(const std::string& name, Resolver::Result result) {
    const auto place = std::ranges::find(pending_, name);
    if (place == pending_.end()) return;  // given up before
    pending_.erase(place);
    const TimePoint now = scheduler_.now().steady;
    if (result) {
      for (const Endpoint& server : *result) {
        check_.add_server(now, {name, server, source_towards(server)});
      }
    } else {
      check_.note_unresolved({name, result.error().message});
    }
    if (pending_.empty()) check_.names_complete(now);
    pump();
  }

  void give_up_names() {
    for (std::string& name : pending_) {
      check_.note_unresolved({std::move(name), "the name server did not answer in time"});
    }
    pending_.clear();
    check_.names_complete(scheduler_.now().steady);
    pump();
  }

  void tick() {
    tick_.expires_after(kProgressInterval);
    tick_.async_wait([this](const std::error_code& error) {
      if (error) return;
      progress_(check_.report());
      tick();
    });
  }

  /// Carries out what the check wants, and ends with it.
  void pump() {
    while (const auto sent = check_.poll_transmit()) {
      (sent->from == CheckSocket::kMain ? main_ : second_)->send(sent->transmit);
    }
    while (const auto request = check_.poll_upnp()) mapper_.request(*request);
    const auto next = check_.next_timeout();
    if (!next) return context_.stop();
    scheduler_.wake_at(*next, [this] {
      check_.handle_timeout(scheduler_.now().steady);
      pump();
    });
  }

  asio::io_context& context_;
  AsioScheduler scheduler_;
  std::unique_ptr<AsioDatagramSocket> main_, second_;
  UpnpPortMapper mapper_;
  Resolver resolver_;
  asio::steady_timer patience_, tick_;
  const NetworkCheckProgress& progress_;
  crypto::SystemRandom random_;
  NetCheck check_;
  std::vector<std::string> pending_;  ///< names that are being looked up
};

}  // namespace

tl::expected<rendezvous::NetReport, std::string> check_network(
    const std::vector<BootstrapHost>& stun, const NetworkCheckProgress& progress) {
  const auto network = read_surroundings();
  if (!network) return tl::unexpected(network.error());
  asio::io_context context(1);
  auto main = AsioDatagramSocket::open(context, 0);
  auto second = AsioDatagramSocket::open(context, 0);
  if (!main || !second) return tl::unexpected((main ? second : main).error().message);
  Run run(context, *network, {*std::move(main), *std::move(second)}, progress);
  return run.run(stun);
}

}  // namespace kadwire::node
