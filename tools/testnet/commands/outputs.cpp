#include "tools/testnet/commands/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tools/statistics.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/report/html_report.h"
#include "tools/testnet/report/results_json.h"

namespace kadwire::testnet {
namespace {

/// Seeds named for a matrix cell or a sweep's value that failed.
constexpr std::size_t kSeedsNamedMax = 3;

std::vector<Duration> first_tunnels(const RunResult& result) {
  std::vector<Duration> times;
  for (const NodeResult& node : result.nodes) {
    if (node.first_tunnel) times.push_back(*node.first_tunnel);
  }
  return times;
}

void print_summary(const RunResult& result) {
  const double simulated = to_seconds(result.simulated);
  fmt::print("{}, seed {}: {} simulated in {:.1f} s, {:.0f} times real time{}\n", result.scenario,
             result.seed, clock_text(result.simulated), result.wall_seconds,
             result.wall_seconds > 0 ? simulated / result.wall_seconds : 0,
             result.interrupted ? " (interrupted)" : "");
  if (!result.samples.empty()) {
    const Sample& end = result.samples.back();
    fmt::print("  {} members, {} tunnels, {} pairs possible\n", end.members_running,
               end.pairs_direct, end.pairs_possible);
  }
  if (const auto times = first_tunnels(result); !times.empty()) {
    fmt::print("  first tunnel: p50 {:.2f} s, p95 {:.2f} s, slowest {:.2f} s\n",
               to_seconds(percentile(times, 0.50)), to_seconds(percentile(times, 0.95)),
               to_seconds(percentile(times, 1)));
  }
  for (const Verdict& verdict : result.verdicts) {
    fmt::print("  {}  {}: {}\n", verdict.met ? "ok  " : "FAIL", verdict.expectation,
               verdict.measured);
  }
  for (const std::string& violation : result.violations) {
    fmt::print("  RULE BROKEN  {}\n", violation);
  }
  fmt::print("  trace {}\n", result.trace_hash);
  if (!succeeded(result)) fmt::print("  replay: {}\n", result.command);
}

std::string cell_text(const MatrixCell& cell) {
  if (!cell.possible) return "-";
  if (cell.runs == 0) return "?";
  const double share =
      static_cast<double>(cell.direct + cell.relayed) / static_cast<double>(cell.runs);
  return fmt::format("{:.0f}%", share * 100);
}

void print_summary(const MatrixResult& result) {
  std::size_t width = 0;
  for (const std::string& kind : result.kinds) width = std::max(width, kind.size());
  fmt::print("{:{}} ", "", width);
  for (std::size_t column = 0; column < result.kinds.size(); ++column) {
    fmt::print("{:>5}", column + 1);
  }
  fmt::print("\n");
  for (std::size_t row = 0; row < result.kinds.size(); ++row) {
    fmt::print("{:{}} ", result.kinds[row], width);
    for (const MatrixCell& cell : result.cells[row]) fmt::print("{:>5}", cell_text(cell));
    fmt::print("  {}\n", row + 1);
  }
  fmt::print("share of runs with a tunnel; -: no path that this version can use\n");
  fmt::print("{:.1f} s\n", result.wall_seconds);
}

void print_summary(const SweepResult& result) {
  fmt::print("{}: {}\n", result.scenario, result.parameter);
  for (const SweepPoint& point : result.points) {
    fmt::print("  {:>12}  {} of {} succeeded", point.value, point.succeeded, point.runs);
    for (const auto& [name, values] : point.figures) {
      if (!values.empty()) fmt::print("  {} p50 {:.4g}", name, percentile(values, 0.5));
    }
    fmt::print("\n");
    for (std::size_t i = 0; i < std::min(point.failed_seeds.size(), kSeedsNamedMax); ++i) {
      fmt::print("                failed: seed {}\n", point.failed_seeds[i]);
    }
  }
}

bool all_well(const RunResult& result) {
  return succeeded(result);
}

bool all_well(const MatrixResult& result) {
  return std::ranges::all_of(result.cells, [](const auto& row) {
    return std::ranges::all_of(row, [](const MatrixCell& cell) {
      return !cell.possible || cell.direct + cell.relayed == cell.runs;
    });
  });
}

bool all_well(const SweepResult& result) {
  return std::ranges::all_of(result.points,
                             [](const SweepPoint& point) { return point.succeeded == point.runs; });
}

template <typename Result>
int leave(const OutputOptions& options, const Result& result, const Json& json) {
  if (options.json) {
    if (auto written = write_text(*options.json, json_text(json) + "\n"); !written) {
      return complain(written.error());
    }
  }
  if (options.report) {
    if (auto written = write_text(*options.report, html_report(result)); !written) {
      return complain(written.error());
    }
  }
  if (options.json != "-") print_summary(result);
  return all_well(result) ? kExitSuccess : kExitFailed;
}

}  // namespace

int complain(const std::string& text) {
  fmt::print(stderr, "kadwire-testnet: {}\n", text);
  return kExitUsage;
}

void OutputOptions::add_to(CLI::App& command) {
  command.add_option("--report", report, "write a report to look at: one HTML file")
      ->type_name("FILE");
  command.add_option("--json", json, "write every figure (- is stdout); report/SCHEMA.md")
      ->type_name("FILE");
}

tl::expected<void, std::string> write_text(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  }
  const std::string unfinished = path + ".part";
  std::FILE* file = std::fopen(unfinished.c_str(), "we");
  if (file == nullptr) return tl::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !whole || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    const std::string problem = std::strerror(errno);
    std::remove(unfinished.c_str());
    return tl::unexpected(fmt::format("{}: {}", path, problem));
  }
  return {};
}

int leave_outputs(const OutputOptions& options, const RunResult& result) {
  return leave(options, result, run_json(result));
}

int leave_outputs(const OutputOptions& options, const MatrixResult& result) {
  return leave(options, result, matrix_json(result));
}

int leave_outputs(const OutputOptions& options, const SweepResult& result) {
  return leave(options, result, sweep_json(result));
}

std::string clock_text(Duration duration) {
  const auto total = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  const auto hours = total / 3600, minutes = total / 60 % 60, seconds = total % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds);
  return fmt::format("{}:{:02}", minutes, seconds);
}

}  // namespace kadwire::testnet
