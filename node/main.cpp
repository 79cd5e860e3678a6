/// The program `kadwire`.

#include <cstdio>
#include <exception>

#include "node/adapters/network_check.h"
#include "node/control/cli.h"
#include "node/daemon.h"

int main(int argc, char** argv) {
  try {
    return kadwire::control::run_command_line(
        argc, argv, {kadwire::node::run_daemon, kadwire::node::check_network});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kadwire: %s\n", error.what());
    return kadwire::control::kExitFailed;
  }
}
