#pragma once

/// How often this node's tunnels have to say something, for its own NAT or firewall to remember
/// them: as seldom as what is known of both families allows. Sans-IO; a tunnel may take either, and
/// the peer's NAT is the peer's to look after.

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "node/tunnel.h"
#include "rendezvous/lifetime_watch.h"

namespace kadwire::node {

/// For mappings that live so long. A quarter is left for the moment at which it is noticed that
/// nothing was sent (kKeepaliveSlack) and for what the ladder does not tell. A lost packet may cost
/// the mapping; the next one brings it back.
[[nodiscard]] std::chrono::seconds keepalive_for(const rendezvous::BindingLifetime& lifetime);

class KeepalivePace {
 public:
  /// `random` must outlive this object.
  explicit KeepalivePace(RandomSource& random) : ipv4_(random), ipv6_(random) {}

  /// The STUN servers of both families.
  void set_servers(TimePoint now, std::span<const Endpoint> servers);
  /// The host is on another network, with addresses that reach others in these families. What was
  /// known is void.
  void network_changed(TimePoint now, std::set<AddressFamily> families);
  /// Where others see the host in this family, the newest first; none: they do not. Where none of
  /// them is the one before, there is another NAT.
  void note_externals(TimePoint now, AddressFamily family, std::span<const IpAddress> externals);

  /// True if the datagram belonged to a look; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, rendezvous::LifetimePort port, const Endpoint& from,
                       ByteView datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: nothing pending
  /// What is to leave from this port; call until nullopt.
  [[nodiscard]] std::optional<Transmit> poll_transmit(rendezvous::LifetimePort port);

  [[nodiscard]] const rendezvous::BindingLifetime& lifetime(AddressFamily family) const;
  /// Of the family that needs it most, kKeepaliveMin to kKeepaliveMax.
  [[nodiscard]] std::chrono::seconds keepalive() const;

 private:
  [[nodiscard]] rendezvous::LifetimeWatch& of(AddressFamily family);
  [[nodiscard]] std::vector<Endpoint> servers_of(AddressFamily family) const;

  std::vector<Endpoint> servers_;
  std::set<AddressFamily> families_;
  std::optional<IpAddress> external_ipv4_, external_ipv6_;  ///< the last ones known
  rendezvous::LifetimeWatch ipv4_, ipv6_;
};

}  // namespace kadwire::node
