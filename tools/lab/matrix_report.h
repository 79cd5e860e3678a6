#pragma once

/// What the matrix of real NATs found, as text for people and as JSON for programs. Pure.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/lab/nat_pair.h"

namespace kadwire::lab {

/// The runs of one unordered pair.
struct MatrixCell {
  const Surroundings* row = nullptr;
  const Surroundings* column = nullptr;
  bool possible = true;  ///< false: no path can exist, and nothing was run
  std::vector<PairRun> runs{};
  std::vector<std::string> errors{};  ///< of runs that could not be made
};

struct Matrix {
  std::vector<const Surroundings*> kinds;
  std::vector<MatrixCell> cells;  ///< the lower triangle with the diagonal, row by row
  bool helper = false;
  double wall_seconds = 0;
};

/// Whether each run of a possible pair got a tunnel, and a direct one where must_be_direct() says.
[[nodiscard]] bool all_well(const MatrixCell& cell);
[[nodiscard]] bool all_well(const Matrix& matrix);

/// A table of shares and one of median times, whose upper triangles are left empty, then what all
/// pairs come to, and each that fell short.
[[nodiscard]] std::string report_text(const Matrix& matrix);
/// {"ok", "helper", "wall_seconds", "first_ping_ms": {"p50", "p95", "max"},
///  "pairs": [{"first", "second", "possible", "must_be_direct", "ok", "runs", "errors"}]}; a run is
/// what to_json(PairRun) makes of it.
[[nodiscard]] nlohmann::json report_json(const Matrix& matrix);

}  // namespace kadwire::lab
