#pragma once

/// Runs a rendezvous::NetCheck on this machine: two UDP sockets, the system's resolver, the UPnP
/// gateway and the kernel's lists of addresses and routes. Needs no rights. Blocks until it ends.

#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "node/bootstrap_host.h"
#include "rendezvous/net_report.h"

namespace kadwire::node {

/// A name that has no address by then is given up; servers still get two seconds after it.
inline constexpr std::chrono::milliseconds kNameLookupMax{2000};
/// Whoever waits is told how far it is, from one such interval after the start on.
inline constexpr std::chrono::milliseconds kProgressInterval{1000};

using NetworkCheckProgress = std::function<void(const rendezvous::NetReport& so_far)>;

/// Addresses of tunnels (TUN devices, WireGuard) are left out of the report: nobody reaches
/// WireGuard's port there. `stun`: asked how this host looks from outside; may be empty. The error
/// says in one sentence what the system refused.
[[nodiscard]] tl::expected<rendezvous::NetReport, std::string> check_network(
    const std::vector<BootstrapHost>& stun, const NetworkCheckProgress& progress);

}  // namespace kadwire::node
