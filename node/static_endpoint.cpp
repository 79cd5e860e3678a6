#include "node/static_endpoint.h"

#include "rendezvous/candidate.h"

namespace kadwire::node {

std::string_view flaw_of_endpoint(const Endpoint& endpoint, std::span<const Prefix> mesh_networks) {
  const IpAddress& address = endpoint.address;
  if (endpoint.port == 0) return "has no port";
  if (address.is_unspecified()) return "is no host's address";
  if (address.is_loopback()) return "is a loopback address: it leads every host to itself";
  if (address.is_multicast()) return "is a multicast or broadcast address";
  if (address.is_link_local()) return "is a link-local address: it means nothing beyond its link";
  if (rendezvous::inside_any(address, mesh_networks)) {
    return "is inside the mesh: name an address that is reached without it";
  }
  return {};
}

}  // namespace kadwire::node
