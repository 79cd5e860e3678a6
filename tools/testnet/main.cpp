/// kadwire-testnet: simulates whole meshes in virtual time, from a seed.
/// Exit codes: commands/commands.h.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "crypto/secret_bytes.h"
#include "node/control/suggest.h"
#include "node/control/text.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/fixed_addresses.h"

namespace {

std::string unknown_command(const CLI::App& app, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
  const std::string guess = kadwire::control::suggestion(word, names);
  return fmt::format("there is no command '{}'{}", kadwire::control::printable(word),
                     guess.empty() ? fmt::format("; there are {}", fmt::join(names, ", ")) : guess);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kadwire::testnet;
  run_with_fixed_addresses(argv);
  kadwire::crypto::initialise();
  CLI::App app(
      "Simulates whole kadwire meshes: the production code on the real OpenDHT, over an internet\n"
      "of links and NATs, in virtual time. The same seed gives the same run, packet for packet.\n"
      "Start with: kadwire-testnet scenarios, then kadwire-testnet run home-nats --report a.html");
  app.name("kadwire-testnet");
  app.require_subcommand(1);
  app.set_version_flag("--version", KADWIRE_VERSION);
  Action chosen;
  add_run_command(app, chosen);
  add_replay_command(app, chosen);
  add_sweep_command(app, chosen);
  add_matrix_command(app, chosen);
  add_scenarios_command(app, chosen);
  add_check_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && app.get_subcommands().empty() && argv[1][0] != '-') {
      return complain(unknown_command(app, argv[1]));
    }
    return app.exit(error) == 0 ? kExitSuccess : kExitUsage;
  }
  return chosen();
}
