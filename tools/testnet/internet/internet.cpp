#include "tools/testnet/internet/internet.h"

#include <cassert>
#include <utility>

#include "tools/testnet/internet/partitions.h"
#include "tools/testnet/internet/passages.h"

namespace kadwire::testnet {
namespace {

/// Between two stations of one LAN, switch or access point included.
constexpr Duration kLanLatency = 300us;

std::uint32_t index_of(HostId host) {
  return static_cast<std::uint32_t>(host);
}
std::uint32_t index_of(GatewayId gateway) {
  return static_cast<std::uint32_t>(gateway);
}

std::vector<std::uint32_t> indexes_of(std::span<const HostId> hosts) {
  std::vector<std::uint32_t> indexes;
  for (const HostId host : hosts) indexes.push_back(index_of(host));
  return indexes;
}

/// Why a packet does not get into a host, its firewall left aside. One under its own address that
/// it did not send itself, it takes for a forgery: two of its LANs may number their hosts alike.
Drop receiving_fault(const HostState& host, const Packet& packet, bool from_itself, bool cut_off) {
  if (!host.has(packet.to.address)) return Drop::kNoRoute;
  if (!from_itself && host.has(packet.from.address)) return Drop::kNoRoute;
  if (cut_off) return Drop::kPartition;
  if (host.options.udp_blocked) return Drop::kUdpBlocked;
  return host.up && host.receiver ? Drop::kNone : Drop::kHostDown;
}

}  // namespace

struct Internet::State {
  State(EventQueue& queue_in, std::uint64_t seed) : queue(queue_in), topology(seed) {}

  void send(Flight flight);
  void enter(Flight flight);
  void deliver(Flight flight, std::uint32_t host);
  void send_to_gateway(Flight flight, std::uint32_t index);
  void answer_as_gateway(std::uint32_t index, const Flight& asking);
  void send_from_gateway(std::uint16_t from_port, Station host, std::uint16_t to_port,
                         Bytes payload);
  void send_to_lan(Station from, std::uint16_t port, const Bytes& payload);
  void restart_service(std::uint32_t index);
  void finish(const Flight& flight, Drop fate);
  [[nodiscard]] Drop admit(std::uint32_t index, const Flight& flight);
  [[nodiscard]] Duration turn_latency(Station sender, const Turn& turn) const;
  [[nodiscard]] std::optional<Packet> trial(std::uint32_t from, std::uint16_t from_port,
                                            std::uint32_t target, const Endpoint& to) const;

  EventQueue& queue;
  Topology topology;
  Partitions partitions;
  Observer observer;
  std::array<std::uint64_t, kDropKinds> fates{};
  Lifetime lifetime;
};

/// The sender's side: everything up to the core or the LAN, and how long until the receiver's.
void Internet::State::send(Flight flight) {
  if (topology.host(flight.sender.index).has(flight.packet.to.address)) {
    queue.after(0ns, lifetime.guard([this, flight = std::move(flight)]() mutable {
      const std::uint32_t host = flight.sender.index;
      deliver(std::move(flight), host);
    }));
    return;
  }
  if (topology.gateway_v4(flight.sender) == flight.packet.to.address) {
    const std::uint32_t gateway = *topology.interface(flight.sender).behind;
    return send_to_gateway(std::move(flight), gateway);
  }
  LivePassage passage(topology, queue.now(), flight);
  const auto turn = route_out(topology, passage, flight.sender, flight.packet);
  if (!turn) return finish(flight, turn.error());
  flight.station = turn->to;
  const Duration delay = passage.delay() + turn_latency(flight.sender, *turn);
  const auto schedule = [this, delay](Flight each) {
    queue.after(delay, lifetime.guard(
                           [this, each = std::move(each)]() mutable { enter(std::move(each)); }));
  };
  if (passage.duplicated()) schedule(flight);
  schedule(std::move(flight));
}

/// The receiver's side, from the first gateway or the host itself.
void Internet::State::enter(Flight flight) {
  LivePassage passage(topology, queue.now(), flight);
  const auto host = route_in(topology, passage, flight.station, flight.packet);
  if (!host) return finish(flight, host.error());
  const auto schedule = [this, host = *host, delay = passage.delay()](Flight each) {
    queue.after(delay, lifetime.guard([this, host, each = std::move(each)]() mutable {
      deliver(std::move(each), host);
    }));
  };
  if (passage.duplicated()) schedule(flight);
  if (passage.delay() > 0ns) return schedule(std::move(flight));
  deliver(std::move(flight), *host);
}

void Internet::State::deliver(Flight flight, std::uint32_t host) {
  const Drop fate = admit(host, flight);
  finish(flight, fate);
  if (fate == Drop::kNone) topology.host(host).receiver(flight.packet);
}

/// The packet is for the gateway itself, where nothing listens but the mapping service.
void Internet::State::send_to_gateway(Flight flight, std::uint32_t index) {
  LivePassage passage(topology, queue.now(), flight);
  const Drop drop = passage.leave_host(flight.sender, flight.packet);
  if (drop != Drop::kNone) return finish(flight, drop);
  queue.after(passage.delay() + kLanLatency,
              lifetime.guard(
                  [this, index, flight = std::move(flight)] { answer_as_gateway(index, flight); }));
}

void Internet::State::answer_as_gateway(std::uint32_t index, const Flight& asking) {
  GatewayState& gateway = topology.gateway(index);
  const Packet& packet = asking.packet;
  const bool heard = gateway.mapping_service.model().listens() && packet.to.port == kMappingPort;
  finish(asking, heard ? Drop::kNone : Drop::kHostDown);
  if (!heard) return;
  auto answer = gateway.mapping_service.answer(queue.now(), packet.from, packet.payload,
                                               gateway.nat, gateway.v4);
  if (answer) send_from_gateway(kMappingPort, asking.sender, packet.from.port, std::move(*answer));
}

/// Counted as the receiver's own: a gateway is no host.
void Internet::State::send_from_gateway(std::uint16_t from_port, Station host,
                                        std::uint16_t to_port, Bytes payload) {
  const auto gateway = topology.gateway_v4(host);
  if (!gateway) return;  // it has moved away
  const IpAddress to = *topology.interface(host).main_address(AddressFamily::kIpv4);
  Flight flight{.packet = {{*gateway, from_port}, {to, to_port}, std::move(payload)},
                .sender = host,
                .station = {},
                .destination = to};
  queue.after(kLanLatency, lifetime.guard([this, flight = std::move(flight)]() mutable {
    const std::uint32_t receiver = flight.sender.index;
    deliver(std::move(flight), receiver);
  }));
}

/// The gateway has lost its mappings, and says so to everyone on its LAN.
void Internet::State::restart_service(std::uint32_t index) {
  GatewayState& gateway = topology.gateway(index);
  gateway.mapping_service.restart(queue.now());
  for (const Bytes& news : gateway.mapping_service.announcements(queue.now(), gateway.v4)) {
    for (const Station& host : topology.hosts_behind(index)) {
      send_from_gateway(kMappingPort, host, kMappingAnnouncementPort, news);
    }
  }
}

/// By one interface, in IPv4 if it can.
void Internet::State::send_to_lan(Station from, std::uint16_t port, const Bytes& payload) {
  const InterfaceState& sender = topology.interface(from);
  const bool v4 = sender.has_family(AddressFamily::kIpv4);
  const AddressFamily family = v4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  const IpAddress* source = sender.source(family);
  if (source == nullptr) return;
  for (const Station& other : topology.gateway(*sender.behind).lan.hosts()) {
    const IpAddress* to = topology.interface(other).main_address(family);
    if (other.index == from.index || to == nullptr) continue;
    Flight flight{.packet = {.from = {*source, port}, .to = {*to, port}, .payload = payload},
                  .sender = from,
                  .station = {},
                  .destination = *to};
    queue.after(kLanLatency,
                lifetime.guard([this, host = other.index, flight = std::move(flight)]() mutable {
                  deliver(std::move(flight), host);
                }));
  }
}

Drop Internet::State::admit(std::uint32_t index, const Flight& flight) {
  HostState& host = topology.host(index);
  const Packet& packet = flight.packet;
  const bool cut_off = partitions.separate(flight.sender.index, index);
  const bool from_itself = flight.sender.index == index;
  const Drop fault = receiving_fault(host, packet, from_itself, cut_off);
  if (fault != Drop::kNone) return fault;
  if (host.has(packet.from.address)) return Drop::kNone;  // never left the host
  if (host.dice.chance(host.inbound_loss)) return Drop::kLoss;
  const bool admitted = host.firewall.handle_inbound(queue.now(), packet.to, packet.from);
  return admitted ? Drop::kNone : Drop::kFirewall;
}

void Internet::State::finish(const Flight& flight, Drop fate) {
  ++fates.at(static_cast<std::size_t>(fate));
  if (observer) observer(HostId{flight.sender.index}, flight.packet, fate);
}

Duration Internet::State::turn_latency(Station sender, const Turn& turn) const {
  const Duration way =
      turn.in_lan ? kLanLatency : topology.core_latency(topology.core_station(sender), turn.to);
  return way + topology.access_latency(turn.to);
}

Internet::Internet(EventQueue& queue, std::uint64_t seed)
    : state_(std::make_unique<State>(queue, seed)) {}

Internet::~Internet() = default;

void Internet::set_observer(Observer observer) {
  state_->observer = std::move(observer);
}

GatewayId Internet::add_gateway(const GatewayOptions& options) {
  return GatewayId{state_->topology.add_gateway(options)};
}

HostId Internet::add_host(const HostOptions& options) {
  return HostId{state_->topology.add_host(options)};
}

void Internet::set_receiver(HostId host, Receiver receiver) {
  state_->topology.host(index_of(host)).receiver = std::move(receiver);
}

std::vector<HostAddress> Internet::addresses(HostId host) const {
  std::vector<HostAddress> addresses;
  for (const InterfaceState& each : state_->topology.host(index_of(host)).interfaces) {
    if (!each.up) continue;
    addresses.insert(addresses.end(), each.addresses.begin(), each.addresses.end());
  }
  return addresses;
}

bool Internet::has(HostId host, const IpAddress& address) const {
  return state_->topology.host(index_of(host)).has(address);
}

std::vector<IpAddress> Internet::gateway_addresses(HostId host) const {
  std::vector<IpAddress> gateways;
  for (const InterfaceState& each : state_->topology.host(index_of(host)).interfaces) {
    const auto gateway = state_->topology.gateway_v4(Station::host(index_of(host), each.id));
    if (gateway && each.leads_out()) gateways.push_back(*gateway);
  }
  return gateways;
}

void Internet::send(HostId host, std::uint16_t from_port, const Endpoint& to, Bytes payload,
                    const SourceChoice& source) {
  const HostState& sender = state_->topology.host(index_of(host));
  Flight flight{.packet = {.from = {}, .to = to, .payload = std::move(payload)},
                .sender = Station::host(index_of(host)),
                .station = {},
                .destination = to.address};
  const auto departure = depart(sender, to.address, source);
  if (!departure) return state_->finish(flight, departure.error());
  flight.packet.from = {departure->source, from_port};
  flight.sender.interface = departure->interface;
  flight.fragment_bytes = sender.path_mtu(state_->queue.now(), to.address);
  state_->send(std::move(flight));
}

void Internet::send_to_lan(HostId host, std::uint16_t port, const Bytes& payload) {
  const HostState& sender = state_->topology.host(index_of(host));
  if (!sender.up || sender.options.udp_blocked) return;
  for (const InterfaceState& each : sender.interfaces) {
    if (!each.up || !each.behind) continue;
    state_->send_to_lan(Station::host(index_of(host), each.id), port, payload);
  }
}

void Internet::set_up(HostId host, bool up) {
  state_->topology.host(index_of(host)).up = up;
}

void Internet::reboot(GatewayId gateway) {
  GatewayState& rebooted = state_->topology.gateway(index_of(gateway));
  rebooted.nat.reboot();
  rebooted.ipv6_firewall.forget();
  state_->restart_service(index_of(gateway));
}

void Internet::change_addresses(HostId host, InterfaceId interface) {
  state_->topology.change_addresses(Station::host(index_of(host), interface));
  const auto own = gateway(host, interface);
  if (own) state_->restart_service(state_->topology.outermost(index_of(*own)));
}

void Internet::renew_temporary_addresses(HostId host) {
  state_->topology.renew_temporary_addresses(index_of(host));
}

void Internet::set_interface_up(HostId host, InterfaceId interface, bool up) {
  HostState& changed = state_->topology.host(index_of(host));
  changed.interface(interface).up = up;
  changed.path_mtus.clear();
}

void Internet::move(HostId host, std::optional<GatewayId> behind, const LinkModel& link) {
  std::optional<std::uint32_t> gateway;
  if (behind) gateway = index_of(*behind);
  state_->topology.move_host(index_of(host), gateway, link);
}

void Internet::cut(std::uint64_t number, std::span<const HostId> left,
                   std::span<const HostId> right) {
  state_->partitions.cut(number, indexes_of(left), indexes_of(right));
}

void Internet::heal(std::uint64_t number) {
  state_->partitions.heal(number);
}

void Internet::set_outbound_loss(HostId host, double share) {
  state_->topology.host(index_of(host)).outbound_loss = share;
}

void Internet::set_inbound_loss(HostId host, double share) {
  state_->topology.host(index_of(host)).inbound_loss = share;
}

std::optional<GatewayId> Internet::gateway(HostId host, InterfaceId interface) const {
  const auto behind = state_->topology.host(index_of(host)).interface(interface).behind;
  return behind ? std::optional(GatewayId{*behind}) : std::nullopt;
}

std::vector<GatewayId> Internet::gateways(HostId host) const {
  std::vector<GatewayId> gateways;
  for (const InterfaceState& each : state_->topology.host(index_of(host)).interfaces) {
    if (each.behind) gateways.push_back(GatewayId{*each.behind});
  }
  return gateways;
}

/// The packet as it arrives at `target`; nullopt: it does not.
std::optional<Packet> Internet::State::trial(std::uint32_t from, std::uint16_t from_port,
                                             std::uint32_t target, const Endpoint& to) const {
  const HostState& sender = topology.host(from);
  const auto departure = depart(sender, to.address, {});
  if (!departure) return std::nullopt;
  Packet packet{{departure->source, from_port}, to, {}};
  const HostState& receiver = topology.host(target);
  const bool cut_off = partitions.separate(from, target);
  const auto gets_in = [&] {
    return receiving_fault(receiver, packet, from == target, cut_off) == Drop::kNone;
  };
  if (sender.has(to.address)) {
    return from == target && gets_in() ? std::optional(packet) : std::nullopt;
  }
  TrialPassage passage(topology, queue.now());
  const Station station = Station::host(from, departure->interface);
  const auto turn = route_out(topology, passage, station, packet);
  if (!turn || route_in(topology, passage, turn->to, packet) != target) return std::nullopt;
  const bool arrives = gets_in() && receiver.inbound_loss < 1 && passage.admits(target, packet);
  return arrives ? std::optional(packet) : std::nullopt;
}

bool Internet::would_arrive(HostId from, std::uint16_t from_port, HostId target,
                            const Endpoint& to) const {
  return state_->trial(index_of(from), from_port, index_of(target), to).has_value();
}

bool Internet::would_be_answered(HostId from, std::uint16_t from_port, HostId target,
                                 const Endpoint& to) const {
  const auto arrived = state_->trial(index_of(from), from_port, index_of(target), to);
  if (!arrived) return false;
  const HostState& receiver = state_->topology.host(index_of(target));
  return receiver.route(arrived->from.address) == receiver.owner(arrived->to.address);
}

Surroundings Internet::surroundings(HostId host) const {
  const HostState& state = state_->topology.host(index_of(host));
  Surroundings around;
  around.udp_blocked = state.options.udp_blocked;
  around.stateful_firewall = state.options.firewall.stateful;
  const InterfaceState* way = state.default_interface();
  if (way == nullptr) return around;
  around.ipv4 = way->has_family(AddressFamily::kIpv4);
  around.ipv6 = way->has_family(AddressFamily::kIpv6);
  for (auto at = way->behind; at;) {
    const GatewayState& gate = state_->topology.gateway(*at);
    around.nats.push_back(gate.nat.model());
    const MappingServiceModel& service = gate.mapping_service.model();
    around.maps_ports =
        around.nats.size() == 1 && !gate.behind && service.listens() && !service.refuses;
    around.outermost = GatewayId{*at};
    at = gate.behind;
  }
  return around;
}

std::size_t Internet::mappings(GatewayId gateway) const {
  return state_->topology.gateway(index_of(gateway)).nat.mappings(state_->queue.now());
}

std::size_t Internet::mappings_peak(GatewayId gateway) const {
  return state_->topology.gateway(index_of(gateway)).nat.mappings_peak();
}

const std::array<std::uint64_t, kDropKinds>& Internet::fates() const {
  return state_->fates;
}

}  // namespace kadwire::testnet
