#include "tools/lab/trouble.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/lab/ping_board.h"
#include "tools/lab/scenario_lab.h"
#include "tools/lab/surroundings.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// By then a trouble has done its damage: what was under way has arrived.
constexpr auto kAftermath = 500ms;
/// Three seconds of them.
constexpr std::uint64_t kAnswersOfCalm = 60;
constexpr auto kGiveUp = 40s;
/// A second relay is asked for 2 s after the first, and after 4, 8, … s if it was not granted.
constexpr auto kReserveMax = 30s;
/// The pair's ends are bound by then, and the reserve has answered a ping.
constexpr auto kReserveSettles = 3s;

// ---- What happens ----

/// The host's address becomes another one of its net.
Expected<void> change_address(const Host& host) {
  const std::string old_address = host.ipv4().to_string();
  const std::string new_address = old_address.substr(0, old_address.rfind('.')) + ".77";
  return host.run({"sh", "-c",
                   "sysctl -q -w net.ipv4.conf.all.promote_secondaries=1 && ip addr add " +
                       new_address + "/24 dev eth0 && ip addr del " + old_address +
                       "/24 dev eth0"});
}

Expected<void> second_moves(const NatPair& pair) {
  return change_address(pair.second->host());
}

Expected<void> forget(const Member& member) {
  return member.gateways().front()->forget_mappings();
}

Expected<void> nat_of_first_forgets(const NatPair& pair) {
  return forget(*pair.first);
}

Expected<void> sleep_on(const NatPair&) {
  PingBoard clock;
  clock.run(kSleepTime);
  return {};
}

Expected<void> sleep_while_nat_forgets(const NatPair& pair) {
  pair.second->sleep();
  return forget(*pair.second).and_then([&] { return sleep_on(pair); });
}

Expected<void> sleep_while_address_changes(const NatPair& pair) {
  pair.second->sleep();
  return second_moves(pair).and_then([&] { return sleep_on(pair); });
}

/// Nobody in the house is told.
Expected<void> sleep_while_nat_moves(const NatPair& pair) {
  pair.second->sleep();
  return change_address(pair.second->gateways().front()->host())
      .and_then([&] { return forget(*pair.second); })
      .and_then([&] { return sleep_on(pair); });
}

Expected<void> second_wakes(const NatPair& pair) {
  pair.second->wake();
  return {};
}

/// Whose port WireGuard sends to on both sides; nullptr while they do not say the same.
Member* relay_of(const NatPair& pair) {
  const auto second = pair.second->addresses();
  if (!second) return nullptr;
  const auto one = Endpoint::parse(pair.first->endpoint_of(second->node));
  const auto other = Endpoint::parse(pair.second->endpoint_of(pair.first_addresses.node));
  if (!one || !other || one->address != other->address) return nullptr;
  const auto found = std::ranges::find_if(
      pair.helpers, [&](const Member* helper) { return helper->host().ipv4() == one->address; });
  return found == pair.helpers.end() ? nullptr : *found;
}

Expected<void> await_reserve(const NatPair& pair) {
  PingBoard clock;
  const bool ready = clock.run_until(
      [&] {
        return relay_of(pair) != nullptr &&
               std::ranges::all_of(pair.helpers,
                                   [](const Member* each) { return each->pairs_relayed() > 0; });
      },
      kReserveMax);
  if (!ready) return lab_error("the two do not have a relay each in use and in reserve");
  clock.run(kReserveSettles);
  return {};
}

Expected<void> relay_dies(const NatPair& pair) {
  Member* relay = relay_of(pair);
  if (relay == nullptr) return lab_error("the two do not agree on a relay");
  relay->crash_whole();
  return {};
}

Expected<void> ipv6_dies(const NatPair& pair) {
  return pair.second->gateways().front()->drop_silently(pair.first->host().ipv6());
}

Expected<void> direct_path_dies(const NatPair& pair) {
  const Host& box_of_first = pair.first->gateways().front()->host();
  return pair.second->gateways().front()->drop_silently(box_of_first.ipv4());
}

// ---- The table ----

constexpr std::array kTroubles = {
    Trouble{.name = "address-public",
            .summary = "a public member's address changes",
            .first = "port-restricted",
            .second = "public",
            .limit = 1s,
            .happen = second_moves},
    Trouble{.name = "address-private",
            .summary = "a member's address behind a NAT changes",
            .first = "port-restricted",
            .second = "port-restricted",
            .limit = 1s,
            .happen = second_moves},
    Trouble{.name = "wake-nat",
            .summary = "asleep for 60 s, meanwhile its NAT forgets its mappings",
            .first = "port-restricted",
            .second = "port-restricted",
            .limit = 2s,
            .prepare = sleep_while_nat_forgets,
            .calm = 0s,
            .happen = second_wakes},
    Trouble{.name = "wake-elsewhere",
            .summary = "the same, and its NAT has another address",
            .first = "port-restricted",
            .second = "port-restricted",
            .limit = 2s,
            .prepare = sleep_while_nat_moves,
            .calm = 0s,
            .happen = second_wakes},
    Trouble{.name = "wake-address",
            .summary = "asleep for 60 s, meanwhile its public address changes",
            .first = "port-restricted",
            .second = "public",
            .limit = 2s,
            .prepare = sleep_while_address_changes,
            .calm = 0s,
            .happen = second_wakes},
    Trouble{.name = "nat-both",
            .summary = "a NAT forgets its mappings, both sides send",
            .first = "port-restricted",
            .second = "port-restricted",
            .traffic = Traffic::kBothWays,
            .limit = 5s,
            .happen = nat_of_first_forgets},
    Trouble{.name = "nat-remaps",
            .summary = "the same, and it maps to other ports then",
            .first = "symmetric-random",
            .second = "public",
            .traffic = Traffic::kBothWays,
            .limit = 5s,
            .happen = nat_of_first_forgets},
    Trouble{.name = "nat-answers",
            .summary = "a NAT forgets its mappings, the side behind it only answers",
            .first = "port-restricted",
            .second = "port-restricted",
            .limit = 5s,
            .happen = nat_of_first_forgets},
    Trouble{.name = "nat-answers-helped",
            .summary = "the same, with a third member",
            .first = "port-restricted",
            .second = "port-restricted",
            .helpers = 1,
            .limit = 5s,
            .happen = nat_of_first_forgets},
    Trouble{.name = "relay-killed",
            .summary = "the relay in use is killed, another one is in reserve",
            .first = "symmetric-random",
            .second = "symmetric-random",
            .helpers = 2,
            .limit = 1s,
            .prepare = await_reserve,
            .happen = relay_dies},
    Trouble{.name = "ipv6-dies",
            .summary = "the IPv6 path dies silently, IPv4 is left",
            .first = "dual-stack",
            .second = "dual-stack",
            .limit = 6500ms,
            .happen = ipv6_dies},
    Trouble{.name = "path-dies",
            .summary = "the only direct path dies silently, a relay is left",
            .first = "symmetric-random",
            .second = "full-cone",
            .helpers = 1,
            .limit = 6500ms,
            .happen = direct_path_dies},
};

/// The second's flow; the first's, too, if both are to ping.
Expected<PingBoard::FlowId> begin_pings(PingBoard& board, const NatPair& pair,
                                        const MeshAddresses& second, Traffic traffic) {
  const auto flow =
      board.add(pair.second->host(), pair.first_addresses.ipv6, PingBoard::Until::kForever);
  if (!flow || traffic == Traffic::kFromSecond) return flow;
  const auto back = board.add(pair.first->host(), second.ipv6, PingBoard::Until::kForever);
  if (!back) return tl::unexpected(back.error());
  return flow;
}

Expected<Duration> measure_silence(const NatPair& pair, const MeshAddresses& second,
                                   const Trouble& trouble) {
  PingBoard board(kPairPingInterval);
  const auto flow = begin_pings(board, pair, second, trouble.traffic);
  if (!flow) return tl::unexpected(flow.error());
  board.run(trouble.calm);
  if (trouble.calm > 0s && board.flow(*flow).received == 0) return lab_error("nobody answers");
  if (auto happened = trouble.happen(pair); !happened) return tl::unexpected(happened.error());
  board.run(kAftermath);
  const std::uint64_t before = board.flow(*flow).received;
  board.run_until([&] { return board.flow(*flow).received > before + kAnswersOfCalm; }, kGiveUp);
  return board.longest_silence(*flow);
}

}  // namespace

std::span<const Trouble> all_troubles() {
  return kTroubles;
}

const Trouble* find_trouble(std::string_view name) {
  const auto found = std::ranges::find(kTroubles, name, &Trouble::name);
  return found == kTroubles.end() ? nullptr : &*found;
}

PairOptions pair_for(const Trouble& trouble, PairOptions network) {
  network.first = find_surroundings(trouble.first);
  network.second = find_surroundings(trouble.second);
  network.helpers = trouble.helpers;
  return network;
}

Expected<Recovery> measure_recovery(NatPair& pair, const Trouble& trouble) {
  const auto run = measure_pair(pair);
  if (!run) return tl::unexpected(run.error());
  if (!run->first_ping) return lab_error("no tunnel");
  const auto second = pair.second->addresses();
  if (!second) return lab_error("the second does not tell its addresses");
  if (trouble.prepare != nullptr) {
    if (auto ready = trouble.prepare(pair); !ready) return tl::unexpected(ready.error());
  }
  const auto silence = measure_silence(pair, *second, trouble);
  if (!silence) return tl::unexpected(silence.error());
  return Recovery{*silence, pair.second->path_to(pair.first_addresses.node)};
}

Expected<Recovery> run_trouble(const Trouble& trouble, const PairOptions& network) {
  auto pair = build_pair(pair_for(trouble, network));
  if (!pair) return tl::unexpected(pair.error());
  auto recovery = measure_recovery(*pair, trouble);
  if (network.logs) save_logs(*pair->lab, *network.logs);
  return recovery;
}

json to_json(const Recovery& recovery) {
  return {{"silent_ms", to_milliseconds(recovery.silence)}, {"path", recovery.path}};
}

Recovery recovery_of(const json& json) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const Milliseconds silence(json.at("silent_ms").get<double>());
  return {std::chrono::duration_cast<Duration>(silence), json.at("path").get<std::string>()};
}

}  // namespace kadwire::lab
