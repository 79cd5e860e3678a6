#pragma once

/// What stands between a member and the internet: the NATs and firewalls of the real matrix, each a
/// value with a name and nft scripts, and what is to be expected of two of them. Pure. The names
/// are kadwire-testnet's where both have the same thing. Not here: building them (gateway.h).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lab/host.h"

namespace kadwire::lab {

/// In RFC 4787's terms (§4.1, §5).
enum class Mapping { kIndependent, kDependent };
enum class Filtering { kIndependent, kAddress, kAddressAndPort };

/// A gateway's LAN: private addresses, or those that carriers use (RFC 6598).
enum class LanRange { kPrivate, kCarrier };

struct GatewayRules {
  /// Tables for `nft -f`; may use $wan, its address outside, and $lan, its IPv4 net inside.
  std::string_view nft;
  LanRange range = LanRange::kPrivate;
  /// Runs miniupnpd, which maps ports for hosts inside, in chains that `nft` has for it.
  bool maps_ports = false;
};

struct Surroundings {
  std::string_view name;
  std::string_view summary;
  Families families = Families::kIpv4Only;  ///< of the member's host
  std::vector<GatewayRules> gateways{};     ///< from the internet inwards; none: a public host
  std::string_view host_nft{};              ///< the host's own firewall; empty: none
  /// Of all of it, for IPv4: of the port that the gateway maps, if it maps one.
  Mapping mapping = Mapping::kIndependent;
  Filtering filtering = Filtering::kAddressAndPort;
  bool blocks_udp = false;
};

/// All that the lab knows, in the order of the matrix.
[[nodiscard]] std::span<const Surroundings> all_surroundings();
/// nullptr: there is none of that name.
[[nodiscard]] const Surroundings* find_surroundings(std::string_view name);

/// Whether any path can exist. `helped`: a public member of both families may relay.
[[nodiscard]] bool can_connect(const Surroundings& a, const Surroundings& b, bool helped);
/// Whether it has to be direct: a family without NAT in common, both mappings independent, or one
/// independent whose filter does not look at ports. Elsewhere ports must be guessed.
[[nodiscard]] bool must_be_direct(const Surroundings& a, const Surroundings& b);

}  // namespace kadwire::lab
