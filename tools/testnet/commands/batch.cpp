#include "tools/testnet/commands/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "tools/statistics.h"
#include "tools/testnet/commands/interruption.h"
#include "tools/testnet/commands/live_line.h"
#include "tools/testnet/commands/options.h"
#include "tools/testnet/world.h"

namespace kadwire::testnet {

// nlohmann::json finds these by the namespace of their arguments, so the unnamed one will not do.

void to_json(nlohmann::json& json, const Complaint& complaint) {
  json = {{"text", complaint.text}, {"needs_tunnel", complaint.needs_tunnel}};
}

void from_json(const nlohmann::json& json, Complaint& complaint) {
  json.at("text").get_to(complaint.text);
  json.at("needs_tunnel").get_to(complaint.needs_tunnel);
}

namespace {

std::vector<Complaint> complaints_of(const RunResult& result) {
  std::vector<Complaint> complaints;
  for (const std::string& violation : result.violations) {
    complaints.push_back({"RULE BROKEN  " + violation});
  }
  for (const Verdict& verdict : result.verdicts) {
    if (verdict.met) continue;
    complaints.push_back({verdict.expectation + ": " + verdict.measured, verdict.needs_tunnel});
  }
  return complaints;
}

struct FirstPair {
  PairState end = PairState::kNone;
  bool has_path = false;
  double seconds = 0;
  double direct_seconds = 0;
};

std::vector<std::uint32_t> first_two_members(const RunResult& result) {
  std::vector<std::uint32_t> members;
  for (std::uint32_t i = 0; i < result.nodes.size() && members.size() < 2; ++i) {
    if (result.nodes[i].role == to_text(Role::kMember)) members.push_back(i);
  }
  return members;
}

/// What became of the first two members.
FirstPair first_pair(const RunResult& result, const World& world) {
  const std::vector<std::uint32_t> members = first_two_members(result);
  FirstPair pair;
  if (members.size() < 2) return pair;
  pair.has_path = world.has_path(members[0], members[1]);
  const Duration start = std::max(result.nodes[members[0]].started.value_or(Duration{0}),
                                  result.nodes[members[1]].started.value_or(Duration{0}));
  for (const PairChange& change : result.changes) {
    if (change.a != members[0] || change.b != members[1]) continue;
    pair.end = change.state;
    const double since = to_seconds(change.at - start);
    if (change.state != PairState::kNone && pair.seconds == 0) pair.seconds = since;
    if (change.state == PairState::kDirect && pair.direct_seconds == 0) pair.direct_seconds = since;
  }
  return pair;
}

/// In the child.
std::string run_one(const BatchRun& run) {
  Trace trace;
  World world(run.what->scenario, run.seed, trace);
  const RunResult result = world.run();
  const FirstPair pair = first_pair(result, world);
  return nlohmann::json{{"succeeded", succeeded(result)},
                        {"figures", figures_of(result)},
                        {"first_pair", pair.end},
                        {"first_pair_has_path", pair.has_path},
                        {"first_pair_seconds", pair.seconds},
                        {"first_pair_direct_seconds", pair.direct_seconds},
                        {"complaints", complaints_of(result)}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Digest digest_of(const JobResult& printed) {
  Digest digest;
  const auto json = printed ? nlohmann::json::parse(*printed, nullptr, false) : nlohmann::json();
  if (!json.is_object()) {
    digest.crashed = true;
    digest.complaints.push_back({printed ? "it printed no result" : printed.error()});
    return digest;
  }
  json.at("succeeded").get_to(digest.succeeded);
  json.at("figures").get_to(digest.figures);
  json.at("first_pair").get_to(digest.first_pair);
  json.at("first_pair_has_path").get_to(digest.first_pair_has_path);
  json.at("first_pair_seconds").get_to(digest.first_pair_seconds);
  json.at("first_pair_direct_seconds").get_to(digest.first_pair_direct_seconds);
  json.at("complaints").get_to(digest.complaints);
  return digest;
}

}  // namespace

void SeedOptions::add_to(CLI::App& command) {
  command.add_option("--seeds", seeds, fmt::format("runs for each (default {})", seeds))
      ->type_name("N")
      ->check(CLI::Range(1, 100'000));
  add_seed_option(command, "--first-seed", first_seed, "the others follow it (default 1)");
  command.add_option("--jobs", workers, "runs at once (default: one for each core)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
}

tl::expected<void, std::string> SeedOptions::check() const {
  if (first_seed <= std::numeric_limits<std::uint64_t>::max() - (seeds - 1)) return {};
  return tl::unexpected(
      fmt::format("--first-seed: {} seeds from {} on are more than there are", seeds, first_seed));
}

std::string SeedOptions::command_line() const {
  return fmt::format("--seeds {} --first-seed {}", seeds, first_seed);
}

std::vector<BatchRun> with_every_seed(std::span<const BatchScenario> scenarios,
                                      const SeedOptions& options) {
  std::vector<BatchRun> runs;
  for (const BatchScenario& scenario : scenarios) {
    for (std::uint64_t i = 0; i < options.seeds; ++i) {
      runs.push_back({&scenario, options.first_seed + i});
    }
  }
  return runs;
}

std::vector<std::optional<Digest>> run_batch(const std::vector<BatchRun>& runs, std::size_t workers,
                                             const std::string& title) {
  LiveLine line;
  const auto printed = run_jobs(
      runs.size(), workers, [&](std::size_t number) { return run_one(runs[number]); },
      [&](std::size_t done) {
        if (line.due()) line.show(fmt::format("{}  {} of {} runs", title, done, runs.size()));
        return !interrupted();
      });
  std::vector<std::optional<Digest>> digests;
  for (const auto& each : printed) {
    digests.push_back(each ? std::optional(digest_of(*each)) : std::nullopt);
  }
  return digests;
}

void tell_of(std::vector<FailedRun>& failures, const BatchRun& run,
             const std::vector<Complaint>& complaints) {
  if (failures.size() == kFailuresToldMax) return;
  FailedRun failure{run.seed, run.what->source.replay(run.seed), {}};
  for (const Complaint& each : complaints) failure.complaints.push_back(each.text);
  failures.push_back(std::move(failure));
}

}  // namespace kadwire::testnet
