#include "tools/testnet/report/results.h"

#include <algorithm>
#include <cassert>

namespace kadwire::testnet {
namespace {

constexpr std::array<std::string_view, kTrafficKinds> kTrafficNames = {
    "dht", "handshake", "keepalive", "data", "stun", "rendezvous", "gateway"};

constexpr std::array<std::string_view, 3> kPairStateNames = {"none", "direct", "relayed"};

constexpr std::array<std::string_view, kDropKinds> kDropNames = {
    "arrived",  "loss",     "queue",       "mtu",       "no_route", "nat_filtered",
    "nat_full", "firewall", "udp_blocked", "partition", "host_down"};

template <std::size_t kCount, typename Enum>
std::string_view name_of(const std::array<std::string_view, kCount>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  assert(index < kCount);
  return names[index];
}

}  // namespace

std::string_view to_text(TrafficKind kind) {
  return name_of(kTrafficNames, kind);
}

std::string_view to_text(PairState state) {
  return name_of(kPairStateNames, state);
}

std::string_view to_text(Drop cause) {
  return name_of(kDropNames, cause);
}

bool succeeded(const RunResult& result) {
  return result.violations.empty() &&
         std::all_of(result.verdicts.begin(), result.verdicts.end(),
                     [](const Verdict& verdict) { return verdict.met; });
}

}  // namespace kadwire::testnet
