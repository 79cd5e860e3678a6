/// kadwire-bootstrap: the operators' daemon. See --help, or README.md in this folder.

#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "crypto/secret_bytes.h"
#include "tools/bootstrap/bootstrap_daemon.h"

namespace {

int run(int argc, char** argv) {
  const auto options = kadwire::tools::parse_arguments(argc, argv);
  if (!options) {
    const auto& early = options.error();
    fmt::print(early.exit_code == 0 ? stdout : stderr, "{}\n", early.text);
    return early.exit_code;
  }
  if (options->show_stats) return kadwire::tools::show_stats(*options);
  kadwire::crypto::initialise();
  return kadwire::tools::serve(*options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "kadwire-bootstrap: {}\n", error.what());
    return 1;
  }
}
