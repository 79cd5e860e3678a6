#pragma once

/// The report for people: one HTML file that holds its style, its script and the results' JSON, and
/// asks no other file or host for anything. It opens from a disk, without a network, and draws
/// itself in the reader's browser. Names in the results may be hostile: they never become markup.

#include <string>

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

[[nodiscard]] std::string html_report(const RunResult& result);
[[nodiscard]] std::string html_report(const MatrixResult& result);
[[nodiscard]] std::string html_report(const SweepResult& result);

}  // namespace kadwire::testnet
