#include "node/driver.h"

#include <fmt/format.h>

#include <algorithm>

namespace kadwire::node {

Driver::Driver(DriverPorts ports, MeshNode& node, std::string interface)
    : ports_(ports), node_(node), interface_(std::move(interface)) {}

void Driver::start() {
  const Now now = ports_.scheduler.now();
  started_ = now.steady;
  next_node_save_ = now.steady + kNodeCacheFirst;
  ports_.dht_socket.start([this](const Endpoint& from, ByteView datagram) {
    const Now then = ports_.scheduler.now();
    ports_.directory.handle_datagram(then, from, datagram);
    pump(then);
  });
  if (ports_.suspend_monitor != nullptr) {
    ports_.suspend_monitor->start([this](Duration asleep) {
      const Now then = ports_.scheduler.now();
      node_.handle_resume(then, asleep);
      pump(then);
    });
  }
  start_beside_wireguard();
  start_towards_gateway();
  start_lifetime_socket();
  if (ports_.lan_port != nullptr) {
    ports_.lan_port->start([this](const Endpoint&, ByteView datagram) {
      const Now then = ports_.scheduler.now();
      node_.handle_beacon(then, datagram);
      pump(then);
    });
  }
  ports_.device.start([this](DeviceEvent event) {
    const Now then = ports_.scheduler.now();
    const auto* ready = std::get_if<DeviceReady>(&event);
    if (ready != nullptr && ports_.wireguard_port != nullptr) {
      ports_.wireguard_port->set_listen_port(ready->listen_port);
    }
    node_.handle_device_event(then, event);
    pump(then);
  });
  ports_.monitor.start([this](const NetworkState& state) {
    const Now then = ports_.scheduler.now();
    if (ports_.lan_port != nullptr) ports_.lan_port->set_links(lan_links(state));
    node_.handle_network(then, state);
    pump(then);
  });
  pump(now);
}

void Driver::start_beside_wireguard() {
  if (ports_.wireguard_port != nullptr) {
    ports_.wireguard_port->start(
        [this](const Endpoint& from, std::uint16_t to_port, ByteView datagram) {
          const Now now = ports_.scheduler.now();
          node_.handle_datagram(now, from, to_port, datagram);
          pump(now);
        });
  }
  if (ports_.relay_ports == nullptr) return;
  const auto on_bind = [this](rendezvous::RelayId id, const Endpoint& from, ByteView frame) {
    const Now now = ports_.scheduler.now();
    node_.handle_relay_bind(now, id, from, frame);
    pump(now);
  };
  const auto on_idle = [this](rendezvous::RelayId id) {
    const Now now = ports_.scheduler.now();
    node_.handle_relay_idle(now, id);
    pump(now);
  };
  ports_.relay_ports->start({on_bind, on_idle});
}

void Driver::start_towards_gateway() {
  if (ports_.gateway_socket != nullptr) {
    ports_.gateway_socket->start([this](const Endpoint& from, ByteView datagram) {
      const Now now = ports_.scheduler.now();
      node_.handle_gateway_datagram(now, from, datagram);
      pump(now);
    });
  }
  if (ports_.port_mapper == nullptr) return;
  ports_.port_mapper->start([this](const rendezvous::UpnpResult& result) {
    const Now now = ports_.scheduler.now();
    node_.handle_upnp(now, result);
    pump(now);
  });
}

void Driver::start_lifetime_socket() {
  if (ports_.lifetime_socket == nullptr) return;
  ports_.lifetime_socket->start([this](const Endpoint& from, ByteView datagram) {
    const Now now = ports_.scheduler.now();
    node_.handle_lifetime_datagram(now, from, datagram);
    pump(now);
  });
}

void Driver::set_bootstrap(std::vector<Endpoint> endpoints) {
  bootstrap_ = std::move(endpoints);
  const Now now = ports_.scheduler.now();
  ports_.directory.set_bootstrap(now, bootstrap_);
  pump(now);
}

void Driver::set_stun_servers(const std::vector<Endpoint>& servers) {
  const Now now = ports_.scheduler.now();
  node_.set_stun_servers(now, servers);
  pump(now);
}

void Driver::set_static_name(const std::string& name, const std::vector<Endpoint>& resolved,
                             const std::string& problem) {
  const Now now = ports_.scheduler.now();
  node_.set_static_name(now, name, resolved, problem);
  pump(now);
}

void Driver::stop(std::function<void()> done) {
  const Now now = ports_.scheduler.now();
  departed_ = std::move(done);
  departure_ = now.steady + kDeparturePatience;
  save_dht_nodes(now);
  node_.leave(now);
  pump(now);
}

void Driver::on_wake() {
  const Now now = ports_.scheduler.now();
  const auto directory_due = ports_.directory.next_timeout();
  if (directory_due && now.steady >= *directory_due) ports_.directory.handle_timeout(now);
  const auto node_due = node_.next_timeout();
  if (node_due && now.steady >= *node_due) node_.handle_timeout(now);
  if (now.steady >= next_node_save_) save_dht_nodes(now);
  pump(now);
}

void Driver::pump(Now now) {
  if (ports_.relay_ports != nullptr) node_.set_relay_traffic(now, ports_.relay_ports->traffic());
  while (route(now)) {
  }
  while (auto transmit = ports_.directory.poll_transmit()) ports_.dht_socket.send(*transmit);
  while (auto transmit = node_.poll_transmit()) {
    if (ports_.wireguard_port != nullptr) ports_.wireguard_port->send(*transmit);
  }
  while (auto transmit = node_.poll_gateway_transmit()) {
    if (ports_.gateway_socket != nullptr) ports_.gateway_socket->send(*transmit);
  }
  while (auto transmit = node_.poll_lifetime_transmit()) {
    if (ports_.lifetime_socket != nullptr) ports_.lifetime_socket->send(*transmit);
  }
  if (departure_ && (node_.departed() || now.steady >= *departure_)) {
    departure_.reset();
    ports_.scheduler.cancel();  // `done` may destroy this driver
    if (const auto done = std::exchange(departed_, nullptr)) return done();
  }
  schedule();
}

/// Moves everything that waits one step on; true if anything did.
bool Driver::route(Now now) {
  bool moved = false;
  while (auto event = ports_.directory.poll_event()) {
    node_.handle_directory_event(now, *event);
    moved = true;
  }
  while (auto action = node_.poll_action()) {
    execute(now, std::move(*action));
    moved = true;
  }
  return moved;
}

void Driver::execute(Now now, Action action) {
  if (auto* request = std::get_if<dht::DirectoryRequest>(&action)) {
    ports_.directory.request(now, std::move(*request));
  } else if (auto* apply = std::get_if<ApplyPeers>(&action)) {
    ports_.device.apply(std::move(apply->changes));
  } else if (std::holds_alternative<RequestSnapshot>(action)) {
    ports_.device.request_snapshot();
  } else if (auto* set = std::get_if<SetAddresses>(&action)) {
    ports_.device.set_addresses(std::move(set->addresses));
  } else if (auto* save = std::get_if<SaveNodeState>(&action)) {
    save->state.dht_port = ports_.dht_socket.local_port();
    ports_.memory.save_node_state(save->state);
  } else if (const auto* cache = std::get_if<SavePeerCache>(&action)) {
    ports_.memory.save_peer_cache(cache->records);
  } else if (const auto* say = std::get_if<SendBeacon>(&action)) {
    if (ports_.lan_port != nullptr) ports_.lan_port->send(say->beacon);
  } else if (const auto* relaying = std::get_if<rendezvous::RelayAction>(&action)) {
    relay(now, *relaying);
  } else if (std::holds_alternative<OpenSidePorts>(action)) {
    if (ports_.wireguard_port == nullptr) return;
    node_.handle_side_ports(now, ports_.wireguard_port->open_side_ports());
  } else if (const auto* tie = std::get_if<TieFlows>(&action)) {
    if (ports_.wireguard_port != nullptr) ports_.wireguard_port->tie_flows(tie->ties);
  } else if (const auto* mapping = std::get_if<rendezvous::UpnpRequest>(&action)) {
    ask_by_upnp(now, *mapping);
  } else {
    ports_.journal.write(std::get<Notice>(action));
  }
}

void Driver::relay(Now now, const rendezvous::RelayAction& action) {
  if (ports_.relay_ports == nullptr) return;
  RelayPorts& relays = *ports_.relay_ports;
  if (const auto* open = std::get_if<rendezvous::OpenRelay>(&action)) {
    node_.handle_relay_port(now, open->id, relays.open(open->id));
  } else if (const auto* join = std::get_if<rendezvous::JoinRelay>(&action)) {
    relays.join(join->id, join->a, join->b);
  } else if (const auto* send = std::get_if<rendezvous::SendFromRelay>(&action)) {
    relays.send(send->id, send->to, send->frame);
  } else {
    relays.close(std::get<rendezvous::CloseRelay>(action).id);
  }
}

void Driver::ask_by_upnp(Now now, const rendezvous::UpnpRequest& request) {
  if (ports_.port_mapper != nullptr) return ports_.port_mapper->request(request);
  node_.handle_upnp(now, {request.id, tl::unexpected(rendezvous::UpnpError::kNoGateway)});
}

void Driver::schedule() {
  TimePoint earliest = next_node_save_;
  const auto consider = [&](std::optional<TimePoint> other) {
    if (other) earliest = std::min(earliest, *other);
  };
  consider(ports_.directory.next_timeout());
  consider(node_.next_timeout());
  consider(departure_);
  ports_.scheduler.wake_at(earliest, [this] { on_wake(); });
}

void Driver::save_dht_nodes(Now now) {
  next_node_save_ = now.steady + kNodeCacheInterval;
  const auto nodes = ports_.directory.known_nodes();
  if (!nodes.empty()) ports_.memory.save_dht_nodes(nodes);  // an outage must not empty the cache
}

NodeView Driver::node_view() const {
  const Now now = ports_.scheduler.now();
  NodeView view = node_.view(now);
  view.interface = interface_;
  view.listen_port = ports_.device.listen_port();
  view.dht_port = ports_.dht_socket.local_port();
  view.uptime = std::chrono::duration_cast<std::chrono::seconds>(now.steady - started_);
  view.dht = ports_.directory.stats();
  if (!port_problem_.empty()) view.problems.push_back(port_problem_);
  if (view.relay && ports_.relay_ports != nullptr) {
    view.relay->traffic = ports_.relay_ports->counters();
  }
  if (view.dht.connected) return view;
  if (bootstrap_.empty()) {
    view.problems.push_back("no way into the DHT: " +
                            (bootstrap_problem_.empty() ? "there is no bootstrap host, and no node "
                                                          "known from before answers"
                                                        : bootstrap_problem_));
  } else {
    view.problems.push_back(fmt::format(
        "no DHT node answers ({} bootstrap address{} tried, trying on): check that UDP gets out of "
        "this network and that a bootstrap host is up (--bootstrap HOST:PORT)",
        bootstrap_.size(), bootstrap_.size() == 1 ? "" : "es"));
  }
  return view;
}

std::vector<PeerView> Driver::peer_views() const {
  return node_.peer_views(ports_.scheduler.now());
}

std::optional<PeerStory> Driver::peer_story(const crypto::NodeId& node) const {
  const Now now = ports_.scheduler.now();
  auto story = node_.peer_story(now, node);
  if (story) story->problems = node_view().problems;
  return story;
}

bool Driver::probe_paths(const crypto::NodeId& node) {
  const Now now = ports_.scheduler.now();
  const bool sent = node_.probe_paths(now, node);
  pump(now);
  return sent;
}

std::vector<PathView> Driver::path_views(const crypto::NodeId& node) const {
  return node_.path_views(ports_.scheduler.now(), node);
}

}  // namespace kadwire::node
