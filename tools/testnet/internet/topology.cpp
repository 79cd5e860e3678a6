#include "tools/testnet/internet/topology.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "tools/testnet/internet/cities.h"

namespace kadwire::testnet {
namespace {

/// The third octets that home routers come with, the most common most often.
constexpr std::array<std::uint8_t, 8> kHomeNetworkNumbers = {1, 1, 0, 178, 1, 2, 0, 1};

std::optional<std::size_t> named_city(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto city = find_city(name);
  assert(city && "whoever reads names of cities checks them");
  return city;
}

template <typename Id>
std::optional<std::uint32_t> index_of(std::optional<Id> id) {
  if (!id) return std::nullopt;
  return static_cast<std::uint32_t>(*id);
}

}  // namespace

std::size_t HostState::path_mtu(TimePoint now, const IpAddress& destination) const {
  if (path_mtus.size() == 0) return kWholeDatagram;  // nearly always
  const auto* known = path_mtus.find(now, destination);
  return known == nullptr ? kWholeDatagram : known->value;
}

void HostState::learn_path_mtu(TimePoint now, const IpAddress& destination, std::size_t mtu_bytes) {
  path_mtus.expire(now);
  if (const auto* known = path_mtus.find(now, destination)) {
    // A longer way has a smaller MTU further on.
    mtu_bytes = std::min(mtu_bytes, known->value);
    path_mtus.remove(*known);
  }
  if (path_mtus.size() >= kPathMtusMax) path_mtus.remove_oldest();
  path_mtus.add(now, destination, mtu_bytes);
}

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
                    .link = make_access(options.link, "host", index),
                    .firewall = Firewall(options.firewall),
                    .dice = Dice(derived_seed(seed_, "fate", index)),
                    .city = named_city(options.city)});
  give_addresses(index);
  return index;
}

void Topology::move_host(std::uint32_t index, std::optional<std::uint32_t> behind,
                         const LinkModel& link) {
  take_addresses(index);
  HostState& moved = host(index);
  moved.options.behind.reset();
  if (behind) moved.options.behind = GatewayId{*behind};
  moved.options.link = link;
  const std::uint64_t move_seed = derived_seed(index, "move", ++moved.moves);
  moved.link = make_access(link, "moved host", move_seed);
  moved.path_mtus.clear();
  give_addresses(index);
}

void Topology::change_addresses(std::uint32_t index) {
  const HostState& changed = host(index);
  if (!changed.options.behind) {
    take_addresses(index);
    give_addresses(index);
    return;
  }
  const auto own = static_cast<std::uint32_t>(*changed.options.behind);
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
  for (HostState& each : hosts_) {
    if (!each.v6 || each.options.behind != GatewayId{index}) continue;
    each.v6 = v6_address(changed.v6_network, Lan::interface_id(*each.seat));
  }
}

void Topology::give_addresses(std::uint32_t index) {
  HostState& taker = host(index);
  const bool has_v4 = taker.options.families != Families::kIpv6;
  const bool has_v6 = taker.options.families != Families::kIpv4;
  if (!taker.options.behind) {
    if (has_v4) taker.v4 = plan_.take_v4(Station::host(index));
    if (has_v6) taker.v6 = v6_address(plan_.take_v6_network(Station::host(index)), 1);
    return;
  }
  GatewayState& own = gateway(static_cast<std::uint32_t>(*taker.options.behind));
  taker.seat = own.lan.add(Station::host(index));
  if (has_v4) taker.v4 = own.lan.v4(*taker.seat).address;
  if (has_v6) taker.v6 = v6_address(own.v6_network, Lan::interface_id(*taker.seat));
}

void Topology::take_addresses(std::uint32_t index) {
  HostState& giver = host(index);
  if (giver.options.behind) {
    gateway(static_cast<std::uint32_t>(*giver.options.behind)).lan.release(*giver.seat);
  } else {
    if (giver.v4) plan_.release(*giver.v4);
    if (giver.v6) plan_.release(v6_address(*giver.v6, 0));
  }
  giver.v4.reset();
  giver.v6.reset();
  giver.seat.reset();
}

std::vector<Prefix> Topology::addresses(std::uint32_t index) const {
  const HostState& asked = host(index);
  std::vector<Prefix> addresses;
  if (asked.v4 && asked.seat) {
    addresses.push_back(
        gateway(static_cast<std::uint32_t>(*asked.options.behind)).lan.v4(*asked.seat));
  } else if (asked.v4) {
    addresses.push_back({*asked.v4, 24});
  }
  if (asked.v6) addresses.push_back({*asked.v6, kIpv6NetworkBits});
  return addresses;
}

std::optional<IpAddress> Topology::gateway_v4(std::uint32_t index) const {
  const HostState& asked = host(index);
  if (!asked.v4 || !asked.seat) return std::nullopt;
  return gateway(static_cast<std::uint32_t>(*asked.options.behind)).lan.gateway_v4(*asked.seat);
}

std::vector<std::uint32_t> Topology::hosts_behind(std::uint32_t gateway) const {
  std::vector<std::uint32_t> hosts;
  for (std::uint32_t index = 0; index < hosts_.size(); ++index) {
    if (hosts_[index].options.behind == GatewayId{gateway}) hosts.push_back(index);
  }
  return hosts;
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
  if (station.is_host()) return host(station.index).link.latency;
  const GatewayState& asked = gateway(station.index);
  if (!asked.behind) return asked.uplink.latency;
  return asked.uplink.latency + between(asked.city, gateway(*asked.behind).city);
}

Duration Topology::core_latency(Station a, Station b) const {
  return between(city_of(a), city_of(b));
}

Station Topology::core_station(std::uint32_t index) const {
  const auto& behind = host(index).options.behind;
  if (!behind) return Station::host(index);
  return Station::gateway(outermost(static_cast<std::uint32_t>(*behind)));
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
