#include "tools/testnet/report/run_figures.h"

#include <algorithm>
#include <set>

#include "tools/statistics.h"

namespace kadwire::testnet {
namespace {

constexpr std::string_view kMember = "member";

void add_percentiles(Figures& figures, const std::string& name,
                     const std::vector<Duration>& times) {
  if (times.empty()) return;
  figures[name + "_p50_seconds"] = to_seconds(percentile(times, 0.5));
  figures[name + "_p95_seconds"] = to_seconds(percentile(times, 0.95));
}

void add_times(Figures& figures, const RunResult& result) {
  std::vector<Duration> first;
  std::vector<Duration> all;
  for (const NodeResult& node : result.nodes) {
    if (node.first_tunnel) first.push_back(*node.first_tunnel);
    if (node.all_tunnels) all.push_back(*node.all_tunnels);
  }
  add_percentiles(figures, "first_tunnel", first);
  add_percentiles(figures, "all_tunnels", all);
  const std::vector<Duration> direct = times_to_direct(result);
  add_percentiles(figures, "first_direct", direct);
  if (!direct.empty()) {
    figures["first_direct_slowest_seconds"] = to_seconds(*std::ranges::max_element(direct));
  }
}

void add_pairs(Figures& figures, const RunResult& result) {
  if (result.samples.empty() || result.samples.back().pairs_possible == 0) return;
  const Sample& last = result.samples.back();
  const auto possible = static_cast<double>(last.pairs_possible);
  figures["direct_share"] = static_cast<double>(last.pairs_direct) / possible;
  figures["relayed_share"] = static_cast<double>(last.pairs_relayed) / possible;
}

/// How restless paths are.
void add_swaps(Figures& figures, const RunResult& result) {
  if (result.samples.empty()) return;
  const Sample& last = result.samples.back();
  const auto pairs = static_cast<double>(last.pairs_direct + last.pairs_relayed);
  const double days = to_seconds(result.simulated) / 86'400;
  if (pairs < 1 || days <= 0) return;
  std::uint64_t swapped = 0;
  for (const NodeResult& node : result.nodes) swapped += node.paths.swapped();
  figures["path_swaps_per_pair_day"] = static_cast<double>(swapped) / pairs / days;
}

/// What the members paid: pings lost, bytes sent, processor time.
void add_costs(Figures& figures, const RunResult& result) {
  std::uint64_t members = 0;
  std::uint64_t pings_sent = 0;
  std::uint64_t pings_lost = 0;
  std::uint64_t bytes = 0;
  double cpu_seconds = 0;
  for (const NodeResult& node : result.nodes) {
    cpu_seconds += node.cpu_seconds;
    pings_sent += node.pings_sent;
    pings_lost += node.pings_lost;
    if (node.role != kMember) continue;
    ++members;
    for (const Traffic& traffic : node.sent) bytes += traffic.bytes;
  }
  if (pings_sent > 0) {
    figures["pings_lost_share"] = static_cast<double>(pings_lost) / static_cast<double>(pings_sent);
  }
  const double seconds = to_seconds(result.simulated);
  if (seconds <= 0 || result.nodes.empty()) return;
  const double node_hours = seconds / 3600 * static_cast<double>(result.nodes.size());
  figures["cpu_per_node_hour_seconds"] = cpu_seconds / node_hours;
  if (members > 0) {
    figures["member_sent_bytes_per_second"] =
        static_cast<double>(bytes) / seconds / static_cast<double>(members);
  }
}

void add_speed(Figures& figures, const RunResult& result) {
  const double simulated = to_seconds(result.simulated);
  if (result.wall_seconds > 0) figures["speed_factor"] = simulated / result.wall_seconds;

  Duration last_start{0};
  for (const NodeResult& node : result.nodes) {
    last_start = std::max(last_start, node.started.value_or(Duration{0}));
  }
  const double wall_after = result.wall_seconds - result.startup_seconds;
  const double simulated_after = simulated - to_seconds(last_start);
  if (wall_after <= 0 || simulated_after <= 0) return;
  figures["speed_after_startup_factor"] = simulated_after / wall_after;
}

}  // namespace

Figures figures_of(const RunResult& result) {
  Figures figures;
  add_times(figures, result);
  add_pairs(figures, result);
  add_swaps(figures, result);
  add_costs(figures, result);
  add_speed(figures, result);
  return figures;
}

std::vector<Duration> times_to_direct(const RunResult& result) {
  std::vector<Duration> times;
  if (result.changes_dropped > 0) return times;
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  const auto started = [&](std::uint32_t node) {
    return result.nodes[node].started.value_or(Duration{0});
  };
  for (const PairChange& change : result.changes) {
    if (change.state != PairState::kDirect || !seen.insert({change.a, change.b}).second) continue;
    times.push_back(change.at - std::max(started(change.a), started(change.b)));
  }
  return times;
}

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto [minimum, maximum] = std::minmax_element(values.begin(), values.end());
  return {*minimum, percentile(values, 0.05), percentile(values, 0.5), percentile(values, 0.95),
          *maximum};
}

}  // namespace kadwire::testnet
