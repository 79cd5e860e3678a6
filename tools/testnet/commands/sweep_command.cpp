#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/testnet/commands/batch.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/interruption.h"
#include "tools/testnet/commands/options.h"
#include "tools/testnet/commands/outputs.h"
#include "tools/testnet/commands/scenario_source.h"
#include "tools/testnet/stopwatch.h"

namespace kadwire::testnet {
namespace {

struct SweepOptions {
  ScenarioSource source;
  OutputOptions outputs;
  std::string parameter;
  std::vector<std::string> values;
  SeedOptions seeds;
};

/// One scenario for each value; without a parameter, the scenario as it is.
tl::expected<std::vector<BatchScenario>, std::string> scenarios_of(const SweepOptions& options) {
  std::vector<BatchScenario> scenarios;
  for (const std::string& value : options.values) {
    ScenarioSource source = options.source;
    if (!options.parameter.empty()) {
      source.overrides.push_back(options.parameter + "=" + value);
    }
    auto scenario = load_scenario(source);
    if (!scenario) return tl::unexpected(scenario.error());
    scenarios.push_back({std::move(source), std::move(*scenario)});
  }
  return scenarios;
}

SweepPoint point_of(const std::string& value, std::span<const BatchRun> runs,
                    std::span<const std::optional<Digest>> digests) {
  SweepPoint point;
  point.value = value;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (!digests[i]) {
      point.unfinished_seeds.push_back(runs[i].seed);
      continue;
    }
    const Digest& digest = *digests[i];
    ++point.runs;
    point.succeeded += digest.succeeded ? 1 : 0;
    for (const auto& [name, figure] : digest.figures) point.figures[name].push_back(figure);
    if (digest.succeeded) continue;
    point.failed_seeds.push_back(runs[i].seed);
    tell_of(point.failures, runs[i], digest.complaints);
  }
  return point;
}

/// The same again, for a shell.
std::string command_of(const SweepOptions& options) {
  std::string command = fmt::format("kadwire-testnet sweep {} {}", options.source.command_line(),
                                    options.seeds.command_line());
  if (options.parameter.empty()) return command;
  return command + fmt::format(" --parameter {} --values {}", shell_word(options.parameter),
                               shell_word(fmt::format("{}", fmt::join(options.values, ","))));
}

int sweep(const SweepOptions& options) {
  const auto scenarios = scenarios_of(options);
  if (!scenarios) return complain(scenarios.error());
  if (const auto seeds = options.seeds.check(); !seeds) return complain(seeds.error());
  if (const auto writable = options.outputs.check(); !writable) return complain(writable.error());
  const auto runs = with_every_seed(*scenarios, options.seeds);
  const Stopwatch watch;
  watch_for_interruption();
  const std::string& name = scenarios->front().scenario.name;
  const auto digests = run_batch(runs, options.seeds.workers, name);
  SweepResult result;
  result.scenario = name;
  result.parameter = options.parameter;
  result.command = command_of(options);
  const std::size_t each = options.seeds.seeds;
  for (std::size_t i = 0; i < options.values.size(); ++i) {
    result.points.push_back(point_of(options.values[i], std::span(runs).subspan(i * each, each),
                                     std::span(digests).subspan(i * each, each)));
  }
  result.wall_seconds = watch.seconds();
  return leave_outputs(options.outputs, result);
}

}  // namespace

void add_sweep_command(CLI::App& app, Action& chosen) {
  const auto options = std::make_shared<SweepOptions>();
  CLI::App* command = app.add_subcommand(
      "sweep", "play a scenario with many seeds, and with several values of one parameter");
  command->footer(
      "Examples:\n"
      "  kadwire-testnet sweep churn --seeds 200\n"
      "  kadwire-testnet sweep open-5 --parameter links.default.loss --values 0,1%,5%,20% \\\n"
      "      --seeds 20 --report loss.html\n"
      "The first runs of a value that fail are told with the command that replays them. Ctrl-C\n"
      "or SIGTERM ends it and reports the runs that were finished, and the seeds of those that "
      "were not.\n"
      "Exit codes: 0 none failed, 1 some did, 2 nothing could be run or written, 130 interrupted.");
  options->source.add_to(*command);
  CLI::Option* parameter = command
                               ->add_option("--parameter", options->parameter,
                                            "what to vary, as --set names it: links.default.loss")
                               ->type_name("KEY");
  add_list_option(*command, "--values", options->values, "its values, separated by commas")
      ->needs(parameter)
      ->type_name("V,V,…");
  options->seeds.add_to(*command);
  options->outputs.add_to(*command);
  command->callback([options, &chosen] {
    if (!options->parameter.empty() && options->values.empty()) {
      throw CLI::ValidationError("--parameter", "needs --values");
    }
    if (options->values.empty()) options->values = {"as it is"};
    chosen = [options] { return sweep(*options); };
  });
}

}  // namespace kadwire::testnet
