#include "dht/opendht_node.h"

#include <opendht/dht.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include "node/base/queue.h"

namespace kadwire::dht {
namespace {

/// After an exception of the library its next wake-up is unknown: look again this soon.
constexpr auto kWakeAfterException = 100ms;
/// Never spin, whatever the library asks for: it reads the clock itself and so a little later.
constexpr auto kWakeSoonest = 200us;
/// Some of the library's jobs, called at the very moment they asked for, find that it is not yet
/// over and ask for the same moment again, for ever, inside one call. Among them is what follows a
/// cancelled listen three minutes later.
constexpr auto kWakeLate = 1us;
/// Another reason may have it called at that very moment all the same, in a simulation at least,
/// where moments are round. So it is told a time up to so many nanoseconds late, each time others:
/// a prime, so that they follow no rhythm.
constexpr unsigned kToldLate = 997;

::dht::InfoHash to_library(const InfoHash& hash) {
  return {reinterpret_cast<const std::uint8_t*>(hash.data()), hash.size()};
}

InfoHash from_library(const ::dht::InfoHash& hash) {
  InfoHash result;
  std::transform(hash.cbegin(), hash.cend(), result.begin(), [](auto b) { return std::byte{b}; });
  return result;
}

::dht::SockAddr to_library(const Endpoint& endpoint) {
  ::dht::SockAddr result;
  const ByteView address = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    result.setFamily(AF_INET);
    std::memcpy(&result.getIPv4().sin_addr, address.data(), address.size());
  } else {
    result.setFamily(AF_INET6);
    std::memcpy(&result.getIPv6().sin6_addr, address.data(), address.size());
  }
  result.setPort(endpoint.port);
  return result;
}

std::optional<Endpoint> from_library(const ::dht::SockAddr& address) {
  const auto view = [](const auto& raw) { return std::as_bytes(std::span(&raw, 1)); };
  std::optional<IpAddress> ip;
  if (address.getFamily() == AF_INET) ip = IpAddress::from_bytes(view(address.getIPv4().sin_addr));
  if (address.getFamily() == AF_INET6) {
    ip = IpAddress::from_bytes(view(address.getIPv6().sin6_addr));
  }
  if (!ip) return std::nullopt;
  return Endpoint{*ip, address.getPort()};
}

std::shared_ptr<::dht::Value> value_of(const PutRequest& request) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(request.value.data());
  auto value = std::make_shared<::dht::Value>(bytes, request.value.size());
  value->id = request.value_id;
  return value;
}

/// Whether a datagram of one family is worth sending. The library must believe in both families,
/// whatever the host has, and waits three seconds for every node of one that is not there; told
/// that it is unreachable, it goes on at once. So a family is closed until something was heard from
/// it: only our own pings leave, and now and then a few others on trial.
class FamilyGate {
 public:
  /// True if the family was closed, and that has cost a datagram.
  bool hear() { return !std::exchange(heard_, true) && held_back_; }
  [[nodiscard]] bool pass(bool own_ping) {
    if (heard_ || own_ping) return true;
    if (trials_ == 0) {
      held_back_ = true;
      return false;
    }
    --trials_;
    return true;
  }
  void renew_trials(TimePoint now) {
    if (heard_ || now < trials_at_) return;
    trials_ = std::exchange(first_, false) ? 0 : kTrialDatagrams;
    trials_at_ = now + kTrialPause;
  }

 private:
  bool heard_ = false;
  bool held_back_ = false;
  bool first_ = true;  ///< the first searches would only be held up
  unsigned trials_ = 0;
  TimePoint trials_at_{};
};

/// The socket the library believes in. It claims both families: on a single one the library's
/// listen and cancelListen do not work.
class MemorySocket final : public ::dht::net::DatagramSocket {
 public:
  MemorySocket() {
    any4_.setFamily(AF_INET);
    any6_.setFamily(AF_INET6);
  }
  int sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size, bool) override {
    const std::optional<Endpoint> endpoint = from_library(to);
    if (!endpoint) return EAFNOSUPPORT;
    if (!gate(endpoint->address.family()).pass(own_ping)) return ENETUNREACH;
    if (datagrams.size() >= kTransmitQueueMax) {
      ++dropped;
      return 0;  // lost, as on the wire: the library repeats what matters
    }
    const auto* bytes_of = reinterpret_cast<const std::byte*>(data);
    datagrams.push_back({*endpoint, Bytes(bytes_of, bytes_of + size)});
    ++packets;
    bytes += size;
    return 0;
  }
  FamilyGate& gate(AddressFamily family) { return gates_[family == AddressFamily::kIpv6 ? 1 : 0]; }
  bool hasIPv4() const override { return true; }
  bool hasIPv6() const override { return true; }
  const ::dht::SockAddr& getBoundRef(sa_family_t family) const override {
    return family == AF_INET6 ? any6_ : any4_;
  }
  void stop() override {}

  std::deque<Transmit> datagrams;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;
  bool own_ping = false;

 private:
  std::array<FamilyGate, 2> gates_;
  ::dht::SockAddr any4_;
  ::dht::SockAddr any6_;
};

/// What callbacks leave behind. They hold it by shared_ptr and nothing else, so they may fire at
/// any time, even from the library's destructor.
struct Inbox {
  std::vector<OpendhtNode::Found> found;
  std::vector<OpendhtNode::FoundId> found_ids;
  std::vector<OpendhtNode::Done> done;
  std::uint64_t dropped = 0;

  void add(OperationId operation, const std::vector<std::shared_ptr<::dht::Value>>& values) {
    for (const auto& value : values) {
      if (!value || value->data.size() > kFoundValueBytesMax || found.size() >= kFoundValuesMax) {
        ++dropped;
        continue;
      }
      const auto* bytes = reinterpret_cast<const std::byte*>(value->data.data());
      found.push_back({operation, {value->id, Bytes(bytes, bytes + value->data.size())}});
    }
  }
  /// Empties the entries: the library takes all later ones for repetitions of any it has left.
  void add_ids(OperationId operation,
               const std::vector<std::shared_ptr<::dht::FieldValueIndex>>& entries) {
    for (const auto& entry : entries) {
      const auto fields = std::exchange(entry->index, {});
      const auto id = fields.find(::dht::Value::Field::Id);
      if (id == fields.end() || found_ids.size() >= kFoundValuesMax) {
        ++dropped;
        continue;
      }
      found_ids.push_back({operation, id->second.getInt()});
    }
  }
  [[nodiscard]] ::dht::DoneCallbackSimple done_callback(const std::shared_ptr<Inbox>& self,
                                                        OperationId operation) {
    return [self, operation](bool ok) { self->done.push_back({operation, ok}); };
  }
};

class LibraryNode final : public OpendhtNode {
 public:
  LibraryNode(TimePoint now, const OpendhtNodeOptions& options) : wake_at_(now) {
    auto socket = std::make_unique<MemorySocket>();
    socket_ = socket.get();
    ::dht::Config config;
    config.node_id = to_library(options.id);
    config.network = options.network;
    if (options.unlimited_requests) config.max_req_per_sec = config.max_peer_req_per_sec = -1;
    dht_.emplace(std::move(socket), config, std::shared_ptr<::dht::Logger>());
    dht_->setStorageLimit(options.store_bytes_max);
  }

  void take_over(const LibraryNode& predecessor);
  void turn(TimePoint now, const Endpoint* from, ByteView datagram) override;
  [[nodiscard]] TimePoint wake_at() const override { return wake_at_; }
  [[nodiscard]] bool connected() const override {
    return dht_->getStatus() == ::dht::NodeStatus::Connected;
  }
  void ping(const Endpoint& endpoint) override;
  void put(const PutRequest& request) override;
  [[nodiscard]] Bytes encode_value(const PutRequest& request) override;
  void get(const GetRequest& request) override;
  void list_ids(const ListIdsRequest& request) override;
  [[nodiscard]] std::size_t listen(OperationId operation, const InfoHash& key) override;
  void cancel_listen(const InfoHash& key, std::size_t token) override {
    guarded([&] { dht_->cancelListen(to_library(key), token); });
  }

  [[nodiscard]] std::vector<Found> take_found() override {
    return std::exchange(inbox_->found, {});
  }
  [[nodiscard]] std::vector<FoundId> take_found_ids() override {
    return std::exchange(inbox_->found_ids, {});
  }
  [[nodiscard]] std::vector<Done> take_done() override { return std::exchange(inbox_->done, {}); }
  [[nodiscard]] std::optional<Transmit> poll_transmit() override;
  [[nodiscard]] std::vector<KnownNode> known_nodes() const override;
  void add_to(DirectoryStats& stats) const override;
  [[nodiscard]] std::uint64_t exceptions() const override { return exceptions_; }
  [[nodiscard]] std::uint64_t dropped() const override {
    return inbox_->dropped + socket_->dropped;
  }

 private:
  /// Runs a call into the library; false if it threw.
  template <typename Call>
  bool guarded(Call&& call) {
    try {
      std::forward<Call>(call)();
      return true;
    } catch (...) {
      ++exceptions_;
      return false;
    }
  }
  void hear(AddressFamily family);
  void remember_own(std::uint64_t value_id);

  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::optional<::dht::Dht> dht_;   ///< optional only because it is made inside the constructor
  MemorySocket* socket_ = nullptr;  ///< owned by dht_
  TimePoint wake_at_;
  unsigned turns_ = 0;  ///< modulo kToldLate
  std::deque<std::uint64_t> own_values_;
  std::uint64_t exceptions_ = 0;
};

/// The stored values, with the age they have, and which of them are our own.
void LibraryNode::take_over(const LibraryNode& predecessor) {
  own_values_ = predecessor.own_values_;
  guarded([&] { dht_->importValues(predecessor.dht_->exportValues()); });
}

void LibraryNode::turn(TimePoint now, const Endpoint* from, ByteView datagram) {
  for (const auto family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    socket_->gate(family).renew_trials(now);
  }
  wake_at_ = now + kWakeAfterException;
  guarded([&] {
    if (from != nullptr) hear(from->address.family());
    const auto* data = reinterpret_cast<const std::uint8_t*>(datagram.data());
    const auto sender = from != nullptr ? to_library(*from) : ::dht::SockAddr();
    turns_ = (turns_ + 1) % kToldLate;
    const TimePoint told = now + std::chrono::nanoseconds(turns_);
    const TimePoint next = dht_->periodic(data, datagram.size(), sender, told);
    wake_at_ = std::max<TimePoint>(next + kWakeLate, now + kWakeSoonest);
  });
  guarded([&] {
    dht_->updateStatus(AF_INET);
    dht_->updateStatus(AF_INET6);
  });
}

/// Opens a family's gate. Nodes the library gave up while it was closed get another chance.
void LibraryNode::hear(AddressFamily family) {
  if (!socket_->gate(family).hear()) return;
  dht_->connectivityChanged(family == AddressFamily::kIpv4 ? AF_INET : AF_INET6);
}

void LibraryNode::ping(const Endpoint& endpoint) {
  socket_->own_ping = true;
  guarded([&] { dht_->pingNode(to_library(endpoint)); });
  socket_->own_ping = false;
}

void LibraryNode::put(const PutRequest& request) {
  const bool called = guarded([&] {
    const auto value = value_of(request);
    assert(value->getPacked().size() <= kSerializedValueMax);
    remember_own(request.value_id);
    dht_->put(to_library(request.key), value, inbox_->done_callback(inbox_, request.operation));
  });
  if (!called) inbox_->done.push_back({request.operation, false});
}

Bytes LibraryNode::encode_value(const PutRequest& request) {
  Bytes encoded;
  guarded([&] {
    const ::dht::Blob packed = value_of(request)->getPacked();
    const auto* bytes = reinterpret_cast<const std::byte*>(packed.data());
    encoded.assign(bytes, bytes + packed.size());
  });
  return encoded;
}

void LibraryNode::remember_own(std::uint64_t value_id) {
  own_values_.push_back(value_id);
  if (own_values_.size() > kOwnValuesMax) own_values_.pop_front();
}

/// The library begins with what its own store holds and then keeps silent about the same values
/// from others. The filter hides our own puts from that beginning: that others have them is the
/// news.
void LibraryNode::get(const GetRequest& request) {
  const bool called = guarded([&] {
    const auto own_store = std::make_shared<bool>(true);
    const std::deque<std::uint64_t>& own = own_values_;
    const auto filter = [own_store, own](const ::dht::Value& value) {
      return !*own_store || std::find(own.begin(), own.end(), value.id) == own.end();
    };
    const auto found = [inbox = inbox_, operation = request.operation](const auto& values) {
      inbox->add(operation, values);
      return true;
    };
    ::dht::Where where;
    if (request.value_id) where.id(*request.value_id);
    dht_->get(to_library(request.key), ::dht::GetCallback(found),
              inbox_->done_callback(inbox_, request.operation), ::dht::Value::Filter(filter),
              std::move(where));
    *own_store = false;
  });
  if (!called) inbox_->done.push_back({request.operation, false});
}

/// A selection of fields is the one question that the library asks as it is: a get it splits into
/// this one and then one more for every id and node. Here too it begins with its own store, before
/// it returns, and our own puts are no news from there.
void LibraryNode::list_ids(const ListIdsRequest& request) {
  const bool called = guarded([&] {
    const auto found = [inbox = inbox_, operation = request.operation](const auto& entries) {
      inbox->add_ids(operation, entries);
      return true;
    };
    dht_->query(to_library(request.key), ::dht::QueryCallback(found),
                inbox_->done_callback(inbox_, request.operation),
                ::dht::Query(::dht::Select().field(::dht::Value::Field::Id)));
    std::erase_if(inbox_->found_ids, [&](const FoundId& each) {
      return each.operation == request.operation &&
             std::find(own_values_.begin(), own_values_.end(), each.value_id) != own_values_.end();
    });
  });
  if (!called) inbox_->done.push_back({request.operation, false});
}

/// Listens for user data only, which is all there is: were the query as wide as that of a get, the
/// library would answer gets and lists of ids from what the listening has brought and ask nobody.
std::size_t LibraryNode::listen(OperationId operation, const InfoHash& key) {
  std::size_t token = 0;
  guarded([&] {
    const auto found = [inbox = inbox_, operation](const auto& values, bool expired) {
      if (!expired) inbox->add(operation, values);
      return true;
    };
    ::dht::Where user_data;
    user_data.valueType(::dht::ValueType::USER_DATA.id);
    token = dht_->listen(to_library(key), ::dht::ValueCallback(found), {}, std::move(user_data));
  });
  return token;
}

std::optional<Transmit> LibraryNode::poll_transmit() {
  return take_front(socket_->datagrams);
}

std::vector<KnownNode> LibraryNode::known_nodes() const {
  std::vector<KnownNode> nodes;
  for (const ::dht::NodeExport& node : dht_->exportNodes()) {
    const auto endpoint = from_library(::dht::SockAddr(node.ss, node.sslen));
    if (endpoint) nodes.push_back({from_library(node.id), *endpoint});
  }
  return nodes;
}

void LibraryNode::add_to(DirectoryStats& stats) const {
  for (const auto family : {AF_INET, AF_INET6}) {
    const ::dht::NodeStats nodes = dht_->getNodesStats(static_cast<sa_family_t>(family));
    stats.good_nodes += nodes.good_nodes;
    stats.known_nodes += nodes.getKnownNodes();
  }
  const auto [bytes, values] = dht_->getStoreSize();
  stats.stored_bytes += bytes;
  stats.stored_values += values;
  stats.packets_out += socket_->packets;
  stats.bytes_out += socket_->bytes;
}

}  // namespace

std::unique_ptr<OpendhtNode> OpendhtNode::create(TimePoint now, const OpendhtNodeOptions& options,
                                                 const OpendhtNode* predecessor) {
  try {
    auto node = std::make_unique<LibraryNode>(now, options);
    if (predecessor != nullptr) node->take_over(static_cast<const LibraryNode&>(*predecessor));
    return node;
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace kadwire::dht
