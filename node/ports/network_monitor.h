#pragma once

/// PORT: the host's addresses and routes, now and whenever they change.

#include <functional>
#include <vector>

#include "node/base/endpoint.h"
#include "rendezvous/candidate.h"

namespace kadwire::node {

/// A route of another interface than ours. Default routes are left out: see gateways.
struct LocalRoute {
  Prefix prefix;
  std::string interface;
  auto operator<=>(const LocalRoute&) const = default;
};

struct NetworkState {
  std::vector<rendezvous::LocalAddress> addresses;  ///< our WireGuard interface's left out
  std::vector<LocalRoute> routes;
  /// The default routes' next hops of both families, the preferred first; empty where unknown.
  std::vector<IpAddress> gateways;
  bool operator==(const NetworkState&) const = default;
};

class NetworkMonitor {
 public:
  using Handler = std::function<void(const NetworkState&)>;
  virtual ~NetworkMonitor() = default;
  /// Delivers the state at once (not from inside) and again after each change; called once.
  virtual void start(Handler handler) = 0;
};

}  // namespace kadwire::node
