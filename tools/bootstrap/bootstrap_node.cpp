#include "tools/bootstrap/bootstrap_node.h"

#include <algorithm>

namespace kadwire::tools {

BootstrapNode::BootstrapNode(BootstrapPorts ports, Keeper keeper,
                             ConnectivityHandler on_connectivity)
    : ports_(ports), keeper_(std::move(keeper)), on_connectivity_(std::move(on_connectivity)) {}

void BootstrapNode::start() {
  next_save_ = ports_.scheduler.now().steady + kSaveInterval;
  ports_.dht_socket.start([this](const Endpoint& from, ByteView datagram) {
    ports_.directory.handle_datagram(ports_.scheduler.now(), from, datagram);
    pump();
  });
  if (ports_.stun != nullptr) {
    ports_.stun->start(
        [this](const Endpoint& from, const rendezvous::StunHome& home, ByteView datagram) {
          const TimePoint now = ports_.scheduler.now().steady;
          const auto reply = stun_.handle_datagram(now, from, home, datagram);
          if (reply) ports_.stun->send(*reply);
        });
  }
  pump();
}

void BootstrapNode::set_bootstrap(std::span<const Endpoint> endpoints) {
  ports_.directory.set_bootstrap(ports_.scheduler.now(), endpoints);
  pump();
}

void BootstrapNode::save() {
  next_save_ = ports_.scheduler.now().steady + kSaveInterval;
  const auto nodes = ports_.directory.known_nodes();
  if (!nodes.empty()) keeper_(nodes);
}

void BootstrapNode::on_wake() {
  const Now now = ports_.scheduler.now();
  const auto due = ports_.directory.next_timeout();
  if (due && now.steady >= *due) ports_.directory.handle_timeout(now);
  if (now.steady >= next_save_) save();
  pump();
}

void BootstrapNode::pump() {
  while (const auto transmit = ports_.directory.poll_transmit()) ports_.dht_socket.send(*transmit);
  while (const auto event = ports_.directory.poll_event()) {
    const auto* change = std::get_if<dht::ConnectivityChanged>(&*event);
    if (change != nullptr) on_connectivity_(change->connected);
  }
  schedule();
}

void BootstrapNode::schedule() {
  const TimePoint due = ports_.directory.next_timeout().value_or(next_save_);
  ports_.scheduler.wake_at(std::min(due, next_save_), [this] { on_wake(); });
}

}  // namespace kadwire::tools
