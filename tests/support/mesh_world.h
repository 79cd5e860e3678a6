#pragma once

/// Whole nodes (MeshNode and Driver) against each other in virtual time: each on a host of its own,
/// with a model of WireGuard, a shared directory in memory and a disk that survives restarts.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dht/sealed_value.h"
#include "node/driver.h"
#include "tests/support/fake_directory.h"
#include "tests/support/fake_ports.h"
#include "tests/support/test_mesh.h"
#include "tests/support/underlay.h"

namespace kadwire::testing {

using testnet::EventQueue;
using testnet::Lifetime;
using testnet::SeededRandom;

struct MemberOptions {
  const TestMesh* mesh = nullptr;  ///< nullptr: the world's
  std::chrono::milliseconds clock_offset{0};
  bool online = true;  ///< false: no DHT until told
  std::vector<node::LocalRoute> routes;
};

class MeshWorld;

/// One host with its node. It exists before it is started and after it is killed.
class Member {
 public:
  Member(MeshWorld& world, std::size_t index, MemberOptions options);
  ~Member() { stop_at_once(); }

  void start();
  /// SIGKILL. The device stays, as wireguard-go's would.
  void kill() { stop_at_once(); }
  /// Starts again from what the disk has. Not `adopt`: the device is made anew, empty.
  void restart(bool adopt);
  /// SIGTERM: withdraws, then ends with its device.
  void leave();

  [[nodiscard]] bool running() const { return driver_ != nullptr; }
  [[nodiscard]] node::Driver& driver() { return *driver_; }
  [[nodiscard]] node::MeshNode& mesh_node() { return *node_; }
  [[nodiscard]] TestDevice& device() { return *device_; }
  [[nodiscard]] FakeDirectory& directory() { return *directory_; }
  [[nodiscard]] FakeScheduler& scheduler() { return *scheduler_; }
  [[nodiscard]] FakeMonitor& monitor() { return *monitor_; }
  [[nodiscard]] FakeMemory& memory() { return memory_; }
  [[nodiscard]] FakeJournal& journal() { return journal_; }
  [[nodiscard]] const crypto::NodeIdentity& identity() const { return identity_; }
  [[nodiscard]] crypto::NodeId id() const { return identity_.node_id(); }

  [[nodiscard]] std::vector<node::PeerView> peers() const { return driver_->peer_views(); }
  [[nodiscard]] std::optional<IpAddress> ipv4() const { return driver_->node_view().ipv4; }
  /// How this node sees another; nullopt: not at all.
  [[nodiscard]] std::optional<node::PeerView> view_of(const Member& other) const;
  /// True if one of the problems shown has this part.
  [[nodiscard]] bool has_problem(std::string_view part) const;
  /// Moves the host to the addresses that a host with this number has.
  void move_to_host(std::size_t number);
  /// From the next start on.
  void move_clock(std::chrono::milliseconds by) { options_.clock_offset += by; }

 private:
  void make_device();
  void stop_at_once();
  /// What the host's clocks show.
  [[nodiscard]] Now now() const;
  [[nodiscard]] node::NetworkState network() const;

  MeshWorld& world_;
  MemberOptions options_;
  std::size_t host_;
  crypto::NodeIdentity identity_;
  SeededRandom random_;
  QueueTimers device_timers_;
  SeededRandom device_random_;
  FakeMemory memory_;
  FakeJournal journal_;
  Lifetime lifetime_;
  bool ran_before_ = false;
  std::unique_ptr<FakeScheduler> scheduler_;
  std::unique_ptr<FakeSocket> socket_;
  std::unique_ptr<FakeDirectory> directory_;
  std::unique_ptr<TestDevice> device_;
  std::unique_ptr<FakeMonitor> monitor_;
  std::unique_ptr<node::MeshNode> node_;
  std::unique_ptr<node::Driver> driver_;
};

class MeshWorld {
 public:
  explicit MeshWorld(std::uint64_t seed, std::string_view net = {}, WallTime start = kNoonTwenty)
      : seed_(seed),
        mesh_(seed, net),
        queue_(start),
        directories_(queue_, seed),
        underlay_(queue_) {}

  /// A member that is not started yet.
  Member& add(MemberOptions options = {}) {
    members_.push_back(std::make_unique<Member>(*this, members_.size(), std::move(options)));
    return *members_.back();
  }
  Member& add_started(MemberOptions options = {}) {
    Member& member = add(std::move(options));
    member.start();
    return member;
  }
  void add_started(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add_started();
  }

  [[nodiscard]] std::vector<std::unique_ptr<Member>>& members() { return members_; }
  [[nodiscard]] Member& operator[](std::size_t index) { return *members_[index]; }
  [[nodiscard]] TestMesh& mesh() { return mesh_; }
  [[nodiscard]] EventQueue& queue() { return queue_; }
  [[nodiscard]] DirectoryWorld& directories() { return directories_; }
  [[nodiscard]] Underlay& underlay() { return underlay_; }
  [[nodiscard]] std::uint64_t next_seed() { return ++seed_; }

  bool run_for(Duration duration, const EventQueue::Predicate& done = {}) {
    return queue_.run_for(duration, done);
  }
  /// True if both nodes show the tunnel and both devices have the session.
  [[nodiscard]] static bool connected(Member& a, Member& b);
  /// True if every pair of running members is connected.
  [[nodiscard]] bool all_connected();
  /// How long until every pair of running members is connected, looked at every 10 ms; nullopt:
  /// not within `limit`.
  [[nodiscard]] std::optional<Duration> time_to_connect(Duration limit);
  /// Puts a record where members look for them now.
  void publish(const rendezvous::SignedRecord& record) {
    publish_in(record, hour_of(queue_.reading().wall));
  }
  void publish_in(const rendezvous::SignedRecord& record, Hour hour);
  /// Fails the test if any device ever had two peers with one address, or any node span round.
  void expect_sound();

 private:
  std::uint64_t seed_;
  TestMesh mesh_;
  EventQueue queue_;
  DirectoryWorld directories_;
  Underlay underlay_;
  std::vector<std::unique_ptr<Member>> members_;
};

/// The addresses of host number `host`: one of each family, public and on one link with the others.
inline std::vector<IpAddress> host_addresses(std::size_t host) {
  const auto number = std::to_string(host + 1);
  return {IpAddress::parse("2001:db8::" + number).value(),
          IpAddress::parse("198.51.100." + number).value()};
}

inline Member::Member(MeshWorld& world, std::size_t index, MemberOptions options)
    : world_(world),
      options_(std::move(options)),
      host_(index),
      identity_(world.mesh().make_identity()),
      random_(world.next_seed()),
      device_timers_(world.queue(), [this] { return now(); }),
      device_random_(testnet::derived_seed(index, "device")) {
  if (options_.mesh == nullptr) options_.mesh = &world.mesh();
  make_device();
}

inline void Member::start() {
  const TestMesh& mesh = *options_.mesh;
  scheduler_ = std::make_unique<FakeScheduler>(world_.queue(), options_.clock_offset);
  socket_ = std::make_unique<FakeSocket>();
  directory_ = std::make_unique<FakeDirectory>(world_.directories(), *socket_, options_.online);
  monitor_ = std::make_unique<FakeMonitor>(world_.queue(), network());
  node::MeshNodeConfig config;
  config.hostname = "host" + std::to_string(host_);
  config.ipv4_network = mesh.ipv4_network();
  config.ipv6_network = mesh.ipv6_network();
  config.listen_port = TestDevice::kPort;
  config.identity_restored = ran_before_;
  config.device_adopted = ran_before_ && !device_->snapshot().peers.empty();
  config.state = memory_.node_state;
  config.cached_records = memory_.peer_cache;
  node_ = std::make_unique<node::MeshNode>(std::move(config), mesh.keys(), identity_, random_,
                                           scheduler_->now());
  driver_ = std::make_unique<node::Driver>(
      node::DriverPorts{*scheduler_, *socket_, *directory_, *device_, *monitor_, memory_, journal_},
      *node_, "kadwire0");
  driver_->start();
  ran_before_ = true;
}

inline void Member::restart(bool adopt) {
  stop_at_once();
  if (!adopt) make_device();
  start();
}

inline void Member::leave() {
  driver_->stop([this] {
    world_.queue().after(0s, lifetime_.guard([this] {
      stop_at_once();
      make_device();
    }));
  });
}

inline void Member::stop_at_once() {
  device_->detach();
  driver_.reset();
  node_.reset();
  monitor_.reset();
  directory_.reset();
  socket_.reset();
  scheduler_.reset();
}

inline void Member::make_device() {
  device_ = std::make_unique<TestDevice>(world_.underlay(), device_timers_, device_random_,
                                         identity_.wireguard_key(), host_addresses(host_));
}

inline Now Member::now() const {
  return scheduler_ ? scheduler_->now() : world_.queue().reading(options_.clock_offset);
}

inline node::NetworkState Member::network() const {
  node::NetworkState state;
  for (const IpAddress& address : host_addresses(host_)) {
    rendezvous::LocalAddress local;
    local.prefix = {address, address.is_v4() ? 24U : 64U};
    local.interface = "eth0";
    state.addresses.push_back(local);
  }
  state.routes = options_.routes;
  return state;
}

inline void Member::move_to_host(std::size_t number) {
  host_ = number;
  device_->move_to(host_addresses(number));
  if (monitor_) monitor_->set(network());
}

inline std::optional<node::PeerView> Member::view_of(const Member& other) const {
  for (node::PeerView& view : driver_->peer_views()) {
    if (view.node == other.id()) return std::move(view);
  }
  return std::nullopt;
}

inline bool Member::has_problem(std::string_view part) const {
  return std::ranges::any_of(driver_->node_view().problems, [&](const std::string& problem) {
    return problem.find(part) != std::string::npos;
  });
}

inline bool MeshWorld::connected(Member& a, Member& b) {
  const auto shows = [](const Member& from, const Member& to) {
    const auto view = from.view_of(to);
    return view && view->path == node::PathKind::kDirect;
  };
  return a.device().shares_session_with(b.device()) && shows(a, b) && shows(b, a);
}

inline bool MeshWorld::all_connected() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    for (std::size_t j = i + 1; j < members_.size(); ++j) {
      if (!members_[i]->running() || !members_[j]->running()) continue;
      if (!connected(*members_[i], *members_[j])) return false;
    }
  }
  return true;
}

inline std::optional<Duration> MeshWorld::time_to_connect(Duration limit) {
  const TimePoint start = queue_.now();
  while (queue_.now() - start < limit) {
    run_for(10ms);
    if (all_connected()) return queue_.now() - start;
  }
  return std::nullopt;
}

inline void MeshWorld::publish_in(const rendezvous::SignedRecord& record, Hour hour) {
  const dht::Topic topic = dht::topic_of(mesh_.keys(), hour);
  directories_.store(topic.key, random_u64(mesh_.random()),
                     dht::seal_value(mesh_.keys(), topic, record.encoded, mesh_.random()));
}

inline void MeshWorld::expect_sound() {
  for (const auto& member : members_) {
    EXPECT_EQ(member->device().overlap(), "");
    if (!member->running()) continue;
    EXPECT_LE(member->scheduler().wakeups_at_one_moment(), 5U);
  }
}

}  // namespace kadwire::testing
