#include "tools/testnet/nodes/sim_ports.h"

#include <algorithm>
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

void SimWireguardPort::send(const PortTransmit& transmit) {
  const std::uint16_t from = transmit.from_port == 0 ? listen_port_ : transmit.from_port;
  host_.send(from, transmit.transmit);
}

void SimStunPort::start(Handler handler) {
  first_.start([this, handler](const Endpoint& from, ByteView datagram) {
    const IpAddress own = own_address(from.address.family());
    handler(from, {{own, first_.local_port()}, second_.local_port()}, datagram);
  });
  second_.start([this, handler](const Endpoint& from, ByteView datagram) {
    const IpAddress own = own_address(from.address.family());
    handler(from, {{own, second_.local_port()}, 0}, datagram);
  });
}

void SimStunPort::send(const rendezvous::StunReply& reply) {
  (reply.source.port == second_.local_port() ? second_ : first_).send(reply.transmit);
}

IpAddress SimStunPort::own_address(AddressFamily family) const {
  for (const Prefix& own : host_.internet().addresses(host_.id())) {
    if (own.address.family() == family) return own.address;
  }
  return {};
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
    host_.open_port(port, wireguard_port_traffic,
                    [this, port](const Endpoint& from, ByteView datagram) {
                      if (!is_beside_wireguard(datagram)) return wireguard_(from, datagram);
                      if (handler_) handler_(from, port, datagram);
                    });
  }
  return kSidePortFirst;
}

std::uint16_t SimWireguardPort::source_towards(const Endpoint& to) const {
  const auto tie = std::ranges::find(ties_, to, &rendezvous::FlowTie::to);
  return tie == ties_.end() ? listen_port_ : tie->from_port;
}

bool SimWireguardPort::handle_datagram(const Endpoint& from, ByteView datagram) {
  if (!is_beside_wireguard(datagram)) return false;
  if (handler_) handler_(from, listen_port_, datagram);
  return true;
}

void SimLanPort::start(Handler handler) {
  host_.open_port(kLanPort, wireguard_port_traffic, std::move(handler));
}

SimRelayPorts::~SimRelayPorts() {
  for (const auto& [id, pair] : pairs_) host_.close_port(pair.port);
}

std::uint16_t SimRelayPorts::open(rendezvous::RelayId id) {
  const std::uint16_t port = next_port_++;
  pairs_[id] = {port, {}, {}, host_.now().steady};
  host_.open_port(
      port, wireguard_port_traffic,
      [this, id](const Endpoint& from, ByteView datagram) { receive(id, from, datagram); });
  watch(id);
  return port;
}

void SimRelayPorts::join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) {
  Pair& pair = pairs_.at(id);
  pair.a = a;
  pair.b = b;
}

void SimRelayPorts::send(rendezvous::RelayId id, const Endpoint& to, ByteView frame) {
  const auto pair = pairs_.find(id);
  if (pair == pairs_.end()) return;
  host_.send(pair->second.port, {to, Bytes(frame.begin(), frame.end())});
}

void SimRelayPorts::close(rendezvous::RelayId id) {
  const auto pair = pairs_.find(id);
  if (pair == pairs_.end()) return;
  host_.close_port(pair->second.port);
  pairs_.erase(pair);
}

void SimRelayPorts::receive(rendezvous::RelayId id, const Endpoint& from, ByteView datagram) {
  Pair& pair = pairs_.at(id);
  if (rendezvous::looks_like_bind(datagram)) {
    ++counters_.binds;
    return handlers_.bind(id, from, datagram);
  }
  if (pair.a.port == 0 || (from != pair.a && from != pair.b)) {
    ++counters_.foreign;
    return;
  }
  ++counters_.forwarded;
  counters_.forwarded_bytes += datagram.size();
  pair.used = host_.now().steady;
  host_.send(pair.port,
             {from == pair.a ? pair.b : pair.a, Bytes(datagram.begin(), datagram.end())});
}

void SimRelayPorts::watch(rendezvous::RelayId id) {
  host_.after(node::kRelayIdle, lifetime_.guard([this, id] {
    const auto pair = pairs_.find(id);
    if (pair == pairs_.end()) return;
    if (host_.now().steady - pair->second.used >= node::kRelayIdle) return handlers_.idle(id);
    watch(id);
  }));
}

void SimMonitor::start(Handler handler) {
  handler_ = std::move(handler);
  announce();
}

void SimMonitor::announce() {
  host_.after(0s, lifetime_.guard([this] {
    node::NetworkState state;
    for (const Prefix& prefix : host_.internet().addresses(host_.id())) {
      rendezvous::LocalAddress address;
      address.prefix = prefix;
      address.interface = "eth0";
      state.addresses.push_back(std::move(address));
    }
    if (const auto gateway = host_.internet().gateway_address(host_.id())) {
      state.gateways.push_back(*gateway);
    }
    handler_(state);
  }));
}

}  // namespace kadwire::testnet
