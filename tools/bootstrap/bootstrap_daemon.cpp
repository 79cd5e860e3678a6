#include "tools/bootstrap/bootstrap_daemon.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "crypto/system_random.h"
#include "dht/opendht_directory.h"
#include "node/adapters/asio_scheduler.h"
#include "node/adapters/bootstrap_names.h"
#include "node/adapters/udp_stun_port.h"
#include "node/state_store.h"
#include "tools/bootstrap/bootstrap_node.h"
#include "tools/bootstrap/bootstrap_stats.h"
#include "tools/bootstrap/stats_socket.h"

namespace kadwire::tools {
namespace {

using node::AsioDatagramSocket;
using node::AsioScheduler;
using node::StateStore;
using node::UdpStunPort;

/// State files name the mesh they belong to; a bootstrap node belongs to none.
constexpr crypto::MeshId kNoMesh{};

/// Everything that lives as long as the process serves, each after what it refers to.
struct Parts {
  asio::io_context context{1};
  crypto::SystemRandom random;
  AsioScheduler scheduler{context};
  TimePoint started = scheduler.now().steady;
  std::optional<StateStore> store;
  std::unique_ptr<AsioDatagramSocket> dht_socket;
  std::unique_ptr<UdpStunPort> stun;
  std::unique_ptr<dht::OpendhtDirectory> directory;
  std::optional<BootstrapNode> bootstrap;
  std::optional<node::BootstrapNames> names;
  std::unique_ptr<StatsSocket> stats;
};

using Outcome = tl::expected<void, std::string>;
using Socket = tl::expected<std::unique_ptr<AsioDatagramSocket>, std::string>;

std::string port_in_use(std::uint16_t port, const char* option) {
  return fmt::format(
      "UDP port {} is in use. Is another kadwire-bootstrap running? Choose with {} ADDR:PORT.",
      port, option);
}

Socket open_socket(asio::io_context& context, const ListenOptions& wanted, const char* option) {
  auto socket = wanted.addresses.empty() ? AsioDatagramSocket::open(context, wanted.port)
                                         : AsioDatagramSocket::open_at(context, wanted.addresses);
  if (!socket) return tl::unexpected(socket.error().message);
  // Clients know a service by its port: another one is no substitute.
  if (wanted.addresses.empty() && (*socket)->local_port() != wanted.port) {
    return tl::unexpected(port_in_use(wanted.port, option));
  }
  return std::move(*socket);
}

/// Where nobody asked for STUN, a port that is taken must not keep the DHT from being served.
Outcome open_stun(Parts& parts, const BootstrapOptions& options) {
  if (options.serve_stun == BootstrapOptions::Stun::kOff) return {};
  const ListenOptions& wanted = options.stun;
  auto stun = wanted.addresses.empty() ? UdpStunPort::open(parts.context, wanted.port)
                                       : UdpStunPort::open_at(parts.context, wanted.addresses);
  if (stun) {
    parts.stun = std::move(*stun);
    if (!parts.stun->has_second_ports()) {
      spdlog::warn(
          "stun without its second port, which is in use: clients cannot find out what "
          "their NAT lets in");
    }
    return {};
  }
  const std::string reason =
      wanted.addresses.empty() ? port_in_use(wanted.port, "--stun") : stun.error().message;
  if (options.serve_stun == BootstrapOptions::Stun::kWanted) return tl::unexpected(reason);
  spdlog::warn("stun off reason=\"{}\" remedy=\"free it, or --stun ADDR:PORT, or --no-stun\"",
               reason);
  return {};
}

Outcome open_sockets(Parts& parts, const BootstrapOptions& options) {
  auto dht_socket = open_socket(parts.context, options.dht, "--listen");
  if (!dht_socket) return tl::unexpected(dht_socket.error());
  parts.dht_socket = std::move(*dht_socket);
  return open_stun(parts, options);
}

Outcome open_state(Parts& parts, const BootstrapOptions& options) {
  auto store = StateStore::open(options.state_folder, kNoMesh, StateStore::Mode::kKeep);
  if (!store) return tl::unexpected(store.error().message);
  parts.store.emplace(std::move(*store));
  return {};
}

/// What OpenDHT's own nodes give: a bootstrap node serves the network, not itself.
constexpr std::size_t kStoreBytesMax = 64 * 1024 * 1024;

void compose(Parts& parts, const BootstrapOptions& options) {
  dht::OpendhtOptions dht_options;
  dht_options.network = options.network;
  dht_options.store_bytes_max = kStoreBytesMax;
  dht_options.saved_nodes = parts.store->load_dht_nodes();
  parts.directory = std::make_unique<dht::OpendhtDirectory>(parts.scheduler.now(),
                                                            std::move(dht_options), parts.random);
  parts.bootstrap.emplace(
      BootstrapPorts{parts.scheduler, *parts.directory, *parts.dht_socket, parts.stun.get()},
      [&parts](std::span<const dht::KnownNode> nodes) {
        const auto saved = parts.store->save_dht_nodes(nodes);
        if (!saved) spdlog::warn("state not saved: {}", saved.error().message);
      },
      [](bool connected) { spdlog::info("dht connected={}", connected); });
  parts.names.emplace(parts.context, options.bootstrap,
                      [&parts](const std::vector<Endpoint>& endpoints, const std::string& problem) {
                        if (!problem.empty()) spdlog::warn("bootstrap {}", problem);
                        parts.bootstrap->set_bootstrap(endpoints);
                      });
}

BootstrapStats stats_of(const Parts& parts) {
  BootstrapStats stats;
  const Duration uptime = parts.scheduler.now().steady - parts.started;
  stats.uptime_seconds = static_cast<std::uint64_t>(uptime / 1s);
  stats.dht = parts.directory->stats();
  stats.dht_library_exceptions = parts.directory->library_exceptions();
  stats.dht_dropped = parts.directory->dropped();
  stats.dht_socket = parts.dht_socket->counters();
  if (parts.stun) stats.stun_port = parts.stun->local_port();
  stats.stun = parts.bootstrap->stun_stats();
  return stats;
}

Outcome open_stats(Parts& parts, const BootstrapOptions& options) {
  auto stats = StatsSocket::open(parts.context, options.socket_path,
                                 [&parts] { return to_json(stats_of(parts)).dump() + "\n"; });
  if (!stats) return tl::unexpected(stats.error().message);
  parts.stats = std::move(*stats);
  return {};
}

Outcome start(Parts& parts, const BootstrapOptions& options) {
  for (const auto step : {open_sockets, open_state}) {
    if (auto done = step(parts, options); !done) return done;
  }
  compose(parts, options);
  return open_stats(parts, options);
}

int fail(const std::string& sentence) {
  fmt::print(stderr, "kadwire-bootstrap: {}\n", sentence);
  return 1;
}

void start_logging() {
  auto logger = spdlog::stderr_logger_st("kadwire-bootstrap");
  logger->set_pattern("%H:%M:%S.%e %-7l %v");
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

int serve(const BootstrapOptions& options) {
  start_logging();
  Parts parts;
  asio::signal_set signals(parts.context, SIGINT, SIGTERM);
  if (const auto started = start(parts, options); !started) return fail(started.error());
  signals.async_wait([&](const asio::error_code& error, int) {
    if (!error) parts.context.stop();
  });
  parts.bootstrap->start();
  parts.names->start();
  spdlog::info("bootstrap up version={} dht_port={} stun_port={} network={} state={}",
               KADWIRE_VERSION, parts.dht_socket->local_port(),
               parts.stun ? std::to_string(parts.stun->local_port()) : "-", options.network,
               options.state_folder.string());
  parts.context.run();
  parts.bootstrap->save();
  spdlog::info("bootstrap down");
  return 0;
}

int show_stats(const BootstrapOptions& options) {
  const auto text = read_stats(options.socket_path);
  if (!text) return fail(text.error().message);
  const auto stats = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!stats.is_object()) return fail(options.socket_path.string() + " gave no statistics.");
  fmt::print("{}", options.json ? stats.dump(2) + "\n" : render_stats(stats));
  return 0;
}

}  // namespace kadwire::tools
