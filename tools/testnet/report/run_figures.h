#pragma once

/// The figures one run comes down to: what a sweep compares and what the report puts on top. Pure.

#include <map>
#include <string>
#include <vector>

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

/// Figures by name; the name ends in the unit (SCHEMA.md lists them). A figure that has no value,
/// such as a median of nothing, is absent.
using Figures = std::map<std::string, double>;

/// Percentiles are over the members, or pairs, that got there; shares of pairs are those of the
/// last sample.
[[nodiscard]] Figures figures_of(const RunResult& result);

/// For each pair that ever had a direct tunnel: from the start of the later one to the first. Empty
/// as well if the run had more changes than it kept: the first of them are no sample of all.
[[nodiscard]] std::vector<Duration> times_to_direct(const RunResult& result);

/// The spread of one figure over the runs of a sweep's point. All zero if there
/// were none; percentiles are nearest-rank (tools/statistics.h).
struct Spread {
  double minimum = 0;
  double p5 = 0;
  double median = 0;
  double p95 = 0;
  double maximum = 0;
};
[[nodiscard]] Spread spread_of(const std::vector<double>& values);

}  // namespace kadwire::testnet
