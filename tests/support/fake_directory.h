#pragma once

/// A directory in memory that several nodes share: values under keys for ten minutes, told to
/// whoever listens. It travels like the real one (every answer takes `delay` there and `delay`
/// back) and fails like it: puts that report success and store nothing, requests that nobody
/// answers, updates under an old id that are lost.

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "dht/directory.h"
#include "node/base/queue.h"
#include "tools/testnet/event_queue.h"
#include "tests/support/fake_ports.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testing {

using testnet::EventQueue;
using testnet::SeededRandom;
using testnet::Lifetime;

class FakeDirectory;

/// What all the nodes' directories have in common.
class DirectoryWorld {
 public:
  DirectoryWorld(EventQueue& queue, std::uint64_t seed) : queue_(queue), random_(seed) {}

  Duration delay = 20ms;            ///< one way
  unsigned lost_puts_percent = 0;   ///< of puts: reported as stored, and are not
  bool puts_unanswered = false;     ///< PutDone never comes, nor is anything stored
  bool notifications_lost = false;  ///< listeners hear nothing; only gets find values

  /// Whether anybody reaches the directory.
  void set_reachable(bool reachable);
  [[nodiscard]] bool reachable() const { return reachable_; }

  /// Stores a value by nobody's request, as a stranger or a liar would.
  void store(const crypto::InfoHash& key, std::uint64_t value_id, Bytes value);
  [[nodiscard]] std::vector<dht::FoundValue> values(const crypto::InfoHash& key);
  /// What was stored so far is found no more, as when nodes closer to the keys have joined.
  void forget_values() { stored_.clear(); }
  /// Puts that arrived at all, lost ones included.
  [[nodiscard]] std::uint64_t puts() const { return puts_; }
  /// Questions that arrived: gets of everything, gets of one id, lists of ids.
  [[nodiscard]] std::uint64_t gets() const { return gets_; }
  [[nodiscard]] std::uint64_t fetches() const { return fetches_; }
  [[nodiscard]] std::uint64_t lists() const { return lists_; }

 private:
  friend class FakeDirectory;
  static constexpr Duration kValueLifetime = 10min;
  struct Stored {
    dht::FoundValue found;
    TimePoint expires;
  };

  void put(FakeDirectory& directory, const dht::PutRequest& request);

  EventQueue& queue_;
  SeededRandom random_;
  bool reachable_ = true;
  std::map<crypto::InfoHash, std::vector<Stored>> stored_;
  std::vector<FakeDirectory*> directories_;  ///< in order of arrival: no pointer orders a run
  std::uint64_t puts_ = 0, gets_ = 0, fetches_ = 0, lists_ = 0;
};

/// One node's door to the world. Answers come as datagrams on `socket`, which wake its driver.
class FakeDirectory final : public dht::Directory {
 public:
  /// Not `online`: it connects only when told to.
  FakeDirectory(DirectoryWorld& world, FakeSocket& socket, bool online)
      : world_(world), socket_(socket) {
    world_.directories_.push_back(this);
    if (online && world_.reachable_) set_connected(true);
  }
  ~FakeDirectory() override { std::erase(world_.directories_, this); }

  void request(Now, dht::DirectoryRequest request) override {
    world_.queue_.after(world_.delay, lifetime_.guard([this, request = std::move(request)] {
      if (connected_ && world_.reachable_) serve(request);
    }));
  }
  void set_bootstrap(Now, std::span<const Endpoint>) override {}
  void handle_datagram(Now, const Endpoint&, ByteView) override {}
  void handle_timeout(Now) override {}
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override { return std::nullopt; }
  [[nodiscard]] std::optional<Transmit> poll_transmit() override { return std::nullopt; }
  [[nodiscard]] std::optional<dht::DirectoryEvent> poll_event() override {
    return take_front(events_);
  }
  [[nodiscard]] std::vector<dht::KnownNode> known_nodes() const override { return {}; }
  [[nodiscard]] dht::DirectoryStats stats() const override {
    dht::DirectoryStats stats;
    stats.connected = connected_;
    return stats;
  }

  /// Takes effect, and is told to the node, after the world's delay.
  void set_connected(bool connected) {
    world_.queue_.after(world_.delay, lifetime_.guard([this, connected] {
      connected_ = connected;
      events_.push_back(dht::ConnectivityChanged{connected});
      socket_.deliver({}, {});
    }));
  }

 private:
  friend class DirectoryWorld;

  void serve(const dht::DirectoryRequest& request) {
    if (const auto* put = std::get_if<dht::PutRequest>(&request)) {
      world_.put(*this, *put);
    } else if (const auto* get = std::get_if<dht::GetRequest>(&request)) {
      serve_get(*get);
    } else if (const auto* list = std::get_if<dht::ListIdsRequest>(&request)) {
      serve_list(*list);
    } else if (const auto* listen = std::get_if<dht::ListenRequest>(&request)) {
      listening_.emplace(listen->operation, listen->key);
      answer(dht::ValuesFound{listen->operation, world_.values(listen->key)});
    } else {
      listening_.erase(std::get<dht::CancelRequest>(request).operation);
    }
  }
  void serve_get(const dht::GetRequest& get) {
    ++(get.value_id ? world_.fetches_ : world_.gets_);
    std::vector<dht::FoundValue> values = world_.values(get.key);
    std::erase_if(values, [&](const dht::FoundValue& each) {
      return get.value_id && each.value_id != *get.value_id;
    });
    answer(dht::ValuesFound{get.operation, std::move(values)});
    answer(dht::GetDone{get.operation, true});
  }
  void serve_list(const dht::ListIdsRequest& list) {
    ++world_.lists_;
    dht::IdsFound found{list.operation, {}};
    for (const auto& each : world_.values(list.key)) found.ids.push_back(each.value_id);
    answer(std::move(found));
    answer(dht::GetDone{list.operation, true});
  }
  void tell(const crypto::InfoHash& key, const dht::FoundValue& found) {
    for (const auto& [operation, listened] : listening_) {
      if (listened == key) answer(dht::ValuesFound{operation, {found}});
    }
  }
  void answer(dht::DirectoryEvent event) {
    world_.queue_.after(world_.delay, lifetime_.guard([this, event = std::move(event)] {
      if (!connected_ || !world_.reachable_) return;
      events_.push_back(event);
      socket_.deliver({}, {});
    }));
  }

  DirectoryWorld& world_;
  FakeSocket& socket_;
  Lifetime lifetime_;
  bool connected_ = false;
  std::map<dht::OperationId, crypto::InfoHash> listening_;
  std::deque<dht::DirectoryEvent> events_;
};

inline void DirectoryWorld::set_reachable(bool reachable) {
  reachable_ = reachable;
  for (FakeDirectory* directory : directories_) directory->set_connected(reachable);
}

inline void DirectoryWorld::store(const crypto::InfoHash& key, std::uint64_t value_id,
                                  Bytes value) {
  auto& under_key = stored_[key];
  const bool id_taken = std::ranges::any_of(
      under_key, [&](const Stored& each) { return each.found.value_id == value_id; });
  if (id_taken) return;
  under_key.push_back({{value_id, std::move(value)}, queue_.now() + kValueLifetime});
  const dht::FoundValue found = under_key.back().found;
  if (notifications_lost) return;
  for (FakeDirectory* directory : directories_) directory->tell(key, found);
}

inline std::vector<dht::FoundValue> DirectoryWorld::values(const crypto::InfoHash& key) {
  auto& under_key = stored_[key];
  std::erase_if(under_key, [&](const Stored& each) { return each.expires <= queue_.now(); });
  std::vector<dht::FoundValue> found;
  for (const Stored& each : under_key) found.push_back(each.found);
  return found;
}

inline void DirectoryWorld::put(FakeDirectory& directory, const dht::PutRequest& request) {
  ++puts_;
  if (puts_unanswered) return;
  if (random_below(random_, 100) >= lost_puts_percent) {
    store(request.key, request.value_id, request.value);
  }
  directory.answer(dht::PutDone{request.operation, true});
}

}  // namespace kadwire::testing
