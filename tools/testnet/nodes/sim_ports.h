#pragma once

/// The ports of node/ports on a simulated host: what production does with asio, netlink and files.

#include <map>
#include <string>
#include <vector>

#include "node/ports/datagram_socket.h"
#include "node/ports/journal.h"
#include "node/ports/network_monitor.h"
#include "node/ports/node_memory.h"
#include "node/ports/scheduler.h"
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

class SimSocket final : public node::DatagramSocket {
 public:
  SimSocket(SimHost& host, std::uint16_t port, SimHost::Classifier classify)
      : host_(host), port_(port), classify_(classify) {}
  ~SimSocket() override { host_.close_port(port_); }
  void start(Handler handler) override { host_.open_port(port_, classify_, std::move(handler)); }
  void send(const Transmit& transmit) override { host_.send(port_, transmit); }
  [[nodiscard]] std::uint16_t local_port() const override { return port_; }

 private:
  SimHost& host_;
  std::uint16_t port_;
  SimHost::Classifier classify_;
};

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
