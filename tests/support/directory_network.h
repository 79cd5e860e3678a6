#pragma once

/// A network of directories in memory and in virtual time: datagrams travel with a delay that
/// depends on the pair, hosts fall silent and come back, and a minute takes milliseconds. Needs
/// virtual_clock.cpp in the executable when the directories are OpendhtDirectory.

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "dht/directory.h"
#include "tools/testnet/virtual_clock.h"

namespace kadwire::testing {

using testnet::advance_virtual_clock_to;
using testnet::virtual_now;

class DirectoryNetwork {
 public:
  using NodeIndex = std::size_t;
  /// One-way travel time from one host to another.
  using Delay = std::function<Duration(NodeIndex from, NodeIndex to)>;
  /// Sees every datagram as it is sent.
  using Tap = std::function<void(NodeIndex from, const Transmit& transmit)>;

  struct Event {
    TimePoint at;
    dht::DirectoryEvent event;
  };

  explicit DirectoryNetwork(Delay delay) : delay_(std::move(delay)) {}

  /// Adds a host with these addresses. It runs from the next run_until on.
  NodeIndex add(std::unique_ptr<dht::Directory> directory, std::vector<Endpoint> endpoints);
  /// A host that is down neither sends, receives nor wakes.
  void set_up(NodeIndex node, bool up) { nodes_[node].up = up; }
  /// A host that is cut off wakes and sends, but nothing arrives either way.
  void set_cut_off(NodeIndex node, bool cut_off) { nodes_[node].cut_off = cut_off; }
  /// Nothing travels between hosts on different sides. All begin on side 0.
  void set_side(NodeIndex node, int side) { nodes_[node].side = side; }
  void set_tap(Tap tap) { tap_ = std::move(tap); }

  [[nodiscard]] dht::Directory& directory(NodeIndex node) { return *nodes_[node].directory; }
  /// Passes on a request at this moment.
  void request(NodeIndex node, dht::DirectoryRequest request);
  void set_bootstrap(NodeIndex node, std::vector<Endpoint> endpoints);

  /// Runs until `when`, or earlier as soon as `done` holds; true if it came to hold.
  bool run_until(TimePoint when, const std::function<bool()>& done = {});
  bool run_for(Duration duration, const std::function<bool()>& done = {}) {
    return run_until(virtual_now().steady + duration, done);
  }
  /// What the node reported so far, oldest first.
  [[nodiscard]] const std::vector<Event>& events(NodeIndex node) const {
    return nodes_[node].events;
  }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::unique_ptr<dht::Directory> directory;
    std::vector<Endpoint> endpoints;
    std::vector<Event> events;
    bool up = true;
    bool cut_off = false;
    int side = 0;
  };
  struct Arrival {
    TimePoint at;
    std::uint64_t order;
    NodeIndex to;
    Endpoint from;
    Bytes payload;
    bool operator>(const Arrival& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  [[nodiscard]] TimePoint next_moment() const;
  void deliver_arrivals();
  void wake_nodes();
  void drain(NodeIndex node);
  void send(NodeIndex node, Transmit transmit);

  Delay delay_;
  Tap tap_;
  std::vector<Node> nodes_;
  std::map<Endpoint, NodeIndex> owners_;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
  std::uint64_t next_order_ = 0;
};

/// The i-th host's addresses in a test network: public ones, which the library does not rewrite.
[[nodiscard]] Endpoint test_endpoint_v4(std::size_t host);
[[nodiscard]] Endpoint test_endpoint_v6(std::size_t host);

}  // namespace kadwire::testing
