#include "node/adapters/local_addresses.h"

#include <algorithm>
#include <utility>

namespace kadwire::node {

tl::expected<LocalAddresses, NetlinkError> LocalAddresses::open() {
  auto netlink = Rtnetlink::open();
  if (!netlink) return tl::unexpected(std::move(netlink).error());
  return LocalAddresses(std::move(*netlink));
}

bool LocalAddresses::contains(const IpAddress& address) {
  if (address.is_loopback() || knows(address)) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_listing_) return false;
  list(now);
  return knows(address);
}

void LocalAddresses::list(std::chrono::steady_clock::time_point now) {
  next_listing_ = now + kAddressListingInterval;
  const auto addresses = netlink_.addresses();
  if (!addresses) return;  // it never held still, or no memory: what was known still serves
  sorted_.clear();
  for (const InterfaceAddress& entry : *addresses) sorted_.push_back(entry.prefix.address);
  std::ranges::sort(sorted_);
}

bool LocalAddresses::knows(const IpAddress& address) const {
  return std::ranges::binary_search(sorted_, address);
}

}  // namespace kadwire::node
