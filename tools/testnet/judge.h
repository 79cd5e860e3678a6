#pragma once

/// What a scenario expects against what a run brought. Pure.

#include <vector>

#include "tools/testnet/report/results.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// What the judge cannot see in the result itself.
struct Findings {
  std::optional<Duration> all_connected;  ///< when every possible pair was up at once, first
  Duration last_start{0};                 ///< of members that no event starts
  std::uint64_t heap_early = 0;           ///< bytes in use when a third of the run was over
  std::uint64_t heap_end = 0;             ///< and at its end
  /// The longest that a pair which a path permits was without the tunnel it had had.
  struct Apart {
    std::string pair;  ///< in words
    Duration began{0};
    Duration lasted{0};
  };
  std::optional<Apart> longest_apart;
  std::vector<std::string> missing;  ///< possible pairs without a tunnel at the end, in words
};

/// One verdict for each expectation, in the scenario's order.
[[nodiscard]] std::vector<Verdict> judge(const Expectations& expect, const RunResult& result,
                                         const Findings& findings);

}  // namespace kadwire::testnet
