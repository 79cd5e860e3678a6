#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/interruption.h"
#include "tools/testnet/commands/live_line.h"
#include "tools/testnet/commands/options.h"
#include "tools/testnet/commands/outputs.h"
#include "tools/testnet/commands/scenario_source.h"
#include "tools/testnet/world.h"

namespace kadwire::testnet {
namespace {

struct RunOptions {
  ScenarioSource source;
  OutputOptions outputs;
  std::uint64_t seed = 1;
};

std::string progress_text(const std::string& name, const Progress& progress) {
  const double simulated = std::chrono::duration<double>(progress.simulated).count();
  return fmt::format("{}  {} of {}  {:.0f} times real time  {} members  {} tunnels, {} possible",
                     name, clock_text(progress.simulated), clock_text(progress.until),
                     progress.wall_seconds > 0 ? simulated / progress.wall_seconds : 0,
                     progress.members_running, progress.pairs_up, progress.pairs_possible);
}

int run(const RunOptions& options) {
  const auto scenario = load_scenario(options.source);
  if (!scenario) return complain(scenario.error());
  if (const auto writable = options.outputs.check(); !writable) return complain(writable.error());
  Trace trace;
  const std::optional<std::string>& file = options.outputs.trace;
  if (file && !trace.open(*file)) {
    return complain(fmt::format("{}: {}", *file, std::strerror(errno)));
  }
  watch_for_interruption();
  RunResult result;
  {
    LiveLine line;
    World world(*scenario, options.seed, trace);
    result = world.run([&](const Progress& progress) {
      if (line.due()) line.show(progress_text(scenario->name, progress));
      return !interrupted();
    });
  }
  result.command =
      fmt::format("kadwire-testnet run {} --seed {}", options.source.command_line(), options.seed);
  const bool traced = trace.close();
  const int problem = errno;
  const int code = leave_outputs(options.outputs, result);
  return traced ? code : complain(fmt::format("{}: {}", *file, std::strerror(problem)));
}

void add_common(CLI::App& command, RunOptions& options) {
  options.outputs.add_to(command);
  options.outputs.add_trace_to(command);
}

}  // namespace

void add_run_command(CLI::App& app, Action& chosen) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "play a scenario and say what came of it");
  command->footer(
      "Examples:\n"
      "  kadwire-testnet run open-5\n"
      "  kadwire-testnet run home-nats --seed 7 --report home.html\n"
      "  kadwire-testnet run mine.toml --until 2h --nodes 50 --set links.default.loss=5%\n"
      "Ctrl-C, or SIGTERM, ends it and reports what was simulated; a second one ends it at once.\n"
      "Exit codes: 0 all expectations met, 1 not, 2 nothing could be run or written, 130 "
      "interrupted.");
  options->source.add_to(*command);
  add_seed_option(*command, "--seed", options->seed,
                  "of everything that is left to chance (default 1)");
  add_common(*command, *options);
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

/// "home-nats:42", as sweeps and tests name a run.
void add_replay_command(CLI::App& app, Action& chosen) {
  const auto options = std::make_shared<RunOptions>();
  const auto which = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("replay", "play one run again: SCENARIO:SEED, as failures name it");
  command->footer(
      "Examples:\n"
      "  kadwire-testnet replay home-nats:42 --trace packets.txt\n"
      "  kadwire-testnet replay home-nats:42 --until 3min --report home.html\n"
      "The same as run with --seed. What was changed for the run (--set, --nodes, --until) has to\n"
      "be changed again.");
  command->add_option("run", *which, "for example home-nats:42")
      ->required()
      ->type_name("SCENARIO:SEED");
  options->source.add_options_to(*command);
  add_common(*command, *options);
  command->callback([options, which, &chosen] {
    const auto colon = which->rfind(':');
    const bool named = colon != std::string::npos && colon > 0;
    const auto seed = parse_seed(named ? which->substr(colon + 1) : "");
    if (!seed) {
      throw CLI::ValidationError("replay", fmt::format("'{}' is not SCENARIO:SEED, for example "
                                                       "home-nats:42",
                                                       *which));
    }
    options->source.name = which->substr(0, colon);
    options->seed = *seed;
    chosen = [options] { return run(*options); };
  });
}

}  // namespace kadwire::testnet
