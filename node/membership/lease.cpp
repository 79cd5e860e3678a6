#include "node/membership/lease.h"

#include <map>
#include <tuple>

namespace kadwire::node {

bool prevails(const LeaseClaim& a, const LeaseClaim& b) {
  const auto rank = [](const LeaseClaim& claim) {
    return std::tuple(!claim.pinned, claim.since, claim.node);
  };
  return rank(a) < rank(b);
}

std::vector<bool> assign_leases(std::span<const LeaseClaim> claims) {
  std::map<IpAddress, std::size_t> holders;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const auto [holder, first] = holders.try_emplace(claims[i].address, i);
    if (!first && prevails(claims[i], claims[holder->second])) holder->second = i;
  }
  std::vector<bool> holds(claims.size(), false);
  for (const auto& [address, index] : holders) holds[index] = true;
  return holds;
}

}  // namespace kadwire::node
