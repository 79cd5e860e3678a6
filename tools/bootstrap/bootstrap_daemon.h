#pragma once

/// Composes kadwire-bootstrap from its production parts.

#include "tools/bootstrap/bootstrap_options.h"

namespace kadwire::tools {

/// Serves until SIGINT or SIGTERM, then saves and returns 0; 1 after one clear line on stderr about
/// what is wrong.
[[nodiscard]] int serve(const BootstrapOptions& options);

/// Prints the running one's counters; 1 after one clear line on stderr if none answers.
[[nodiscard]] int show_stats(const BootstrapOptions& options);

}  // namespace kadwire::tools
