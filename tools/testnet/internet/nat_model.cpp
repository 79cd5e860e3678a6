#include "tools/testnet/internet/nat_model.h"

#include <algorithm>

namespace kadwire::testnet {
namespace {

constexpr auto kIndependent = Dependence::kEndpointIndependent;
constexpr auto kByAddress = Dependence::kAddressDependent;
constexpr auto kByEndpoint = Dependence::kAddressAndPortDependent;

/// One mapping for all destinations: what RFC 4787 asks for. Old texts call these cones.
NatModel cone(Dependence filtering, PortAllocation allocation = PortAllocation::kPreserving) {
  return {.mapping = kIndependent, .filtering = filtering, .allocation = allocation};
}

/// A mapping for each destination: the port that one peer sees is not the port of the next.
NatModel symmetric(PortAllocation allocation) {
  return {.mapping = kByEndpoint, .filtering = kByEndpoint, .allocation = allocation};
}

NatModel hairpin_cone() {
  NatModel model = cone(kIndependent);
  model.hairpin = true;
  return model;
}

/// The shortest expiry that is common in the field, against RFC 4787's REQ-5.
NatModel short_lived() {
  NatModel model = cone(kByEndpoint);
  model.expiry = 30s;
  model.refresh = Refresh::kOutbound;
  return model;
}

NatModel address_symmetric() {
  return {.mapping = kByAddress, .filtering = kByEndpoint, .allocation = PortAllocation::kRandom};
}

}  // namespace

const std::vector<NatKind>& nat_kinds() {
  static const std::vector<NatKind> kinds = {
      {"full-cone", "one mapping for all, open to all", cone(kIndependent)},
      {"hairpin-cone", "a full cone whose hosts reach each other from outside", hairpin_cone()},
      {"address-restricted", "answers only from addresses sent to", cone(kByAddress)},
      {"port-restricted", "the typical home box: answers only from endpoints sent to",
       cone(kByEndpoint)},
      {"port-changing", "port-restricted, with random external ports",
       cone(kByEndpoint, PortAllocation::kRandom)},
      {"short-lived", "port-restricted, forgets after 30 s without a packet out", short_lived()},
      {"overloading", "port-restricted, hosts take one another's ports over",
       cone(kByEndpoint, PortAllocation::kPreservingOverload)},
      {"address-symmetric", "a random port for each address", address_symmetric()},
      {"symmetric-preserving", "a port for each endpoint, the first one preserved",
       symmetric(PortAllocation::kPreserving)},
      {"symmetric-sequential", "a port for each endpoint, the next in line",
       symmetric(PortAllocation::kSequential)},
      {"symmetric-parity", "a random port of the same parity for each endpoint",
       symmetric(PortAllocation::kParity)},
      {"symmetric-random", "a random port for each endpoint", symmetric(PortAllocation::kRandom)},
      {"blocked", "forwards no UDP", {.blocks_udp = true}},
  };
  return kinds;
}

std::optional<NatModel> find_nat_kind(std::string_view name) {
  const auto kind = std::ranges::find(nat_kinds(), name, &NatKind::name);
  if (kind == nat_kinds().end()) return std::nullopt;
  return kind->model;
}

}  // namespace kadwire::testnet
