#pragma once

/// Stateful firewalls, and which families and interfaces a host has, as a scenario describes them.
/// Plain values.

#include <cstdint>

#include "node/base/time.h"

namespace kadwire::testnet {

/// Which families a host has.
enum class Families : std::uint8_t { kBoth, kIpv4, kIpv6 };

/// One of a host's interfaces.
enum class InterfaceId : std::uint8_t {
  kFirst,   ///< what it has the default route by: Ethernet
  kOther,   ///< Wi-Fi, or a mobile network
  kBridge,  ///< to its own containers, and nowhere else
};

/// What stands between a host, or a gateway, and the internet for IPv6 and for public IPv4.
struct FirewallModel {
  bool stateful = false;  ///< lets in only answers to what went out
  Duration expiry{120s};  ///< of what went out
  bool operator==(const FirewallModel&) const = default;
};

}  // namespace kadwire::testnet
