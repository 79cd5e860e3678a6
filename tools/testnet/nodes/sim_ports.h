#pragma once

/// The ports of node/ports on a simulated host: what production does with asio, netlink and files.

#include <map>
#include <string>
#include <vector>

#include "node/ports/datagram_socket.h"
#include "node/ports/journal.h"
#include "node/ports/lan_port.h"
#include "node/ports/network_monitor.h"
#include "node/ports/node_memory.h"
#include "node/ports/relay_ports.h"
#include "node/ports/scheduler.h"
#include "node/ports/stun_port.h"
#include "node/ports/suspend_monitor.h"
#include "node/ports/wireguard_port.h"
#include "tools/testnet/nodes/sim_host.h"

namespace kadwire::testnet {

class SimScheduler final : public node::Scheduler {
 public:
  explicit SimScheduler(SimHost& host) : host_(host) {}
  [[nodiscard]] Now now() const override { return host_.now(); }
  void wake_at(TimePoint when, std::function<void()> wake) override;
  void cancel() override { wake_ = nullptr; }
  /// What it waits for; nullopt: nothing.
  [[nodiscard]] std::optional<TimePoint> due() const {
    return wake_ ? std::optional(due_) : std::nullopt;
  }

 private:
  void arm();
  void fire();
  SimHost& host_;
  Lifetime lifetime_;
  std::function<void()> wake_;  ///< empty: nothing to wait for
  TimePoint due_;
  /// The earliest event in the queue for this scheduler. A later wish does not move it: it fires,
  /// finds that it is too early, and arms again. Nodes change their wish with every packet.
  std::optional<TimePoint> armed_;
};

class SimSuspendMonitor final : public node::SuspendMonitor {
 public:
  explicit SimSuspendMonitor(SimHost& host) : host_(host) {}
  ~SimSuspendMonitor() override { host_.set_on_wake(nullptr); }
  void start(Handler on_resume) override { host_.set_on_wake(std::move(on_resume)); }

 private:
  SimHost& host_;
};

class SimSocket final : public node::DatagramSocket {
 public:
  SimSocket(SimHost& host, std::uint16_t port, SimHost::Classifier classify)
      : host_(host), port_(port), classify_(classify) {}
  ~SimSocket() override { host_.close_port(port_); }
  void start(Handler handler) override;
  void send(const Transmit& transmit) override { host_.send(port_, transmit); }
  [[nodiscard]] std::uint16_t local_port() const override { return port_; }

 private:
  SimHost& host_;
  std::uint16_t port_;
  SimHost::Classifier classify_;
};

/// A STUN service that answers from the address that was asked, from another port at most.
class SimStunPort final : public node::StunPort {
 public:
  SimStunPort(SimHost& host, std::uint16_t port, SimHost::Classifier classify)
      : host_(host), port_(port), classify_(classify) {}
  ~SimStunPort() override;
  void start(Handler handler) override;
  void send(const rendezvous::StunReply& reply) override {
    host_.send(reply.source.port, reply.transmit, {.address = reply.source.address});
  }

 private:
  [[nodiscard]] std::uint16_t second() const { return static_cast<std::uint16_t>(port_ + 1); }
  SimHost& host_;
  std::uint16_t port_;
  SimHost::Classifier classify_;
};

/// What travels beside WireGuard on its port. The port itself is its owner's, which offers this
/// everything that arrives there, and asks it where WireGuard's datagrams leave.
/// Deviation: in production ties outlive a daemon that is killed, and here they do not.
class SimWireguardPort final : public node::WireguardPort {
 public:
  /// `wireguard` gets what arrives for it at side ports.
  SimWireguardPort(SimHost& host, std::uint16_t listen_port, SimHost::PortHandler wireguard)
      : host_(host), listen_port_(listen_port), wireguard_(std::move(wireguard)) {}
  ~SimWireguardPort() override;
  void start(Handler handler) override { handler_ = std::move(handler); }
  /// A hop limit has no meaning here: the simulated internet counts no hops.
  void send(const PortTransmit& transmit) override;
  void set_listen_port(std::uint16_t port) override { listen_port_ = port; }
  [[nodiscard]] tl::expected<std::uint16_t, std::string> open_side_ports() override;
  void tie_flows(std::span<const rendezvous::FlowTie> ties) override {
    ties_.assign(ties.begin(), ties.end());
  }
  /// True if it was STUN or a frame, and so not WireGuard's.
  bool handle_datagram(const Packet& packet);
  /// From which port WireGuard's datagrams to this endpoint leave.
  [[nodiscard]] std::uint16_t source_towards(const Endpoint& to) const;

 private:
  SimHost& host_;
  std::uint16_t listen_port_;
  SimHost::PortHandler wireguard_;
  bool side_ports_open_ = false;
  std::vector<rendezvous::FlowTie> ties_;
  Endpoint last_sender_;
  Endpoint last_arrival_;  ///< where last_sender_'s datagram came to
  Handler handler_;
};

/// Multicast on the LANs that the host is in.
class SimLanPort final : public node::LanPort {
 public:
  explicit SimLanPort(SimHost& host) : host_(host) {}
  ~SimLanPort() override { host_.close_port(kLanPort); }
  void start(Handler handler) override;
  void set_links(std::span<const std::string>) override {}
  void send(ByteView datagram) override { host_.send_to_lan(kLanPort, datagram); }

 private:
  static constexpr std::uint16_t kLanPort = 61'213;  ///< as in production
  SimHost& host_;
};

/// Forwards between the ends of relayed pairs, as production's relay ports do.
class SimRelayPorts final : public node::RelayPorts {
 public:
  explicit SimRelayPorts(SimHost& host) : host_(host) {}
  ~SimRelayPorts() override;
  void start(Handlers handlers) override { handlers_ = std::move(handlers); }
  [[nodiscard]] std::uint16_t open(rendezvous::RelayId id) override;
  void join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) override;
  void send(rendezvous::RelayId id, const Endpoint& to, ByteView frame) override;
  void close(rendezvous::RelayId id) override;
  [[nodiscard]] const node::RelayCounters& counters() const override { return counters_; }
  [[nodiscard]] rendezvous::RelayTraffic traffic() const override { return {}; }

 private:
  struct End {
    Endpoint at;
    IpAddress reached;  ///< the host's address that it last sent to
  };
  struct Pair {
    std::uint16_t port = 0;
    End a, b;
    TimePoint used;
    std::vector<End> binders{};  ///< the latest, at most kBindersMax
  };
  /// Both ends, and as many that were heard of under another address before.
  static constexpr std::size_t kBindersMax = 4;
  static void remember_binder(Pair& pair, const Packet& bind);
  void send_from(const Pair& pair, const End& to, ByteView datagram);
  void receive(rendezvous::RelayId id, const Packet& packet);
  void watch(rendezvous::RelayId id);
  SimHost& host_;
  Handlers handlers_;
  node::RelayCounters counters_;
  std::map<rendezvous::RelayId, Pair> pairs_;
  std::uint16_t next_port_ = 52'000;
  Lifetime lifetime_;
};

/// What a datagram on WireGuard's port or a side port is for.
[[nodiscard]] TrafficKind wireguard_port_traffic(ByteView datagram);

/// The classifier of a port of which all datagrams are for one thing.
template <TrafficKind kKind>
[[nodiscard]] TrafficKind all_traffic(ByteView) {
  return kKind;
}

/// The host's own addresses, as netlink would tell them.
[[nodiscard]] std::vector<rendezvous::LocalAddress> local_addresses(const Internet& internet,
                                                                    HostId host);

class SimMonitor final : public node::NetworkMonitor {
 public:
  explicit SimMonitor(SimHost& host) : host_(host) {}
  void start(Handler handler) override;
  /// The host's addresses changed: tells the node, as netlink would, in a moment.
  void announce();

 private:
  SimHost& host_;
  Handler handler_;
  Lifetime lifetime_;
};

/// What the host's disk holds; survives the node.
class SimMemory final : public node::NodeMemory {
 public:
  void save_node_state(const node::NodeState& saved) override { state = saved; }
  void save_peer_cache(std::span<const Bytes> records) override {
    peer_cache.assign(records.begin(), records.end());
  }
  void save_dht_nodes(std::span<const dht::KnownNode> nodes) override {
    dht_nodes.assign(nodes.begin(), nodes.end());
  }

  node::NodeState state;
  std::vector<Bytes> peer_cache;
  std::vector<dht::KnownNode> dht_nodes;
};

/// Passes what is worth an operator's attention on.
class SimJournal final : public node::Journal {
 public:
  using Listener = std::function<void(const node::Notice&)>;
  explicit SimJournal(Listener listener) : listener_(std::move(listener)) {}
  void write(const node::Notice& notice) override {
    if (listener_) listener_(notice);
  }

 private:
  Listener listener_;
};

}  // namespace kadwire::testnet
