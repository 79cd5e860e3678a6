#include "tools/testnet/commands/outputs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "tools/statistics.h"
#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/interruption.h"
#include "tools/testnet/report/html_report.h"
#include "tools/testnet/report/matrix_picture.h"
#include "tools/testnet/report/results_json.h"
#include "tools/testnet/report/run_figures.h"

namespace kadwire::testnet {
namespace {

namespace fs = std::filesystem;

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
    fmt::print("  {} members, {} tunnels ({} relayed), {} pairs possible\n", end.members_running,
               end.pairs_direct + end.pairs_relayed, end.pairs_relayed, end.pairs_possible);
  }
  if (const auto times = first_tunnels(result); !times.empty()) {
    fmt::print("  first tunnel: p50 {:.2f} s, p95 {:.2f} s, slowest {:.2f} s\n",
               to_seconds(percentile(times, 0.50)), to_seconds(percentile(times, 0.95)),
               to_seconds(percentile(times, 1)));
  }
  if (const auto times = times_to_direct(result); !times.empty()) {
    fmt::print("  first direct, of {} pairs: p50 {:.2f} s, p95 {:.2f} s, slowest {:.2f} s\n",
               times.size(), to_seconds(percentile(times, 0.50)),
               to_seconds(percentile(times, 0.95)), to_seconds(percentile(times, 1)));
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

/// The first of a cell's or a value's failed runs; `what` says whose they are.
void print_failures(std::FILE* file, const std::string& what, std::size_t failed,
                    const std::vector<FailedRun>& failures) {
  for (const FailedRun& each : failures) {
    fmt::print(file, "failed: {}seed {}\n", what, each.seed);
    for (const std::string& complaint : each.complaints) fmt::print(file, "  {}\n", complaint);
    fmt::print(file, "  replay: {}\n", each.replay);
  }
  if (failed > failures.size()) {
    fmt::print(file, "failed: {}{} more\n", what, failed - failures.size());
  }
}

/// What the summary tells besides other things.
void print_failures(std::FILE* file, const RunResult& result) {
  if (succeeded(result)) return;
  FailedRun failure{result.seed, result.command, {}};
  for (const Verdict& verdict : result.verdicts) {
    if (verdict.met) continue;
    failure.complaints.push_back(verdict.expectation + ": " + verdict.measured);
  }
  for (const std::string& violation : result.violations) {
    failure.complaints.push_back("RULE BROKEN  " + violation);
  }
  print_failures(file, result.scenario + ", ", 1, {failure});
}

void print_failures(std::FILE* file, const MatrixResult& result) {
  for (std::size_t row = 0; row < result.cells.size(); ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      const MatrixCell& cell = result.cells[row][column];
      const std::string pair = fmt::format("{} and {}, ", result.kinds[row], result.kinds[column]);
      print_failures(file, pair, cell.failed, cell.failures);
    }
  }
}

void print_failures(std::FILE* file, const SweepResult& result) {
  for (const SweepPoint& point : result.points) {
    const std::string value =
        result.parameter.empty() ? "" : fmt::format("{}={}, ", result.parameter, point.value);
    print_failures(file, value, point.failed_seeds.size(), point.failures);
  }
}

std::string cell_text(const MatrixCell& cell) {
  if (cell.runs == 0) return "?";
  if (!cell.possible) return "-";
  const double share =
      static_cast<double>(cell.direct + cell.relayed) / static_cast<double>(cell.runs);
  return fmt::format("{:.0f}{}", share * 100, cell.relayed > 0 ? "r" : "%");
}

void print_totals(const MatrixResult& result) {
  std::size_t runs = 0, direct = 0, relayed = 0, failed = 0;
  for (std::size_t row = 0; row < result.cells.size(); ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      const MatrixCell& cell = result.cells[row][column];
      failed += cell.failed;
      if (!cell.possible) continue;
      runs += cell.runs;
      direct += cell.direct;
      relayed += cell.relayed;
    }
  }
  fmt::print("{} runs of pairs with a path: {} direct, {} relayed, {} without a tunnel\n", runs,
             direct, relayed, runs - direct - relayed);
  if (failed > 0) fmt::print("{} runs failed\n", failed);
  if (!result.p50 || !result.p95) return;
  fmt::print("first tunnel after the second start: p50 {:.2f} s, p95 {:.2f} s\n",
             to_seconds(*result.p50), to_seconds(*result.p95));
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
  fmt::print("share of runs with a tunnel, in percent; r: relayed in some; -: there is no path\n");
  print_totals(result);
  fmt::print("{:.1f} s{}\n", result.wall_seconds,
             result.interrupted ? " (interrupted: ? was not begun)" : "");
  print_failures(stdout, result);
}

void print_summary(const SweepResult& result) {
  fmt::print("{}: {}\n", result.scenario, result.parameter);
  for (const SweepPoint& point : result.points) {
    fmt::print("  {:>12}  {} of {} succeeded", point.value, point.succeeded, point.runs);
    for (const auto& [name, values] : point.figures) {
      if (!values.empty()) fmt::print("  {} p50 {:.4g}", name, percentile(values, 0.5));
    }
    fmt::print("\n");
    if (!point.unfinished_seeds.empty()) {
      fmt::print("                interrupted: {} runs not finished, the first with seed {}\n",
                 point.unfinished_seeds.size(), point.unfinished_seeds.front());
    }
  }
  print_failures(stdout, result);
}

bool all_well(const RunResult& result) {
  return succeeded(result);
}

bool all_well(const MatrixResult& result) {
  return std::ranges::all_of(result.cells, [](const auto& row) {
    return std::ranges::all_of(row, [](const MatrixCell& cell) { return cell.failed == 0; });
  });
}

bool all_well(const SweepResult& result) {
  return std::ranges::all_of(result.points,
                             [](const SweepPoint& point) { return point.succeeded == point.runs; });
}

template <typename Result>
int leave(const OutputOptions& options, const Result& result, const Json& json) {
  int code = interrupted() ? kExitInterrupted : all_well(result) ? kExitSuccess : kExitFailed;
  const auto write = [&code](const std::string& path, const std::string& text) {
    if (auto written = write_text(path, text); !written) code = complain(written.error());
  };
  if (options.json) write(*options.json, json_text(json) + "\n");
  if (options.report) write(*options.report, html_report(result));
  if (!options.uses_stdout()) {
    print_summary(result);
  } else {
    print_failures(stderr, result);
  }
  return code;
}

std::string told(const std::string& path, int error) {
  return fmt::format("{}: {}", path, std::strerror(error));
}

bool close_after(std::FILE* file, const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && whole;
}

/// A device, a pipe: what must not be replaced by a file.
bool is_special(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status);
}

tl::expected<void, std::string> check_writable(const fs::path& path) {
  std::error_code ignored;
  if (path == "-") return {};
  if (fs::is_directory(path, ignored)) return tl::unexpected(told(path, EISDIR));
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored)) {
    return tl::unexpected(fmt::format("{}: there is no folder {}", path.string(), folder.string()));
  }
  const fs::path changed = is_special(path) ? path : folder;
  if (access(changed.c_str(), W_OK) != 0) return tl::unexpected(told(path, errno));
  return {};
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

void OutputOptions::add_picture_to(CLI::App& command) {
  command.add_option("--picture", picture, "draw it for a document: one SVG file")
      ->type_name("FILE");
}

void OutputOptions::add_trace_to(CLI::App& command) {
  command
      .add_option("--trace", trace,
                  "write every packet and event, a line each, with its time and fate (- is stdout)")
      ->type_name("FILE");
}

bool OutputOptions::uses_stdout() const {
  return json == "-" || report == "-" || picture == "-" || trace == "-";
}

tl::expected<void, std::string> OutputOptions::check() const {
  std::vector<std::string> targets;
  for (const auto& path : {json, report, picture, trace}) {
    if (!path) continue;
    if (auto writable = check_writable(*path); !writable) return writable;
    std::error_code ignored;
    const std::string target =
        *path == "-" ? "-" : fs::weakly_canonical(fs::absolute(*path, ignored), ignored).string();
    if (is_special(target)) continue;
    if (std::ranges::count(targets, target) > 0) {
      return tl::unexpected(fmt::format("{}: two outputs would go there", *path));
    }
    targets.push_back(target);
  }
  return {};
}

tl::expected<void, std::string> write_text(const std::string& path, const std::string& text) {
  if (path == "-") {
    const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (std::fflush(stdout) != 0 || !whole) return tl::unexpected(told("stdout", errno));
    return {};
  }
  // A link stays one: what it leads to is replaced.
  std::error_code ignored;
  const std::string target = fs::weakly_canonical(path, ignored).string();
  const bool special = is_special(path);
  const std::string written = special ? path : target + ".part";
  std::FILE* file = std::fopen(written.c_str(), "we");
  if (file == nullptr) return tl::unexpected(told(path, errno));
  const bool whole = close_after(file, text);
  if (whole && (special || std::rename(written.c_str(), target.c_str()) == 0)) return {};
  const int problem = errno;
  if (!special) std::remove(written.c_str());
  return tl::unexpected(told(path, problem));
}

int leave_outputs(const OutputOptions& options, const RunResult& result) {
  return leave(options, result, run_json(result));
}

int leave_outputs(const OutputOptions& options, const MatrixResult& result) {
  const int code = leave(options, result, matrix_json(result));
  if (!options.picture) return code;
  const auto drawn = write_text(*options.picture, matrix_picture(result));
  return drawn ? code : complain(drawn.error());
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
