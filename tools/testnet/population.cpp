#include "tools/testnet/population.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "dht/topic.h"
#include "tools/testnet/nodes/dht_node.h"
#include "tools/testnet/nodes/hostile_dht.h"
#include "tools/testnet/nodes/hostile_member.h"

namespace kadwire::testnet {

Population::Population(const Scenario& scenario, std::uint64_t seed, EventQueue& queue,
                       Internet& internet, const SimMesh& mesh)
    : scenario_(scenario), seed_(seed), queue_(queue), internet_(internet), truth_(mesh) {
  for (const Group& group : scenario.groups) {
    for (std::size_t number = 0; number < group.count; ++number) settle(group, number);
  }
  bootstrap_ = bootstrap_endpoints();
  for (Index index = 0; index < inhabitants_.size(); ++index) {
    employ(inhabitants_[index], mesh, index);
  }
}

Population::~Population() = default;

/// Gives a member of the group a host on the internet.
void Population::settle(const Group& group, std::size_t number) {
  Inhabitant inhabitant;
  inhabitant.group = &group;
  inhabitant.number = number;
  inhabitant.name = group.count == 1 ? group.name : fmt::format("{}[{}]", group.name, number);
  if (!group.cities.empty()) {
    // Neighbours behind one box live in one city.
    inhabitant.city = group.cities[number / group.per_nat % group.cities.size()];
  }
  HostOptions options;
  options.families = group.families;
  const InterfaceOptions first = network(inhabitant, false);
  options.behind = first.behind;
  options.link = first.link;
  if (group.other_up) options.other = network(inhabitant, true);
  options.city = inhabitant.city;
  options.firewall = group.firewall;
  options.udp_blocked = group.udp_blocked;
  options.second_ipv4 = group.second_ipv4;
  options.bridge = group.bridge;
  options.temporary_ipv6 = group.temporary_ipv6 > Duration{0};
  const HostId id = internet_.add_host(options);
  inhabitant.host = std::make_unique<SimHost>(queue_, internet_, id, inhabitant.name);
  inhabitants_.push_back(std::move(inhabitant));
}

/// A gateway's access link is the household's; what is behind it is a short cable.
InterfaceOptions Population::network(const Inhabitant& inhabitant, bool other) {
  const Group& group = *inhabitant.group;
  const std::string& nat = other ? group.other_nat : group.nat;
  const std::string& link = other && !group.other_link.empty() ? group.other_link : group.link;
  if (nat.empty()) return {.behind = {}, .link = scenario_.links.at(link)};
  // Boxes of different groups are different boxes, carriers' are shared.
  const std::string name = nat + "\n" + group.name;
  const std::size_t box = inhabitant.number / group.per_nat;
  return {.behind = gateway(name, link, box, inhabitant.city), .link = {}};
}

GatewayId Population::gateway(const std::string& name, const std::string& link, std::size_t box,
                              const std::string& city) {
  const auto key = std::tuple(name, city, box);
  if (const auto found = boxes_.find(key); found != boxes_.end()) return found->second;
  const std::string nat = name.substr(0, name.find('\n'));
  GatewayOptions options;
  options.city = city;
  options.uplink = scenario_.links.at(link);
  if (const auto own = scenario_.gateways.find(nat); own != scenario_.gateways.end()) {
    const GatewayModel& model = own->second;
    options.nat = model.nat;
    options.ipv6_firewall = model.ipv6_firewall;
    options.mapping_service = model.mapping;
    if (!model.behind.empty()) {
      const GatewayModel& outer = scenario_.gateways.at(model.behind);
      options.behind = gateway(model.behind, "default", box / outer.subscribers, city);
    }
  } else {
    options.nat = find_nat_kind(nat).value();
    options.ipv6_firewall = GatewayModel{}.ipv6_firewall;
  }
  return boxes_.emplace(key, internet_.add_gateway(options)).first->second;
}

void Population::plug_in(Inhabitant& inhabitant, bool other) {
  inhabitant.switched = other;
  const InterfaceOptions there = network(inhabitant, other);
  internet_.move(inhabitant.host->id(), there.behind, there.link);
}

std::vector<Endpoint> Population::bootstrap_endpoints() const {
  std::vector<Endpoint> endpoints;
  for (const Inhabitant& inhabitant : inhabitants_) {
    if (inhabitant.group->role != Role::kBootstrap) continue;
    for (const HostAddress& own : internet_.addresses(inhabitant.host->id())) {
      if (own.temporary || own.interface == InterfaceId::kBridge) continue;
      endpoints.push_back({own.prefix.address, kDhtPort});
    }
  }
  return endpoints;
}

/// Gives the host its program.
void Population::employ(Inhabitant& inhabitant, const SimMesh& mesh, Index index) {
  const Group& group = *inhabitant.group;
  const std::uint64_t seed = derived_seed(seed_, "program", index);
  SeededRandom random(derived_seed(seed_, "clock", index));
  const Duration offset =
      random_between(random, Duration{0}, group.clock_offset.high - group.clock_offset.low);
  inhabitant.host->set_wrong_clock(
      std::chrono::floor<std::chrono::milliseconds>(group.clock_offset.low + offset),
      group.clock_drift_ppm);
  if (group.role == Role::kMember) {
    employ_member(inhabitant, mesh, seed);
    members_.push_back(index);
    return;
  }
  if (is_hostile(group.role)) {
    inhabitant.program = make_hostile(inhabitant, mesh, seed);
    return;
  }
  DhtNode::Options options{bootstrap_, group.role == Role::kBootstrap, seed};
  std::erase_if(options.bootstrap, [&](const Endpoint& endpoint) {
    return internet_.has(inhabitant.host->id(), endpoint.address);
  });
  inhabitant.program = std::make_unique<DhtNode>(*inhabitant.host, std::move(options));
}

void Population::employ_member(Inhabitant& inhabitant, const SimMesh& mesh, std::uint64_t seed) {
  const Group& group = *inhabitant.group;
  MemberNode::Options options{bootstrap_,       fmt::format("{}-{}", group.name, inhabitant.number),
                              group.announces,  seed,
                              group.mailbox,    group.lan,
                              group.force_relay};
  auto member = std::make_unique<MemberNode>(*inhabitant.host, mesh, std::move(options));
  truth_.add(*member);
  inhabitant.watch = std::make_unique<MemberWatch>(*member, truth_);
  inhabitant.member = member.get();
  inhabitant.program = std::move(member);
}

std::unique_ptr<Program> Population::make_hostile(Inhabitant& inhabitant, const SimMesh& mesh,
                                                  std::uint64_t seed) {
  const Role role = inhabitant.group->role;
  if (holds_secret(role)) {
    return make_hostile_member(
        role, *inhabitant.host, bootstrap_, seed, mesh,
        [this](const crypto::WireguardKey& key) { truth_.add_hostile(key); });
  }
  return make_hostile_dht(role, *inhabitant.host, bootstrap_, seed,
                          [&mesh](Hour hour) { return dht::topic_of(mesh.keys(), hour).key; });
}

std::vector<Index> Population::select(const Selector& selector, SeededRandom& random) const {
  std::vector<Index> selected;
  for (Index index = 0; index < inhabitants_.size(); ++index) {
    const Inhabitant& inhabitant = inhabitants_[index];
    if (!means(selector, *inhabitant.group)) continue;
    if (selector.index && *selector.index != inhabitant.number) continue;
    selected.push_back(index);
  }
  const double share = std::ceil(selector.share * static_cast<double>(selected.size()));
  const std::size_t wanted = selector.count.value_or(static_cast<std::size_t>(share));
  while (selected.size() > wanted) {
    selected.erase(selected.begin() +
                   static_cast<std::ptrdiff_t>(random_below(random, selected.size())));
  }
  return selected;
}

}  // namespace kadwire::testnet
