#pragma once

/// What a look at this host's network found: plain data, each thing with what it was concluded
/// from. Filled by net_check; put into words by node/network_advice.

#include <optional>
#include <string>
#include <vector>

#include "rendezvous/candidate.h"
#include "rendezvous/nat_behavior.h"
#include "rendezvous/port_mapping.h"

namespace kadwire::rendezvous {

/// One STUN server at one address, and what it said.
struct StunReport {
  std::string name;  ///< as the user wrote it
  Endpoint server;
  std::optional<IpAddress> source{};  ///< the own address a packet leaves from; nullopt: no route
  std::optional<Endpoint> mapped{};   ///< where it saw us; nullopt: no answer
  std::optional<Duration> rtt{};      ///< the shortest; the server's time is in it
};

/// A server's name that led to no address.
struct UnresolvedName {
  std::string name;
  std::string reason;  ///< one sentence
};

enum class GatewayOutcome : std::uint8_t {
  kSilent,   ///< nothing came, in the time that there was
  kRefuses,  ///< it speaks the protocol, and maps nothing for us
  kAnswers,
};

struct GatewayReport {
  MappingProtocol protocol = MappingProtocol::kPcp;
  GatewayOutcome outcome = GatewayOutcome::kSilent;
  std::optional<IpAddress> external;  ///< the gateway's own outer address, as it claims
};

struct NetReport {
  std::vector<LocalAddress> addresses;  ///< all of the host's that are up
  std::vector<IpAddress> routers;       ///< the default routes' next hops
  std::vector<StunReport> servers;
  std::vector<UnresolvedName> unresolved;
  NatBehavior ipv4, ipv6;
  /// Of a port that sends to one server only, so that it tells more than a node's own would.
  FilteringBehavior filtering_ipv4 = FilteringBehavior::kUnknown;
  FilteringBehavior filtering_ipv6 = FilteringBehavior::kUnknown;
  /// A datagram sent to our own outer endpoint came back in; nullopt: not tried, since there is no
  /// NAT, or one whose ports cannot be known.
  std::optional<bool> hairpin;
  std::optional<IpAddress> gateway;     ///< that was asked for mappings; nullopt: none fits
  std::vector<GatewayReport> gateways;  ///< a row for each protocol; empty without a gateway
};

/// Whether some server of this family answered.
[[nodiscard]] bool answered(const NetReport& report, AddressFamily family);

}  // namespace kadwire::rendezvous
