#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/lab/matrix_report.h"
#include "tools/lab/own_cell.h"
#include "tools/lab/scenario_lab.h"
#include "tools/statistics.h"
#include "tools/testnet/commands/worker_pool.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// One run of one cell.
struct PlannedRun {
  std::size_t cell = 0;
  PairOptions options;
};

Expected<std::vector<const Surroundings*>> chosen(const std::vector<std::string>& names) {
  std::vector<const Surroundings*> kinds;
  for (const std::string& name : names) {
    kinds.push_back(find_surroundings(name));
    if (kinds.back() == nullptr) {
      return lab_error(fmt::format("there is no kind '{}'; --help lists them", name));
    }
  }
  if (!names.empty()) return kinds;
  for (const Surroundings& each : all_surroundings()) kinds.push_back(&each);
  return kinds;
}

Matrix empty_matrix(std::vector<const Surroundings*> kinds, bool helper) {
  Matrix matrix{.kinds = std::move(kinds), .cells = {}, .helper = helper};
  for (std::size_t row = 0; row < matrix.kinds.size(); ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      const Surroundings& a = *matrix.kinds[row];
      const Surroundings& b = *matrix.kinds[column];
      matrix.cells.push_back({.row = &a, .column = &b, .possible = can_connect(a, b, helper)});
    }
  }
  return matrix;
}

std::vector<PlannedRun> plan(const Matrix& matrix, const MatrixOptions& options) {
  std::vector<PlannedRun> runs;
  for (unsigned run = 0; run < options.runs; ++run) {
    for (std::size_t i = 0; i < matrix.cells.size(); ++i) {
      const MatrixCell& cell = matrix.cells[i];
      if (!cell.possible) continue;
      PairOptions pair{.first = cell.row,
                       .second = cell.column,
                       .helpers = options.helper ? 1U : 0U,
                       .latency = options.latency,
                       .loss = options.loss,
                       .log_level = options.log_level};
      if (run % 2 == 1) std::swap(pair.first, pair.second);
      if (options.logs) {
        const auto title =
            fmt::format("{}-and-{}-{}", pair.first->name, pair.second->name, run + 1);
        pair.logs = *options.logs / title;
      }
      runs.push_back({i, std::move(pair)});
    }
  }
  return runs;
}

void take(MatrixCell& cell, const testnet::JobResult& result) {
  const auto found = found_in(result);
  if (found) {
    cell.runs.push_back(pair_run_of(*found));
  } else {
    cell.errors.push_back(found.error().message);
  }
}

}  // namespace

Expected<bool> run_matrix(const MatrixOptions& options) {
  const auto kinds = chosen(options.kinds);
  if (!kinds) return tl::unexpected(kinds.error());
  Matrix matrix = empty_matrix(*kinds, options.helper);
  const auto runs = plan(matrix, options);
  const auto start = std::chrono::steady_clock::now();
  Progress progress;
  progress.say(fmt::format("{} runs, {} at once; {} ms of cable each way{}", runs.size(),
                           options.workers, to_milliseconds(options.latency),
                           options.helper ? "; a public member helps" : ""));
  const auto results = testnet::run_jobs(
      runs.size(), options.workers,
      [&](std::size_t number) {
        return run_in_own_cell([&] {
          return run_pair(runs[number].options).map([](const PairRun& run) {
            return to_json(run);
          });
        });
      },
      [&](std::size_t done) {
        progress.show(fmt::format("{} of {} runs", done, runs.size()));
        return true;
      });
  for (std::size_t i = 0; i < runs.size(); ++i) take(matrix.cells[runs[i].cell], *results[i]);
  matrix.wall_seconds = to_seconds(std::chrono::steady_clock::now() - start);
  fmt::print("{}", report_text(matrix));
  if (options.json) {
    if (auto written = write_json(*options.json, report_json(matrix)); !written) {
      return tl::unexpected(written.error());
    }
  }
  return all_well(matrix);
}

}  // namespace kadwire::lab
