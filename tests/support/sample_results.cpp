#include "tests/support/sample_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/testnet/report/run_figures.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {
namespace {

constexpr Duration kUntil = 10min;
constexpr Duration kReboot = 200s;
constexpr Duration kCut = 330s;
constexpr Duration kHealed = 420s;

struct City {
  const char* name;
  double x;
  double y;
};
constexpr City kCities[] = {{"London", 0.47, 0.24},   {"Frankfurt", 0.51, 0.26},
                            {"New York", 0.28, 0.31}, {"São Paulo", 0.36, 0.72},
                            {"Tokyo", 0.88, 0.34},    {"Sydney", 0.92, 0.80}};

struct Kind {
  const char* group;
  const char* nat;
  bool relayed;  ///< two of these reach each other through a relay only
};
constexpr Kind kKinds[] = {{"homes", "home", false},
                           {"offices", "symmetric", true},
                           {"phones", "cgnat", true},
                           {"servers", "public", false}};

Duration seconds_of(double seconds) {
  return Duration{static_cast<std::int64_t>(std::llround(seconds * 1e9))};
}

/// Of a long-tailed kind: most near `median`, some several times it.
Duration drawn_delay(SeededRandom& random, double median) {
  const double normal = (random.fraction() + random.fraction() + random.fraction() - 1.5) * 2;
  return seconds_of(median * std::exp(0.6 * normal));
}

std::uint64_t drawn_count(SeededRandom& random, double mean) {
  return static_cast<std::uint64_t>(mean * (0.5 + random.fraction()));
}

TrafficByKind drawn_traffic(SeededRandom& random, bool member) {
  constexpr std::array<double, kTrafficKinds> kMeans = {900, 140, 260, 480, 40, 310, 6};
  constexpr std::array<double, kTrafficKinds> kBytes = {210, 176, 60, 128, 56, 420, 88};
  TrafficByKind traffic;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    if (!member && kind > 0) break;
    traffic[kind].packets = drawn_count(random, member ? kMeans[kind] : 2600);
    traffic[kind].bytes = traffic[kind].packets * static_cast<std::uint64_t>(kBytes[kind]);
  }
  return traffic;
}

NodeResult drawn_node(SeededRandom& random, const std::string& group, std::size_t index) {
  const City& city = kCities[index % std::size(kCities)];
  NodeResult node;
  node.name = group + "[" + std::to_string(index) + "]";
  node.group = group;
  node.city = city.name;
  node.x = city.x;
  node.y = city.y;
  node.started = seconds_of(random.fraction() * 20);
  node.dht_requests = drawn_count(random, 700);
  node.dht_stored_bytes = drawn_count(random, 9000);
  node.dht_nodes_known = drawn_count(random, 28);
  node.cpu_seconds = 0.02 + 0.05 * random.fraction();
  return node;
}

NodeResult drawn_member(SeededRandom& random, std::size_t index) {
  const Kind& kind = kKinds[index % 7 < 3 ? 0 : index % 4];
  NodeResult node = drawn_node(random, kind.group, index);
  node.role = "member";
  node.nat = kind.nat;
  node.first_tunnel = drawn_delay(random, 0.6);
  node.all_tunnels = *node.first_tunnel + drawn_delay(random, 14);
  node.first_reply = *node.first_tunnel + 80ms;
  node.sent = drawn_traffic(random, true);
  node.received = drawn_traffic(random, true);
  node.pings_sent = 460 + drawn_count(random, 40);
  node.pings_lost = drawn_count(random, 9);
  node.longest_silence = std::chrono::milliseconds(drawn_count(random, 9000));
  return node;
}

NodeResult drawn_helper(SeededRandom& random, const char* role, std::size_t index) {
  NodeResult node = drawn_node(random, role, index);
  node.role = role;
  node.nat = "public";
  node.started = Duration{0};
  node.sent = drawn_traffic(random, false);
  node.received = drawn_traffic(random, false);
  return node;
}

bool is_relayed(const NodeResult& node) {
  return std::any_of(std::begin(kKinds), std::end(kKinds),
                     [&](const Kind& kind) { return node.group == kind.group && kind.relayed; });
}

/// A pair's whole story: up when both are there, down and up again around the events.
void add_changes(SeededRandom& random, RunResult& result, std::uint32_t a, std::uint32_t b) {
  const NodeResult& one = result.nodes[a];
  const NodeResult& other = result.nodes[b];
  if (!one.first_tunnel || !other.first_tunnel) return;
  const bool relayed = is_relayed(one) && is_relayed(other);
  const auto state = relayed ? PairState::kRelayed : PairState::kDirect;
  const Duration up = std::max(*one.started, *other.started) + drawn_delay(random, 3);
  if (relayed || random.chance(0.3)) {
    result.changes.push_back({up, a, b, PairState::kRelayed});
  }
  result.changes.push_back({up + drawn_delay(random, 4), a, b, state});
  if (a == 3) {
    result.changes.push_back({kReboot + drawn_delay(random, 2), a, b, PairState::kNone});
    result.changes.push_back({kReboot + drawn_delay(random, 24), a, b, state});
  }
  if ((one.city == "Sydney") != (other.city == "Sydney")) {
    result.changes.push_back({kCut + drawn_delay(random, 15), a, b, PairState::kNone});
    result.changes.push_back({kHealed + drawn_delay(random, 9), a, b, state});
  }
}

void add_all_changes(SeededRandom& random, RunResult& result, std::size_t members) {
  for (std::uint32_t a = 0; a < members; ++a) {
    for (std::uint32_t b = a + 1; b < members; ++b) add_changes(random, result, a, b);
  }
  std::stable_sort(result.changes.begin(), result.changes.end(),
                   [](const PairChange& x, const PairChange& y) { return x.at < y.at; });
}

/// The curves that follow from the changes.
void add_samples(SeededRandom& random, RunResult& result, std::size_t members) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, PairState> states;
  auto change = result.changes.begin();
  for (Duration at = 1s; at <= kUntil; at += 1s) {
    for (; change != result.changes.end() && change->at <= at; ++change) {
      states[{change->a, change->b}] = change->state;
    }
    Sample sample{.at = at};
    for (std::size_t i = 0; i < members; ++i) {
      if (result.nodes[i].started <= at) ++sample.members_running;
    }
    const bool cut = at >= kCut && at < kHealed;
    const std::size_t away = cut ? members / std::size(kCities) : 0;
    sample.pairs_possible = sample.members_running * (sample.members_running - 1) / 2 -
                            away * (sample.members_running - away);
    for (const auto& [pair, state] : states) {
      if (state == PairState::kDirect) ++sample.pairs_direct;
      if (state == PairState::kRelayed) ++sample.pairs_relayed;
    }
    sample.pairs_possible =
        std::max(sample.pairs_possible, sample.pairs_direct + sample.pairs_relayed);
    sample.pings_sent = sample.members_running * 8 / 10;
    sample.pings_lost = random.chance(cut ? 0.6 : 0.05) ? 1 + sample.pings_sent / 8 : 0;
    sample.sent[0] = {sample.members_running * 3, sample.members_running * 640};
    result.samples.push_back(sample);
  }
}

void add_timeline(RunResult& result, std::size_t members) {
  for (std::uint32_t i = 0; i < members; ++i) {
    const NodeResult& node = result.nodes[i];
    result.timeline.push_back({*node.started, "start", "start: " + node.name, {i}});
  }
  std::vector<std::uint32_t> sydney;
  for (std::uint32_t i = 0; i < members; ++i) {
    if (result.nodes[i].city == "Sydney") sydney.push_back(i);
  }
  result.timeline.push_back({kReboot, "nat_reboot", "NAT reboot: " + result.nodes[3].name, {3}});
  result.timeline.push_back({kCut, "partition", "partition for 90 s: Sydney", sydney});
  result.timeline.push_back({500s, "sleep", "sleep for 30 s: " + result.nodes[4].name, {4}});
  result.timeline.push_back({545s, "address_change", "address change: two homes", {0, 1}});
  std::stable_sort(result.timeline.begin(), result.timeline.end(),
                   [](const TimelineEntry& x, const TimelineEntry& y) { return x.at < y.at; });
}

void add_summary(RunResult& result) {
  result.scenario = "mixed-" + std::to_string(result.nodes.size() - 10);
  result.summary = "Homes, offices and phones in six cities; a NAT reboots, Sydney is cut off.";
  result.command = "kadwire-testnet run mixed.toml --seed 11400714819323198485 --until 10min";
  result.seed = 11'400'714'819'323'198'485u;
  result.trace_hash = "9f86d081884c7d65";
  result.simulated = kUntil;
  result.wall_seconds = 7.42;
  result.startup_seconds = 1.3;
  result.events = 1'284'551;
  result.memory_bytes_per_node = 287'400;
  result.drops = {81'692, 1240, 84, 0, 12, 3911, 0, 402, 0, 2210, 655};
  result.verdicts = {
      {"every pair that a path permits is connected at the end", "406 of 435 pairs", false},
      {"p50 of the time to the first tunnel: at most 2 s", "0.58 s", true},
      {"p95 of the time to the first tunnel: at most 5 s", "1.9 s", true},
      {"pings lost: at most 5 %", "1.9 %", true}};
}

}  // namespace

RunResult make_sample_result(std::size_t members) {
  SeededRandom random(42);
  RunResult result;
  for (std::size_t i = 0; i < members; ++i) result.nodes.push_back(drawn_member(random, i));
  for (std::size_t i = 0; i < 2; ++i) {
    result.nodes.push_back(drawn_helper(random, "bootstrap", i));
  }
  for (std::size_t i = 0; i < 8; ++i) result.nodes.push_back(drawn_helper(random, "dht", i));
  result.nodes[members - 1].first_tunnel.reset();
  result.nodes[members - 1].all_tunnels.reset();
  add_all_changes(random, result, members);
  add_samples(random, result, members);
  add_timeline(result, members);
  add_summary(result);
  return result;
}

RunResult make_empty_result() {
  RunResult result;
  result.scenario = "empty";
  result.command = "kadwire-testnet run empty.toml --seed 1";
  result.seed = 1;
  result.trace_hash = "0000000000000000";
  return result;
}

RunResult make_hostile_result() {
  const std::string hostile = "</script><img src=x onerror=alert(1)><!--<script>/*SCRIPT*/\"'&";
  RunResult result = make_sample_result(12);
  result.scenario = hostile;
  result.summary = hostile;
  result.command = hostile;
  result.trace_hash = hostile;
  result.interrupted = true;
  result.violations = {hostile, "homes[3]: a value of 700 bytes was put, the bound is 560"};
  for (Verdict& verdict : result.verdicts) verdict.expectation = verdict.measured = hostile;
  for (TimelineEntry& entry : result.timeline) entry.kind = entry.text = hostile;
  for (NodeResult& node : result.nodes) {
    node.name = node.group = node.nat = node.city = hostile;
    node.x = node.y = 0;
  }
  return result;
}

MatrixResult make_sample_matrix() {
  SeededRandom random(7);
  MatrixResult matrix;
  matrix.command = "kadwire-testnet matrix --seeds 40";
  matrix.kinds = {"public",    "full-cone", "home",       "port-restricted",
                  "symmetric", "cgnat",     "udp-blocked"};
  matrix.wall_seconds = 184.2;
  const std::size_t count = matrix.kinds.size();
  matrix.cells.assign(count, std::vector<MatrixCell>(count));
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      MatrixCell cell;
      cell.runs = 40;
      cell.possible = row != count - 1;
      const bool hard = row >= 4 && column >= 3;
      cell.direct = !cell.possible ? 0 : hard ? drawn_count(random, 12) : 40 - row % 2;
      cell.relayed = !cell.possible ? 0 : hard ? 38 - cell.direct : row % 2;
      if (cell.possible) cell.p50 = drawn_delay(random, hard ? 2.4 : 0.45);
      if (cell.possible) cell.p95 = *cell.p50 * 3;
      if (cell.direct > 0) cell.direct_p50 = *cell.p50 * 2;
      if (cell.direct > 0) cell.direct_p95 = *cell.p50 * 4;
      if (cell.relayed > 0) cell.relayed_seeds = {3};
      if (hard && cell.possible) {
        cell.failed_seeds = {17, 11'400'714'819'323'198'485u};
        cell.failed = cell.failed_seeds.size();
        for (const std::uint64_t seed : cell.failed_seeds) {
          cell.failures.push_back({seed,
                                   fmt::format("kadwire-testnet replay nat-pair:{}", seed),
                                   {"first tunnel after at most 2.00 s: 3.10 s"}});
        }
      }
      matrix.cells[row][column] = matrix.cells[column][row] = cell;
    }
  }
  return matrix;
}

SweepResult make_sample_sweep() {
  SweepResult sweep;
  sweep.scenario = "flash-crowd";
  sweep.command = "kadwire-testnet sweep flash-crowd.toml --set link.default.loss=0:0.2 --seeds 20";
  sweep.parameter = "link.default.loss";
  sweep.wall_seconds = 912;
  SeededRandom random(3);
  const Figures base = figures_of(make_sample_result(12));
  for (const char* value : {"0", "0.01", "0.02", "0.05", "0.1", "0.2"}) {
    SweepPoint point;
    point.value = value;
    point.runs = point.succeeded = 20;
    const double loss = std::stod(value);
    if (loss >= 0.1) {
      point.succeeded = 20 - static_cast<std::size_t>(loss * 30);
      point.failed_seeds = {4, 9, 13};
      for (const std::uint64_t seed : point.failed_seeds) {
        point.failures.push_back({seed,
                                  fmt::format("kadwire-testnet replay flash-crowd.toml:{}", seed),
                                  {"its process was ended by Killed", "and <b>no more</b>"}});
      }
    }
    for (const auto& [name, figure] : base) {
      for (std::size_t run = 0; run < point.runs; ++run) {
        const double spread = 0.85 + 0.3 * random.fraction() * (1 + 6 * loss);
        const bool share = name.ends_with("_share");
        const double grown = figure * spread * (share ? 1 - loss : 1 + 5 * loss);
        point.figures[name].push_back(share ? std::min(grown, 1.0) : grown);
      }
    }
    sweep.points.push_back(point);
  }
  return sweep;
}

}  // namespace kadwire::testnet
