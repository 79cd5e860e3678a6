#include "tools/lab/upgrade.h"

#include <algorithm>
#include <chrono>

#include "tools/lab/ping_board.h"

namespace kadwire::lab {
namespace {

constexpr auto kRelayedMax = 30s;
constexpr auto kDirectMax = 60s;
/// Daemons are asked no more often than this: a question costs them time.
constexpr auto kLook = 100ms;
/// Pings before anything changes, and for the answers to the last ones.
constexpr auto kCalm = 2s;

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

/// A pair under way.
struct Watched {
  const PartedPair* pair = nullptr;
  MeshAddresses from, to;
  PingBoard::FlowId flow = 0;
  std::optional<TimePoint> direct;

  [[nodiscard]] bool both_say(const std::string& path) const {
    return pair->from->path_to(to.node) == path && pair->to->path_to(from.node) == path;
  }
};

/// `condition`, looked at now and then while the board's pings go on.
bool run_until(PingBoard& board, Duration at_most, const std::function<bool()>& condition) {
  TimePoint next;
  const auto look = [&] {
    if (steady_now() < next) return false;
    const bool holds = condition();
    next = steady_now() + kLook;
    return holds;
  };
  return board.run_until(look, at_most);
}

Expected<std::vector<Watched>> await_relayed(PingBoard& board,
                                             const std::vector<PartedPair>& pairs) {
  std::vector<Watched> watched;
  for (const PartedPair& pair : pairs) {
    Watched one{.pair = &pair, .from = {}, .to = {}, .flow = 0, .direct = {}};
    const bool relayed = run_until(board, kRelayedMax, [&] {
      const auto from = pair.from->addresses(), to = pair.to->addresses();
      if (!from || !to) return false;
      one.from = *from;
      one.to = *to;
      return one.both_say("relayed");
    });
    if (!relayed) return lab_error(pair.from->name() + " and " + pair.to->name() + " stay apart");
    watched.push_back(std::move(one));
  }
  return watched;
}

/// A flow that has begun: WireGuard's handshake is over.
Expected<void> begin_pings(PingBoard& board, std::vector<Watched>& watched) {
  for (Watched& one : watched) {
    const auto flow = board.add(one.pair->from->host(), one.to.ipv6, PingBoard::Until::kForever);
    if (!flow) return tl::unexpected(flow.error());
    one.flow = *flow;
  }
  board.run(kCalm);
  return {};
}

bool all_direct(std::vector<Watched>& watched) {
  for (Watched& one : watched) {
    if (!one.direct && one.both_say("direct")) one.direct = steady_now();
  }
  return std::ranges::all_of(watched, [](const Watched& one) { return one.direct.has_value(); });
}

}  // namespace

Expected<std::vector<Upgrade>> measure_upgrades(std::vector<PartedPair>& pairs) {
  PingBoard board(kUpgradePingInterval);
  auto watched = await_relayed(board, pairs);
  if (!watched) return tl::unexpected(watched.error());
  if (auto begun = begin_pings(board, *watched); !begun) return tl::unexpected(begun.error());
  const TimePoint mended = steady_now();
  for (PartedPair& pair : pairs) pair.partition.mend();
  run_until(board, kDirectMax, [&] { return all_direct(*watched); });
  board.run(kUpgradeAftermath);
  std::vector<Upgrade> upgrades;
  for (const Watched& one : *watched) {
    upgrades.push_back({.pair = one.pair->from->name() + "-" + one.pair->to->name(),
                        .direct = {},
                        .sent = 0,
                        .lost = 0,
                        .silence = board.longest_silence(one.flow)});
    if (one.direct) upgrades.back().direct = *one.direct - mended;
    board.end(one.flow);
  }
  board.run(kCalm);
  for (std::size_t i = 0; i < upgrades.size(); ++i) {
    const PingFlow& flow = board.flow((*watched)[i].flow);
    upgrades[i].sent = flow.sent;
    upgrades[i].lost = flow.sent - flow.received;
  }
  return upgrades;
}

}  // namespace kadwire::lab
