#include "node/adapters/udp_relay_ports.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <asio/posix/stream_descriptor.hpp>

#include "node/adapters/datagram_batch.h"
#include "node/adapters/receive_loop.h"
#include "node/adapters/udp_binding.h"
#include "rendezvous/frame.h"

namespace kadwire::node {
namespace {

/// A pair is joined after the binds of both ends, between which strangers' may come. Who is
/// forgotten is answered from the address that routing chooses, until it sends again.
constexpr std::size_t kBindersMax = 8;
/// Ports of the operator's that are tried for one pair: all of ours may lie in front of a free one.
constexpr int kPortAttemptsMax = 2 * static_cast<int>(rendezvous::kRelayedPairsMax);
static_assert(rendezvous::kRelayBurstMin >= 2 * kRunBytesMax, "or no run would ever pass");

/// Which of the run's datagrams is one.
std::optional<std::size_t> first_bind(const DatagramRun& run) {
  for (std::size_t i = 0; i < run.datagrams(); ++i) {
    if (rendezvous::looks_like_bind(run.datagram(i))) return i;
  }
  return std::nullopt;
}

}  // namespace

/// One pair's port: a socket for each family that the host has.
struct UdpRelayPorts::Port {
  struct Leg {
    Leg(asio::io_context& context, AddressFamily its_family)
        : family(its_family), descriptor(context) {}
    AddressFamily family;
    asio::posix::stream_descriptor descriptor;
    DepartureBatch* departures = nullptr;
  };
  struct End {
    Endpoint at;
    std::optional<IpAddress> reached;  ///< the address of this host that it sends to
    TimePoint heard;
  };

  /// False if the system lacks what it takes: the socket's options, room in the event loop.
  [[nodiscard]] bool add_leg(BoundSocket bound);
  [[nodiscard]] End* end_at(const Endpoint& endpoint);
  [[nodiscard]] End make_end(TimePoint now, const Endpoint& at);
  [[nodiscard]] Leg* leg_of(AddressFamily family) const;
  void remember_binder(TimePoint now, const Endpoint& from, const IpAddress& reached);
  void close();

  rendezvous::RelayId id = 0;
  std::uint16_t number = 0;  ///< the port's
  std::shared_ptr<Shared> shared;
  std::vector<std::unique_ptr<Leg>> legs;  ///< never empty, never changed
  std::optional<std::array<End, 2>> ends;  ///< nullopt: not joined yet
  std::array<End, kBindersMax> binders;
  std::size_t next_binder = 0;
  rendezvous::TokenBucket binds;
  TimePoint used;  ///< when something was last forwarded, or the port opened
  bool told_idle = false;
  bool closed = false;
};

UdpRelayPorts::Port::End* UdpRelayPorts::Port::end_at(const Endpoint& endpoint) {
  if (!ends) return nullptr;
  const auto end = std::ranges::find(*ends, endpoint, &End::at);
  return end == ends->end() ? nullptr : &*end;
}

/// Who becomes an end has just been heard.
UdpRelayPorts::Port::End UdpRelayPorts::Port::make_end(TimePoint now, const Endpoint& at) {
  if (const End* same = end_at(at)) return *same;
  const auto binder = std::ranges::find(binders, at, &End::at);
  return {at, binder == binders.end() ? std::nullopt : binder->reached, now};
}

UdpRelayPorts::Port::Leg* UdpRelayPorts::Port::leg_of(AddressFamily family) const {
  const auto leg = std::ranges::find(legs, family, &Leg::family);
  return leg == legs.end() ? nullptr : leg->get();
}

void UdpRelayPorts::Port::remember_binder(TimePoint now, const Endpoint& from,
                                          const IpAddress& reached) {
  const End binder{from, reached, now};
  if (End* end = end_at(from)) *end = binder;
  const auto known = std::ranges::find(binders, from, &End::at);
  (known != binders.end() ? *known : binders[next_binder++ % kBindersMax]) = binder;
}

void UdpRelayPorts::Port::close() {
  closed = true;
  for (const auto& leg : legs) {
    std::error_code ignored;
    leg->descriptor.close(ignored);
  }
}

/// What the ports have in common. One batch is served at a time, so its memory is needed once.
struct UdpRelayPorts::Shared : std::enable_shared_from_this<Shared> {
  Shared(asio::io_context& loop, Scheduler& clock, const RelayPortOptions& chosen)
      : context(loop), scheduler(clock), options(chosen), meter(chosen.limits) {}

  /// nullptr: none could be had.
  std::shared_ptr<Port> open(rendezvous::RelayId id);
  std::optional<std::vector<BoundSocket>> bind_port();
  /// One batch; false if there is no more.
  bool serve(Port& port, Port::Leg& leg);
  void handle_arrival(TimePoint now, Port& port, const Arrival& arrival);
  void handle_bind(TimePoint now, Port& port, const Arrival& arrival, ByteView frame);
  void forward(TimePoint now, Port& port, const Arrival& arrival, const DatagramRun& run);
  void flush(Port& port);
  void watch_for_idleness();
  void tell_idle();

  asio::io_context& context;
  Scheduler& scheduler;
  RelayPortOptions options;
  Handlers handlers;
  RelayCounters counters;
  std::map<rendezvous::RelayId, std::shared_ptr<Port>> ports;
  std::uint16_t next_offset = 0;  ///< in the range of ports
  rendezvous::RelayMeter meter;
  ArrivalBatch arrivals;
  std::array<DepartureBatch, 2> departures;  ///< by family; empty between two batches
};

bool UdpRelayPorts::Port::add_leg(BoundSocket bound) {
  const AddressFamily family = bound.local.address.family();
  if (!prepare_for_batches(bound.fd.get(), family)) return false;
  enlarge_send_buffer(bound.fd.get(), kRelayBufferBytes);
  auto leg = std::make_unique<Leg>(shared->context, family);
  leg->departures = &shared->departures[family == AddressFamily::kIpv4 ? 0 : 1];
  std::error_code refused;
  leg->descriptor.assign(bound.fd.get(), refused);
  if (refused) return false;
  (void)bound.fd.release();  // the descriptor owns it now
  legs.push_back(std::move(leg));
  return true;
}

std::optional<std::vector<BoundSocket>> UdpRelayPorts::Shared::bind_port() {
  const int attempts = options.count == 0 ? 1 : std::min<int>(options.count, kPortAttemptsMax);
  for (int i = 0; i < attempts; ++i) {
    std::uint16_t port = 0;
    if (options.count != 0) {
      port = static_cast<std::uint16_t>(options.first + next_offset);
      next_offset = static_cast<std::uint16_t>((next_offset + 1) % options.count);
    }
    auto sockets = bind_udp_on_every_family(port, kRelayBufferBytes);
    if (sockets) return std::move(*sockets);
  }
  return std::nullopt;
}

std::shared_ptr<UdpRelayPorts::Port> UdpRelayPorts::Shared::open(rendezvous::RelayId id) {
  if (ports.size() == rendezvous::kRelayedPairsMax) return nullptr;
  auto sockets = bind_port();
  if (!sockets) return nullptr;
  auto port = std::make_shared<Port>();
  port->id = id;
  port->number = sockets->front().local.port;
  port->shared = shared_from_this();
  port->used = scheduler.now().steady;
  for (BoundSocket& bound : *sockets) {
    if (!port->add_leg(std::move(bound))) return nullptr;
  }
  ports.emplace(id, port);
  return port;
}

bool UdpRelayPorts::Shared::serve(Port& port, Port::Leg& leg) {
  const std::size_t received = arrivals.receive(leg.descriptor.native_handle());
  const TimePoint now = scheduler.now().steady;
  for (std::size_t i = 0; i < received && !port.closed; ++i) {
    const auto arrival = arrivals.at(i);
    if (arrival) handle_arrival(now, port, *arrival);
  }
  flush(port);
  return received == kBatchMax;
}

void UdpRelayPorts::Shared::handle_arrival(TimePoint now, Port& port, const Arrival& arrival) {
  // Nearly every run holds no bind and goes on whole; one that does goes on in parts.
  DatagramRun left = arrival.run;
  while (const auto bind = first_bind(left)) {
    const ByteView frame = left.datagram(*bind);
    const auto before = static_cast<std::size_t>(frame.data() - left.bytes.data());
    if (*bind > 0) forward(now, port, arrival, {left.bytes.first(before), left.datagram_bytes});
    handle_bind(now, port, arrival, frame);
    left.bytes = left.bytes.subspan(before + frame.size());
    if (left.bytes.empty() || port.closed) return;
  }
  forward(now, port, arrival, left);
}

void UdpRelayPorts::Shared::handle_bind(TimePoint now, Port& port, const Arrival& arrival,
                                        ByteView frame) {
  if (!port.binds.take(now, kRelayBindRate)) {
    ++counters.binds_over_rate;
    return;
  }
  ++counters.binds;
  port.remember_binder(now, arrival.from, arrival.at);
  flush(port);  // what came before belongs to the ends as they were
  handlers.bind(port.id, arrival.from, frame);
}

void UdpRelayPorts::Shared::forward(TimePoint now, Port& port, const Arrival& arrival,
                                    const DatagramRun& run) {
  const std::size_t packets = run.datagrams();
  Port::End* from = port.end_at(arrival.from);
  if (from == nullptr) {
    counters.foreign += packets;
    return;
  }
  from->reached = arrival.at;
  from->heard = now;
  if (run.datagram(0).size() > kRelayedBytesMax) {
    counters.too_large += packets;
    return;
  }
  const Port::End& to = from == &port.ends->front() ? port.ends->back() : port.ends->front();
  if (now - to.heard > kRelayEndSilence) {
    counters.unheard += packets;
    return;
  }
  Port::Leg* leg = port.leg_of(to.at.address.family());
  if (leg == nullptr) {
    counters.send_failed += packets;
    return;
  }
  if (!meter.take(now, run.bytes.size())) {
    counters.over_rate += packets;
    return;
  }
  port.used = now;
  if (leg->departures->full()) flush(port);
  leg->departures->add({to.at, to.reached, run});
}

void UdpRelayPorts::Shared::flush(Port& port) {
  for (const auto& leg : port.legs) {
    if (leg->departures->empty()) continue;
    const SendResult result = leg->departures->send(leg->descriptor.native_handle());
    counters.forwarded += result.packets;
    counters.forwarded_bytes += result.bytes;
    counters.send_failed += result.failed;
  }
}

void UdpRelayPorts::Shared::watch_for_idleness() {
  std::optional<TimePoint> due;
  for (const auto& [id, port] : ports) {
    if (!port->told_idle) due = std::min(due.value_or(TimePoint::max()), port->used + kRelayIdle);
  }
  if (!due) return scheduler.cancel();
  scheduler.wake_at(*due, [weak = weak_from_this()] {
    if (const auto shared = weak.lock()) shared->tell_idle();
  });
}

void UdpRelayPorts::Shared::tell_idle() {
  const TimePoint now = scheduler.now().steady;
  std::vector<rendezvous::RelayId> idle;
  for (const auto& [id, port] : ports) {
    if (port->told_idle || now - port->used < kRelayIdle) continue;
    port->told_idle = true;
    idle.push_back(id);
  }
  watch_for_idleness();
  for (const rendezvous::RelayId id : idle) {
    if (ports.contains(id)) handlers.idle(id);  // the handler may close others
  }
}

UdpRelayPorts::UdpRelayPorts(asio::io_context& context, Scheduler& scheduler,
                             const RelayPortOptions& options)
    : shared_(std::make_shared<Shared>(context, scheduler, options)) {
  assert(options.first + options.count <= 0x10000);
}

UdpRelayPorts::~UdpRelayPorts() {
  for (const auto& [id, port] : shared_->ports) port->close();
  shared_->ports.clear();  // they hold what holds them
  shared_->scheduler.cancel();
}

void UdpRelayPorts::start(Handlers handlers) {
  assert(!shared_->handlers.bind && handlers.bind && handlers.idle);
  shared_->handlers = std::move(handlers);
}

std::uint16_t UdpRelayPorts::open(rendezvous::RelayId id) {
  assert(shared_->handlers.bind && !shared_->ports.contains(id));
  const auto port = shared_->open(id);
  if (!port) {
    ++shared_->counters.open_failed;
    return 0;
  }
  for (const auto& leg : port->legs) {
    keep_receiving(
        port, leg->descriptor,
        [port = port.get(), leg = leg.get()] { return port->shared->serve(*port, *leg); },
        kRelayBatchesPerWakeUp);
  }
  shared_->watch_for_idleness();
  return port->number;
}

void UdpRelayPorts::join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) {
  const auto found = shared_->ports.find(id);
  assert(found != shared_->ports.end());
  Port& port = *found->second;
  const TimePoint now = shared_->scheduler.now().steady;
  port.ends = {port.make_end(now, a), port.make_end(now, b)};
}

void UdpRelayPorts::send(rendezvous::RelayId id, const Endpoint& to, ByteView frame) {
  const auto found = shared_->ports.find(id);
  if (found == shared_->ports.end()) return;
  Port& port = *found->second;
  Port::Leg* leg = port.leg_of(to.address.family());
  if (leg == nullptr) {
    ++shared_->counters.send_failed;
    return;
  }
  const auto binder = std::ranges::find(port.binders, to, &Port::End::at);
  const auto source = binder == port.binders.end() ? std::nullopt : binder->reached;
  assert(leg->departures->empty() && "flushed before handlers are called");
  leg->departures->add({to, source, {frame, frame.size()}});
  const SendResult result = leg->departures->send(leg->descriptor.native_handle());
  shared_->counters.send_failed += result.failed;
}

void UdpRelayPorts::close(rendezvous::RelayId id) {
  const auto found = shared_->ports.find(id);
  if (found == shared_->ports.end()) return;
  found->second->close();
  shared_->ports.erase(found);
}

const RelayCounters& UdpRelayPorts::counters() const {
  return shared_->counters;
}

rendezvous::RelayTraffic UdpRelayPorts::traffic() const {
  return shared_->meter.traffic(shared_->scheduler.now().steady);
}

}  // namespace kadwire::node
