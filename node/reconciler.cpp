#include "node/reconciler.h"

#include <map>

namespace kadwire::node {
namespace {

bool same(const PeerConfig& desired, const PeerStatus& actual) {
  return desired.allowed_ips == actual.allowed_ips && desired.keepalive == actual.keepalive;
}

}  // namespace

PeerDifference difference(std::span<const PeerConfig> desired, std::span<const PeerStatus> actual) {
  std::map<crypto::WireguardKey, const PeerConfig*> wanted;
  for (const PeerConfig& config : desired) wanted.emplace(config.key, &config);

  PeerDifference result;
  std::map<crypto::WireguardKey, const PeerStatus*> present;
  for (const PeerStatus& status : actual) present.emplace(status.key, &status);
  for (const auto& [key, status] : present) {
    if (!wanted.contains(key)) result.remove.push_back(key);
  }
  for (const auto& [key, config] : wanted) {
    const auto found = present.find(key);
    if (found == present.end() || !same(*config, *found->second)) result.set.push_back(*config);
  }
  return result;
}

}  // namespace kadwire::node
