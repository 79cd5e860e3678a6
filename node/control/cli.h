#pragma once

/// The command line `kadwire`: words in, an exit code out. Commands are in commands/, one file
/// each.

#include <filesystem>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "node/control/secret_source.h"
#include "node/control/socket_file.h"
#include "node/daemon.h"
#include "rendezvous/net_report.h"

namespace kadwire::control {

/// What scripts may rely on.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,  ///< understood, but it could not be done
  kExitUsage = 2,   ///< not understood: an unknown word, a value that makes no sense
  kExitNoUdp = 3,   ///< netcheck: no UDP gets out, or no answer in
};

/// Runs a daemon to its end and gives the process's exit code (node::run_daemon).
using DaemonRunner = std::function<int(node::DaemonOptions)>;

/// Looks at this host's network (node/adapters/network_check.h), telling how far it is about each
/// second. The error is one sentence.
using NetworkChecker = std::function<tl::expected<rendezvous::NetReport, std::string>(
    const std::vector<node::BootstrapHost>& stun,
    const std::function<void(const rendezvous::NetReport& so_far)>& progress)>;

/// What main has and commands use: so that this room knows no adapter.
struct Programs {
  DaemonRunner run_daemon;
  NetworkChecker check_network;
};

/// All that a command sees of the world besides files and sockets.
struct Invocation {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;  ///< `out` is a terminal and nobody objects
  DaemonRunner run_daemon;
  Arguments arguments;                                      ///< the secret is taken out by its user
  std::optional<crypto::SecretBytes> environment_secret{};  ///< KADWIRE_SECRET, as above
  std::filesystem::path socket_folder = kSocketFolder;
  NetworkChecker check_network{};
};

/// Runs the command that `invocation.arguments` name. Errors are one line on `err` that begins with
/// "kadwire: ". Needs crypto::initialise().
[[nodiscard]] int run_command(Invocation& invocation);

/// The whole of main: takes secrets out of `argv` and the environment before anything else, then
/// runs the command on standard output and error. Throws std::runtime_error if libsodium cannot
/// start.
[[nodiscard]] int run_command_line(int argc, char** argv, Programs programs);

}  // namespace kadwire::control
