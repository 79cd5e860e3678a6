/// What a packet costs in the simulated internet.

#include <benchmark/benchmark.h>

#include "tools/testnet/internet/internet.h"
#include "tools/testnet/virtual_clock.h"

namespace kadwire::testnet {
namespace {

constexpr std::uint16_t kPort = 4222;
/// As a DHT's message.
constexpr std::size_t kPayloadBytes = 300;

/// Sends from `from` and waits for the arrival, over and over.
void carry(benchmark::State& state, EventQueue& queue, Internet& internet, HostId from, HostId to) {
  std::uint64_t arrived = 0;
  internet.set_receiver(to, [&](const Packet&) { ++arrived; });
  const Endpoint target{internet.addresses(to).front().prefix.address, kPort};
  for (auto _ : state) {
    internet.send(from, kPort, target, Bytes(kPayloadBytes));
    queue.run_for(20ms);
  }
  if (arrived != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("lost");
}

void bench_public(benchmark::State& state) {
  EventQueue queue(kWallStartDefault);
  Internet internet(queue, 1);
  const HostId from = internet.add_host({.link = {.latency = {.low = 5ms}}});
  carry(state, queue, internet, from, internet.add_host({}));
}
BENCHMARK(bench_public)->Name("testnet_carry_public");

void bench_through_nat(benchmark::State& state) {
  EventQueue queue(kWallStartDefault);
  Internet internet(queue, 1);
  const GatewayId gateway = internet.add_gateway(
      {.nat = find_nat_kind("port-restricted").value(), .uplink = {.latency = {.low = 5ms}}});
  carry(state, queue, internet, internet.add_host({.behind = gateway}), internet.add_host({}));
}
BENCHMARK(bench_through_nat)->Name("testnet_carry_through_nat");

/// Into a home on a shaky line: two events a packet.
void bench_into_nat(benchmark::State& state) {
  EventQueue queue(kWallStartDefault);
  Internet internet(queue, 1);
  const GatewayId gateway = internet.add_gateway(
      {.nat = find_nat_kind("port-restricted").value(),
       .uplink = {.latency = {.low = 5ms}, .jitter = 3ms, .bits_per_second = 50'000'000}});
  const HostId inside = internet.add_host({.behind = gateway});
  const HostId server = internet.add_host({});
  Endpoint seen;
  internet.set_receiver(server, [&](const Packet& packet) { seen = packet.from; });
  std::uint64_t arrived = 0;
  internet.set_receiver(inside, [&](const Packet&) { ++arrived; });
  internet.send(inside, kPort, {internet.addresses(server).front().prefix.address, kPort}, {});
  queue.run_for(1s);
  for (auto _ : state) {
    internet.send(server, kPort, seen, Bytes(kPayloadBytes));
    queue.run_for(20ms);
  }
  if (arrived != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("lost");
}
BENCHMARK(bench_into_nat)->Name("testnet_carry_into_nat_jitter");

}  // namespace
}  // namespace kadwire::testnet
