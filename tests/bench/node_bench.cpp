/// What it costs to compare a device with what it should be, each time it is looked at; and how
/// much a relay passes on.

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <asio/io_context.hpp>
#include <chrono>

#include "node/adapters/asio_scheduler.h"
#include "node/adapters/datagram_batch.h"
#include "node/adapters/socket_options.h"
#include "node/adapters/udp_binding.h"
#include "node/adapters/udp_relay_ports.h"
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

/// One relayed pair on loopback, whose ends are plain sockets. Everything is on one thread, so what
/// is measured is the relay's share alone: reading, deciding, writing, and what the kernel does for
/// it.
class RelayedPair {
 public:
  RelayedPair() {
    relay_.start({.bind = [](auto...) {}, .idle = [](auto...) {}});
    const std::uint16_t port = relay_.open(1);
    relay_.join(1, sender_.local, receiver_.local);
    to_ = {sender_.local.address, port};
    enlarge_send_buffer(sender_.fd.get(), kReceiveBufferBytes);
  }

  /// Sends it `count` datagrams of `bytes`, in runs of `run_length`, at most kBatchMax runs.
  void offer(std::size_t count, std::size_t bytes, std::size_t run_length) {
    for (std::size_t i = 0; i < count; i += run_length) {
      batch_.add({to_, std::nullopt, {ByteView(payload_).first(run_length * bytes), bytes}});
    }
    (void)batch_.send(sender_.fd.get());
  }
  void forward() {
    context_.restart();
    context_.poll();
  }
  /// How many datagrams have come out, which are then gone.
  std::size_t drain() {
    std::size_t count = 0;
    while (recv(receiver_.fd.get(), payload_.data(), payload_.size(), MSG_DONTWAIT) > 0) ++count;
    return count;
  }

 private:
  static BoundSocket bound() { return std::move(*bind_udp({IpAddress::v4(INADDR_LOOPBACK), 0})); }
  asio::io_context context_;
  AsioScheduler scheduler_{context_};
  UdpRelayPorts relay_{context_, scheduler_};
  BoundSocket sender_ = bound(), receiver_ = bound();
  Endpoint to_;
  DepartureBatch batch_;
  Bytes payload_ = Bytes(kRunBytesMax);
};

/// The argument is how many datagrams of the flow the kernel has joined: 1 where it cannot.
void relay_forwards_datagrams_of_1400_bytes(benchmark::State& state) {
  constexpr std::size_t kBytes = 1400;
  constexpr std::size_t kBurst = 64;
  const auto run_length = static_cast<std::size_t>(state.range(0));
  RelayedPair pair;
  std::size_t forwarded = 0;
  for (auto _ : state) {
    pair.offer(kBurst, kBytes, run_length);
    const auto start = std::chrono::steady_clock::now();
    pair.forward();
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    forwarded += pair.drain();
  }
  if (forwarded != kBurst * state.iterations()) state.SkipWithError("datagrams were lost");
  state.SetItemsProcessed(static_cast<std::int64_t>(forwarded));
  state.SetBytesProcessed(static_cast<std::int64_t>(forwarded * kBytes));
}
BENCHMARK(relay_forwards_datagrams_of_1400_bytes)->Arg(1)->Arg(4)->Arg(32)->UseManualTime();

}  // namespace
}  // namespace kadwire::node
