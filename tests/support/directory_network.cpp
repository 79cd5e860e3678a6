#include "tests/support/directory_network.h"

#include <algorithm>
#include <cassert>

namespace kadwire::testing {
namespace {

/// Rounds within one moment: a node that wants the same moment again and again spins.
constexpr int kRoundsMax = 1000;

}  // namespace

DirectoryNetwork::NodeIndex DirectoryNetwork::add(std::unique_ptr<dht::Directory> directory,
                                                  std::vector<Endpoint> endpoints) {
  const NodeIndex index = nodes_.size();
  for (const Endpoint& endpoint : endpoints) owners_[endpoint] = index;
  nodes_.push_back({std::move(directory), std::move(endpoints), {}});
  return index;
}

void DirectoryNetwork::request(NodeIndex node, dht::DirectoryRequest request) {
  nodes_[node].directory->request(virtual_now(), std::move(request));
  drain(node);
}

void DirectoryNetwork::set_bootstrap(NodeIndex node, std::vector<Endpoint> endpoints) {
  nodes_[node].directory->set_bootstrap(virtual_now(), endpoints);
  drain(node);
}

bool DirectoryNetwork::run_until(TimePoint when, const std::function<bool()>& done) {
  int rounds = 0;
  while (true) {
    if (done && done()) return true;
    const TimePoint next = std::max(next_moment(), virtual_now().steady);
    if (next > when) break;
    rounds = next > virtual_now().steady ? 0 : rounds + 1;
    assert(rounds < kRoundsMax);
    advance_virtual_clock_to(next);
    deliver_arrivals();
    wake_nodes();
  }
  advance_virtual_clock_to(when);
  return false;
}

TimePoint DirectoryNetwork::next_moment() const {
  TimePoint next = arrivals_.empty() ? TimePoint::max() : arrivals_.top().at;
  for (const Node& node : nodes_) {
    if (!node.up) continue;
    if (const auto timeout = node.directory->next_timeout()) next = std::min(next, *timeout);
  }
  return next;
}

void DirectoryNetwork::deliver_arrivals() {
  const Now now = virtual_now();
  while (!arrivals_.empty() && arrivals_.top().at <= now.steady) {
    const Arrival arrival = arrivals_.top();
    arrivals_.pop();
    Node& node = nodes_[arrival.to];
    if (!node.up || node.cut_off) continue;
    node.directory->handle_datagram(now, arrival.from, arrival.payload);
    drain(arrival.to);
  }
}

void DirectoryNetwork::wake_nodes() {
  const Now now = virtual_now();
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].up) continue;
    const auto timeout = nodes_[i].directory->next_timeout();
    if (!timeout || *timeout > now.steady) continue;
    nodes_[i].directory->handle_timeout(now);
    drain(i);
  }
}

void DirectoryNetwork::drain(NodeIndex node) {
  dht::Directory& directory = *nodes_[node].directory;
  while (auto transmit = directory.poll_transmit()) send(node, *std::move(transmit));
  while (auto event = directory.poll_event()) {
    nodes_[node].events.push_back({virtual_now().steady, *std::move(event)});
  }
}

/// Leaves from the sender's address of the same family; without one it is lost.
void DirectoryNetwork::send(NodeIndex node, Transmit transmit) {
  if (tap_) tap_(node, transmit);
  const Node& sender = nodes_[node];
  const auto source =
      std::find_if(sender.endpoints.begin(), sender.endpoints.end(), [&](const Endpoint& endpoint) {
        return endpoint.address.family() == transmit.to.address.family();
      });
  const auto owner = owners_.find(transmit.to);
  if (sender.cut_off || source == sender.endpoints.end() || owner == owners_.end()) return;
  if (sender.side != nodes_[owner->second].side) return;
  arrivals_.push({virtual_now().steady + delay_(node, owner->second), next_order_++, owner->second,
                  *source, std::move(transmit.payload)});
}

Endpoint test_endpoint_v4(std::size_t host) {
  assert(host < 60'000);
  // 11.22.0.0/16: neither private nor special, so that the library treats it as the internet.
  return {IpAddress::v4(0x0b16'0000U + static_cast<std::uint32_t>(host) + 1), 4222};
}

Endpoint test_endpoint_v6(std::size_t host) {
  assert(host < 60'000);
  ByteArray<16> bytes{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
  // One /64 a host: the library counts quotas by the first 64 bits.
  bytes[6] = static_cast<std::byte>(host >> 8);
  bytes[7] = static_cast<std::byte>(host & 0xff);
  bytes[15] = std::byte{1};
  return {IpAddress::v6(bytes), 4222};
}

}  // namespace kadwire::testing
