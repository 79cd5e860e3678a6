#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/lab/scenario_lab.h"
#include "tools/lab/text_table.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr auto kMeshTimeMax = 60s;
/// Handshakes and first searches are over by then; keepalives and refreshes are what idling is.
constexpr auto kSettleTime = 15s;

/// A member at one moment.
struct Sample {
  MemberUsage usage;
  InterfaceCounters traffic;
};

Sample sample_of(const Member& member) {
  return {member.usage(), member.host().counters(kHostInterface).value_or(InterfaceCounters{})};
}

std::vector<Sample> sample_all(const std::vector<Member*>& members) {
  std::vector<Sample> samples;
  for (const Member* member : members) samples.push_back(sample_of(*member));
  return samples;
}

/// What one member needed between two samples, per minute where time matters.
json figures_of(const std::string& name, const Sample& before, const Sample& after,
                double seconds) {
  const double per_minute = 60.0 / seconds;
  const auto cpu = [&](const ProcessUsage& from, const ProcessUsage& to) {
    return static_cast<double>((to.cpu - from.cpu).count()) / 1000.0 * per_minute;
  };
  const auto bytes = [&](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from) / seconds;
  };
  constexpr double kMegabyte = 1e6;
  return {
      {"node", name},
      {"daemon_resident_mb", static_cast<double>(after.usage.daemon.resident_bytes) / kMegabyte},
      {"daemon_cpu_s_per_min", cpu(before.usage.daemon, after.usage.daemon)},
      {"wireguard_resident_mb",
       static_cast<double>(after.usage.data_plane.resident_bytes) / kMegabyte},
      {"wireguard_cpu_s_per_min", cpu(before.usage.data_plane, after.usage.data_plane)},
      {"sent_bytes_per_s", bytes(before.traffic.tx_bytes, after.traffic.tx_bytes)},
      {"received_bytes_per_s", bytes(before.traffic.rx_bytes, after.traffic.rx_bytes)}};
}

std::string table_of(const json& figures) {
  TextTable table({"node", "kadwire MB", "CPU s/min", "wireguard-go MB", "CPU s/min", "sent B/s",
                   "received B/s"});
  for (const json& node : figures) {
    const auto number = [&](const char* key, int digits) {
      return fmt::format("{:.{}f}", node.at(key).get<double>(), digits);
    };
    table.add_row({node.at("node").get<std::string>(), number("daemon_resident_mb", 1),
                   number("daemon_cpu_s_per_min", 2), number("wireguard_resident_mb", 1),
                   number("wireguard_cpu_s_per_min", 2), number("sent_bytes_per_s", 0),
                   number("received_bytes_per_s", 0)});
  }
  return table.to_string();
}

}  // namespace

Expected<bool> run_idle(const IdleOptions& options) {
  Progress progress;
  const auto scenario = ScenarioLab::create(options, progress, {options.nodes});
  if (!scenario) return tl::unexpected(scenario.error());
  if (auto started = (*scenario)->start_all(); !started) return tl::unexpected(started.error());
  const auto& members = (*scenario)->members();
  {
    MeshPings pings(members);
    if (!ping_all_pairs(pings, progress, kMeshTimeMax)) return false;
  }
  progress.say("the mesh stands; now it rests");
  PingBoard clock;  // without a flow: time passes, nothing is sent
  clock.run(kSettleTime);
  const auto before = sample_all(members);
  clock.run(std::chrono::seconds(options.seconds));
  const auto after = sample_all(members);

  json figures = json::array();
  for (std::size_t i = 0; i < members.size(); ++i) {
    figures.push_back(figures_of(members[i]->name(), before[i], after[i], options.seconds));
  }
  fmt::print("{}", table_of(figures));
  if (options.json) {
    if (auto written = write_json(*options.json, figures); !written) {
      return tl::unexpected(written.error());
    }
  }
  return true;
}

}  // namespace kadwire::lab
