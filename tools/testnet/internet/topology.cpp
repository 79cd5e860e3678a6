#include "tools/testnet/internet/topology.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "tools/testnet/internet/cities.h"

namespace kadwire::testnet {
namespace {

/// The third octets that home routers come with, the most common most often.
constexpr std::array<std::uint8_t, 8> kHomeNetworkNumbers = {1, 1, 0, 178, 1, 2, 0, 1};
constexpr std::uint32_t kBridgeAddress = 0xac110001;  // 172.17.0.1, as Docker has it

std::optional<std::size_t> named_city(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto city = find_city(name);
  assert(city && "whoever reads names of cities checks them");
  return city;
}

/// The interface's next one, in the network of its stable address.
HostAddress temporary_address(InterfaceState& interface, const IpAddress& stable) {
  const std::uint64_t number = ++interface.temporaries;
  const IpAddress address = v6_address(stable, number << 32 | interface_id(stable));
  return {{address, kIpv6NetworkBits}, interface.id, true};
}

template <typename Id>
std::optional<std::uint32_t> index_of(std::optional<Id> id) {
  if (!id) return std::nullopt;
  return static_cast<std::uint32_t>(*id);
}

}  // namespace

Topology::Topology(std::uint64_t seed) : seed_(seed) {
  for (const City& from : cities()) {
    for (const City& to : cities()) city_latencies_.push_back(testnet::core_latency(from, to));
  }
}

std::uint32_t Topology::add_gateway(const GatewayOptions& options) {
  const auto index = static_cast<std::uint32_t>(gateways_.size());
  gateways_.push_back({.nat = NatBox(options.nat, derived_seed(seed_, "nat", index)),
                       .ipv6_firewall = Firewall(options.ipv6_firewall),
                       .mapping_service = MappingService(options.mapping_service),
                       .uplink = make_access(options.uplink, "uplink", index),
                       .behind = index_of(options.behind),
                       .city = named_city(options.city),
                       .lan = Lan(kHomeNetworkNumbers[index % kHomeNetworkNumbers.size()])});
  GatewayState& gateway = gateways_.back();
  gateway.v6_network = plan_.take_v6_network(Station::gateway(index));
  if (gateway.behind) {
    assert(*gateway.behind < index && depth(*gateway.behind) < kGatewaysInChainMax);
    Lan& outer = gateways_.at(*gateway.behind).lan;
    gateway.seat = outer.add(Station::gateway(index));
    gateway.v4 = outer.v4(*gateway.seat).address;
  } else {
    gateway.v4 = plan_.take_v4(Station::gateway(index));
  }
  return index;
}

std::uint32_t Topology::add_host(const HostOptions& options) {
  const auto index = static_cast<std::uint32_t>(hosts_.size());
  hosts_.push_back({.options = options,
                    .interfaces = {},
                    .firewall = Firewall(options.firewall),
                    .dice = Dice(derived_seed(seed_, "fate", index)),
                    .city = named_city(options.city)});
  add_interface(Station::host(index), options.behind, options.link);
  if (const auto& other = options.other) {
    add_interface(Station::host(index, InterfaceId::kOther), other->behind, other->link);
  }
  if (options.bridge) {
    add_interface(Station::host(index, InterfaceId::kBridge), std::nullopt, {});
  }
  return index;
}

void Topology::add_interface(Station station, std::optional<GatewayId> behind,
                             const LinkModel& link) {
  constexpr std::array<std::string_view, 3> kParts = {"host", "other link", "bridge"};
  const auto part = kParts.at(static_cast<std::size_t>(station.interface));
  host(station.index)
      .interfaces.push_back({.id = station.interface,
                             .behind = index_of(behind),
                             .link = make_access(link, part, station.index)});
  give_addresses(station);
}

void Topology::move_host(std::uint32_t index, std::optional<std::uint32_t> behind,
                         const LinkModel& link) {
  const Station station = Station::host(index);
  take_addresses(station);
  InterfaceState& moved = interface(station);
  moved.behind = behind;
  const std::uint64_t move_seed = derived_seed(index, "move", ++moved.moves);
  moved.link = make_access(link, "moved host", move_seed);
  host(index).path_mtus.clear();
  give_addresses(station);
}

void Topology::change_addresses(Station station) {
  const InterfaceState& changed = interface(station);
  if (!changed.behind) {
    take_addresses(station);
    give_addresses(station);
    return;
  }
  const std::uint32_t own = *changed.behind;
  renumber(own);
  GatewayState& outer = gateway(outermost(own));
  plan_.release(outer.v4);
  outer.v4 = plan_.take_v4(Station::gateway(outermost(own)));
  outer.nat.reboot();  // as Linux does: connections of a lost address are flushed
}

/// A new IPv6 network for all hosts of a gateway's LAN.
void Topology::renumber(std::uint32_t index) {
  GatewayState& changed = gateway(index);
  plan_.release(changed.v6_network);
  changed.v6_network = plan_.take_v6_network(Station::gateway(index));
  changed.ipv6_firewall.forget();
  for (const Station& station : hosts_behind(index)) {
    for (HostAddress& own : interface(station).addresses) {
      IpAddress& address = own.prefix.address;
      if (address.is_v6()) address = v6_address(changed.v6_network, interface_id(address));
    }
  }
}

void Topology::renew_temporary_addresses(std::uint32_t index) {
  for (InterfaceState& each : host(index).interfaces) {
    const IpAddress* stable = each.main_address(AddressFamily::kIpv6);
    if (stable == nullptr) continue;
    const HostAddress next = temporary_address(each, *stable);
    std::erase_if(each.addresses, &HostAddress::deprecated);
    for (HostAddress& own : each.addresses) own.deprecated = own.temporary;
    each.addresses.push_back(next);
  }
}

void Topology::give_addresses(Station station) {
  if (station.interface == InterfaceId::kBridge) {
    interface(station).addresses = {{{v4_address(kBridgeAddress), 16}, station.interface}};
    return;
  }
  if (const auto behind = interface(station).behind) {
    interface(station).seats.push_back(gateway(*behind).lan.add(station));
  }
  const Families families = host(station.index).options.families;
  if (families != Families::kIpv6) give_v4(station);
  if (families != Families::kIpv4) give_v6(station);
}

void Topology::give_v4(Station station) {
  InterfaceState& taker = interface(station);
  const bool two =
      host(station.index).options.second_ipv4 && station.interface == InterfaceId::kFirst;
  for (std::size_t i = 0; i < (two ? 2 : 1); ++i) {
    if (!taker.behind) {
      taker.addresses.push_back({{plan_.take_v4(station), 24}, taker.id});
      continue;
    }
    Lan& lan = gateway(*taker.behind).lan;
    if (i > 0) taker.seats.push_back(lan.add(station));
    taker.addresses.push_back({lan.v4(taker.seats.at(i)), taker.id});
  }
}

void Topology::give_v6(Station station) {
  InterfaceState& taker = interface(station);
  const IpAddress stable = taker.behind ? v6_address(gateway(*taker.behind).v6_network,
                                                     Lan::interface_id(taker.seats.front()))
                                        : v6_address(plan_.take_v6_network(station), 1);
  taker.addresses.push_back({{stable, kIpv6NetworkBits}, taker.id});
  if (host(station.index).options.temporary_ipv6) {
    taker.addresses.push_back(temporary_address(taker, stable));
  }
}

void Topology::take_addresses(Station station) {
  InterfaceState& giver = interface(station);
  for (const Seat seat : giver.seats) gateway(*giver.behind).lan.release(seat);
  if (!giver.behind) {
    for (const HostAddress& own : giver.addresses) {
      const IpAddress& address = own.prefix.address;
      if (own.temporary) continue;  // of the stable one's network
      plan_.release(address.is_v4() ? address : v6_address(address, 0));
    }
  }
  giver.addresses.clear();
  giver.seats.clear();
}

std::optional<IpAddress> Topology::gateway_v4(Station station) const {
  const InterfaceState& asked = interface(station);
  if (!asked.behind || !asked.has_family(AddressFamily::kIpv4)) return std::nullopt;
  return gateway(*asked.behind).lan.gateway_v4(asked.seats.front());
}

std::vector<Station> Topology::hosts_behind(std::uint32_t gateway) const {
  std::vector<Station> stations;
  for (std::uint32_t index = 0; index < hosts_.size(); ++index) {
    for (const InterfaceState& each : hosts_[index].interfaces) {
      if (each.behind == gateway) stations.push_back(Station::host(index, each.id));
    }
  }
  return stations;
}

Station Topology::at_core(const IpAddress& address) const {
  const Station owner = plan_.owner(address);
  return owner.is_gateway() ? Station::gateway(outermost(owner.index)) : owner;
}

Station Topology::behind_gateway(std::uint32_t index, const IpAddress& v6) const {
  Station station = plan_.owner(v6);
  if (!station.is_gateway()) return {};
  if (station.index == index) return gateway(index).lan.find_v6(interface_id(v6));
  for (auto outer = gateway(station.index).behind; outer; outer = gateway(*outer).behind) {
    if (*outer == index) return station;
    station.index = *outer;
  }
  return {};
}

Duration Topology::access_latency(Station station) const {
  if (station.is_host()) return interface(station).link.latency;
  const GatewayState& asked = gateway(station.index);
  if (!asked.behind) return asked.uplink.latency;
  return asked.uplink.latency + between(asked.city, gateway(*asked.behind).city);
}

Duration Topology::core_latency(Station a, Station b) const {
  return between(city_of(a), city_of(b));
}

Station Topology::core_station(Station station) const {
  const auto& behind = interface(station).behind;
  return behind ? Station::gateway(outermost(*behind)) : station;
}

Access Topology::make_access(const LinkModel& model, std::string_view part,
                             std::uint64_t index) const {
  const std::uint64_t seed = derived_seed(seed_, part, index);
  Dice dice(derived_seed(seed, "latency"));
  return {.up = Link(model, derived_seed(seed, "up")),
          .down = Link(model, derived_seed(seed, "down")),
          .latency = draw_latency(model.latency, dice)};
}

std::uint32_t Topology::outermost(std::uint32_t index) const {
  while (const auto outer = gateway(index).behind) index = *outer;
  return index;
}

/// How many gateways there are from this one to the core.
std::size_t Topology::depth(std::uint32_t index) const {
  std::size_t depth = 1;
  for (auto outer = gateway(index).behind; outer; outer = gateway(*outer).behind) ++depth;
  return depth;
}

std::optional<std::size_t> Topology::city_of(Station station) const {
  return station.is_host() ? host(station.index).city : gateway(station.index).city;
}

/// Nowhere is next to everything: there the access links say it all.
Duration Topology::between(std::optional<std::size_t> a, std::optional<std::size_t> b) const {
  return a && b ? city_latencies_[*a * cities().size() + *b] : Duration{0};
}

}  // namespace kadwire::testnet
