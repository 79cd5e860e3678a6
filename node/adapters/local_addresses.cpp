#include "node/adapters/local_addresses.h"

#include <algorithm>
#include <utility>

namespace kadwire::node {

tl::expected<LocalAddresses, NetlinkError> LocalAddresses::open() {
  auto netlink = Rtnetlink::open();
  if (!netlink) return tl::unexpected(std::move(netlink).error());
  LocalAddresses addresses(std::move(*netlink));
  addresses.list();
  return addresses;
}

bool LocalAddresses::contains(const IpAddress& address) {
  if (address.is_loopback() || knows(address)) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_listing_) return false;
  next_listing_ = now + kAddressListingInterval;
  list();
  return knows(address);
}

void LocalAddresses::list() {
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
