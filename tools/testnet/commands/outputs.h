#pragma once

/// What a command leaves behind: files, and a summary for people on stdout.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

struct OutputOptions {
  std::optional<std::string> report;  ///< HTML
  std::optional<std::string> json;    ///< "-": stdout, in place of the summary

  void add_to(CLI::App& command);
};

/// Writes the file whole or not at all ("-": to stdout). An error is a sentence.
[[nodiscard]] tl::expected<void, std::string> write_text(const std::string& path,
                                                         const std::string& text);

/// Writes what was asked for, then the summary, unless the JSON went to stdout; an exit code.
int leave_outputs(const OutputOptions& options, const RunResult& result);
int leave_outputs(const OutputOptions& options, const MatrixResult& result);
int leave_outputs(const OutputOptions& options, const SweepResult& result);

/// A simulated time for people: "4:05", "2:00:00".
[[nodiscard]] std::string clock_text(Duration duration);

}  // namespace kadwire::testnet
