/// kadwire-lab: meshes of real nodes on one machine, in network namespaces that vanish with it.
/// Exit codes: 0 the scenario succeeded; 1 it did not; 2 no lab can run here, or bad usage.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "tools/lab/cell.h"
#include "tools/lab/scenarios.h"

namespace kadwire::lab {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr unsigned kJoinsMax = 10'000;

/// An option in milliseconds for a Duration.
void add_latency(CLI::App& command, Duration& latency) {
  command
      .add_option_function<double>(
          "--latency",
          [&latency](double milliseconds) {
            using Milliseconds = std::chrono::duration<double, std::milli>;
            latency = std::chrono::duration_cast<Duration>(Milliseconds(milliseconds));
          },
          "milliseconds of each host's cable, each way (default 20)")
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

int run(const std::function<Expected<bool>()>& scenario) {
  if (const auto obstacle = lab_obstacle()) {
    std::fprintf(stderr, "kadwire-lab: %s\n", obstacle->c_str());
    return kExitUsage;
  }
  return run_in_cell([&] {
    const auto succeeded = scenario();
    if (!succeeded) std::fprintf(stderr, "kadwire-lab: %s\n", succeeded.error().message.c_str());
    return succeeded && *succeeded ? 0 : kExitFailed;
  });
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

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (*demo_command) return run([&] { return run_demo(demo); });
  if (*joins_command) return run([&] { return run_joins(joins); });
  return run([&] { return run_idle(idle); });
}
