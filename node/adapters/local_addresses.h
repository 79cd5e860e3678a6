#pragma once

/// Whether an address is one of this host's own: of packets seen before the kernel has decided
/// where they go, only such are for us; on a router others pass through. Private to the adapters.

#include <chrono>
#include <utility>
#include <vector>

#include "node/adapters/rtnetlink.h"
#include "node/base/endpoint.h"

namespace kadwire::node {

/// A router may pass packets to strangers' addresses all day: that costs a listing a second at
/// most, and an address that came within the last second may be missed so long.
inline constexpr auto kAddressListingInterval = std::chrono::seconds(1);

class LocalAddresses {
 public:
  /// Of the network namespace that this is called in.
  [[nodiscard]] static tl::expected<LocalAddresses, NetlinkError> open();
  /// Reads the addresses again if it does not know this one. One that has gone may be called local
  /// until then; the whole of 127.0.0.0/8 and ::1 always are. Addresses that are local by a route
  /// alone are not known.
  [[nodiscard]] bool contains(const IpAddress& address);

 private:
  explicit LocalAddresses(Rtnetlink netlink) : netlink_(std::move(netlink)) {}
  void list();
  [[nodiscard]] bool knows(const IpAddress& address) const;

  Rtnetlink netlink_;
  std::vector<IpAddress> sorted_;
  std::chrono::steady_clock::time_point next_listing_{};
};

}  // namespace kadwire::node
