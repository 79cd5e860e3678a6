#include "tools/lab/recovery_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "tools/lab/text_table.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// In milliseconds; nullopt: there are no runs.
std::optional<double> silence_of(const TroubleRuns& trouble, double share) {
  if (trouble.runs.empty()) return std::nullopt;
  std::vector<Duration> silences;
  for (const Recovery& run : trouble.runs) silences.push_back(run.silence);
  return to_milliseconds(percentile(std::move(silences), share));
}

json number_or_null(const std::optional<double>& number) {
  return number ? json(*number) : json(nullptr);
}

}  // namespace

bool all_well(const TroubleRuns& runs) {
  const Duration limit = runs.trouble->limit;
  return !runs.runs.empty() && runs.errors.empty() &&
         std::ranges::all_of(runs.runs, [&](const Recovery& run) { return run.silence <= limit; });
}

bool all_well(const std::vector<TroubleRuns>& all) {
  return std::ranges::all_of(all, [](const TroubleRuns& runs) { return all_well(runs); });
}

std::string report_text(const std::vector<TroubleRuns>& all) {
  TextTable table({"case", "runs", "silent ms p50", "max", "asked", "ok", "what happens"});
  std::string errors;
  for (const TroubleRuns& each : all) {
    const auto text_of = [](const std::optional<double>& milliseconds) {
      return milliseconds ? fmt::format("{:.0f}", *milliseconds) : "-";
    };
    const Trouble& trouble = *each.trouble;
    table.add_row({std::string(trouble.name), std::to_string(each.runs.size()),
                   text_of(silence_of(each, 0.5)), text_of(silence_of(each, 1.0)),
                   text_of(to_milliseconds(trouble.limit)), all_well(each) ? "yes" : "NO",
                   std::string(trouble.summary)});
    for (const std::string& error : each.errors) {
      errors += fmt::format("{}: {}\n", trouble.name, error);
    }
  }
  return table.to_string() + errors;
}

json report_json(const std::vector<TroubleRuns>& all) {
  json report = json::array();
  for (const TroubleRuns& each : all) {
    json runs = json::array();
    for (const Recovery& run : each.runs) runs.push_back(to_json(run));
    report.push_back({{"case", each.trouble->name},
                      {"what", each.trouble->summary},
                      {"limit_ms", to_milliseconds(each.trouble->limit)},
                      {"silent_ms",
                       {{"p50", number_or_null(silence_of(each, 0.5))},
                        {"max", number_or_null(silence_of(each, 1.0))}}},
                      {"ok", all_well(each)},
                      {"runs", std::move(runs)},
                      {"errors", each.errors}});
  }
  return report;
}

}  // namespace kadwire::lab
