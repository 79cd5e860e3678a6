#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/lab/scenario_lab.h"
#include "tools/lab/text_table.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// A join that takes longer has failed.
constexpr auto kJoinTimeMax = 60s;
/// For the mesh to come to rest before the next joiner: every tunnel of the last one stands.
constexpr auto kRestTimeMax = 10s;
/// What the first member gets to announce itself to a DHT of two nodes.
constexpr auto kFirstMemberTime = 3s;

/// One cold join.
struct Join {
  std::optional<Duration> first_member;  ///< until the first member answered; nullopt: never
  std::size_t members_before = 0;
};

/// The first member, alone and at rest.
Expected<MeshAddresses> start_first(Member& first) {
  if (auto started = first.start(); !started) return tl::unexpected(started.error());
  PingBoard clock;
  std::optional<MeshAddresses> addresses;
  const bool ready = clock.run_until(
      [&] { return (addresses = first.addresses()).has_value() && first.in_dht(); }, kJoinTimeMax);
  if (!ready) return lab_error("the first member does not come up");
  clock.run(kFirstMemberTime);
  return *addresses;
}

Expected<Join> join_once(Member& joiner, const MeshAddresses& first, std::size_t members_before) {
  Join join{.first_member = std::nullopt, .members_before = members_before};
  if (auto started = joiner.start(); !started) return tl::unexpected(started.error());
  PingBoard board;
  for (const auto& address : {std::optional(first.ipv6), first.ipv4}) {
    if (!address) continue;
    const auto flow = board.add(joiner.host(), *address, PingBoard::Until::kFirstReply);
    if (!flow) return tl::unexpected(flow.error());
  }
  if (board.run_until([&] { return board.all_answered(); }, kJoinTimeMax)) {
    Duration last{0};
    for (PingBoard::FlowId id = 0; id < board.size(); ++id) {
      last = std::max(last, *board.flow(id).first_reply - joiner.process().spawned());
    }
    join.first_member = last;
  }
  board.run_until([&] { return joiner.peers_active() >= members_before; }, kRestTimeMax);
  return join;
}

Expected<std::vector<Join>> joins_in_one_lab(ScenarioOptions options, unsigned count,
                                             Progress& progress, const std::string& title) {
  if (options.logs) *options.logs /= title;
  const auto scenario = ScenarioLab::create(options, progress, {count + 1});
  if (!scenario) return tl::unexpected(scenario.error());
  const auto& members = (*scenario)->members();
  const auto first = start_first(*members.front());
  if (!first) return tl::unexpected(first.error());
  std::vector<Join> joins;
  for (std::size_t i = 1; i < members.size(); ++i) {
    progress.show(fmt::format("{}: join {} of {}", title, i, count));
    auto join = join_once(*members[i], *first, i);
    if (!join) return tl::unexpected(join.error());
    const auto time = join->first_member;
    progress.say(fmt::format("{}: join {:2}: {}", title, i,
                             time ? fmt::format("{:.0f} ms", to_milliseconds(*time)) : "failed"));
    joins.push_back(*join);
  }
  return joins;
}

std::vector<Duration> answered(const std::vector<Join>& joins) {
  std::vector<Duration> times;
  for (const Join& join : joins) {
    if (join.first_member) times.push_back(*join.first_member);
  }
  return times;
}

json figures_of(const JoinsOptions& options, const std::vector<Join>& joins) {
  const auto times = answered(joins);
  json figures = {{"joins", joins.size()},
                  {"answered", times.size()},
                  {"latency_ms", to_milliseconds(options.latency)},
                  {"loss", options.loss},
                  {"times_ms", json::array()}};
  for (const Join& join : joins) {
    figures["times_ms"].push_back(join.first_member ? json(to_milliseconds(*join.first_member))
                                                    : json(nullptr));
  }
  if (times.empty()) return figures;
  figures["min_ms"] = to_milliseconds(*std::min_element(times.begin(), times.end()));
  figures["p50_ms"] = to_milliseconds(percentile(times, 0.50));
  figures["p95_ms"] = to_milliseconds(percentile(times, 0.95));
  figures["max_ms"] = to_milliseconds(percentile(times, 1.0));
  return figures;
}

std::string table_of(const json& figures) {
  TextTable table({"joins", "answered", "min ms", "p50 ms", "p95 ms", "max ms"});
  const auto cell = [&](const char* key) {
    return figures.contains(key) ? fmt::format("{:.0f}", figures[key].get<double>()) : "-";
  };
  table.add_row({cell("joins"), cell("answered"), cell("min_ms"), cell("p50_ms"), cell("p95_ms"),
                 cell("max_ms")});
  return table.to_string();
}

}  // namespace

Expected<bool> run_joins(const JoinsOptions& options) {
  Progress progress;
  std::vector<Join> joins;
  const unsigned labs = (options.count + options.per_lab - 1) / options.per_lab;
  for (unsigned lab = 1; joins.size() < options.count; ++lab) {
    const auto left = options.count - static_cast<unsigned>(joins.size());
    const auto more = joins_in_one_lab(options, std::min(options.per_lab, left), progress,
                                       fmt::format("lab {} of {}", lab, labs));
    if (!more) return tl::unexpected(more.error());
    joins.insert(joins.end(), more->begin(), more->end());
  }
  const json figures = figures_of(options, joins);
  fmt::print("{}", table_of(figures));
  if (options.json) {
    if (auto written = write_json(*options.json, figures); !written) {
      return tl::unexpected(written.error());
    }
  }
  return answered(joins).size() == joins.size();
}

}  // namespace kadwire::lab
