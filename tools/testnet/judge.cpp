#include "tools/testnet/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tools/statistics.h"

namespace kadwire::testnet {
namespace {

/// Pairs named in a verdict; the rest is a number.
constexpr std::size_t kMissingNamedMax = 3;

std::string seconds(Duration duration) {
  return fmt::format("{:.2f} s", std::chrono::duration<double>(duration).count());
}

std::string percent(double share) {
  return fmt::format("{:.2f} %", share * 100);
}

std::vector<Duration> first_tunnels(const RunResult& result) {
  std::vector<Duration> times;
  for (const NodeResult& node : result.nodes) {
    if (node.first_tunnel) times.push_back(*node.first_tunnel);
  }
  return times;
}

Verdict connected(const RunResult& result, const Findings& findings) {
  const Sample end = result.samples.empty() ? Sample{} : result.samples.back();
  Verdict verdict{"every pair that a path permits has a tunnel at the end", "", false};
  verdict.met = findings.missing.empty();
  verdict.measured = fmt::format("{} tunnels, {} pairs possible",
                                 end.pairs_direct + end.pairs_relayed, end.pairs_possible);
  if (verdict.met) return verdict;
  const auto named =
      std::span(findings.missing).first(std::min(findings.missing.size(), kMissingNamedMax));
  verdict.measured +=
      fmt::format("; {} missing: {}{}", findings.missing.size(), fmt::join(named, ", "),
                  named.size() < findings.missing.size() ? ", …" : "");
  return verdict;
}

Verdict connected_within(Duration limit, const Findings& findings) {
  Verdict verdict{fmt::format("all connected within {} of the last start", seconds(limit)), "never",
                  false};
  if (!findings.all_connected) return verdict;
  const Duration took = std::max(*findings.all_connected - findings.last_start, Duration{0});
  verdict.measured = seconds(took);
  verdict.met = took <= limit;
  return verdict;
}

Verdict reconnected_within(Duration limit, const Findings& findings) {
  Verdict verdict{fmt::format("whatever tunnel fell though a path permits it stood again within {}",
                              seconds(limit)),
                  "none fell", true};
  if (!findings.longest_apart) return verdict;
  const auto& [pair, began, lasted] = *findings.longest_apart;
  verdict.measured =
      fmt::format("{} ({}, which fell after {})", seconds(lasted), pair, seconds(began));
  verdict.met = lasted <= limit;
  return verdict;
}

Verdict first_tunnel(double share, Duration limit, const RunResult& result) {
  Verdict verdict{fmt::format("first tunnel after at most {} for {:.0f} % of the members",
                              seconds(limit), share * 100),
                  "no member had one", false};
  const auto times = first_tunnels(result);
  if (times.empty()) return verdict;
  const Duration measured = percentile(times, share);
  verdict.measured = seconds(measured);
  verdict.met = measured <= limit;
  return verdict;
}

Verdict pings_lost(double limit, const RunResult& result) {
  std::uint64_t sent = 0, lost = 0;
  for (const NodeResult& node : result.nodes) {
    sent += node.pings_sent;
    lost += node.pings_lost;
  }
  const double share = sent == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(sent);
  return {fmt::format("at most {} of the pings lost", percent(limit)),
          fmt::format("{} ({} of {})", percent(share), lost, sent), share <= limit};
}

Verdict longest_silence(Duration limit, const RunResult& result) {
  const auto worst = std::ranges::max_element(result.nodes, {}, &NodeResult::longest_silence);
  const Duration measured = worst == result.nodes.end() ? Duration{0} : worst->longest_silence;
  std::string text = seconds(measured);
  if (measured > Duration{0}) text += " (to " + worst->name + ")";
  return {fmt::format("no peer silent for over {}", seconds(limit)), text, measured <= limit};
}

Verdict path_swaps(std::size_t limit, const RunResult& result) {
  rendezvous::PathTally paths;
  for (const NodeResult& node : result.nodes) paths += node.paths;
  const std::uint64_t chosen = paths.chosen(), swapped = paths.swapped();
  return {fmt::format("at most {} paths swapped while they worked", limit),
          fmt::format("{}, of {} chosen", swapped, chosen), swapped <= limit};
}

Verdict direct_share(double limit, const RunResult& result) {
  const Sample end = result.samples.empty() ? Sample{} : result.samples.back();
  const double members = static_cast<double>(end.members_running);
  const double pairs = members * (members - 1) / 2;
  const double share = pairs < 1 ? 0 : static_cast<double>(end.pairs_direct) / pairs;
  return {fmt::format("at least {} of all pairs direct at the end", percent(limit)), percent(share),
          share >= limit};
}

Verdict pairs(const Expectations& expect, const RunResult& result) {
  const Sample end = result.samples.empty() ? Sample{} : result.samples.back();
  const std::size_t up = end.pairs_direct + end.pairs_relayed;
  const std::size_t least = expect.pairs_min.value_or(0);
  const std::size_t most = expect.pairs_max.value_or(SIZE_MAX);
  const std::string wanted = !expect.pairs_max   ? fmt::format("at least {}", least)
                             : !expect.pairs_min ? fmt::format("at most {}", most)
                                                 : fmt::format("{} to {}", least, most);
  return {wanted + " tunnels at the end", std::to_string(up), up >= least && up <= most,
          up < least};
}

Verdict memory_growth(double limit, const Findings& findings) {
  const double early = static_cast<double>(findings.heap_early);
  const double growth = early <= 0 ? 0 : static_cast<double>(findings.heap_end) / early - 1;
  return {fmt::format("memory grows by at most {} after a third of the run", percent(limit)),
          fmt::format("{} (from {:.1f} to {:.1f} MB)", percent(growth), early / 1e6,
                      static_cast<double>(findings.heap_end) / 1e6),
          growth <= limit};
}

Verdict bytes_per_second(double limit, const RunResult& result) {
  const double simulated = std::chrono::duration<double>(result.simulated).count();
  double most = 0;
  for (const NodeResult& node : result.nodes) {
    if (node.role != "member" || simulated <= 0) continue;
    double bytes = 0;
    for (const Traffic& traffic : node.sent) bytes += static_cast<double>(traffic.bytes);
    most = std::max(most, bytes / simulated);
  }
  return {fmt::format("no member sends more than {:.0f} B/s on average", limit),
          fmt::format("{:.0f} B/s", most), most <= limit};
}

/// Of what cannot be met where no path is.
Verdict needing_a_tunnel(Verdict verdict) {
  verdict.needs_tunnel = true;
  return verdict;
}

}  // namespace

std::vector<Verdict> judge(const Expectations& expect, const RunResult& result,
                           const Findings& findings) {
  std::vector<Verdict> verdicts;
  if (expect.connected) verdicts.push_back(connected(result, findings));
  if (expect.connected_within) {
    verdicts.push_back(needing_a_tunnel(connected_within(*expect.connected_within, findings)));
  }
  if (expect.reconnected_within) {
    verdicts.push_back(reconnected_within(*expect.reconnected_within, findings));
  }
  if (expect.first_tunnel_p50) {
    verdicts.push_back(needing_a_tunnel(first_tunnel(0.50, *expect.first_tunnel_p50, result)));
  }
  if (expect.first_tunnel_p95) {
    verdicts.push_back(needing_a_tunnel(first_tunnel(0.95, *expect.first_tunnel_p95, result)));
  }
  if (expect.pings_lost_max) verdicts.push_back(pings_lost(*expect.pings_lost_max, result));
  if (expect.longest_silence) {
    verdicts.push_back(longest_silence(*expect.longest_silence, result));
  }
  if (expect.direct_share_min) {
    verdicts.push_back(needing_a_tunnel(direct_share(*expect.direct_share_min, result)));
  }
  if (expect.pairs_min || expect.pairs_max) verdicts.push_back(pairs(expect, result));
  if (expect.memory_growth_max) {
    verdicts.push_back(memory_growth(*expect.memory_growth_max, findings));
  }
  if (expect.path_swaps_max) verdicts.push_back(path_swaps(*expect.path_swaps_max, result));
  if (expect.bytes_per_second_max) {
    verdicts.push_back(bytes_per_second(*expect.bytes_per_second_max, result));
  }
  return verdicts;
}

}  // namespace kadwire::testnet
