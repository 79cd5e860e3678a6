#include "tools/testnet/nodes/sim_ports.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "rendezvous/frame.h"
#include "rendezvous/stun_message.h"

namespace kadwire::testnet {
namespace {

/// A keepalive: WireGuard's data header and tag around nothing.
constexpr std::size_t kKeepaliveBytes = 32;
/// Above what programs are given.
constexpr std::uint16_t kSidePortFirst = 62'000;

bool is_beside_wireguard(ByteView datagram) {
  const TrafficKind kind = wireguard_port_traffic(datagram);
  return kind == TrafficKind::kRendezvous || kind == TrafficKind::kStun;
}

}  // namespace

void SimScheduler::wake_at(TimePoint when, std::function<void()> wake) {
  wake_ = std::move(wake);
  due_ = when;
  if (!armed_ || due_ < *armed_) arm();
}

void SimScheduler::arm() {
  const TimePoint now = host_.now().steady;
  armed_ = std::max(due_, now);
  lifetime_.renew();
  host_.after(*armed_ - now, lifetime_.guard([this] { fire(); }));
}

void SimScheduler::fire() {
  armed_.reset();
  if (!wake_) return;
  if (host_.now().steady < due_) return arm();
  const auto wake = std::exchange(wake_, nullptr);
  wake();
}

TrafficKind wireguard_port_traffic(ByteView datagram) {
  if (rendezvous::looks_like_frame(datagram)) return TrafficKind::kRendezvous;
  if (rendezvous::parse_stun(datagram)) return TrafficKind::kStun;
  const bool data = !datagram.empty() && datagram.front() == std::byte{4};
  if (!data) return TrafficKind::kHandshake;
  return datagram.size() == kKeepaliveBytes ? TrafficKind::kKeepalive : TrafficKind::kData;
}

void SimSocket::start(Handler handler) {
  host_.open_port(port_, classify_, [handler = std::move(handler)](const Packet& packet) {
    handler(packet.from, packet.payload);
  });
}

/// An answer to whoever was heard last leaves from the address that it came to, as in production.
void SimWireguardPort::send(const PortTransmit& transmit) {
  const std::uint16_t from = transmit.from_port == 0 ? listen_port_ : transmit.from_port;
  SourceChoice source;
  if (transmit.transmit.to == last_sender_ && from == last_arrival_.port &&
      host_.has(last_arrival_.address)) {
    source.address = last_arrival_.address;
  }
  host_.send(from, transmit.transmit, source);
}

SimStunPort::~SimStunPort() {
  host_.close_port(port_);
  host_.close_port(second());
}

void SimStunPort::start(Handler handler) {
  host_.open_port(port_, classify_, [this, handler](const Packet& packet) {
    handler(packet.from, {packet.to, second()}, packet.payload);
  });
  host_.open_port(second(), classify_, [handler](const Packet& packet) {
    handler(packet.from, {packet.to, 0}, packet.payload);
  });
}

SimWireguardPort::~SimWireguardPort() {
  if (!side_ports_open_) return;
  for (std::uint16_t i = 0; i < rendezvous::kSidePorts; ++i) {
    host_.close_port(static_cast<std::uint16_t>(kSidePortFirst + i));
  }
}

tl::expected<std::uint16_t, std::string> SimWireguardPort::open_side_ports() {
  assert(!side_ports_open_);
  side_ports_open_ = true;
  for (std::uint16_t i = 0; i < rendezvous::kSidePorts; ++i) {
    const auto port = static_cast<std::uint16_t>(kSidePortFirst + i);
    host_.open_port(port, wireguard_port_traffic, [this](const Packet& packet) {
      if (!handle_datagram(packet)) wireguard_(packet);
    });
  }
  return kSidePortFirst;
}

std::uint16_t SimWireguardPort::source_towards(const Endpoint& to) const {
  const auto tie = std::ranges::find(ties_, to, &rendezvous::FlowTie::to);
  return tie == ties_.end() ? listen_port_ : tie->from_port;
}

bool SimWireguardPort::handle_datagram(const Packet& packet) {
  if (!is_beside_wireguard(packet.payload)) return false;
  last_sender_ = packet.from;
  last_arrival_ = packet.to;
  if (handler_) handler_(packet.from, packet.to.port, packet.payload);
  return true;
}

void SimLanPort::start(Handler handler) {
  host_.open_port(kLanPort, wireguard_port_traffic,
                  [handler = std::move(handler)](const Packet& packet) {
                    handler(packet.from, packet.payload);
                  });
}

SimRelayPorts::~SimRelayPorts() {
  for (const auto& [id, pair] : pairs_) host_.close_port(pair.port);
}

std::uint16_t SimRelayPorts::open(rendezvous::RelayId id) {
  const std::uint16_t port = next_port_++;
  pairs_[id] = {port, {}, {}, host_.now().steady};
  host_.open_port(port, wireguard_port_traffic,
                  [this, id](const Packet& packet) { receive(id, packet); });
  watch(id);
  return port;
}

void SimRelayPorts::join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) {
  Pair& pair = pairs_.at(id);
  for (const auto& [end, at] : {std::pair(&pair.a, a), std::pair(&pair.b, b)}) {
    const auto binder = std::ranges::find(pair.binders, at, &End::at);
    *end = binder == pair.binders.end() ? End{at, {}} : *binder;
  }
}

void SimRelayPorts::send(rendezvous::RelayId id, const Endpoint& to, ByteView frame) {
  const auto pair = pairs_.find(id);
  if (pair == pairs_.end()) return;
  const auto binder = std::ranges::find(pair->second.binders, to, &End::at);
  send_from(pair->second, binder == pair->second.binders.end() ? End{to, {}} : *binder, frame);
}

/// From the address that the end knows, if it is still there.
void SimRelayPorts::send_from(const Pair& pair, const End& to, ByteView datagram) {
  SourceChoice source;
  if (host_.has(to.reached)) source.address = to.reached;
  host_.send(pair.port, {to.at, Bytes(datagram.begin(), datagram.end())}, source);
}

void SimRelayPorts::remember_binder(Pair& pair, const Packet& bind) {
  std::erase_if(pair.binders, [&](const End& each) { return each.at == bind.from; });
  if (pair.binders.size() == kBindersMax) pair.binders.erase(pair.binders.begin());
  pair.binders.push_back({bind.from, bind.to.address});
}

void SimRelayPorts::close(rendezvous::RelayId id) {
  const auto pair = pairs_.find(id);
  if (pair == pairs_.end()) return;
  host_.close_port(pair->second.port);
  pairs_.erase(pair);
}

void SimRelayPorts::receive(rendezvous::RelayId id, const Packet& packet) {
  Pair& pair = pairs_.at(id);
  if (rendezvous::looks_like_bind(packet.payload)) {
    ++counters_.binds;
    remember_binder(pair, packet);
    return handlers_.bind(id, packet.from, packet.payload);
  }
  if (pair.a.at.port == 0 || (packet.from != pair.a.at && packet.from != pair.b.at)) {
    ++counters_.foreign;
    return;
  }
  End& from = packet.from == pair.a.at ? pair.a : pair.b;
  from.reached = packet.to.address;
  ++counters_.forwarded;
  counters_.forwarded_bytes += packet.payload.size();
  pair.used = host_.now().steady;
  send_from(pair, &from == &pair.a ? pair.b : pair.a, packet.payload);
}

void SimRelayPorts::watch(rendezvous::RelayId id) {
  host_.after(node::kRelayIdle, lifetime_.guard([this, id] {
    const auto pair = pairs_.find(id);
    if (pair == pairs_.end()) return;
    if (host_.now().steady - pair->second.used >= node::kRelayIdle) return handlers_.idle(id);
    watch(id);
  }));
}

std::vector<rendezvous::LocalAddress> local_addresses(const Internet& internet, HostId host) {
  constexpr std::array<std::string_view, 3> kNames = {"eth0", "wlan0", "docker0"};
  std::vector<rendezvous::LocalAddress> addresses;
  for (const HostAddress& own : internet.addresses(host)) {
    rendezvous::LocalAddress address;
    address.prefix = own.prefix;
    address.interface = kNames.at(static_cast<std::size_t>(own.interface));
    address.deprecated = own.deprecated;
    address.temporary = own.temporary;
    address.bridge = own.interface == InterfaceId::kBridge;
    addresses.push_back(std::move(address));
  }
  return addresses;
}

void SimMonitor::start(Handler handler) {
  handler_ = std::move(handler);
  announce();
}

void SimMonitor::announce() {
  host_.after(0s, lifetime_.guard([this] {
    node::NetworkState state;
    state.addresses = local_addresses(host_.internet(), host_.id());
    state.gateways = host_.internet().gateway_addresses(host_.id());
    handler_(state);
  }));
}

}  // namespace kadwire::testnet
