#pragma once

/// The network under simulated devices in tests: every datagram takes the same time, and is lost if
/// the test says so. Not here: NATs, links, loss by chance (tools/testnet/internet).

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tools/testnet/event_queue.h"
#include "tools/testnet/nodes/simulated_device.h"

namespace kadwire::testing {

using testnet::EventQueue;
using testnet::Lifetime;

/// Timers of a host that never sleeps.
class QueueTimers final : public testnet::HostTimers {
 public:
  using Clock = std::function<Now()>;
  /// `clock` tells the host's time, by default the queue's.
  explicit QueueTimers(EventQueue& queue, Clock clock = {})
      : queue_(queue), clock_(std::move(clock)) {}
  [[nodiscard]] Now now() const override { return clock_ ? clock_() : queue_.reading(); }
  void after(Duration delay, EventQueue::Task task) override {
    queue_.after(delay, std::move(task));
  }

 private:
  EventQueue& queue_;
  Clock clock_;
};

class TestDevice;

/// Carries datagrams between devices by endpoint.
class Underlay {
 public:
  explicit Underlay(EventQueue& queue) : queue_(queue) {}

  Duration delay = 20ms;  ///< one way
  /// True for a datagram that is to be lost.
  std::function<bool(const TestDevice& from, const Endpoint& to)> lose;
  /// Every endpoint anything was ever sent to, and how often.
  std::map<Endpoint, std::size_t> sent_to;

  void attach(TestDevice& device) { devices_.push_back(&device); }
  void detach(TestDevice& device) { std::erase(devices_, &device); }
  void send(const TestDevice& from, Transmit transmit);

 private:
  EventQueue& queue_;
  std::vector<TestDevice*> devices_;
};

/// What a test adds to a SimulatedDevice: a host's addresses, and counts of what it was asked to
/// do.
class TestDevice final : public node::WireguardDevice {
 public:
  static constexpr std::uint16_t kPort = 51820;

  /// All but the key and the addresses outlive the device.
  TestDevice(Underlay& underlay, testnet::HostTimers& timers, RandomSource& random,
             const crypto::WireguardKey& key, std::vector<IpAddress> host_addresses)
      : underlay_(underlay),
        host_addresses_(std::move(host_addresses)),
        device_({key, kPort}, timers, random,
                [this](Transmit transmit, const std::optional<IpAddress>&) {
                  underlay_.send(*this, std::move(transmit));
                }) {
    underlay_.attach(*this);
  }
  TestDevice(const TestDevice&) = delete;
  TestDevice& operator=(const TestDevice&) = delete;
  ~TestDevice() override { underlay_.detach(*this); }

  void start(Handler handler) override { device_.start(std::move(handler)); }
  void apply(std::vector<node::PeerChange> changes) override {
    for (const node::PeerChange& change : changes) count(change);
    device_.apply(std::move(changes));
  }
  void request_snapshot() override {
    ++snapshots_;
    device_.request_snapshot();
  }
  void set_addresses(std::vector<Prefix> addresses) override {
    device_.set_addresses(std::move(addresses));
  }
  [[nodiscard]] std::uint16_t listen_port() const override { return device_.listen_port(); }

  void detach() { device_.detach(); }
  void crash() {
    known_.clear();
    device_.crash();
  }
  /// The host moved to other addresses.
  void move_to(std::vector<IpAddress> host_addresses) {
    host_addresses_ = std::move(host_addresses);
    device_.addresses_changed(
        [this](const IpAddress& own) { return std::ranges::count(host_addresses_, own) > 0; });
  }

  [[nodiscard]] testnet::SimulatedDevice& simulated() { return device_; }
  [[nodiscard]] bool shares_session_with(const TestDevice& other) const {
    return device_.shares_session_with(other.device_);
  }
  [[nodiscard]] node::DeviceSnapshot snapshot() const { return device_.snapshot(); }
  [[nodiscard]] const std::vector<Prefix>& addresses() const { return device_.addresses(); }
  [[nodiscard]] const crypto::WireguardKey& key() const { return device_.key(); }
  [[nodiscard]] const std::string& overlap() const { return device_.overlap(); }
  [[nodiscard]] const std::vector<IpAddress>& host_addresses() const { return host_addresses_; }
  [[nodiscard]] std::uint64_t snapshots() const { return snapshots_; }
  [[nodiscard]] std::uint64_t renewals() const { return renewals_; }
  /// Endpoints set on peers that were there already.
  [[nodiscard]] std::uint64_t endpoints_set_again() const { return endpoints_set_again_; }

 private:
  void count(const node::PeerChange& change) {
    if (const auto* removal = std::get_if<node::RemovePeer>(&change)) {
      known_.erase(removal->key);
    } else if (const auto* renewal = std::get_if<node::RenewPeer>(&change)) {
      ++renewals_;
      known_.insert(renewal->config.key);
    } else {
      const node::PeerConfig& config = std::get<node::SetPeer>(change).config;
      const bool fresh = known_.insert(config.key).second;
      if (!fresh && config.endpoint) ++endpoints_set_again_;
    }
  }

  Underlay& underlay_;
  std::vector<IpAddress> host_addresses_;
  testnet::SimulatedDevice device_;
  std::set<crypto::WireguardKey> known_;
  std::uint64_t snapshots_ = 0, renewals_ = 0, endpoints_set_again_ = 0;
};

inline void Underlay::send(const TestDevice& from, Transmit transmit) {
  ++sent_to[transmit.to];
  const auto source = std::ranges::find(from.host_addresses(), transmit.to.address.family(),
                                        [](const IpAddress& each) { return each.family(); });
  if (source == from.host_addresses().end() || (lose && lose(from, transmit.to))) return;
  const Endpoint reply_to{*source, TestDevice::kPort};
  queue_.after(delay, [this, reply_to, transmit = std::move(transmit)] {
    if (transmit.to.port != TestDevice::kPort) return;
    for (TestDevice* device : devices_) {
      if (!std::ranges::count(device->host_addresses(), transmit.to.address)) continue;
      return device->simulated().handle_datagram(reply_to, transmit.payload, transmit.to.address);
    }
  });
}

}  // namespace kadwire::testing
