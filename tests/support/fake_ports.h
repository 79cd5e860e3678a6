#pragma once

/// The small ports of node/ports in memory and in virtual time.

#include <algorithm>
#include <cassert>
#include <string>
#include <string_view>
#include <vector>

#include "node/ports/datagram_socket.h"
#include "node/ports/journal.h"
#include "node/ports/network_monitor.h"
#include "node/ports/node_memory.h"
#include "node/ports/scheduler.h"
#include "tools/testnet/event_queue.h"

namespace kadwire::testing {

using testnet::EventQueue;
using testnet::Lifetime;

/// Wakes one driver, and counts how often.
class FakeScheduler final : public node::Scheduler {
 public:
  FakeScheduler(EventQueue& queue, std::chrono::milliseconds clock_offset)
      : queue_(queue), clock_offset_(clock_offset) {}

  [[nodiscard]] Now now() const override { return queue_.reading(clock_offset_); }
  void wake_at(TimePoint when, std::function<void()> wake) override {
    lifetime_.renew();
    pending_ = true;
    queue_.at(when, lifetime_.guard([this, wake = std::move(wake)] {
      pending_ = false;
      count_wakeup();
      wake();
    }));
  }
  void cancel() override {
    lifetime_.renew();
    pending_ = false;
  }

  void set_clock_offset(std::chrono::milliseconds offset) { clock_offset_ = offset; }
  [[nodiscard]] bool pending() const { return pending_; }
  [[nodiscard]] std::uint64_t wakeups() const { return wakeups_; }
  /// The most wake-ups that ever came at one moment: more than a few is a busy loop.
  [[nodiscard]] std::uint64_t wakeups_at_one_moment() const { return most_at_one_moment_; }

 private:
  void count_wakeup() {
    ++wakeups_;
    at_one_moment_ = last_wakeup_ == queue_.now() ? at_one_moment_ + 1 : 1;
    last_wakeup_ = queue_.now();
    most_at_one_moment_ = std::max(most_at_one_moment_, at_one_moment_);
  }

  EventQueue& queue_;
  std::chrono::milliseconds clock_offset_;
  Lifetime lifetime_;
  bool pending_ = false;
  std::uint64_t wakeups_ = 0, at_one_moment_ = 0, most_at_one_moment_ = 0;
  TimePoint last_wakeup_;
};

/// Delivers what a test says; what is sent is counted and lost.
class FakeSocket final : public node::DatagramSocket {
 public:
  void start(Handler handler) override { handler_ = std::move(handler); }
  void send(const Transmit&) override { ++sent_; }
  [[nodiscard]] std::uint16_t local_port() const override { return 4222; }
  void deliver(const Endpoint& from, ByteView datagram) {
    if (handler_) handler_(from, datagram);
  }

 private:
  Handler handler_;
  std::uint64_t sent_ = 0;
};

/// Tells the node of the network that the test made.
class FakeMonitor final : public node::NetworkMonitor {
 public:
  FakeMonitor(EventQueue& queue, node::NetworkState state)
      : queue_(queue), state_(std::move(state)) {}
  void start(Handler handler) override {
    handler_ = std::move(handler);
    announce();
  }
  void set(node::NetworkState state) {
    state_ = std::move(state);
    announce();
  }

 private:
  void announce() {
    queue_.after(0s, lifetime_.guard([this] { handler_(state_); }));
  }
  EventQueue& queue_;
  node::NetworkState state_;
  Handler handler_;
  Lifetime lifetime_;
};

/// What a disk would hold.
class FakeMemory final : public node::NodeMemory {
 public:
  void save_node_state(const node::NodeState& state) override { node_state = state; }
  void save_peer_cache(std::span<const Bytes> records) override {
    peer_cache.assign(records.begin(), records.end());
  }
  void save_dht_nodes(std::span<const dht::KnownNode> nodes) override {
    dht_nodes.assign(nodes.begin(), nodes.end());
  }

  node::NodeState node_state;
  std::vector<Bytes> peer_cache;
  std::vector<dht::KnownNode> dht_nodes;
};

class FakeJournal final : public node::Journal {
 public:
  void write(const node::Notice& notice) override { lines.push_back(notice.text); }
  [[nodiscard]] std::size_t count(std::string_view part) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(part) != std::string::npos; }));
  }

  std::vector<std::string> lines;
};

}  // namespace kadwire::testing
