#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/lab/scenario_lab.h"
#include "tools/lab/text_table.h"
#include "tools/lab/upgrade.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

/// More would measure how two cores start many daemons at once.
constexpr unsigned kPairsAtOnce = 4;

/// Parts the first two members, the next two and so on, and starts them. The last one relays.
Expected<std::vector<PartedPair>> part(const std::vector<Member*>& members, unsigned pairs) {
  std::vector<PartedPair> parted;
  for (unsigned i = 0; i < pairs; ++i) {
    Member* from = members[2 * i];
    Member* to = members[2 * i + 1];
    auto partition = Partition::between(from->host(), to->host());
    if (!partition) return tl::unexpected(partition.error());
    parted.push_back({from, to, std::move(*partition)});
    for (Member* member : {from, to}) {
      if (auto started = member->start(); !started) return tl::unexpected(started.error());
    }
  }
  return parted;
}

json to_json(const Upgrade& upgrade) {
  const json direct = upgrade.direct ? json(to_milliseconds(*upgrade.direct)) : json(nullptr);
  return {{"pair", upgrade.pair},
          {"direct_ms", direct},
          {"pings", upgrade.sent},
          {"lost", upgrade.lost},
          {"longest_silence_ms", to_milliseconds(upgrade.silence)}};
}

std::string table_of(const std::vector<Upgrade>& upgrades) {
  TextTable table({"pair", "direct after ms", "pings", "lost", "longest silence ms"});
  for (const Upgrade& upgrade : upgrades) {
    const std::string direct =
        upgrade.direct ? fmt::format("{:.0f}", to_milliseconds(*upgrade.direct)) : "never";
    table.add_row({upgrade.pair, direct, std::to_string(upgrade.sent), std::to_string(upgrade.lost),
                   fmt::format("{:.0f}", to_milliseconds(upgrade.silence))});
  }
  return table.to_string();
}

}  // namespace

Expected<bool> run_upgrades(const UpgradesOptions& options) {
  Progress progress;
  const unsigned at_once = std::min(options.count, kPairsAtOnce);
  const auto scenario =
      ScenarioLab::create(options, progress, {.nodes = 2 * at_once + 1, .only_last_relays = true});
  if (!scenario) return tl::unexpected(scenario.error());
  const auto& members = (*scenario)->members();
  if (auto started = members.back()->start(); !started) return tl::unexpected(started.error());

  std::vector<Upgrade> upgrades;
  while (upgrades.size() < options.count) {
    const auto left = static_cast<unsigned>(options.count - upgrades.size());
    auto pairs = part(members, std::min(left, at_once));
    if (!pairs) return tl::unexpected(pairs.error());
    const auto round = measure_upgrades(*pairs);
    if (!round) return tl::unexpected(round.error());
    upgrades.insert(upgrades.end(), round->begin(), round->end());
    progress.say(fmt::format("{} of {} upgrades", upgrades.size(), options.count));
    for (const PartedPair& pair : *pairs) {
      for (Member* member : {pair.from, pair.to}) member->stop();
    }
  }

  fmt::print("{}", table_of(upgrades));
  json figures = json::array();
  for (const Upgrade& upgrade : upgrades) figures.push_back(to_json(upgrade));
  if (options.json) {
    if (auto written = write_json(*options.json, figures); !written) {
      return tl::unexpected(written.error());
    }
  }
  return std::ranges::all_of(upgrades, &Upgrade::ok);
}

}  // namespace kadwire::lab
