#include "tools/testnet/report/results_json.h"

#include <nlohmann/json.hpp>

#include "tools/testnet/report/json_archive.h"
#include "tools/testnet/report/json_values.h"
#include "tools/testnet/report/run_figures.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

// The archives find these by the namespace of their arguments, so the unnamed one will not do.

template <typename Archive>
void fields(Archive& archive, Held<Archive, NodeResult>& node) {
  archive.field("name", node.name);
  archive.field("group", node.group);
  archive.field("role", node.role);
  archive.field("nat", node.nat);
  archive.field("city", node.city);
  archive.field("x", node.x);
  archive.field("y", node.y);
  archive.field("started_seconds", node.started);
  archive.field("first_tunnel_seconds", node.first_tunnel);
  archive.field("all_tunnels_seconds", node.all_tunnels);
  archive.field("first_reply_seconds", node.first_reply);
  archive.field("sent", node.sent);
  archive.field("received", node.received);
  archive.field("dht_requests", node.dht_requests);
  archive.field("dht_stored_bytes", node.dht_stored_bytes);
  archive.field("dht_nodes_known", node.dht_nodes_known);
  archive.field("pings_sent", node.pings_sent);
  archive.field("pings_lost", node.pings_lost);
  archive.field("longest_silence_seconds", node.longest_silence);
  archive.field("path_changes", node.paths);
  archive.field("cpu_seconds", node.cpu_seconds);
}

template <typename Archive>
void fields(Archive& archive, Held<Archive, Sample>& sample) {
  archive.field("at_seconds", sample.at);
  archive.field("members_running", sample.members_running);
  archive.field("pairs_possible", sample.pairs_possible);
  archive.field("pairs_direct", sample.pairs_direct);
  archive.field("pairs_relayed", sample.pairs_relayed);
  archive.field("pings_sent", sample.pings_sent);
  archive.field("pings_lost", sample.pings_lost);
  archive.field("sent", sample.sent);
}

template <typename Archive>
void fields(Archive& archive, Held<Archive, PairChange>& change) {
  archive.field("at_seconds", change.at);
  archive.field("a", change.a);
  archive.field("b", change.b);
  archive.field("state", change.state);
}

template <typename Archive>
void fields(Archive& archive, Held<Archive, TimelineEntry>& entry) {
  archive.field("at_seconds", entry.at);
  archive.field("kind", entry.kind);
  archive.field("text", entry.text);
  archive.field("nodes", entry.nodes);
}

template <typename Archive>
void fields(Archive& archive, Held<Archive, Verdict>& verdict) {
  archive.field("expectation", verdict.expectation);
  archive.field("measured", verdict.measured);
  archive.field("met", verdict.met);
}

/// A run expects at most a dozen things; more are not from us.
inline constexpr std::size_t kVerdictsMax = 1000;

template <typename Archive>
void fields(Archive& archive, Held<Archive, RunResult>& run) {
  archive.field("scenario", run.scenario);
  archive.field("summary", run.summary);
  archive.field("command", run.command);
  archive.field("seed", Seed{run.seed});
  archive.field("trace_hash", run.trace_hash);
  archive.field("interrupted", run.interrupted);
  archive.field("simulated_seconds", run.simulated);
  archive.field("wall_seconds", run.wall_seconds);
  archive.field("startup_seconds", run.startup_seconds);
  archive.field("events", run.events);
  archive.field("memory_bytes_per_node", run.memory_bytes_per_node);
  archive.rows("verdicts", run.verdicts, kVerdictsMax);
  archive.field("violations", run.violations);
  archive.rows("nodes", run.nodes, kNodesMax);
  archive.columns("samples", run.samples, kSamplesMax);
  archive.columns("changes", run.changes, kChangesMax);
  archive.field("changes_dropped", run.changes_dropped);
  archive.rows("timeline", run.timeline, kTimelineMax);
  archive.field("packets", run.drops);
}

namespace {

/// Derived from the fields, for those who read the JSON: not read back.
void add_derived(Json& json, const RunResult& result) {
  json["succeeded"] = succeeded(result);
  Json figures = Json::object();
  for (const auto& [name, value] : figures_of(result)) figures[name] = value;
  json["figures"] = std::move(figures);
  Json kinds = Json::array();
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    kinds.push_back(to_text(static_cast<TrafficKind>(kind)));
  }
  json["traffic_kinds"] = std::move(kinds);
}

/// What no single field shows.
void check_indexes(const RunResult& result, Problem& problem) {
  const std::size_t nodes = result.nodes.size();
  for (const PairChange& change : result.changes) {
    if (change.a >= change.b || change.b >= nodes)
      problem.note("changes", "names no pair of nodes");
  }
  for (const TimelineEntry& entry : result.timeline) {
    for (const std::uint32_t node : entry.nodes) {
      if (node >= nodes) problem.note("timeline", "names a node that is not there");
    }
  }
}

Json seeds_json(const std::vector<std::uint64_t>& seeds) {
  Json list = Json::array();
  for (const std::uint64_t& seed : seeds) list.push_back(json_value(Seed{seed}));
  return list;
}

Json failures_json(const std::vector<FailedRun>& failures) {
  Json list = Json::array();
  for (const FailedRun& each : failures) {
    list.push_back({{"seed", json_value(Seed{each.seed})},
                    {"replay", each.replay},
                    {"complaints", each.complaints}});
  }
  return list;
}

Json cell_json(const MatrixCell& cell) {
  return {{"runs", cell.runs},
          {"direct", cell.direct},
          {"relayed", cell.relayed},
          {"possible", cell.possible},
          {"p50_seconds", json_value(cell.p50)},
          {"p95_seconds", json_value(cell.p95)},
          {"direct_p50_seconds", json_value(cell.direct_p50)},
          {"direct_p95_seconds", json_value(cell.direct_p95)},
          {"failed", cell.failed},
          {"failures", failures_json(cell.failures)},
          {"failed_seeds", seeds_json(cell.failed_seeds)},
          {"relayed_seeds", seeds_json(cell.relayed_seeds)}};
}

Json point_json(const SweepPoint& point) {
  Json figures = Json::object();
  for (const auto& [name, values] : point.figures) {
    const Spread spread = spread_of(values);
    figures[name] = {{"values", values},  {"minimum", spread.minimum},
                     {"p5", spread.p5},   {"median", spread.median},
                     {"p95", spread.p95}, {"maximum", spread.maximum}};
  }
  return {{"value", point.value},
          {"runs", point.runs},
          {"succeeded", point.succeeded},
          {"failed_seeds", seeds_json(point.failed_seeds)},
          {"failures", failures_json(point.failures)},
          {"unfinished_seeds", seeds_json(point.unfinished_seeds)},
          {"figures", std::move(figures)}};
}

}  // namespace

Json run_json(const RunResult& result) {
  Json json = {{"schema", kRunSchema}};
  ObjectWriter writer(json);
  fields(writer, result);
  add_derived(json, result);
  return json;
}

Json matrix_json(const MatrixResult& result) {
  Json rows = Json::array();
  for (const auto& row : result.cells) {
    Json cells = Json::array();
    for (const MatrixCell& cell : row) cells.push_back(cell_json(cell));
    rows.push_back(std::move(cells));
  }
  return {{"schema", kMatrixSchema},
          {"command", result.command},
          {"interrupted", result.interrupted},
          {"wall_seconds", result.wall_seconds},
          {"p50_seconds", json_value(result.p50)},
          {"p95_seconds", json_value(result.p95)},
          {"kinds", json_value(result.kinds)},
          {"cells", std::move(rows)}};
}

Json sweep_json(const SweepResult& result) {
  Json points = Json::array();
  for (const SweepPoint& point : result.points) points.push_back(point_json(point));
  return {{"schema", kSweepSchema},
          {"scenario", result.scenario},
          {"command", result.command},
          {"parameter", result.parameter},
          {"wall_seconds", result.wall_seconds},
          {"points", std::move(points)}};
}

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

tl::expected<RunResult, BadResult> run_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return tl::unexpected(BadResult{"", "is not JSON"});
  Problem problem;
  auto keys = keys_of<RunResult>();
  keys.insert(keys.end(), {"schema", "succeeded", "figures", "traffic_kinds"});
  RunResult result;
  if (has_exactly(json, keys, "", problem)) {
    if (json["schema"] != kRunSchema) problem.note("schema", "is another");
    ObjectReader reader(json, "", problem);
    fields(reader, result);
  }
  if (!problem.found()) check_indexes(result, problem);
  if (problem.found()) return tl::unexpected(*problem.found());
  return result;
}

}  // namespace kadwire::testnet
