#pragma once

/// The subcommands of kadwire-testnet: each adds itself to the command line and leaves what is to
/// be done when it was chosen.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace kadwire::testnet {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailed = 1;  ///< an expectation was not met, a rule was broken
inline constexpr int kExitUsage = 2;   ///< bad command line or scenario, a file that cannot be used
inline constexpr int kExitInterrupted = 130;  ///< Ctrl-C, SIGTERM; what was simulated is reported

/// Does the chosen command's work; the exit code.
using Action = std::function<int()>;

void add_run_command(CLI::App& app, Action& chosen);
void add_replay_command(CLI::App& app, Action& chosen);
void add_matrix_command(CLI::App& app, Action& chosen);
void add_sweep_command(CLI::App& app, Action& chosen);
void add_scenarios_command(CLI::App& app, Action& chosen);
void add_check_command(CLI::App& app, Action& chosen);

/// "kadwire-testnet: text" on stderr; the exit code kExitUsage.
int complain(const std::string& text);

}  // namespace kadwire::testnet
