#include "tools/testnet/punch_truth.h"

#include <algorithm>

namespace kadwire::testnet {
namespace {

bool passes_udp(const Surroundings& around) {
  return !around.udp_blocked && std::ranges::none_of(around.nats, &NatModel::blocks_udp);
}

/// One external port for all destinations, so that what one server sees is true for all.
bool maps_alike(const Surroundings& around) {
  return std::ranges::all_of(around.nats, [](const NatModel& nat) {
    return nat.mapping == Dependence::kEndpointIndependent ||
           nat.allocation == PortAllocation::kPreservingOverload;
  });
}

/// The port that the other side sends from need not be known.
bool admits_any_port(const Surroundings& around) {
  return maps_alike(around) && !around.stateful_firewall &&
         std::ranges::none_of(around.nats, [](const NatModel& nat) {
           return nat.filtering == Dependence::kAddressAndPortDependent;
         });
}

/// Whoever comes is led in: the host asked its gateway for that.
bool is_mapped(const Surroundings& around) {
  return around.maps_ports && !around.stateful_firewall;
}

/// From outside to outside of one box: few turn packets round.
bool share_outside(const Surroundings& a, const Surroundings& b) {
  return a.outermost && a.outermost == b.outermost;
}

}  // namespace

bool is_certain_to_punch(const Surroundings& a, const Surroundings& b) {
  if (!passes_udp(a) || !passes_udp(b)) return false;
  if (a.ipv6 && b.ipv6) return true;
  if (!a.ipv4 || !b.ipv4 || share_outside(a, b)) return false;
  if (is_mapped(a) || is_mapped(b)) return true;
  return (maps_alike(a) && maps_alike(b)) || admits_any_port(a) || admits_any_port(b);
}

}  // namespace kadwire::testnet
