#include "node/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <list>
#include <memory>

#include "crypto/mesh_address.h"
#include "crypto/system_random.h"
#include "dht/opendht_directory.h"
#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/asio_scheduler.h"
#include "node/adapters/bootstrap_names.h"
#include "node/adapters/multicast_lan_port.h"
#include "node/adapters/netlink_network_monitor.h"
#include "node/adapters/proxied_wireguard.h"
#include "node/adapters/raw_wireguard_port.h"
#include "node/adapters/timerfd_suspend_monitor.h"
#include "node/adapters/udp_relay_ports.h"
#include "node/adapters/upnp_port_mapper.h"
#include "node/adapters/wireguard_go_device.h"
#include "node/control/rpc_server.h"
#include "node/driver.h"
#include "node/state_store.h"

namespace kadwire::node {
namespace {

/// Notices as log lines. Debug is what peers can trigger; the default level leaves it out.
class SpdlogJournal final : public Journal {
 public:
  void write(const Notice& notice) override {
    switch (notice.level) {
      case Notice::Level::kDebug:
        return spdlog::debug("{}", notice.text);
      case Notice::Level::kInfo:
        return spdlog::info("{}", notice.text);
      case Notice::Level::kWarning:
        return spdlog::warn("{}", notice.text);
    }
  }
};

/// NodeMemory in the state folder. A disk that is full must not end the node: the failure is said
/// once, and again only after a save went well.
class StoredMemory final : public NodeMemory {
 public:
  explicit StoredMemory(StateStore& store) : store_(store) {}
  void save_node_state(const NodeState& state) override { check(store_.save_node_state(state)); }
  void save_peer_cache(std::span<const Bytes> records) override {
    check(store_.save_peer_cache(records));
  }
  void save_dht_nodes(std::span<const dht::KnownNode> nodes) override {
    check(store_.save_dht_nodes(nodes));
  }

 private:
  void check(const tl::expected<void, StateError>& saved) {
    if (!saved && !failing_) spdlog::warn("state not saved: {}", saved.error().message);
    failing_ = !saved;
  }
  StateStore& store_;
  bool failing_ = false;
};

/// What the state folder held, or what was made in its place.
struct Restored {
  crypto::NodeIdentity identity;
  bool identity_restored = false;
  NodeState state;
};

tl::expected<Restored, std::string> restore(StateStore& store, RandomSource& random) {
  auto identity = store.load_identity();
  if (!identity) return tl::unexpected(identity.error().message);
  auto state = store.load_node_state();
  if (!state) return tl::unexpected(state.error().message);
  if (*identity) return Restored{std::move(**identity), true, *state};
  Restored fresh{crypto::NodeIdentity::generate(random), false, *state};
  if (const auto saved = store.save_identity(fresh.identity); !saved) {
    return tl::unexpected(saved.error().message);
  }
  return fresh;
}

/// Everything that lives as long as the daemon runs, each after what it refers to.
struct Parts {
  asio::io_context context{1};
  crypto::SystemRandom random;
  SpdlogJournal journal;
  std::optional<StateStore> store;
  std::optional<Restored> restored;
  std::optional<crypto::KeySchedule> keys;
  std::optional<StoredMemory> memory;
  std::optional<AsioScheduler> scheduler;
  std::unique_ptr<AsioDatagramSocket> dht_socket;
  std::unique_ptr<NetlinkNetworkMonitor> monitor;
  std::unique_ptr<WireguardGoDevice> device;
  std::optional<AsioScheduler> relay_scheduler;
  std::optional<UdpRelayPorts> relay_ports;             ///< nullopt: not wanted, or no punching
  std::unique_ptr<RawWireguardPort> raw_port;           ///< nullptr: not wanted, or not allowed
  std::optional<LoopbackFlows> flows;                   ///< only if it is not allowed
  std::unique_ptr<OwnPort> own_port;                    ///< with them
  std::optional<ProxiedDevice> proxied_device;          ///< with them
  std::string port_problem;                             ///< then; empty: all well
  std::unique_ptr<AsioDatagramSocket> gateway_socket;   ///< nullptr: not wanted
  std::optional<UpnpPortMapper> port_mapper;            ///< with it
  std::unique_ptr<AsioDatagramSocket> lifetime_socket;  ///< nullptr: no punching, or not possible
  std::unique_ptr<MulticastLanPort> lan_port;           ///< nullptr: not wanted, or not possible
  std::unique_ptr<TimerfdSuspendMonitor> suspend_monitor;  ///< nullptr: not possible
  std::unique_ptr<dht::OpendhtDirectory> directory;
  std::optional<MeshNode> node;
  std::optional<Driver> driver;
  std::optional<BootstrapNames> names, stun_names;
  std::list<BootstrapNames> static_names;  ///< each by itself: one that fails delays no other
  std::unique_ptr<control::RpcServer> rpc;
};

using Outcome = tl::expected<void, std::string>;

Outcome open_state(Parts& parts, const DaemonOptions& options) {
  parts.keys.emplace(options.secret);
  const auto mode = options.start_afresh ? StateStore::Mode::kStartAfresh : StateStore::Mode::kKeep;
  auto store = StateStore::open(options.state_folder, parts.keys->mesh_id(), mode);
  if (!store) return tl::unexpected(store.error().message);
  parts.store.emplace(std::move(*store));
  parts.memory.emplace(*parts.store);
  auto restored = restore(*parts.store, parts.random);
  if (!restored) return tl::unexpected(restored.error());
  parts.restored.emplace(std::move(*restored));
  return {};
}

Outcome open_network(Parts& parts, const DaemonOptions& options) {
  parts.scheduler.emplace(parts.context, options.clock_offset);
  const std::uint16_t dht_port = options.dht_port.value_or(parts.restored->state.dht_port);
  auto socket = AsioDatagramSocket::open(parts.context, dht_port);
  if (!socket) return tl::unexpected(socket.error().message);
  parts.dht_socket = std::move(*socket);
  if (options.dht_port && parts.dht_socket->local_port() != *options.dht_port) {
    return tl::unexpected(
        fmt::format("UDP port {} (--dht-port) is taken; name another or leave it "
                    "out",
                    *options.dht_port));
  }
  auto monitor = NetlinkNetworkMonitor::open(parts.context, options.interface);
  if (!monitor) return tl::unexpected(monitor.error().message);
  parts.monitor = std::move(*monitor);
  parts.suspend_monitor = TimerfdSuspendMonitor::open(parts.context);
  return {};
}

/// Where raw sockets are refused, and before WireGuard takes a port: the one that others are to see
/// is the daemon's then. Without any the node still works, for peers that can be dialled plainly.
void open_own_port(Parts& parts, const DaemonOptions& options, const std::string& reason) {
  auto socket = AsioDatagramSocket::open(parts.context, options.listen_port);
  if (!socket) {
    parts.port_problem = reason + " A socket of its own is refused, too: " + socket.error().message;
  } else {
    parts.flows.emplace(
        parts.context, *parts.scheduler,
        [&parts](const Endpoint& to, ByteView datagram) { parts.own_port->carry(to, datagram); });
    parts.own_port = std::make_unique<OwnPort>(std::move(*socket), *parts.flows);
    parts.port_problem = reason;
  }
  spdlog::warn("punching {}", parts.port_problem);
}

/// Any port will do. Without it keepalives come as often as is safe for most NATs.
void open_lifetime_socket(Parts& parts) {
  auto socket = AsioDatagramSocket::open(parts.context, 0);
  if (socket) {
    parts.lifetime_socket = std::move(*socket);
  } else {
    spdlog::warn("keepalive {}", socket.error().message);
  }
}

Outcome open_port(Parts& parts, const DaemonOptions& options) {
  if (!options.punching) return {};
  auto port =
      RawWireguardPort::open(parts.context, 0, std::make_unique<FlowTable>(options.interface));
  if (port) {
    parts.raw_port = std::move(*port);
  } else {
    open_own_port(parts, options, port.error().message);
  }
  const bool frames = parts.raw_port || parts.own_port;
  if (frames) open_lifetime_socket(parts);
  if (!frames || !options.relays) return {};
  parts.relay_scheduler.emplace(parts.context, options.clock_offset);
  const RelayPortOptions limits{.limits = options.relay_limits};
  parts.relay_ports.emplace(parts.context, *parts.relay_scheduler, limits);
  return {};
}

/// WireGuard has its port now.
void join_port_and_device(Parts& parts) {
  if (parts.raw_port) parts.raw_port->set_listen_port(parts.device->listen_port());
  if (!parts.own_port) return;
  parts.proxied_device.emplace(*parts.device, *parts.flows, parts.own_port->local_port());
}

WireguardDevice& device_of(Parts& parts) {
  if (parts.proxied_device) return *parts.proxied_device;
  return *parts.device;
}

WireguardPort* port_of(Parts& parts) {
  if (parts.raw_port) return parts.raw_port.get();
  return parts.own_port.get();
}

Outcome open_device(Parts& parts, const DaemonOptions& options) {
  WireguardGoOptions wanted;
  wanted.interface = options.interface;
  wanted.private_key = parts.restored->identity.wireguard_private_key().clone();
  wanted.listen_port = options.listen_port;
  wanted.clock_offset = options.clock_offset;
  auto device = WireguardGoDevice::open(parts.context, std::move(wanted));
  if (!device) return tl::unexpected(device.error().message);
  parts.device = std::move(*device);
  for (const std::string& note : parts.device->notes()) spdlog::info("wireguard {}", note);
  join_port_and_device(parts);
  return {};
}

/// Another program may listen for announcements already: then this one goes without.
Outcome open_port_mapping(Parts& parts, const DaemonOptions& options) {
  if (!options.maps_ports) return {};
  auto socket = AsioDatagramSocket::open(parts.context, rendezvous::kGatewayAnnouncementPort);
  if (!socket) {
    spdlog::warn("portmap {}", socket.error().message);
    return {};
  }
  parts.gateway_socket = std::move(*socket);
  parts.port_mapper.emplace(parts.context);
  return {};
}

/// Without it the node still works, where there is a DHT.
Outcome open_lan_port(Parts& parts, const DaemonOptions& options) {
  if (!options.lan) return {};
  auto port = MulticastLanPort::open(parts.context, options.ipv6);
  if (port) {
    parts.lan_port = std::move(*port);
  } else {
    spdlog::warn("lan {}", port.error().message);
  }
  return {};
}

void compose(Parts& parts, const DaemonOptions& options) {
  const Now now = parts.scheduler->now();
  dht::OpendhtOptions dht_options;
  dht_options.network = options.dht_network;
  dht_options.saved_nodes = parts.store->load_dht_nodes();
  parts.directory =
      std::make_unique<dht::OpendhtDirectory>(now, std::move(dht_options), parts.random);
  MeshNodeConfig config;
  config.hostname = options.hostname;
  config.ipv4_network = crypto::mesh_ipv4_network(*parts.keys, options.secret);
  config.ipv6_network = crypto::mesh_ipv6_network(*parts.keys);
  config.listen_port = device_of(parts).listen_port();
  config.use_ipv6 = options.ipv6;
  config.frames = port_of(parts) != nullptr;
  config.side_ports = parts.raw_port != nullptr;
  config.introduces = options.introduces;
  config.relays = parts.relay_ports.has_value();
  config.always_relays = options.always_relays;
  config.relayed_only = options.relayed_only;
  config.maps_ports = parts.gateway_socket != nullptr;
  config.finds_lifetime = parts.lifetime_socket != nullptr;
  config.lan = parts.lan_port != nullptr;
  config.static_endpoints = options.static_endpoints;
  config.identity_restored = parts.restored->identity_restored;
  // Tunnels through sockets of an earlier run stand no more.
  config.device_adopted = parts.device->adopted() && !parts.proxied_device;
  config.state = parts.restored->state;
  config.cached_records = parts.store->load_peer_cache();
  parts.node.emplace(std::move(config), *parts.keys, parts.restored->identity, parts.random, now);
  parts.driver.emplace(
      DriverPorts{*parts.scheduler, *parts.dht_socket, *parts.directory, device_of(parts),
                  *parts.monitor, *parts.memory, parts.journal, port_of(parts),
                  parts.relay_ports ? &*parts.relay_ports : nullptr, parts.gateway_socket.get(),
                  parts.port_mapper ? &*parts.port_mapper : nullptr, parts.lan_port.get(),
                  parts.lifetime_socket.get(), parts.suspend_monitor.get()},
      *parts.node, options.interface);
  parts.driver->set_port_problem(parts.port_problem);
  parts.names.emplace(parts.context, options.bootstrap,
                      [&parts](std::vector<Endpoint> endpoints, std::string problem) {
                        if (!problem.empty()) spdlog::warn("bootstrap {}", problem);
                        parts.driver->set_bootstrap_problem(std::move(problem));
                        parts.driver->set_bootstrap(std::move(endpoints));
                      });
  parts.stun_names.emplace(parts.context, options.stun,
                           [&parts](std::vector<Endpoint> endpoints, const std::string& problem) {
                             if (!problem.empty()) spdlog::warn("stun {}", problem);
                             parts.driver->set_stun_servers(endpoints);
                           });
  for (const BootstrapHost& host : options.static_names) {
    parts.static_names.emplace_back(
        parts.context, std::vector{host},
        [&parts, name = fmt::format("{}:{}", host.host, host.port)](
            const std::vector<Endpoint>& endpoints, const std::string& problem) {
          parts.driver->set_static_name(name, endpoints, problem);
        });
  }
}

Outcome open_rpc(Parts& parts, const DaemonOptions& options) {
  auto server = control::RpcServer::open(parts.context, options.socket_path, *parts.driver);
  if (!server) return tl::unexpected(server.error().message);
  parts.rpc = std::move(*server);
  return {};
}

Outcome start(Parts& parts, const DaemonOptions& options) {
  for (const auto step :
       {open_state, open_network, open_port, open_device, open_port_mapping, open_lan_port}) {
    if (auto done = step(parts, options); !done) return done;
  }
  compose(parts, options);
  return open_rpc(parts, options);
}

void announce_start(const Parts& parts, const DaemonOptions& options) {
  const NodeView view = parts.driver->node_view();
  spdlog::info("node up interface={} mesh={} node={} ipv4={} ipv6={} port={} dht_port={}{}",
               options.interface, view.mesh_id, view.node.short_form(),
               view.ipv4 ? view.ipv4->to_string() : "-", view.ipv6.to_string(), view.listen_port,
               view.dht_port, parts.device->adopted() ? " adopted=true" : "");
}

}  // namespace

int run_daemon(DaemonOptions options) {
  Parts parts;
  asio::signal_set signals(parts.context, SIGINT, SIGTERM);
  if (const auto started = start(parts, options); !started) {
    if (parts.device && !parts.device->adopted()) parts.device->close();
    fmt::print(stderr, "kadwire: {}\n", started.error());
    return 1;
  }
  signals.async_wait([&](const asio::error_code& error, int) {
    if (error) return;
    spdlog::info("leaving the mesh");
    parts.driver->stop([&] { parts.context.stop(); });
  });
  parts.driver->start();
  parts.names->start();
  parts.stun_names->start();
  for (BootstrapNames& name : parts.static_names) name.start();
  announce_start(parts, options);
  parts.context.run();
  parts.rpc.reset();
  parts.device->close();
  return 0;
}

}  // namespace kadwire::node
