#include "node/reconciler.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/made_up.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::node {
namespace {

using kadwire::testing::wireguard_key;

PeerConfig config(unsigned number, std::uint32_t address, std::chrono::seconds keepalive = 25s) {
  PeerConfig result;
  result.key = wireguard_key(number);
  result.allowed_ips = {Prefix::of_host(IpAddress::v4(address))};
  result.keepalive = keepalive;
  return result;
}

PeerStatus status_of(const PeerConfig& config) {
  PeerStatus status;
  status.key = config.key;
  status.allowed_ips = config.allowed_ips;
  status.keepalive = config.keepalive;
  return status;
}

TEST(Reconciler, FindsNothingToDoWhereAllIsAsDesired) {
  const std::vector<PeerConfig> desired{config(1, 1), config(2, 2)};
  const std::vector<PeerStatus> actual{status_of(desired[1]), status_of(desired[0])};
  const auto changes = difference(desired, actual);
  EXPECT_TRUE(changes.remove.empty());
  EXPECT_TRUE(changes.set.empty());
}

TEST(Reconciler, RemovesForeignPeersAndSetsMissingOnes) {
  const std::vector<PeerConfig> desired{config(1, 1)};
  const std::vector<PeerStatus> actual{status_of(config(2, 1))};
  const auto changes = difference(desired, actual);
  EXPECT_EQ(changes.remove, std::vector{wireguard_key(2)});
  EXPECT_EQ(changes.set, desired);
}

TEST(Reconciler, SetsAPeerWhoseAllowedIpsOrKeepaliveDiffer) {
  const std::vector<PeerConfig> desired{config(1, 1)};
  for (const PeerConfig& other : {config(1, 2), config(1, 1, 0s)}) {
    const std::vector<PeerStatus> actual{status_of(other)};
    EXPECT_EQ(difference(desired, actual).set, desired);
  }
}

TEST(Reconciler, LeavesEndpointsToRoaming) {
  std::vector<PeerConfig> desired{config(1, 1)};
  desired[0].endpoint = Endpoint::parse("192.0.2.1:1");
  std::vector<PeerStatus> actual{status_of(desired[0])};
  actual[0].endpoint = Endpoint::parse("192.0.2.9:9");
  EXPECT_TRUE(difference(desired, actual).set.empty());
}

TEST(Reconciler, MakesAnyDeviceWhatIsDesired) {
  testnet::SeededRandom random(1);
  const auto draw = [&] {
    std::map<unsigned, PeerConfig> peers;
    for (unsigned i = 0; i < 20; ++i) {
      if (random_below(random, 2) == 0) continue;
      peers[i] = config(i, static_cast<std::uint32_t>(random_below(random, 3)),
                        std::chrono::seconds(random_below(random, 2)));
    }
    return peers;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<PeerConfig> desired;
    for (const auto& [number, peer] : draw()) desired.push_back(peer);
    std::map<crypto::WireguardKey, PeerStatus> device;
    for (const auto& [number, peer] : draw()) device[peer.key] = status_of(peer);

    const auto actual_now = [&] {
      std::vector<PeerStatus> actual;
      for (const auto& [id, status] : device) actual.push_back(status);
      return actual;
    };
    const auto changes = difference(desired, actual_now());
    for (const auto& id : changes.remove) EXPECT_EQ(device.erase(id), 1U);
    for (const auto& peer : changes.set) device[peer.key] = status_of(peer);

    const auto rest = difference(desired, actual_now());
    EXPECT_TRUE(rest.remove.empty() && rest.set.empty());
    EXPECT_EQ(device.size(), desired.size());
  }
}

}  // namespace
}  // namespace kadwire::node
