#include "tools/lab/surroundings.h"

#include <algorithm>
#include <string>

namespace kadwire::lab {
namespace {

// Every script but a carrier's is followed by the gateway's filter (gateway.cpp), which lets in
// answers, and whatever a script has translated to a host inside.

/// The port is kept where it is free.
constexpr std::string_view kPortRestricted = R"(
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" masquerade
  }
})";

constexpr std::string_view kSymmetricRandom = R"(
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" masquerade fully-random
  }
})";

/// The ports are in a map: a number that nft counts up itself goes into the packet in the host's
/// byte order, and would step by 256.
std::string symmetric_sequential() {
  constexpr int kFirst = 42'000;
  constexpr int kPorts = 2048;
  std::string map;
  for (int i = 0; i < kPorts; ++i) {
    map += (i == 0 ? "" : ", ") + std::to_string(i) + " : " + std::to_string(kFirst + i);
  }
  return R"(
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" meta l4proto udp snat to $wan : numgen inc mod )" +
         std::to_string(kPorts) + " map { " + map + R"( }
    oifname "eth0" masquerade
  }
})";
}

/// As a rule that somebody wrote for WireGuard alone.
constexpr std::string_view kFixedPort = R"(
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" udp sport 51820 snat to $wan : 40001
    oifname "eth0" masquerade
  }
})";

/// The port is a function of the inner endpoint.
constexpr std::string_view kHash = R"(
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" meta l4proto udp \
      snat to $wan : jhash ip saddr . udp sport mod 16384 seed 0xbeef offset 20000
    oifname "eth0" masquerade
  }
})";

constexpr std::string_view kFullCone = R"(
table ip nat {
  map open {
    type inet_service : ipv4_addr . inet_service
    flags dynamic, timeout
    timeout 5m
    size 65535
  }
  chain pre {
    type nat hook prerouting priority dstnat
    iifname "eth0" meta l4proto udp dnat ip to udp dport map @open
  }
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" meta l4proto udp update @open { udp sport : ip saddr . udp sport }
    oifname "eth0" masquerade
  }
})";

constexpr std::string_view kAddressRestricted = R"(
table ip nat {
  map open {
    type ipv4_addr . inet_service : ipv4_addr . inet_service
    flags dynamic, timeout
    timeout 5m
    size 65535
  }
  chain pre {
    type nat hook prerouting priority dstnat
    iifname "eth0" meta l4proto udp dnat ip to ip saddr . udp dport map @open
  }
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" meta l4proto udp \
      update @open { ip daddr . udp sport : ip saddr . udp sport }
    oifname "eth0" masquerade
  }
})";

/// A full cone whose hosts also reach each other at its outside.
constexpr std::string_view kHairpinCone = R"(
table ip nat {
  map open {
    type inet_service : ipv4_addr . inet_service
    flags dynamic, timeout
    timeout 5m
    size 65535
  }
  chain pre {
    type nat hook prerouting priority dstnat
    ip daddr $wan meta l4proto udp dnat ip to udp dport map @open
  }
  chain post {
    type nat hook postrouting priority srcnat
    meta l4proto udp ip saddr $lan update @open { udp sport : ip saddr . udp sport }
    oifname "lan0" ip saddr $lan snat to $wan
    oifname "eth0" masquerade
  }
})";

constexpr std::string_view kBlocked = R"(
table ip blocked {
  chain forward {
    type filter hook forward priority filter
    meta l4proto udp drop
  }
}
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" masquerade
  }
})";

/// As strict as a box can be, but for what miniupnpd puts into its chains. In the table of the
/// filter, where miniupnpd looks for them.
constexpr std::string_view kMapping = R"(
table inet filter {
  chain miniupnpd {
  }
  chain prerouting_miniupnpd {
  }
  chain postrouting_miniupnpd {
  }
  chain pre {
    type nat hook prerouting priority dstnat
    jump prerouting_miniupnpd
  }
  chain post {
    type nat hook postrouting priority srcnat
    jump postrouting_miniupnpd
    oifname "eth0" ip saddr $lan snat ip to $wan fully-random
  }
})";

/// The host's own, as ufw and firewalld have it: answers, and what is inside the mesh.
constexpr std::string_view kHostFirewall = R"(
table inet wall {
  chain input {
    type filter hook input priority filter; policy drop
    iifname { "lo", "kadwire0" } accept
    ct state established, related accept
    meta l4proto { icmp, ipv6-icmp } accept
  }
})";

std::vector<Surroundings> make_all() {
  static const std::string sequential = symmetric_sequential();
  using enum Mapping;
  std::vector<Surroundings> all;
  all.push_back(
      {.name = "public", .summary = "no NAT, no firewall", .filtering = Filtering::kIndependent});
  all.push_back({.name = "host-firewall",
                 .summary = "a public host that lets in only answers",
                 .host_nft = kHostFirewall});
  all.push_back({.name = "full-cone",
                 .summary = "one mapping for all, open to all",
                 .gateways = {{kFullCone}},
                 .filtering = Filtering::kIndependent});
  all.push_back({.name = "hairpin-cone",
                 .summary = "a full cone whose hosts reach each other from outside",
                 .gateways = {{kHairpinCone}},
                 .filtering = Filtering::kIndependent});
  all.push_back({.name = "address-restricted",
                 .summary = "answers only from addresses sent to",
                 .gateways = {{kAddressRestricted}},
                 .filtering = Filtering::kAddress});
  all.push_back({.name = "port-restricted",
                 .summary = "the usual home box: the port is kept",
                 .gateways = {{kPortRestricted}}});
  all.push_back({.name = "fixed-port",
                 .summary = "port-restricted, WireGuard's port is always 40001 outside",
                 .gateways = {{kFixedPort}}});
  all.push_back({.name = "hash",
                 .summary = "port-restricted, the outer port is a hash of the inner endpoint",
                 .gateways = {{kHash}}});
  all.push_back({.name = "cgnat",
                 .summary = "a home box behind a carrier's, both port-restricted",
                 .gateways = {{kPortRestricted, LanRange::kCarrier}, {kPortRestricted}}});
  all.push_back({.name = "symmetric-sequential",
                 .summary = "a port for each endpoint, the next in line",
                 .gateways = {{sequential}},
                 .mapping = kDependent});
  all.push_back({.name = "symmetric-random",
                 .summary = "a random port for each endpoint",
                 .gateways = {{kSymmetricRandom}},
                 .mapping = kDependent});
  all.push_back({.name = "mapping-gateway",
                 .summary = "symmetric-random, but maps a port for whoever asks (miniupnpd)",
                 .gateways = {{.nft = kMapping, .maps_ports = true}},
                 .filtering = Filtering::kIndependent});
  all.push_back({.name = "dual-stack",
                 .summary = "port-restricted, and IPv6 through a stateful firewall",
                 .families = Families::kBoth,
                 .gateways = {{kPortRestricted}}});
  all.push_back({.name = "ipv6-only",
                 .summary = "IPv6 alone, through a stateful firewall",
                 .families = Families::kIpv6Only,
                 .gateways = {{""}}});
  all.push_back({.name = "blocked",
                 .summary = "no UDP gets through",
                 .gateways = {{kBlocked}},
                 .blocks_udp = true});
  return all;
}

bool both_have(const Surroundings& a, const Surroundings& b, Families excluded) {
  return a.families != excluded && b.families != excluded;
}

}  // namespace

std::span<const Surroundings> all_surroundings() {
  static const std::vector<Surroundings> all = make_all();
  return all;
}

const Surroundings* find_surroundings(std::string_view name) {
  const auto all = all_surroundings();
  const auto found = std::ranges::find(all, name, &Surroundings::name);
  return found == all.end() ? nullptr : &*found;
}

bool can_connect(const Surroundings& a, const Surroundings& b, bool helped) {
  if (a.blocks_udp || b.blocks_udp) return false;
  if (helped || both_have(a, b, Families::kIpv4Only)) return true;
  if (!both_have(a, b, Families::kIpv6Only)) return false;
  return a.mapping == Mapping::kIndependent || b.mapping == Mapping::kIndependent;
}

bool must_be_direct(const Surroundings& a, const Surroundings& b) {
  if (a.blocks_udp || b.blocks_udp) return false;
  if (both_have(a, b, Families::kIpv4Only)) return true;
  if (!both_have(a, b, Families::kIpv6Only)) return false;
  const auto lenient = [](const Surroundings& one) {
    return one.mapping == Mapping::kIndependent && one.filtering != Filtering::kAddressAndPort;
  };
  if (lenient(a) || lenient(b)) return true;
  return a.mapping == Mapping::kIndependent && b.mapping == Mapping::kIndependent;
}

}  // namespace kadwire::lab
