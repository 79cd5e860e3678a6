#pragma once

/// What happened to tunnels and how long they were silent, as text for people and as JSON for
/// programs. Pure.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/lab/trouble.h"

namespace kadwire::lab {

/// The runs of one trouble.
struct TroubleRuns {
  const Trouble* trouble = nullptr;
  std::vector<Recovery> runs{};
  std::vector<std::string> errors{};  ///< of runs that could not be made
};

/// Whether all runs could be made, and none was silent for longer than is asked for.
[[nodiscard]] bool all_well(const TroubleRuns& runs);
[[nodiscard]] bool all_well(const std::vector<TroubleRuns>& all);

/// A table, then each run that could not be made.
[[nodiscard]] std::string report_text(const std::vector<TroubleRuns>& all);
/// [{"case", "what", "limit_ms", "silent_ms": {"p50", "max"}, "ok", "runs", "errors"}]; a run is
/// what to_json(Recovery) makes of it.
[[nodiscard]] nlohmann::json report_json(const std::vector<TroubleRuns>& all);

}  // namespace kadwire::lab
