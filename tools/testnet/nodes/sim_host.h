#pragma once

/// One simulated machine: its clocks, its sleep, its UDP ports and what it has to account for. What
/// runs on it runs inside its clocks (ClockScope), and every nanosecond is billed to it.
/// Not here: networks (internet/), programs (member_node, dht_node).

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "node/base/transmit.h"
#include "tools/testnet/internet/internet.h"
#include "tools/testnet/nodes/host_timers.h"
#include "tools/testnet/report/results.h"
#include "tools/testnet/virtual_clock.h"

namespace kadwire::testnet {

class SimHost final : public HostTimers {
 public:
  using PortHandler = std::function<void(const Packet& packet)>;
  /// Tells what a datagram of a port is for.
  using Classifier = TrafficKind (*)(ByteView datagram);
  /// Called after everything that ran on the host, still inside its clocks.
  using AfterEvent = std::function<void()>;

  /// `queue` and `internet` outlive the host.
  SimHost(EventQueue& queue, Internet& internet, HostId id, std::string name);
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  [[nodiscard]] Now now() const override;
  void after(Duration delay, EventQueue::Task task) override;
  /// How long ago that was, a time of its steady clock: its last sleep is counted, if that was
  /// since.
  [[nodiscard]] Duration age(TimePoint then) const;
  /// Runs `task` now, as the host. May be called from inside another one's.
  void run(const EventQueue::Task& task);
  void set_after_event(AfterEvent after_event) { after_event_ = std::move(after_event); }

  /// A port has one handler at a time.
  void open_port(std::uint16_t port, Classifier classify, PortHandler handler);
  void close_port(std::uint16_t port);
  void send(std::uint16_t from_port, Transmit transmit, const SourceChoice& source = {});
  /// From a port to the same one of all hosts on its LANs: counted as one packet.
  void send_to_lan(std::uint16_t port, ByteView payload);

  /// Suspends: timers and the steady clock stand still, and nothing arrives.
  void sleep();
  void wake();
  /// Carries out what befalls a program: now, or when the host wakes, in the order of the calls.
  void when_awake(EventQueue::Task task);
  /// Has this called, as the host, whenever it has woken, after what befell it; nullptr: nothing.
  void set_on_wake(std::function<void(Duration asleep)> on_wake) { on_wake_ = std::move(on_wake); }
  [[nodiscard]] bool asleep() const { return asleep_since_.has_value(); }
  void set_wrong_clock(std::chrono::milliseconds offset, double drift_ppm);
  void step_clock(std::chrono::milliseconds by) { offset_ += by; }

  /// Whether this address is its own now.
  [[nodiscard]] bool has(const IpAddress& address) const { return internet_.has(id_, address); }

  [[nodiscard]] HostId id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Internet& internet() { return internet_; }
  [[nodiscard]] const TrafficByKind& sent() const { return sent_; }
  [[nodiscard]] const TrafficByKind& received() const { return received_; }
  /// Requests of DHT nodes that were answered from here, whichever program did.
  [[nodiscard]] std::uint64_t dht_answers() const { return dht_answers_; }
  /// Processor time that its events took.
  [[nodiscard]] Duration cpu() const { return cpu_; }

 private:
  struct Port {
    std::uint16_t number = 0;
    Classifier classify = nullptr;
    PortHandler handler;
  };
  struct Deferred {
    TimePoint due;  ///< by the host's steady clock
    EventQueue::Task task;
  };
  [[nodiscard]] HostClock clock() const;
  [[nodiscard]] Duration slept() const;
  [[nodiscard]] Port* find_port(std::uint16_t number);
  void schedule(TimePoint due, EventQueue::Task task);
  void receive(const Packet& packet);

  EventQueue& queue_;
  Internet& internet_;
  const HostId id_;
  const std::string name_;
  std::vector<Port> ports_;
  AfterEvent after_event_;
  Lifetime lifetime_;
  std::chrono::milliseconds offset_{0};
  double drift_ppm_ = 0;
  Duration asleep_{0};      ///< in sleeps that are over
  Duration last_sleep_{0};  ///< the last of them
  TimePoint last_woken_;    ///< by the steady clock; before the start if it never slept
  std::optional<TimePoint> asleep_since_;
  std::vector<Deferred> deferred_;
  std::vector<EventQueue::Task> on_waking_;
  std::function<void(Duration asleep)> on_wake_;
  TrafficByKind sent_{}, received_{};
  std::uint64_t dht_answers_ = 0;
  Duration cpu_{0};
  int running_ = 0;  ///< depth of run()
};

}  // namespace kadwire::testnet
