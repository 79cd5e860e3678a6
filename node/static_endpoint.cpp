#include "node/static_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rendezvous/candidate.h"

namespace kadwire::node {

std::string_view flaw_of_endpoint(const Endpoint& endpoint, std::span<const Prefix> mesh_networks) {
  const IpAddress& address = endpoint.address;
  if (endpoint.port == 0) return "has no port";
  if (address.is_unspecified()) return "is no host's address";
  if (address.is_loopback()) return "is a loopback address, which leads every host to itself";
  if (address.is_multicast()) return "is a multicast or broadcast address";
  if (address.is_link_local())
    return "is a link-local address, which means nothing beyond its link";
  if (rendezvous::inside_any(address, mesh_networks)) {
    return "is inside the mesh; name an address that is reached without it";
  }
  return {};
}

NamedEndpoints choose_endpoints(std::span<const Endpoint> resolved,
                                std::span<const Prefix> mesh_networks) {
  NamedEndpoints chosen;
  std::vector<Endpoint> good;
  for (const Endpoint& endpoint : resolved) {
    const auto flaw = flaw_of_endpoint(endpoint, mesh_networks);
    if (flaw.empty()) {
      good.push_back(endpoint);
    } else {
      chosen.left_out = fmt::format("{} is left out: it {}", endpoint.to_string(), flaw);
    }
  }
  std::ranges::sort(good, {}, [](const Endpoint& endpoint) {
    return std::pair(endpoint.address.is_private(), endpoint);
  });
  const auto other_family = std::ranges::find_if(good, [&](const Endpoint& endpoint) {
    return endpoint.address.family() != good.front().address.family();
  });
  if (other_family != good.end()) std::rotate(good.begin() + 1, other_family, other_family + 1);
  good.resize(std::min(good.size(), kEndpointsPerNameMax));
  chosen.endpoints = std::move(good);
  return chosen;
}

}  // namespace kadwire::node
