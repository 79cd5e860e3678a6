#include "dht/opendht_directory.h"

#include <opendht/dht.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "dht/packet_guard.h"

namespace kadwire::dht {
namespace {

/// After an exception of the library its next wake-up is unknown: look again this soon.
constexpr auto kWakeAfterException = 100ms;
/// Never spin, whatever the library asks for: it rounds some of its times down.
constexpr auto kWakeSoonest = 1ms;

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
  if (address.getFamily() == AF_INET6)
    ip = IpAddress::from_bytes(view(address.getIPv6().sin6_addr));
  if (!ip) return std::nullopt;
  return Endpoint{*ip, address.getPort()};
}

/// Where the library's datagrams wait for poll_transmit. Outlives every socket that writes to it.
struct Outbox {
  std::deque<Transmit> datagrams;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;
};

/// The socket the library believes in. It claims both families whatever the host has: on a single
/// one the library's listen and cancelListen do not work.
class MemorySocket final : public ::dht::net::DatagramSocket {
 public:
  explicit MemorySocket(Outbox& outbox) : outbox_(outbox) {
    any4_.setFamily(AF_INET);
    any6_.setFamily(AF_INET6);
  }
  int sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size, bool) override {
    const std::optional<Endpoint> endpoint = from_library(to);
    if (!endpoint || outbox_.datagrams.size() >= kTransmitQueueMax) {
      ++outbox_.dropped;
      return 0;  // lost, as on the wire: the library repeats what matters
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    outbox_.datagrams.push_back({*endpoint, Bytes(bytes, bytes + size)});
    ++outbox_.packets;
    outbox_.bytes += size;
    return 0;
  }
  bool hasIPv4() const override { return true; }
  bool hasIPv6() const override { return true; }
  const ::dht::SockAddr& getBoundRef(sa_family_t family) const override {
    return family == AF_INET6 ? any6_ : any4_;
  }
  void stop() override {}

 private:
  Outbox& outbox_;
  ::dht::SockAddr any4_;
  ::dht::SockAddr any6_;
};

/// What callbacks of one library node leave for us. They hold it by shared_ptr and nothing else, so
/// they may fire at any time, even from the node's destructor; a new node gets a new inbox.
struct Inbox {
  struct Done {
    OperationId operation;
    bool ok;
  };
  struct Found {
    OperationId operation;
    FoundValue value;
  };
  std::vector<Found> found;
  std::vector<Done> done;
  std::uint64_t dropped = 0;

  void add(OperationId operation, const std::vector<std::shared_ptr<::dht::Value>>& values) {
    for (const auto& value : values) {
      const bool room = found.size() < kValueEventsMax * kValuesPerEventMax;
      if (!value || value->data.size() > kFoundValueBytesMax || !room) {
        ++dropped;
        continue;
      }
      const auto* bytes = reinterpret_cast<const std::byte*>(value->data.data());
      found.push_back({operation, {value->id, Bytes(bytes, bytes + value->data.size())}});
    }
  }
};

}  // namespace

class OpendhtDirectory::Impl {
 public:
  Impl(Now now, OpendhtOptions options, RandomSource& random);

  void request(Now now, DirectoryRequest request);
  void set_bootstrap(Now now, std::span<const Endpoint> endpoints);
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram);
  void handle_timeout(Now now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<Transmit> poll_transmit();
  [[nodiscard]] std::optional<DirectoryEvent> poll_event();
  [[nodiscard]] std::vector<KnownNode> known_nodes() const;
  [[nodiscard]] DirectoryStats stats() const;

  std::uint64_t exceptions_ = 0;
  [[nodiscard]] std::uint64_t dropped() const { return outbox_.dropped + dropped_; }

 private:
  struct Put {
    PutRequest request;
    TimePoint give_up_at;
    bool started = false;
  };
  struct Get {
    GetRequest request;
    TimePoint give_up_at;
    bool started = false;
  };
  struct Listen {
    ListenRequest request;
    std::size_t token = 0;  ///< the library's; 0: not listening yet
  };

  void accept(Now now, PutRequest request);
  void accept(Now now, GetRequest request);
  void accept(Now now, ListenRequest request);
  void accept(Now now, CancelRequest request);
  void start(Put& put);
  void start(Get& get);
  void start(Listen& listen);
  void start_waiting();

  void renew(Now now);
  void run(Now now, const Endpoint* from = nullptr, ByteView datagram = {});
  void update_connectivity(Now now);
  void enter_network(Now now);
  void watch_silence(Now now);
  void probe_neighbours();
  void ping(const Endpoint& endpoint);
  void give_up_waiting(Now now);
  void fail_operations();
  void collect();
  void finish(const Inbox::Done& done);

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

  const OpendhtOptions options_;
  RandomSource& random_;
  InfoHash node_id_{};
  Outbox outbox_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<::dht::Dht> dht_;  ///< null only after its constructor threw
  std::optional<TimePoint> library_wake_;

  std::vector<Endpoint> bootstrap_;
  std::size_t next_saved_ = 0;
  TimePoint enter_at_;  ///< next attempt to enter the network, while not connected
  Duration enter_pause_ = kBootstrapRetryFirst;

  bool connected_ = false;
  bool was_connected_ = false;  ///< since dht_ was made
  TimePoint last_reply_;
  TimePoint probe_at_;
  TimePoint renew_at_;

  std::map<OperationId, Put> puts_;
  std::map<OperationId, Get> gets_;
  std::map<OperationId, Listen> listens_;
  std::deque<DirectoryEvent> events_;
  std::size_t value_events_ = 0;
  std::uint64_t dropped_ = 0;
  DirectoryStats stats_;
};

OpendhtDirectory::Impl::Impl(Now now, OpendhtOptions options, RandomSource& random)
    : options_(std::move(options)), random_(random), enter_at_(now.steady) {
  random_.fill(node_id_);
  renew(now);
}

/// Makes the library's node, or makes it anew. The id stays: others would keep asking the old one
/// and wait a second each time.
void OpendhtDirectory::Impl::renew(Now now) {
  dht_.reset();
  outbox_.datagrams.clear();
  inbox_ = std::make_shared<Inbox>();
  for (auto& [operation, listen] : listens_) listen.token = 0;
  was_connected_ = false;
  last_reply_ = now.steady;
  probe_at_ = now.steady + kProbeAfterSilence;
  renew_at_ = now.steady + random_between(random_, kSilenceMax, kSilenceMax + kSilenceJitter);
  library_wake_ = now.steady;
  guarded([&] {
    ::dht::Config config;
    config.node_id = to_library(node_id_);
    config.network = options_.network;
    if (options_.unlimited_requests) config.max_req_per_sec = config.max_peer_req_per_sec = -1;
    dht_ = std::make_unique<::dht::Dht>(std::make_unique<MemorySocket>(outbox_), config,
                                        std::shared_ptr<::dht::Logger>());
  });
}

void OpendhtDirectory::Impl::request(Now now, DirectoryRequest request) {
  std::visit([&](auto& each) { accept(now, std::move(each)); }, request);
  run(now);
}

void OpendhtDirectory::Impl::accept(Now now, PutRequest request) {
  assert(request.operation != 0 && request.value_id != 0);
  assert(request.value.size() + kValueOverheadMax <= kSerializedValueMax);
  assert(puts_.size() < kOperationsMax && !puts_.contains(request.operation));
  const OperationId operation = request.operation;
  Put& put = puts_[operation] = {std::move(request), now.steady + kSilenceMax};
  if (connected_) start(put);
}

void OpendhtDirectory::Impl::accept(Now now, GetRequest request) {
  assert(request.operation != 0);
  assert(gets_.size() < kOperationsMax && !gets_.contains(request.operation));
  Get& get = gets_[request.operation] = {request, now.steady + kSilenceMax};
  if (connected_) start(get);
}

void OpendhtDirectory::Impl::accept(Now, ListenRequest request) {
  assert(request.operation != 0);
  assert(listens_.size() < kOperationsMax && !listens_.contains(request.operation));
  Listen& listen = listens_[request.operation] = {request};
  if (connected_) start(listen);
}

void OpendhtDirectory::Impl::accept(Now, CancelRequest request) {
  const auto found = listens_.find(request.operation);
  if (found == listens_.end()) return;
  const Listen& listen = found->second;
  if (dht_ && listen.token != 0) {
    guarded([&] { dht_->cancelListen(to_library(listen.request.key), listen.token); });
  }
  listens_.erase(found);
}

void OpendhtDirectory::Impl::start(Put& put) {
  put.started = true;
  const OperationId operation = put.request.operation;
  const bool called = guarded([&] {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(put.request.value.data());
    auto value = std::make_shared<::dht::Value>(bytes, put.request.value.size());
    value->id = put.request.value_id;
    auto done = [inbox = inbox_, operation](bool ok) { inbox->done.push_back({operation, ok}); };
    dht_->put(to_library(put.request.key), value, ::dht::DoneCallbackSimple(done));
  });
  if (!called) inbox_->done.push_back({operation, false});
}

void OpendhtDirectory::Impl::start(Get& get) {
  get.started = true;
  const OperationId operation = get.request.operation;
  const bool called = guarded([&] {
    auto found = [inbox = inbox_, operation](const auto& values) {
      inbox->add(operation, values);
      return true;
    };
    auto done = [inbox = inbox_, operation](bool ok) { inbox->done.push_back({operation, ok}); };
    dht_->get(to_library(get.request.key), ::dht::GetCallback(found),
              ::dht::DoneCallbackSimple(done));
  });
  if (!called) inbox_->done.push_back({operation, false});
}

void OpendhtDirectory::Impl::start(Listen& listen) {
  const OperationId operation = listen.request.operation;
  guarded([&] {
    auto found = [inbox = inbox_, operation](const auto& values, bool expired) {
      if (!expired) inbox->add(operation, values);
      return true;
    };
    listen.token = dht_->listen(to_library(listen.request.key), ::dht::ValueCallback(found));
  });
}

/// Before the first node is known a search ends at once as failed, so everything waits for one.
/// Listens and puts first: a get on the same key delays their search by a round trip.
void OpendhtDirectory::Impl::start_waiting() {
  for (auto& [operation, listen] : listens_) {
    if (listen.token == 0) start(listen);
  }
  for (auto& [operation, put] : puts_) {
    if (!put.started) start(put);
  }
  for (auto& [operation, get] : gets_) {
    if (!get.started) start(get);
  }
}

void OpendhtDirectory::Impl::set_bootstrap(Now now, std::span<const Endpoint> endpoints) {
  bootstrap_.assign(endpoints.begin(), endpoints.end());
  if (connected_) return;
  enter_at_ = now.steady;
  enter_pause_ = kBootstrapRetryFirst;
  run(now);
}

void OpendhtDirectory::Impl::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  ++stats_.packets_in;
  stats_.bytes_in += datagram.size();
  const Inspection inspection = inspect_packet(datagram);
  if (!inspection.accepted()) {
    ++stats_.packets_refused;
    return;
  }
  if (inspection.kind == PacketKind::kReply) {
    last_reply_ = now.steady;
    probe_at_ = now.steady + kProbeAfterSilence;
    renew_at_ = now.steady + random_between(random_, kSilenceMax, kSilenceMax + kSilenceJitter);
  }
  run(now, &from, datagram);
}

void OpendhtDirectory::Impl::handle_timeout(Now now) {
  run(now);
}

/// One turn: time and perhaps a datagram into the library, then whatever follows from it.
void OpendhtDirectory::Impl::run(Now now, const Endpoint* from, ByteView datagram) {
  watch_silence(now);
  if (!dht_) return;
  if (!connected_ && now.steady >= enter_at_) enter_network(now);
  library_wake_ = now.steady + kWakeAfterException;
  const auto turn = [&](const std::uint8_t* data, std::size_t size, ::dht::SockAddr address) {
    guarded([&] {
      library_wake_ = std::max(dht_->periodic(data, size, std::move(address), now.steady),
                               now.steady + kWakeSoonest);
    });
  };
  if (from != nullptr) {
    turn(reinterpret_cast<const std::uint8_t*>(datagram.data()), datagram.size(),
         to_library(*from));
  } else {
    turn(nullptr, 0, {});
  }
  update_connectivity(now);
  give_up_waiting(now);
  collect();
}

void OpendhtDirectory::Impl::update_connectivity(Now now) {
  bool connected = false;
  guarded([&] {
    dht_->updateStatus(AF_INET);
    dht_->updateStatus(AF_INET6);
    connected = dht_->getStatus() == ::dht::NodeStatus::Connected;
  });
  if (connected == connected_) return;
  connected_ = connected;
  events_.push_back(ConnectivityChanged{connected});
  enter_at_ = now.steady;
  enter_pause_ = kBootstrapRetryFirst;
  if (!connected) return;
  was_connected_ = true;
  start_waiting();
  library_wake_ = now.steady;
}

/// Asks everyone who may let us in for a sign of life.
void OpendhtDirectory::Impl::enter_network(Now now) {
  for (const Endpoint& endpoint : bootstrap_) ping(endpoint);
  const auto& saved = options_.saved_nodes;
  for (std::size_t i = 0; i < std::min(saved.size(), kSavedNodesPerAttempt); ++i) {
    ping(saved[next_saved_++ % saved.size()].endpoint);
  }
  enter_at_ = now.steady + random_between(random_, enter_pause_, enter_pause_ + enter_pause_ / 4);
  enter_pause_ = std::min<Duration>(2 * enter_pause_, kBootstrapRetryLast);
}

void OpendhtDirectory::Impl::ping(const Endpoint& endpoint) {
  guarded([&] { dht_->pingNode(to_library(endpoint)); });
}

/// Probes neighbours that have been quiet, and makes the node anew when nobody answered.
void OpendhtDirectory::Impl::watch_silence(Now now) {
  if (was_connected_ && now.steady >= renew_at_) {
    fail_operations();
    renew(now);
    ++stats_.restarts;
    if (connected_) events_.push_back(ConnectivityChanged{false});
    connected_ = false;
    enter_at_ = now.steady;
    enter_pause_ = kBootstrapRetryFirst;
  } else if (connected_ && now.steady >= probe_at_) {
    probe_at_ = now.steady + kProbePause;
    probe_neighbours();
  }
  if (!dht_) renew(now);
}

void OpendhtDirectory::Impl::probe_neighbours() {
  const std::vector<KnownNode> nodes = known_nodes();
  for (std::size_t i = 0; i < std::min(nodes.size(), kProbeNodes); ++i) ping(nodes[i].endpoint);
}

void OpendhtDirectory::Impl::give_up_waiting(Now now) {
  const auto overdue = [&](const auto& entry) {
    return !entry.second.started && now.steady >= entry.second.give_up_at;
  };
  for (const auto& entry : puts_) {
    if (overdue(entry)) inbox_->done.push_back({entry.first, false});
  }
  for (const auto& entry : gets_) {
    if (overdue(entry)) inbox_->done.push_back({entry.first, false});
  }
}

void OpendhtDirectory::Impl::fail_operations() {
  for (const auto& [operation, put] : puts_) events_.push_back(PutDone{operation, false});
  for (const auto& [operation, get] : gets_) events_.push_back(GetDone{operation, false});
  puts_.clear();
  gets_.clear();
}

/// Turns what the callbacks left into events: values first, so that GetDone ends them.
void OpendhtDirectory::Impl::collect() {
  const std::vector<Inbox::Found> found = std::exchange(inbox_->found, {});
  const std::vector<Inbox::Done> done = std::exchange(inbox_->done, {});
  dropped_ += std::exchange(inbox_->dropped, 0);
  ValuesFound* open = nullptr;
  for (const Inbox::Found& each : found) {
    if (!gets_.contains(each.operation) && !listens_.contains(each.operation)) continue;
    const bool fits = open != nullptr && open->operation == each.operation &&
                      open->values.size() < kValuesPerEventMax;
    if (!fits) {
      if (value_events_ >= kValueEventsMax) {
        ++dropped_;
        continue;
      }
      ++value_events_;
      open = &std::get<ValuesFound>(events_.emplace_back(ValuesFound{each.operation, {}}));
    }
    open->values.push_back(each.value);
  }
  for (const Inbox::Done& each : done) finish(each);
}

void OpendhtDirectory::Impl::finish(const Inbox::Done& done) {
  if (puts_.erase(done.operation) > 0) events_.push_back(PutDone{done.operation, done.ok});
  if (gets_.erase(done.operation) > 0) events_.push_back(GetDone{done.operation, done.ok});
}

std::optional<TimePoint> OpendhtDirectory::Impl::next_timeout() const {
  if (!dht_) return renew_at_;
  std::optional<TimePoint> next = library_wake_;
  const auto earlier = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  if (connected_) earlier(probe_at_);
  if (was_connected_) earlier(renew_at_);
  if (!connected_ && !(bootstrap_.empty() && options_.saved_nodes.empty())) earlier(enter_at_);
  return next;
}

std::optional<Transmit> OpendhtDirectory::Impl::poll_transmit() {
  if (outbox_.datagrams.empty()) return std::nullopt;
  Transmit transmit = std::move(outbox_.datagrams.front());
  outbox_.datagrams.pop_front();
  return transmit;
}

std::optional<DirectoryEvent> OpendhtDirectory::Impl::poll_event() {
  if (events_.empty()) return std::nullopt;
  if (std::holds_alternative<ValuesFound>(events_.front())) --value_events_;
  const auto taken = [](auto& each) -> DirectoryEvent { return std::move(each); };
  DirectoryEvent event = std::visit(taken, events_.front());
  events_.pop_front();
  return event;
}

std::vector<KnownNode> OpendhtDirectory::Impl::known_nodes() const {
  std::vector<KnownNode> nodes;
  if (!dht_) return nodes;
  for (const ::dht::NodeExport& node : dht_->exportNodes()) {
    const auto endpoint = from_library(::dht::SockAddr(node.ss, node.sslen));
    if (endpoint) nodes.push_back({from_library(node.id), *endpoint});
  }
  return nodes;
}

DirectoryStats OpendhtDirectory::Impl::stats() const {
  DirectoryStats stats = stats_;
  stats.connected = connected_;
  stats.packets_out = outbox_.packets;
  stats.bytes_out = outbox_.bytes;
  if (!dht_) return stats;
  for (const auto family : {AF_INET, AF_INET6}) {
    const ::dht::NodeStats nodes = dht_->getNodesStats(static_cast<sa_family_t>(family));
    stats.good_nodes += nodes.good_nodes;
    stats.known_nodes += nodes.getKnownNodes();
  }
  const auto [bytes, values] = dht_->getStoreSize();
  stats.stored_bytes = bytes;
  stats.stored_values = values;
  return stats;
}

OpendhtDirectory::OpendhtDirectory(Now now, OpendhtOptions options, RandomSource& random)
    : impl_(std::make_unique<Impl>(now, std::move(options), random)) {}
OpendhtDirectory::~OpendhtDirectory() = default;

void OpendhtDirectory::request(Now now, DirectoryRequest request) {
  impl_->request(now, std::move(request));
}
void OpendhtDirectory::set_bootstrap(Now now, std::span<const Endpoint> endpoints) {
  impl_->set_bootstrap(now, endpoints);
}
void OpendhtDirectory::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  impl_->handle_datagram(now, from, datagram);
}
void OpendhtDirectory::handle_timeout(Now now) {
  impl_->handle_timeout(now);
}
std::optional<TimePoint> OpendhtDirectory::next_timeout() const {
  return impl_->next_timeout();
}
std::optional<Transmit> OpendhtDirectory::poll_transmit() {
  return impl_->poll_transmit();
}
std::optional<DirectoryEvent> OpendhtDirectory::poll_event() {
  return impl_->poll_event();
}
std::vector<KnownNode> OpendhtDirectory::known_nodes() const {
  return impl_->known_nodes();
}
DirectoryStats OpendhtDirectory::stats() const {
  return impl_->stats();
}
std::uint64_t OpendhtDirectory::library_exceptions() const {
  return impl_->exceptions_;
}
std::uint64_t OpendhtDirectory::dropped() const {
  return impl_->dropped();
}

}  // namespace kadwire::dht
