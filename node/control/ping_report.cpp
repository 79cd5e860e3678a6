#include "node/control/ping_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "node/control/text.h"

namespace kadwire::control {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  const auto value = object.is_object() ? object.find(name) : object.end();
  const bool usable = value != object.end() && value->is_string();
  return usable ? printable(value->get_ref<const std::string&>()) : "";
}

/// The paths of an answer of peers.paths; none if it makes no sense.
json list_of(const json& paths) {
  const auto list = paths.is_object() ? paths.find("paths") : paths.end();
  return list != paths.end() && list->is_array() ? *list : json::array();
}

std::optional<double> rtt_of(const json& path) {
  const auto rtt = path.is_object() ? path.find("rtt_ms") : path.end();
  const bool usable = rtt != path.end() && rtt->is_number();
  return usable ? std::optional(rtt->get<double>()) : std::nullopt;
}

bool is_in_use(const json& path) {
  const auto in_use = path.is_object() ? path.find("in_use") : path.end();
  return in_use != path.end() && in_use->is_boolean() && in_use->get<bool>();
}

std::string way_of(const std::string& kind, const std::string& relay) {
  return relay.empty() ? kind : fmt::format("relayed by {}", relay);
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::string PingReport::add_round(const json& paths, bool colour) {
  ++rounds_;
  std::string lines;
  for (auto& [endpoint, tally] : paths_) tally.in_use = false;
  for (const json& path : list_of(paths)) {
    const std::string endpoint = text_of(path, "endpoint");
    Tally& tally = paths_[endpoint];
    tally.kind = text_of(path, "kind");
    tally.relay = text_of(path, "relay");
    tally.in_use = is_in_use(path);
    ++tally.sent;
    const auto rtt = rtt_of(path);
    if (rtt) tally.rtts_ms.push_back(*rtt);
    const std::string result = rtt ? fmt::format("time={:.1f} ms", *rtt) : "no answer";
    lines += fmt::format("{} seq={} {} {}{}\n", endpoint, rounds_, way_of(tally.kind, tally.relay),
                         paint(result, rtt ? Colour::kGreen : Colour::kYellow, colour),
                         tally.in_use ? " (in use)" : "");
  }
  return lines.empty() ? fmt::format("seq={} no path to ping\n", rounds_) : lines;
}

std::string PingReport::summary() const {
  std::string text =
      fmt::format("--- {}: {} round{} ---\n", printable(peer_), rounds_, rounds_ == 1 ? "" : "s");
  std::vector<std::vector<Cell>> rows;
  for (const auto& [endpoint, tally] : paths_) {
    std::string times = "-";
    if (!tally.rtts_ms.empty()) {
      const auto [least, most] = std::ranges::minmax(tally.rtts_ms);
      times = fmt::format("{:.1f} / {:.1f} / {:.1f}", least, mean(tally.rtts_ms), most);
    }
    rows.push_back({{endpoint},
                    {way_of(tally.kind, tally.relay)},
                    {fmt::format("{} of {}", tally.rtts_ms.size(), tally.sent)},
                    {times},
                    {tally.in_use ? "yes" : ""}});
  }
  if (rows.empty()) return text;
  return text +
         format_table({"PATH", "KIND", "ANSWERED", "MIN / AVG / MAX MS", "IN USE"}, rows, false);
}

json PingReport::to_json() const {
  json paths = json::array();
  for (const auto& [endpoint, tally] : paths_) {
    json entry = {{"endpoint", endpoint},
                  {"kind", tally.kind},
                  {"relay", tally.relay.empty() ? json() : json(tally.relay)},
                  {"in_use", tally.in_use},
                  {"sent", tally.sent},
                  {"received", tally.rtts_ms.size()},
                  {"min_ms", nullptr},
                  {"avg_ms", nullptr},
                  {"max_ms", nullptr}};
    if (!tally.rtts_ms.empty()) {
      const auto [least, most] = std::ranges::minmax(tally.rtts_ms);
      entry["min_ms"] = least;
      entry["avg_ms"] = mean(tally.rtts_ms);
      entry["max_ms"] = most;
    }
    paths.push_back(std::move(entry));
  }
  return {{"peer", peer_}, {"rounds", rounds_}, {"paths", std::move(paths)}};
}

bool PingReport::anything_answered() const {
  return std::ranges::any_of(paths_,
                             [](const auto& entry) { return !entry.second.rtts_ms.empty(); });
}

bool all_answered(const json& paths) {
  return std::ranges::all_of(list_of(paths),
                             [](const json& path) { return rtt_of(path).has_value(); });
}

}  // namespace kadwire::control
