#include "node/keepalive_pace.h"

#include <algorithm>

namespace kadwire::node {
namespace {

using rendezvous::BindingLifetime;
using rendezvous::LifetimePort;

constexpr AddressFamily kFamilies[] = {AddressFamily::kIpv4, AddressFamily::kIpv6};

}  // namespace

std::chrono::seconds keepalive_for(const BindingLifetime& lifetime) {
  if (lifetime.at_least) {
    return std::clamp(*lifetime.at_least * 3 / 4, kKeepaliveMin, kKeepaliveMax);
  }
  if (!lifetime.at_most) return kKeepalive;
  return std::clamp(*lifetime.at_most * 3 / 4, kKeepaliveMin, kKeepalive);
}

void KeepalivePace::set_servers(TimePoint now, std::span<const Endpoint> servers) {
  servers_.assign(servers.begin(), servers.end());
  for (const AddressFamily family : kFamilies) of(family).set_servers(now, servers_of(family));
}

void KeepalivePace::network_changed(TimePoint now, std::set<AddressFamily> families) {
  families_ = std::move(families);
  external_ipv4_.reset();
  external_ipv6_.reset();
  for (const AddressFamily family : kFamilies) of(family).restart(now, servers_of(family));
}

void KeepalivePace::note_externals(TimePoint now, AddressFamily family,
                                   std::span<const IpAddress> externals) {
  auto& known = family == AddressFamily::kIpv4 ? external_ipv4_ : external_ipv6_;
  const bool stays = known && std::ranges::find(externals, *known) != externals.end();
  if (externals.empty() || stays) return;
  if (known) of(family).restart(now, servers_of(family));
  known = externals.front();
}

bool KeepalivePace::handle_datagram(TimePoint now, LifetimePort port, const Endpoint& from,
                                    ByteView datagram) {
  return of(from.address.family()).handle_datagram(now, port, from, datagram);
}

void KeepalivePace::handle_timeout(TimePoint now) {
  for (const AddressFamily family : kFamilies) of(family).handle_timeout(now);
}

std::optional<TimePoint> KeepalivePace::next_timeout() const {
  const auto ipv4 = ipv4_.next_timeout(), ipv6 = ipv6_.next_timeout();
  return ipv4 && ipv6 ? std::min(ipv4, ipv6) : ipv4 ? ipv4 : ipv6;
}

std::optional<Transmit> KeepalivePace::poll_transmit(LifetimePort port) {
  auto transmit = ipv4_.poll_transmit(port);
  return transmit ? std::move(transmit) : ipv6_.poll_transmit(port);
}

const BindingLifetime& KeepalivePace::lifetime(AddressFamily family) const {
  return family == AddressFamily::kIpv4 ? ipv4_.lifetime() : ipv6_.lifetime();
}

std::chrono::seconds KeepalivePace::keepalive() const {
  if (families_.empty()) return kKeepalive;
  std::chrono::seconds shortest = kKeepaliveMax;
  for (const AddressFamily family : families_) {
    shortest = std::min(shortest, keepalive_for(lifetime(family)));
  }
  return shortest;
}

rendezvous::LifetimeWatch& KeepalivePace::of(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? ipv4_ : ipv6_;
}

/// None where the host has no address to ask from.
std::vector<Endpoint> KeepalivePace::servers_of(AddressFamily family) const {
  std::vector<Endpoint> servers;
  if (!families_.contains(family)) return servers;
  std::ranges::copy_if(servers_, std::back_inserter(servers),
                       [&](const Endpoint& server) { return server.address.family() == family; });
  return servers;
}

}  // namespace kadwire::node
