#pragma once

/// What a command leaves behind: files, and a summary for people on stdout.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

struct OutputOptions {
  std::optional<std::string> report;   ///< HTML
  std::optional<std::string> json;     ///< "-": stdout, in place of the summary
  std::optional<std::string> picture;  ///< SVG, of a matrix
  std::optional<std::string> trace;    ///< of a run, which writes it itself; "-": as for `json`

  void add_to(CLI::App& command);
  void add_picture_to(CLI::App& command);
  void add_trace_to(CLI::App& command);
  /// Something goes there, so that the summary does not.
  [[nodiscard]] bool uses_stdout() const;
  /// Whether the files can be made and none is there twice, as far as can be told before there is
  /// anything to write: nobody wants to learn it after an hour of simulation. An error is a
  /// sentence.
  [[nodiscard]] tl::expected<void, std::string> check() const;
};

/// Writes the file whole or not at all; what is no file, as a device, as far as it goes ("-": to
/// stdout). An error is a sentence.
[[nodiscard]] tl::expected<void, std::string> write_text(const std::string& path,
                                                         const std::string& text);

/// Writes what was asked for, then the summary, unless the JSON went to stdout; an exit code. A
/// file that cannot be written costs neither the others nor the summary. After Ctrl-C the code is
/// kExitInterrupted whatever was found.
int leave_outputs(const OutputOptions& options, const RunResult& result);
int leave_outputs(const OutputOptions& options, const MatrixResult& result);
int leave_outputs(const OutputOptions& options, const SweepResult& result);

/// A simulated time for people: "4:05", "2:00:00".
[[nodiscard]] std::string clock_text(Duration duration);

}  // namespace kadwire::testnet
