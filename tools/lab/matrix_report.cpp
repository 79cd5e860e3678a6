#include "tools/lab/matrix_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "tools/lab/text_table.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

bool is_direct(const PairRun& run) {
  return run.path == "direct";
}
bool has_tunnel(const PairRun& run) {
  return run.first_ping.has_value();
}

std::vector<Duration> times_of(const MatrixCell& cell) {
  std::vector<Duration> times;
  for (const PairRun& run : cell.runs) {
    if (run.first_ping) times.push_back(*run.first_ping);
  }
  return times;
}

std::vector<Duration> times_of(const Matrix& matrix) {
  std::vector<Duration> times;
  for (const MatrixCell& cell : matrix.cells) {
    const auto more = times_of(cell);
    times.insert(times.end(), more.begin(), more.end());
  }
  return times;
}

std::size_t runs_of(const MatrixCell& cell) {
  return cell.runs.size() + cell.errors.size();
}

/// "100%", or "100r" if a tunnel was not direct at the end.
std::string share_text(const MatrixCell& cell) {
  if (!cell.possible) return "-";
  const auto up = std::ranges::count_if(cell.runs, has_tunnel);
  const auto direct = std::ranges::count_if(
      cell.runs, [](const PairRun& run) { return has_tunnel(run) && is_direct(run); });
  const double share = static_cast<double>(up) / static_cast<double>(runs_of(cell));
  return fmt::format("{:.0f}{}", share * 100, direct < up ? "r" : "%");
}

std::string median_text(const MatrixCell& cell) {
  const auto times = times_of(cell);
  return times.empty() ? "-" : fmt::format("{:.0f}", to_milliseconds(percentile(times, 0.5)));
}

std::string triangle(const Matrix& matrix, const std::string& title,
                     const std::function<std::string(const MatrixCell&)>& text) {
  std::vector<std::string> headings = {title};
  for (std::size_t i = 1; i <= matrix.kinds.size(); ++i) headings.push_back(std::to_string(i));
  TextTable table(headings);
  auto cell = matrix.cells.begin();
  for (std::size_t row = 0; row < matrix.kinds.size(); ++row) {
    std::vector<std::string> line = {fmt::format("{:2} {}", row + 1, matrix.kinds[row]->name)};
    for (std::size_t column = 0; column <= row; ++column) line.push_back(text(*cell++));
    line.resize(headings.size());
    table.add_row(std::move(line));
  }
  return table.to_string();
}

std::string sums_text(const Matrix& matrix) {
  std::size_t runs = 0, direct = 0;
  for (const MatrixCell& cell : matrix.cells) {
    runs += runs_of(cell);
    direct += static_cast<std::size_t>(std::ranges::count_if(cell.runs, is_direct));
  }
  const auto times = times_of(matrix);
  std::string text = fmt::format("{} of {} runs connected, {} direct", times.size(), runs, direct);
  if (!times.empty()) {
    text += fmt::format("; first ping p50 {:.0f} ms, p95 {:.0f} ms, slowest {:.0f} ms",
                        to_milliseconds(percentile(times, 0.50)),
                        to_milliseconds(percentile(times, 0.95)),
                        to_milliseconds(percentile(times, 1.0)));
  }
  return text + fmt::format("; {:.0f} s\n", matrix.wall_seconds);
}

std::string shortfall_text(const MatrixCell& cell) {
  std::string text = fmt::format("{} and {}:", cell.row->name, cell.column->name);
  for (const std::string& error : cell.errors) text += fmt::format(" [{}]", error);
  for (const PairRun& run : cell.runs) {
    text += has_tunnel(run) ? fmt::format(" {}", run.path) : " no tunnel";
  }
  if (must_be_direct(*cell.row, *cell.column)) text += " (has to be direct)";
  return text + "\n";
}

json json_of(const MatrixCell& cell) {
  json runs = json::array();
  for (const PairRun& run : cell.runs) runs.push_back(to_json(run));
  return {{"first", cell.row->name},   {"second", cell.column->name},
          {"possible", cell.possible}, {"must_be_direct", must_be_direct(*cell.row, *cell.column)},
          {"ok", all_well(cell)},      {"runs", std::move(runs)},
          {"errors", cell.errors}};
}

}  // namespace

bool all_well(const MatrixCell& cell) {
  const bool direct_only = must_be_direct(*cell.row, *cell.column);
  return cell.errors.empty() && std::ranges::all_of(cell.runs, [&](const PairRun& run) {
           return has_tunnel(run) && (!direct_only || is_direct(run));
         });
}

bool all_well(const Matrix& matrix) {
  return std::ranges::all_of(matrix.cells, [](const MatrixCell& cell) { return all_well(cell); });
}

std::string report_text(const Matrix& matrix) {
  std::string text =
      triangle(matrix, "share", share_text) + '\n' + triangle(matrix, "p50 ms", median_text) +
      "share: of runs with a tunnel, in percent; r: some were not direct at the end; "
      "-: there is no path\n" +
      sums_text(matrix);
  for (const MatrixCell& cell : matrix.cells) {
    if (!all_well(cell)) text += shortfall_text(cell);
  }
  return text;
}

json report_json(const Matrix& matrix) {
  json pairs = json::array();
  for (const MatrixCell& cell : matrix.cells) pairs.push_back(json_of(cell));
  json times = nullptr;
  if (const auto all = times_of(matrix); !all.empty()) {
    times = {{"p50", to_milliseconds(percentile(all, 0.50))},
             {"p95", to_milliseconds(percentile(all, 0.95))},
             {"max", to_milliseconds(percentile(all, 1.0))}};
  }
  return {{"ok", all_well(matrix)},
          {"helper", matrix.helper},
          {"wall_seconds", matrix.wall_seconds},
          {"first_ping_ms", std::move(times)},
          {"pairs", std::move(pairs)}};
}

}  // namespace kadwire::lab
