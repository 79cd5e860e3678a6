#pragma once

/// Ctrl-C, or SIGTERM, as timeout and CI send it: what is under way ends at its next opportunity,
/// and what it found until then is written. The second one ends the process at once.

namespace kadwire::testnet {

/// From now on the first SIGINT or SIGTERM ends nothing by itself.
void watch_for_interruption();
/// True once it came.
[[nodiscard]] bool interrupted();

}  // namespace kadwire::testnet
