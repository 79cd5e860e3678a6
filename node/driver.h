#pragma once

/// Runs one MeshNode and its Directory against the ports: brings every input in, carries every
/// action out, and wakes when the earliest of all timeouts is due. The same code in production
/// (asio) and in simulation (virtual time). It decides nothing about peers.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dht/directory.h"
#include "node/mesh_node.h"
#include "node/node_inspector.h"
#include "node/ports/datagram_socket.h"
#include "node/ports/journal.h"
#include "node/ports/lan_port.h"
#include "node/ports/network_monitor.h"
#include "node/ports/node_memory.h"
#include "node/ports/port_mapper.h"
#include "node/ports/relay_ports.h"
#include "node/ports/scheduler.h"
#include "node/ports/suspend_monitor.h"
#include "node/ports/wireguard_device.h"
#include "node/ports/wireguard_port.h"

namespace kadwire::node {

/// The node cache is saved soon after the first nodes are known, then every so often.
inline constexpr Duration kNodeCacheFirst = 10s;
inline constexpr Duration kNodeCacheInterval = 2min;
/// How long a leaving node waits for its withdrawal to be accepted: a few round trips, and within
/// the 3 s in which the whole process must end.
inline constexpr Duration kDeparturePatience = 1500ms;

/// All outlive the driver.
struct DriverPorts {
  Scheduler& scheduler;
  DatagramSocket& dht_socket;
  dht::Directory& directory;
  WireguardDevice& device;
  NetworkMonitor& monitor;
  NodeMemory& memory;
  Journal& journal;
  WireguardPort* wireguard_port = nullptr;   ///< nullptr: nothing travels beside WireGuard
  RelayPorts* relay_ports = nullptr;         ///< nullptr: relays for nobody
  DatagramSocket* gateway_socket = nullptr;  ///< nullptr: no gateway is asked for a mapping
  PortMapper* port_mapper = nullptr;         ///< nullptr: none is asked by UPnP
  LanPort* lan_port = nullptr;  ///< nullptr: neither heard nor seen on the host's links
  /// One that nothing else uses; nullptr: how long the NAT keeps a mapping is not looked for.
  DatagramSocket* lifetime_socket = nullptr;
  SuspendMonitor* suspend_monitor = nullptr;  ///< nullptr: no suspension is told of
};

class Driver final : public NodeInspector {
 public:
  /// `node` outlives the driver. `interface` is only shown.
  Driver(DriverPorts ports, MeshNode& node, std::string interface);

  void start();
  /// Replaces the addresses through which the DHT is entered.
  void set_bootstrap(std::vector<Endpoint> endpoints);
  /// Whom to ask how WireGuard's port looks from outside.
  void set_stun_servers(const std::vector<Endpoint>& servers);
  /// What a name stands for at which this node can be reached (MeshNode::set_static_name).
  void set_static_name(const std::string& name, const std::vector<Endpoint>& resolved,
                       const std::string& problem);
  /// Why there are no bootstrap addresses, in one sentence for people; empty: all well.
  void set_bootstrap_problem(std::string problem) { bootstrap_problem_ = std::move(problem); }
  /// What frames cannot do here, in one sentence for people; empty: all well.
  void set_port_problem(std::string problem) { port_problem_ = std::move(problem); }
  /// Withdraws this node's record, saves, then calls `done` once, within kDeparturePatience.
  void stop(std::function<void()> done);

  [[nodiscard]] NodeView node_view() const override;
  [[nodiscard]] std::vector<PeerView> peer_views() const override;
  [[nodiscard]] std::optional<PeerStory> peer_story(const crypto::NodeId& node) const override;
  bool probe_paths(const crypto::NodeId& node) override;
  [[nodiscard]] std::vector<PathView> path_views(const crypto::NodeId& node) const override;

 private:
  void on_wake();
  void pump(Now now);
  bool route(Now now);
  void start_beside_wireguard();
  void start_towards_gateway();
  void start_lifetime_socket();
  void execute(Now now, Action action);
  void relay(Now now, const rendezvous::RelayAction& action);
  void ask_by_upnp(Now now, const rendezvous::UpnpRequest& request);
  void schedule();
  void save_dht_nodes(Now now);

  DriverPorts ports_;
  MeshNode& node_;
  std::string interface_;
  TimePoint started_;
  TimePoint next_node_save_;
  std::vector<Endpoint> bootstrap_;
  std::string bootstrap_problem_;
  std::string port_problem_;
  std::function<void()> departed_;
  std::optional<TimePoint> departure_;
};

}  // namespace kadwire::node
