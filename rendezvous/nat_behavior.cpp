#include "rendezvous/nat_behavior.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <vector>

namespace kadwire::rendezvous {
namespace {

using Observations = std::span<const MappingObservation>;

constexpr std::uint8_t kFlagPreservationKnown = 0x01;
constexpr std::uint8_t kFlagPreservesPort = 0x02;
constexpr std::uint8_t kFlagRandomPorts = 0x04;
constexpr std::uint8_t kFlagCarrierGrade = 0x08;
constexpr std::uint8_t kFlagMappingCertain = 0x10;
constexpr std::uint8_t kFlagPortsCertain = 0x20;
constexpr std::uint8_t kFlagsKnown = 0x3f;

/// With fewer ports a step, or its absence, may be chance.
constexpr std::size_t kPortsForCertainty = 3;

bool sees_own_endpoint(const MappingObservation& observation) {
  return observation.mapped == observation.local;
}

bool all_see_the_same(Observations observations) {
  return std::ranges::all_of(observations, [&](const MappingObservation& observation) {
    return observation.mapped == observations.front().mapped;
  });
}

bool asked_several_addresses(Observations observations) {
  return std::ranges::any_of(observations, [&](const MappingObservation& observation) {
    return observation.asked.address != observations.front().asked.address;
  });
}

/// Of mappings that differ: what two ports of one address saw decides what the difference is from.
MappingBehavior kind_of_dependence(Observations observations) {
  MappingBehavior kind = MappingBehavior::kEndpointDependent;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const MappingObservation &one = observations[i], &other = observations[j];
      if (one.asked.address != other.asked.address) continue;
      if (one.mapped != other.mapped) return MappingBehavior::kAddressAndPortDependent;
      kind = MappingBehavior::kAddressDependent;
    }
  }
  return kind;
}

MappingBehavior mapping_behavior(Observations observations) {
  if (observations.empty()) return MappingBehavior::kUnknown;
  if (std::ranges::all_of(observations, sees_own_endpoint)) return MappingBehavior::kNone;
  if (!all_see_the_same(observations)) return kind_of_dependence(observations);
  return observations.size() > 1 ? MappingBehavior::kEndpointIndependent
                                 : MappingBehavior::kUnknown;
}

/// Two ports of one address that see the same may hide an address-dependent mapping.
bool is_certain(MappingBehavior mapping, Observations servers) {
  if (mapping == MappingBehavior::kUnknown) return false;
  return mapping != MappingBehavior::kEndpointIndependent || asked_several_addresses(servers);
}

std::optional<bool> port_preservation(Observations observations) {
  if (observations.empty()) return std::nullopt;
  const auto preserved = std::ranges::count_if(observations, [](const MappingObservation& each) {
    return each.mapped.port == each.local.port;
  });
  if (preserved != 0 && preserved != std::ssize(observations)) return std::nullopt;
  return preserved != 0;
}

/// The different ports of the newest mapping's address, in the order of their allocation.
std::vector<int> allocated_ports(std::vector<MappingObservation> observations) {
  std::ranges::stable_sort(observations, {}, &MappingObservation::at);
  std::vector<int> ports;
  for (const MappingObservation& observation : observations) {
    const bool comparable = observation.mapped.address == observations.back().mapped.address;
    const bool known = std::ranges::count(ports, observation.mapped.port) > 0;
    if (comparable && !known) ports.push_back(observation.mapped.port);
  }
  return ports;
}

/// The step of ports in the order of their allocation, two or more; nullopt: too far apart for one.
/// Lost and overtaken requests shuffle that order and other sockets of the site take ports in
/// between: so it is the sorted ports' differences that count, of which the step is a divisor, and
/// the order gives but the sign. The wrap from the last port to the first is taken for chance.
std::optional<int> common_step(const std::vector<int>& ports) {
  std::vector<int> sorted = ports;
  std::ranges::sort(sorted);
  int step = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const int gap = sorted[i] - sorted[i - 1];
    if (gap > kPortStepMax) return std::nullopt;
    step = std::gcd(step, gap);
  }
  return ports.back() > ports.front() ? step : -step;
}

void infer_ports(const std::vector<int>& ports, NatBehavior& behavior) {
  if (ports.size() < 2) return;
  const auto step = common_step(ports);
  const bool enough = ports.size() >= kPortsForCertainty;
  if (!step) {
    behavior.random_ports = true;
  } else if (enough || *step > 0) {  // two ports that descend are as likely to have changed places
    behavior.port_step = static_cast<std::int16_t>(*step);
  }
}

/// Whether some NAT stands outside the site's own: the provider gave the host, or the gateway, an
/// address that is not the one seen from outside.
bool has_outer_nat(Observations observations, const std::optional<IpAddress>& gateway) {
  return std::ranges::any_of(observations, [&](const MappingObservation& each) {
    const bool outside_gateway = gateway && gateway->family() == each.mapped.address.family() &&
                                 *gateway != each.mapped.address;
    const bool translated = each.local.address != each.mapped.address;
    return translated && (outside_gateway || is_carrier_space(each.local.address));
  });
}

bool is_possible(const NatBehavior& behavior) {
  if (behavior.mapping > MappingBehavior::kEndpointDependent) return false;
  if (behavior.mapping_certain && behavior.mapping == MappingBehavior::kUnknown) return false;
  if (behavior.random_ports && behavior.port_step) return false;
  const bool ports_known = behavior.random_ports || behavior.port_step;
  if (behavior.ports_certain && !ports_known) return false;
  if (ports_known && !depends_on_destination(behavior.mapping)) return false;
  if (!behavior.port_step) return true;
  return *behavior.port_step != 0 && std::abs(*behavior.port_step) <= kPortStepMax;
}

std::uint8_t flags_of(const NatBehavior& behavior) {
  unsigned flags = 0;
  if (behavior.preserves_port) flags |= kFlagPreservationKnown;
  if (behavior.preserves_port.value_or(false)) flags |= kFlagPreservesPort;
  if (behavior.random_ports) flags |= kFlagRandomPorts;
  if (behavior.carrier_grade) flags |= kFlagCarrierGrade;
  if (behavior.mapping_certain) flags |= kFlagMappingCertain;
  if (behavior.ports_certain) flags |= kFlagPortsCertain;
  return static_cast<std::uint8_t>(flags);
}

}  // namespace

bool depends_on_destination(MappingBehavior mapping) {
  return mapping == MappingBehavior::kAddressDependent ||
         mapping == MappingBehavior::kAddressAndPortDependent ||
         mapping == MappingBehavior::kEndpointDependent;
}

std::string_view describe(MappingBehavior mapping) {
  switch (mapping) {
    case MappingBehavior::kUnknown:
      return "unknown";
    case MappingBehavior::kNone:
      return "no NAT";
    case MappingBehavior::kEndpointIndependent:
      return "endpoint-independent";
    case MappingBehavior::kAddressDependent:
      return "address-dependent";
    case MappingBehavior::kAddressAndPortDependent:
      return "address- and port-dependent";
    case MappingBehavior::kEndpointDependent:
      return "at least address-dependent";
  }
  return "unknown";
}

std::string_view describe(FilteringBehavior filtering) {
  switch (filtering) {
    case FilteringBehavior::kUnknown:
      break;
    case FilteringBehavior::kEndpointIndependent:
      return "endpoint-independent";
    case FilteringBehavior::kAddressDependent:
      return "address-dependent";
    case FilteringBehavior::kAddressAndPortDependent:
      return "address- and port-dependent";
    case FilteringBehavior::kPortIndependent:
      return "at most address-dependent";
  }
  return "unknown";
}

bool lets_strangers_in(FilteringBehavior filtering) {
  return filtering == FilteringBehavior::kEndpointIndependent ||
         filtering == FilteringBehavior::kPortIndependent;
}

bool is_carrier_space(const IpAddress& address) {
  return Prefix{IpAddress::v4(0x64400000), 10}.contains(address);
}

NatBehavior infer_nat_behavior(Observations observations, const std::optional<IpAddress>& gateway) {
  std::vector<MappingObservation> witnesses;
  std::ranges::copy_if(observations, std::back_inserter(witnesses), [](const auto& observation) {
    return observation.witness == Witness::kServer;
  });
  NatBehavior behavior;
  behavior.mapping = mapping_behavior(witnesses);
  behavior.mapping_certain = is_certain(behavior.mapping, witnesses);
  const bool servers_suffice = behavior.mapping != MappingBehavior::kUnknown;
  if (!servers_suffice) {
    witnesses.assign(observations.begin(), observations.end());
    behavior.mapping = mapping_behavior(witnesses);
  }
  behavior.preserves_port = port_preservation(witnesses);
  if (depends_on_destination(behavior.mapping)) {
    const std::vector<int> ports = allocated_ports(witnesses);
    infer_ports(ports, behavior);
    behavior.ports_certain = servers_suffice && ports.size() >= kPortsForCertainty;
  }
  behavior.carrier_grade = has_outer_nat(witnesses, gateway);
  assert(is_possible(behavior));
  return behavior;
}

ByteArray<kNatBehaviorBytes> encode_nat_behavior(const NatBehavior& behavior) {
  assert(is_possible(behavior));
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(behavior.mapping)).u8(flags_of(behavior));
  writer.be16(static_cast<std::uint16_t>(behavior.port_step.value_or(0)));
  return *to_array<kNatBehaviorBytes>(writer.view());
}

std::optional<NatBehavior> decode_nat_behavior(ByteView encoded) {
  ByteReader reader(encoded);
  NatBehavior behavior;
  behavior.mapping = static_cast<MappingBehavior>(reader.u8());
  const unsigned flags = reader.u8();
  const auto step = static_cast<std::int16_t>(reader.be16());
  if (!reader.finished() || (flags & ~unsigned{kFlagsKnown}) != 0) return std::nullopt;
  const bool preserves = (flags & kFlagPreservesPort) != 0;
  if ((flags & kFlagPreservationKnown) != 0) {
    behavior.preserves_port = preserves;
  } else if (preserves) {
    return std::nullopt;
  }
  if (step != 0) behavior.port_step = step;
  behavior.random_ports = (flags & kFlagRandomPorts) != 0;
  behavior.carrier_grade = (flags & kFlagCarrierGrade) != 0;
  behavior.mapping_certain = (flags & kFlagMappingCertain) != 0;
  behavior.ports_certain = (flags & kFlagPortsCertain) != 0;
  if (!is_possible(behavior)) return std::nullopt;
  return behavior;
}

}  // namespace kadwire::rendezvous
