/// kadwire-testnet: simulates whole meshes in virtual time, from a seed.
/// Exit codes: commands/commands.h.

#include <CLI/CLI.hpp>

#include "crypto/secret_bytes.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/fixed_addresses.h"

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
    return app.exit(error) == 0 ? kExitSuccess : kExitUsage;
  }
  return chosen();
}
