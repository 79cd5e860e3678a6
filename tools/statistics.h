#pragma once

/// Order statistics of measured times and figures. Pure. Shared by the lab and the testnet.

#include <vector>

#include "node/base/time.h"

namespace kadwire {

/// The smallest value that at least `share` (above 0, up to 1) of all values do not exceed: the
/// nearest-rank percentile. `values` must not be empty.
[[nodiscard]] Duration percentile(std::vector<Duration> values, double share);
[[nodiscard]] double percentile(std::vector<double> values, double share);

[[nodiscard]] double to_milliseconds(Duration duration);
[[nodiscard]] double to_seconds(Duration duration);

}  // namespace kadwire
