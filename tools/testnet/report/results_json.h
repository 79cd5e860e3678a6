#pragma once

/// The results as JSON, for programs and for the HTML report, and a run's back again, as the
/// workers of a sweep hand it over. SCHEMA.md describes every key.

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

/// Keys keep the order in which SCHEMA.md names them.
using Json = nlohmann::ordered_json;

inline constexpr std::string_view kRunSchema = "kadwire-testnet/run/1";
inline constexpr std::string_view kMatrixSchema = "kadwire-testnet/matrix/1";
inline constexpr std::string_view kSweepSchema = "kadwire-testnet/sweep/1";

[[nodiscard]] Json run_json(const RunResult& result);
[[nodiscard]] Json matrix_json(const MatrixResult& result);
[[nodiscard]] Json sweep_json(const SweepResult& result);

/// One line; whatever in a name is not UTF-8 becomes U+FFFD. A number that is not finite becomes
/// null, which run_from_json refuses.
[[nodiscard]] std::string json_text(const Json& json);

/// Why a text is not a run's JSON.
struct BadResult {
  std::string field;    ///< "nodes[3].name"; empty: the whole text
  std::string problem;  ///< "is not a text"
};

/// The inverse of json_text(run_json(…)), for runs of up to 26 days to the nanosecond. Strict:
/// every key must be there and no other, every table within its bound, every index within its
/// table.
[[nodiscard]] tl::expected<RunResult, BadResult> run_from_json(std::string_view text);

}  // namespace kadwire::testnet
