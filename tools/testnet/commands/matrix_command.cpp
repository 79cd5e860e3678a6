#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "tools/statistics.h"
#include "tools/testnet/commands/batch.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/interruption.h"
#include "tools/testnet/commands/options.h"
#include "tools/testnet/commands/outputs.h"
#include "tools/testnet/commands/scenario_source.h"
#include "tools/testnet/internet/nat_model.h"
#include "tools/testnet/scenario/values.h"
#include "tools/testnet/stopwatch.h"

namespace kadwire::testnet {
namespace {

/// Two members behind one box each, a bootstrap node and a small DHT.
constexpr const char* kPairScenario = "nat-pair";
constexpr std::array kPairGroups = {"left", "right"};
/// Seeds kept of a cell's failed runs, and of its relayed ones: enough to look into it.
constexpr std::size_t kSeedsKeptMax = 5;

struct MatrixOptions {
  OutputOptions outputs;
  std::vector<std::string> kinds;
  ScenarioSource pair;  ///< with the changes that hold for every cell
  SeedOptions seeds{.seeds = 5};
};

/// What stands before a member, as changes to its group in the pair scenario.
struct Surroundings {
  std::string name;
  std::vector<std::string> settings;
};

/// The surroundings that are more, or less, than one NAT.
std::vector<Surroundings> special_surroundings() {
  return {{"public", {"nat="}},
          {"host-firewall", {"nat=", "firewall=stateful"}},
          {"dual-stack", {"nat=port-restricted", "families=both"}},
          {"ipv6-only", {"nat=port-restricted", "families=ipv6"}},
          {"cgnat", {"nat=cgnat"}},
          {"mapping-gateway", {"nat=mapping-gateway"}}};
}

std::vector<Surroundings> all_surroundings() {
  std::vector<Surroundings> all = special_surroundings();
  for (const NatKind& kind : nat_kinds()) {
    all.push_back({std::string(kind.name), {fmt::format("nat={}", kind.name)}});
  }
  return all;
}

tl::expected<std::vector<Surroundings>, std::string> chosen_surroundings(
    const std::vector<std::string>& names) {
  const auto all = all_surroundings();
  if (names.empty()) return all;
  std::vector<Surroundings> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, name, &Surroundings::name);
    if (found == all.end()) {
      std::vector<std::string> known;
      for (const Surroundings& each : all) known.push_back(each.name);
      return tl::unexpected(
          fmt::format("there is no kind '{}'; there are {}", name, fmt::join(known, ", ")));
    }
    if (std::ranges::count(chosen, name, &Surroundings::name) > 0) {
      return tl::unexpected(fmt::format("--kinds: '{}' is there twice", name));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

/// Why the scenario says nothing about a pair; empty: it does.
std::string pair_problem(const Scenario& scenario) {
  for (const char* name : kPairGroups) {
    const Group* group = find_group(scenario, name);
    if (group == nullptr || group->count != 1 || group->role != Role::kMember) {
      return fmt::format("the pair is groups.{} and groups.{}, one member each", kPairGroups[0],
                         kPairGroups[1]);
    }
    if (!group->starts || group->start.high >= scenario.until) {
      return fmt::format("the pair would not meet: groups.{} is to start {}, and the end is at {}",
                         name,
                         group->starts ? "at " + format_duration_range(group->start)
                                       : std::string("by an event alone"),
                         format_duration(scenario.until));
    }
  }
  return {};
}

tl::expected<BatchScenario, std::string> pair_scenario(const MatrixOptions& options,
                                                       const Surroundings& left,
                                                       const Surroundings& right) {
  ScenarioSource source = options.pair;
  source.name = kPairScenario;
  for (const std::string& setting : left.settings) {
    source.overrides.push_back("groups.left." + setting);
  }
  for (const std::string& setting : right.settings) {
    source.overrides.push_back("groups.right." + setting);
  }
  auto scenario = load_scenario(source);
  if (!scenario) return tl::unexpected(scenario.error());
  if (const auto problem = pair_problem(*scenario); !problem.empty()) {
    return tl::unexpected(problem);
  }
  return BatchScenario{std::move(source), std::move(*scenario)};
}

Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::optional<Duration> percentile_of(const std::vector<Duration>& times, double share) {
  if (times.empty()) return std::nullopt;
  return percentile(times, share);
}

void remember(std::vector<std::uint64_t>& seeds, std::uint64_t seed) {
  if (seeds.size() < kSeedsKeptMax) seeds.push_back(seed);
}

/// A pair without a path is not asked for what takes a tunnel.
std::vector<Complaint> complaints_about(const Digest& digest) {
  std::vector<Complaint> complaints = digest.complaints;
  if (!digest.crashed && !digest.first_pair_has_path) {
    std::erase_if(complaints, [](const Complaint& each) { return each.needs_tunnel; });
  }
  return complaints;
}

MatrixCell cell_of(std::span<const BatchRun> runs, std::span<const std::optional<Digest>> digests) {
  MatrixCell cell;
  // Nobody knows of a cell that was not begun.
  cell.possible = std::ranges::none_of(digests, &std::optional<Digest>::has_value);
  std::vector<Duration> times;
  std::vector<Duration> direct_times;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (!digests[i]) continue;
    const Digest& digest = *digests[i];
    const std::uint64_t seed = runs[i].seed;
    ++cell.runs;
    // Of one that crashed nobody knows, and no path is no excuse for it.
    cell.possible = cell.possible || digest.first_pair_has_path || digest.crashed;
    if (digest.first_pair != PairState::kNone) {
      times.push_back(duration_of(digest.first_pair_seconds));
    }
    if (digest.first_pair == PairState::kDirect) {
      ++cell.direct;
      direct_times.push_back(duration_of(digest.first_pair_direct_seconds));
    } else if (digest.first_pair == PairState::kRelayed) {
      ++cell.relayed;
      remember(cell.relayed_seeds, seed);
    }
    const std::vector<Complaint> complaints = complaints_about(digest);
    if (complaints.empty()) continue;
    ++cell.failed;
    remember(cell.failed_seeds, seed);
    tell_of(cell.failures, runs[i], complaints);
  }
  cell.p50 = percentile_of(times, 0.50);
  cell.p95 = percentile_of(times, 0.95);
  cell.direct_p50 = percentile_of(direct_times, 0.50);
  cell.direct_p95 = percentile_of(direct_times, 0.95);
  return cell;
}

/// Every unordered pair once; the lower triangle and the diagonal.
tl::expected<std::vector<BatchScenario>, std::string> pair_scenarios(
    const MatrixOptions& options, const std::vector<Surroundings>& kinds) {
  std::vector<BatchScenario> scenarios;
  for (std::size_t row = 0; row < kinds.size(); ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      auto scenario = pair_scenario(options, kinds[row], kinds[column]);
      if (!scenario) return tl::unexpected(scenario.error());
      scenarios.push_back(std::move(*scenario));
    }
  }
  return scenarios;
}

std::vector<Duration> first_tunnels(std::span<const std::optional<Digest>> digests) {
  std::vector<Duration> times;
  for (const std::optional<Digest>& digest : digests) {
    if (digest && digest->first_pair != PairState::kNone) {
      times.push_back(duration_of(digest->first_pair_seconds));
    }
  }
  return times;
}

MatrixResult assemble(const std::vector<Surroundings>& kinds, std::span<const BatchRun> runs,
                      std::span<const std::optional<Digest>> digests,
                      const MatrixOptions& options) {
  MatrixResult result;
  result.command = "kadwire-testnet matrix " + options.seeds.command_line();
  if (!options.kinds.empty()) {
    result.command += " --kinds " + shell_word(fmt::format("{}", fmt::join(options.kinds, ",")));
  }
  result.command += options.pair.changes();
  result.interrupted = interrupted();
  const std::vector<Duration> times = first_tunnels(digests);
  result.p50 = percentile_of(times, 0.50);
  result.p95 = percentile_of(times, 0.95);
  result.cells.assign(kinds.size(), std::vector<MatrixCell>(kinds.size()));
  const std::size_t seeds = options.seeds.seeds;
  std::size_t at = 0;
  for (std::size_t row = 0; row < kinds.size(); ++row) {
    result.kinds.push_back(kinds[row].name);
    for (std::size_t column = 0; column <= row; ++column) {
      result.cells[row][column] = result.cells[column][row] =
          cell_of(runs.subspan(at, seeds), digests.subspan(at, seeds));
      at += seeds;
    }
  }
  return result;
}

int matrix(const MatrixOptions& options) {
  const auto kinds = chosen_surroundings(options.kinds);
  if (!kinds) return complain(kinds.error());
  const auto scenarios = pair_scenarios(options, *kinds);
  if (!scenarios) return complain(scenarios.error());
  if (const auto seeds = options.seeds.check(); !seeds) return complain(seeds.error());
  if (const auto writable = options.outputs.check(); !writable) return complain(writable.error());
  const auto runs = with_every_seed(*scenarios, options.seeds);
  const Stopwatch watch;
  watch_for_interruption();
  const auto digests = run_batch(runs, options.seeds.workers, "matrix");
  MatrixResult result = assemble(*kinds, runs, digests, options);
  result.wall_seconds = watch.seconds();
  return leave_outputs(options.outputs, result);
}

}  // namespace

void add_matrix_command(CLI::App& app, Action& chosen) {
  const auto options = std::make_shared<MatrixOptions>();
  CLI::App* command = app.add_subcommand(
      "matrix", "two members behind every pair of NAT kinds: which connect, and how fast");
  std::vector<std::string> known;
  for (const Surroundings& each : all_surroundings()) known.push_back(each.name);
  command->footer(fmt::format(
      "Kinds: {}\n"
      "Examples:\n"
      "  kadwire-testnet matrix --kinds public,port-restricted,symmetric-random --seeds 20\n"
      "  kadwire-testnet matrix --report matrix.html\n"
      "  kadwire-testnet matrix --seeds 10 --set groups.dht.count=200 --picture matrix.svg\n"
      "One pair by hand:\n"
      "  kadwire-testnet run nat-pair --set groups.left.nat=full-cone --set groups.right.nat=\n"
      "A run that breaks a rule, crashes or does not meet an expectation is told with the command\n"
      "that replays it; no tunnel where no path is is no failure. Exit codes: 0 none failed, 1 "
      "some\n"
      "did, 2 nothing could be run or written, 130 interrupted.",
      fmt::join(known, ", ")));
  add_list_option(*command, "--kinds", options->kinds, "only these, separated by commas")
      ->type_name("KIND,…");
  options->pair.add_changes_to(*command);
  options->seeds.add_to(*command);
  options->outputs.add_to(*command);
  options->outputs.add_picture_to(*command);
  command->callback([options, &chosen] { chosen = [options] { return matrix(*options); }; });
}

}  // namespace kadwire::testnet
