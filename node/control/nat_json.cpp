#include "node/control/nat_json.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace kadwire::control {
namespace {

using nlohmann::json;
using rendezvous::FilteringBehavior;
using rendezvous::MappingBehavior;

template <typename Value>
json nullable(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

/// A word for programs, which stays as it is when what people read becomes another.
std::string_view word_of(MappingBehavior mapping) {
  switch (mapping) {
    case MappingBehavior::kUnknown:
      break;
    case MappingBehavior::kNone:
      return "none";
    case MappingBehavior::kEndpointIndependent:
      return "endpoint-independent";
    case MappingBehavior::kAddressDependent:
      return "address-dependent";
    case MappingBehavior::kAddressAndPortDependent:
      return "address-and-port-dependent";
    case MappingBehavior::kEndpointDependent:
      return "endpoint-dependent";
  }
  return "unknown";
}

std::string_view word_of(FilteringBehavior filtering) {
  switch (filtering) {
    case FilteringBehavior::kUnknown:
      break;
    case FilteringBehavior::kEndpointIndependent:
      return "endpoint-independent";
    case FilteringBehavior::kAddressDependent:
      return "address-dependent";
    case FilteringBehavior::kAddressAndPortDependent:
      return "address-and-port-dependent";
    case FilteringBehavior::kPortIndependent:
      return "port-independent";
  }
  return "unknown";
}

}  // namespace

json nat_json(const rendezvous::NatBehavior& nat, FilteringBehavior filtering) {
  return {{"mapping", word_of(nat.mapping)},      {"mapping_certain", nat.mapping_certain},
          {"filtering", word_of(filtering)},      {"preserves_port", nullable(nat.preserves_port)},
          {"port_step", nullable(nat.port_step)}, {"random_ports", nat.random_ports},
          {"ports_certain", nat.ports_certain},   {"carrier_grade", nat.carrier_grade}};
}

}  // namespace kadwire::control
