#pragma once

/// Ctrl-C: what is under way ends at its next opportunity, and what it found until then is written.

namespace kadwire::testnet {

/// From now on SIGINT ends nothing by itself.
void watch_for_interruption();
/// True once it came.
[[nodiscard]] bool interrupted();

}  // namespace kadwire::testnet
