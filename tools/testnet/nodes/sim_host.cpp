#include "tools/testnet/nodes/sim_host.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "tools/testnet/nodes/dht_answer.h"
#include "tools/testnet/stopwatch.h"

namespace kadwire::testnet {

SimHost::SimHost(EventQueue& queue, Internet& internet, HostId id, std::string name)
    : queue_(queue), internet_(internet), id_(id), name_(std::move(name)) {
  internet_.set_receiver(id_, [this](const Packet& packet) { receive(packet); });
}

Now SimHost::now() const {
  const ClockScope scope(clock());
  return virtual_now();
}

HostClock SimHost::clock() const {
  const double elapsed =
      std::chrono::duration<double, std::milli>(queue_.now() - EventQueue::kStart).count();
  const auto drift = std::chrono::milliseconds(std::llround(elapsed * drift_ppm_ * 1e-6));
  return {slept(), offset_ + drift};
}

/// The sleep that it is in is part of it: the steady clock stands still meanwhile.
Duration SimHost::slept() const {
  return asleep_ + (asleep_since_ ? queue_.now() - *asleep_since_ : Duration{0});
}

void SimHost::after(Duration delay, EventQueue::Task task) {
  schedule(queue_.now() - slept() + delay, std::move(task));
}

Duration SimHost::age(TimePoint then) const {
  return queue_.now() - slept() - then + (then <= last_woken_ ? last_sleep_ : Duration{0});
}

void SimHost::schedule(TimePoint due, EventQueue::Task task) {
  auto fire = [this, due, task = std::move(task)] {
    if (asleep()) {
      deferred_.push_back({due, task});
    } else if (queue_.now() - asleep_ < due) {  // it slept meanwhile
      schedule(due, task);
    } else {
      run(task);
    }
  };
  queue_.at(due + asleep_, lifetime_.guard(std::move(fire)));
}

void SimHost::run(const EventQueue::Task& task) {
  const ClockScope scope(clock());
  if (++running_ > 1) {  // what runs inside another's time is billed there
    task();
    --running_;
    return;
  }
  const Stopwatch watch;
  task();
  --running_;
  if (after_event_) after_event_();
  cpu_ += watch.elapsed();
}

void SimHost::open_port(std::uint16_t port, Classifier classify, PortHandler handler) {
  assert(find_port(port) == nullptr);
  ports_.push_back({port, classify, std::move(handler)});
}

void SimHost::close_port(std::uint16_t port) {
  std::erase_if(ports_, [&](const Port& each) { return each.number == port; });
}

SimHost::Port* SimHost::find_port(std::uint16_t number) {
  const auto found = std::ranges::find(ports_, number, &Port::number);
  return found == ports_.end() ? nullptr : &*found;
}

void SimHost::send(std::uint16_t from_port, Transmit transmit, const SourceChoice& source) {
  const Port* port = find_port(from_port);
  assert(port != nullptr);
  const TrafficKind kind = port->classify(transmit.payload);
  if (kind == TrafficKind::kDht && is_dht_answer(transmit.payload)) ++dht_answers_;
  Traffic& traffic = sent_[static_cast<std::size_t>(kind)];
  ++traffic.packets;
  traffic.bytes +=
      transmit.payload.size() + (transmit.to.address.is_v4() ? kHeaderBytesV4 : kHeaderBytesV6);
  internet_.send(id_, from_port, transmit.to, std::move(transmit.payload), source);
}

void SimHost::send_to_lan(std::uint16_t port, ByteView payload) {
  const Port* open = find_port(port);
  assert(open != nullptr);
  Traffic& traffic = sent_[static_cast<std::size_t>(open->classify(payload))];
  ++traffic.packets;
  traffic.bytes += payload.size() + kHeaderBytesV4;
  internet_.send_to_lan(id_, port, Bytes(payload.begin(), payload.end()));
}

void SimHost::receive(const Packet& packet) {
  const Port* port = find_port(packet.to.port);
  if (port == nullptr) return;
  Traffic& traffic = received_[static_cast<std::size_t>(port->classify(packet.payload))];
  ++traffic.packets;
  traffic.bytes += packet.wire_bytes();
  // The handler may close its own port.
  run([handler = port->handler, &packet] { handler(packet); });
}

void SimHost::sleep() {
  assert(!asleep());
  asleep_since_ = queue_.now();
  internet_.set_up(id_, false);
}

void SimHost::wake() {
  assert(asleep());
  last_sleep_ = queue_.now() - *asleep_since_;
  asleep_ = slept();
  asleep_since_.reset();
  last_woken_ = queue_.now() - asleep_;
  internet_.set_up(id_, true);
  std::vector<Deferred> deferred;
  deferred.swap(deferred_);
  for (Deferred& each : deferred) schedule(each.due, std::move(each.task));
  std::vector<EventQueue::Task> waiting;
  waiting.swap(on_waking_);
  for (const EventQueue::Task& task : waiting) task();
  if (on_wake_) run([&] { on_wake_(last_sleep_); });
}

void SimHost::when_awake(EventQueue::Task task) {
  if (!asleep()) return task();
  on_waking_.push_back(std::move(task));
}

void SimHost::set_wrong_clock(std::chrono::milliseconds offset, double drift_ppm) {
  offset_ = offset;
  drift_ppm_ = drift_ppm;
}

}  // namespace kadwire::testnet
