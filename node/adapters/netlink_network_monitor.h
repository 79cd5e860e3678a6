#pragma once

/// Production's NetworkMonitor: listens to the kernel's notices about links, addresses and routes,
/// and reads the whole state again once they pause. Notices only say "look again": what they
/// contain, and whether some were lost, does not matter.

#include <asio/io_context.hpp>

#include <memory>
#include <string>

#include "node/adapters/rtnetlink.h"
#include "node/ports/network_monitor.h"

namespace kadwire::node {

class NetlinkNetworkMonitor final : public NetworkMonitor {
 public:
  /// `own_interface` is left out of everything, whether it exists yet or not.
  /// `context` must outlive this object; everything happens on its one thread.
  [[nodiscard]] static tl::expected<std::unique_ptr<NetlinkNetworkMonitor>, NetlinkError> open(
      asio::io_context& context, std::string own_interface);
  ~NetlinkNetworkMonitor() override;

  void start(Handler handler) override;

 private:
  struct Watch;
  explicit NetlinkNetworkMonitor(std::shared_ptr<Watch> watch);
  std::shared_ptr<Watch> watch_;  ///< with pending completions, which end when it is closed
};

/// The state as it is now. Addresses of interfaces that are down are left out; every list has an
/// order that does not depend on the kernel's, so that equal states compare equal.
[[nodiscard]] tl::expected<NetworkState, NetlinkError> read_network_state(
    Rtnetlink& netlink, const std::string& own_interface);

}  // namespace kadwire::node
