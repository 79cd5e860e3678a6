/// What it costs to compare a device with what it should be, each time it is looked at.

#include <benchmark/benchmark.h>

#include "node/reconciler.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::node {
namespace {

constexpr unsigned kPeers = 1000;

/// As in a mesh: random keys, two addresses each, sorted by NodeId and so not by key.
std::vector<PeerConfig> desired_peers() {
  testnet::SeededRandom random(1);
  std::vector<PeerConfig> peers(kPeers);
  for (unsigned i = 0; i < kPeers; ++i) {
    random.fill(peers[i].key.bytes);
    ByteArray<16> ipv6{};
    random.fill(ipv6);
    peers[i].allowed_ips = {Prefix::of_host(IpAddress::v4(0x0a000000 + i)),
                            Prefix::of_host(IpAddress::v6(ipv6))};
    peers[i].keepalive = std::chrono::seconds(25);
  }
  return peers;
}

std::vector<PeerStatus> device_of(std::span<const PeerConfig> peers) {
  std::vector<PeerStatus> device;
  for (const PeerConfig& peer : peers) {
    PeerStatus status;
    status.key = peer.key;
    status.allowed_ips = peer.allowed_ips;
    status.keepalive = peer.keepalive;
    device.push_back(std::move(status));
  }
  return device;
}

void difference_of_1000_equal_peers(benchmark::State& state) {
  const auto desired = desired_peers();
  const auto actual = device_of(desired);
  for (auto _ : state) benchmark::DoNotOptimize(difference(desired, actual));
}
BENCHMARK(difference_of_1000_equal_peers)->Unit(benchmark::kMicrosecond);

void difference_of_1000_peers_to_an_empty_device(benchmark::State& state) {
  const auto desired = desired_peers();
  for (auto _ : state) benchmark::DoNotOptimize(difference(desired, {}));
}
BENCHMARK(difference_of_1000_peers_to_an_empty_device)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kadwire::node
