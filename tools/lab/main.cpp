/// kadwire-lab: meshes of real nodes on one machine, in network namespaces that vanish with it.
/// Exit codes: 0 the scenario succeeded; 1 it did not; 2 no lab can run here, or bad usage.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "tools/lab/cell.h"
#include "tools/lab/scenarios.h"
#include "tools/lab/surroundings.h"
#include "tools/lab/trouble.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr unsigned kJoinsMax = 10'000;
constexpr unsigned kMatrixRunsMax = 100;
constexpr unsigned kRelayRunsMax = 100;
constexpr unsigned kUpgradesMax = 1000;
constexpr unsigned kRecoveryRunsMax = 1000;
constexpr unsigned kWorkersMax = 16;

/// An option in milliseconds for a Duration, which is the default.
void add_latency(CLI::App& command, Duration& latency) {
  const auto help = fmt::format("milliseconds of each host's cable, each way (default {})",
                                to_milliseconds(latency));
  command
      .add_option_function<double>(
          "--latency",
          [&latency](double milliseconds) {
            using Milliseconds = std::chrono::duration<double, std::milli>;
            latency = std::chrono::duration_cast<Duration>(Milliseconds(milliseconds));
          },
          help)
      ->check(CLI::Range(0.0, 2000.0))
      ->type_name("MS");
}

void add_common(CLI::App& command, ScenarioOptions& options) {
  add_latency(command, options.latency);
  command.add_option("--loss", options.loss, "share of frames each cable loses, each way")
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--json", options.json, "write the figures to this file");
  command.add_option("--logs", options.logs, "keep every program's output in this folder");
  command.add_option("--log-level", options.log_level, "of each kadwire join");
}

int exit_code_of(const Expected<bool>& succeeded) {
  if (!succeeded) std::fprintf(stderr, "kadwire-lab: %s\n", succeeded.error().message.c_str());
  return succeeded && *succeeded ? 0 : kExitFailed;
}

/// Where no lab can be, says why; what `body` returned elsewhere.
int run_where_possible(const std::function<int()>& body) {
  const auto obstacle = lab_obstacle();
  if (!obstacle) return body();
  std::fprintf(stderr, "kadwire-lab: %s\n", obstacle->c_str());
  return kExitUsage;
}

int run(const std::function<Expected<bool>()>& scenario) {
  return run_where_possible([&] { return run_in_cell([&] { return exit_code_of(scenario()); }); });
}

void add_relay(CLI::App& app, RelayOptions& options) {
  options.latency = Duration{0};
  CLI::App* command =
      app.add_subcommand("relay", "what a tunnel carries directly and by a relay, in turns");
  command->add_option("--runs", options.runs, "of each (default 5)")
      ->check(CLI::Range(1U, kRelayRunsMax));
  command->add_option("--seconds", options.seconds, "of each run (default 5)")
      ->check(CLI::Range(1U, 60U));
  add_common(*command, options);
}

void add_matrix(CLI::App& app, MatrixOptions& options) {
  CLI::App* command =
      app.add_subcommand("matrix", "two members behind every pair of NATs: how soon, which path");
  std::string kinds = "Kinds:";
  for (const Surroundings& each : all_surroundings()) {
    kinds += "\n  " + std::string(each.name) + std::string(22 - each.name.size(), ' ') +
             std::string(each.summary);
  }
  command->footer(kinds);
  command->add_option("--kinds", options.kinds, "only these, separated by commas")
      ->delimiter(',')
      ->type_name("KIND,…");
  command->add_option("--runs", options.runs, "of each pair (default 1)")
      ->check(CLI::Range(1U, kMatrixRunsMax));
  command->add_flag("--helper", options.helper, "a third, public member is there, and may relay");
  command->add_option("--workers", options.workers, "pairs measured at once (default 4)")
      ->check(CLI::Range(1U, kWorkersMax));
  add_common(*command, options);
}

void add_recovery(CLI::App& app, RecoveryOptions& options) {
  CLI::App* command =
      app.add_subcommand("recovery", "what happens to a tunnel, and for how long it is silent");
  std::string cases = "Cases:";
  for (const Trouble& each : all_troubles()) {
    cases += fmt::format("\n  {:<22}{}", each.name, each.summary);
  }
  command->footer(cases);
  command->add_option("--runs", options.runs, "of each case (default 5)")
      ->check(CLI::Range(1U, kRecoveryRunsMax));
  command->add_option("--case", options.cases, "only these, separated by commas")
      ->delimiter(',')
      ->type_name("NAME,…");
  command->add_option("--workers", options.workers, "runs at once (default 3)")
      ->check(CLI::Range(1U, kWorkersMax));
  add_common(*command, options);
}

}  // namespace
}  // namespace kadwire::lab

int main(int argc, char** argv) {
  using namespace kadwire::lab;
  CLI::App app("Meshes of real kadwire nodes on one machine, without the internet. Needs root.");
  app.name("kadwire-lab");
  app.require_subcommand(1);

  DemoOptions demo;
  CLI::App* demo_command = app.add_subcommand("demo", "form a mesh, ping every pair, show a table");
  demo_command->add_option("--nodes", demo.nodes, "how many (default 5)")
      ->check(CLI::Range(kNodesMin, kNodesMax));
  demo_command->add_flag("--keep", demo.keep, "leave it standing until Ctrl-C");
  add_common(*demo_command, demo);

  JoinsOptions joins;
  CLI::App* joins_command = app.add_subcommand("joins", "measure cold joins, one after another");
  joins_command->add_option("--count", joins.count, "how many in all (default 100)")
      ->check(CLI::Range(1U, kJoinsMax));
  joins_command->add_option("--per-lab", joins.per_lab, "after which a fresh lab (default 10)")
      ->check(CLI::Range(1U, kNodesMax - 1));
  add_common(*joins_command, joins);

  IdleOptions idle;
  CLI::App* idle_command = app.add_subcommand("idle", "measure a mesh that has nothing to do");
  idle_command->add_option("--nodes", idle.nodes, "how many (default 5)")
      ->check(CLI::Range(kNodesMin, kNodesMax));
  idle_command->add_option("--seconds", idle.seconds, "for how long (default 60)")
      ->check(CLI::Range(1U, 3600U));
  add_common(*idle_command, idle);

  RelayOptions relay;
  add_relay(app, relay);

  UpgradesOptions upgrades;
  CLI::App* upgrades_command = app.add_subcommand(
      "upgrades", "tunnels that leave a relay for a direct path, and their pings");
  upgrades_command->add_option("--count", upgrades.count, "how many (default 20)")
      ->check(CLI::Range(1U, kUpgradesMax));
  add_common(*upgrades_command, upgrades);

  MatrixOptions matrix;
  add_matrix(app, matrix);

  RecoveryOptions recovery;
  add_recovery(app, recovery);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (*demo_command) return run([&] { return run_demo(demo); });
  if (*joins_command) return run([&] { return run_joins(joins); });
  if (*idle_command) return run([&] { return run_idle(idle); });
  if (app.got_subcommand("relay")) return run([&] { return run_relay(relay); });
  if (*upgrades_command) return run([&] { return run_upgrades(upgrades); });
  return run_where_possible([&] {
    return exit_code_of(app.got_subcommand("matrix") ? run_matrix(matrix) : run_recovery(recovery));
  });
}
