#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "tools/lab/bulk.h"
#include "tools/lab/partition.h"
#include "tools/lab/ping_board.h"
#include "tools/lab/scenario_lab.h"
#include "tools/lab/text_table.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr auto kTunnelMax = 30s;
/// First searches of the DHT are over by then.
constexpr auto kSettleTime = 5s;
constexpr auto kWarmUp = 1s;

/// Two members of one mesh, who carry the same, directly or by the relay.
struct Course {
  const char* path = "";  ///< in the daemon's words
  Member* from = nullptr;
  Member* to = nullptr;
  MeshAddresses to_addresses{};
};

struct BulkRun {
  double megabits_per_second = 0;
  /// Of a core, for each gigabyte that arrived.
  double sender_cpu = 0, receiver_cpu = 0, relay_cpu = 0;
};

/// Both at once, each with a relay at hand: two that may see each other and two that may not.
struct Courses {
  Course direct, relayed;
  Member* relay = nullptr;
  Partition partition;
};

Expected<Courses> start(ScenarioLab& scenario) {
  const auto& members = scenario.members();
  auto partition = Partition::between(members[2]->host(), members[3]->host());
  if (!partition) return tl::unexpected(partition.error());
  if (auto started = scenario.start_all(); !started) return tl::unexpected(started.error());
  return Courses{{"direct", members[0], members[1]},
                 {"relayed", members[2], members[3]},
                 members[4],
                 std::move(*partition)};
}

bool stands(Course& course) {
  const auto to = course.to->addresses();
  if (!to) return false;
  course.to_addresses = *to;
  return course.from->path_to(to->node) == course.path;
}

Expected<BulkRun> measure(const Course& course, const Member& relay, Duration time) {
  auto flow =
      BulkFlow::start(course.from->host(), course.to->host(), course.to_addresses.ipv6, kWarmUp);
  if (!flow) return tl::unexpected(flow.error());
  const auto sample = [&] {
    return std::array{course.from->usage().data_plane.cpu, course.to->usage().data_plane.cpu,
                      relay.usage().daemon.cpu};
  };
  const auto before = sample();
  const auto bulk = flow->run(time);
  if (!bulk) return tl::unexpected(bulk.error());
  const auto after = sample();
  if (course.from->path_to(course.to_addresses.node) != course.path) {
    return lab_error(course.from->name() + "'s path is not " + course.path + " any more");
  }
  const double gigabytes = static_cast<double>(bulk->bytes) / 1e9;
  const auto cpu = [&](std::size_t i) {
    return std::chrono::duration<double>(after[i] - before[i]).count() / gigabytes;
  };
  return BulkRun{bulk->bits_per_second() / 1e6, cpu(0), cpu(1), cpu(2)};
}

json medians_of(const std::vector<BulkRun>& runs) {
  const auto median = [&](double BulkRun::*figure) {
    std::vector<double> values;
    for (const BulkRun& run : runs) values.push_back(run.*figure);
    return percentile(std::move(values), 0.5);
  };
  json each = json::array();
  for (const BulkRun& run : runs) each.push_back(run.megabits_per_second);
  return {{"mbit_per_s", median(&BulkRun::megabits_per_second)},
          {"runs_mbit_per_s", std::move(each)},
          {"cpu_s_per_gb",
           {{"sender_wireguard", median(&BulkRun::sender_cpu)},
            {"receiver_wireguard", median(&BulkRun::receiver_cpu)},
            {"relay", median(&BulkRun::relay_cpu)}}}};
}

std::string table_of(const json& figures) {
  TextTable table(
      {"path", "Mbit/s", "sender's wireguard-go CPU s/GB", "receiver's", "the relay's"});
  for (const char* path : {"direct", "relayed"}) {
    const json& cpu = figures.at(path).at("cpu_s_per_gb");
    const auto seconds = [&](const char* program) {
      return fmt::format("{:.2f}", cpu.at(program).get<double>());
    };
    table.add_row({path, fmt::format("{:.0f}", figures.at(path).at("mbit_per_s").get<double>()),
                   seconds("sender_wireguard"), seconds("receiver_wireguard"), seconds("relay")});
  }
  return table.to_string() +
         fmt::format("relayed / direct: {:.2f}\n", figures.at("ratio").get<double>());
}

}  // namespace

Expected<bool> run_relay(const RelayOptions& options) {
  Progress progress;
  const auto scenario =
      ScenarioLab::create(options, progress, {.nodes = 5, .only_last_relays = true});
  if (!scenario) return tl::unexpected(scenario.error());
  auto courses = start(**scenario);
  if (!courses) return tl::unexpected(courses.error());
  PingBoard clock;
  const bool stand = clock.run_until(
      [&] { return stands(courses->direct) && stands(courses->relayed); }, kTunnelMax);
  if (!stand) return false;
  progress.say("both tunnels stand");
  clock.run(kSettleTime);

  std::vector<BulkRun> direct, relayed;
  const auto measure_one = [&](const Course& course, std::vector<BulkRun>& runs) {
    return measure(course, *courses->relay, std::chrono::seconds(options.seconds))
        .map([&](const BulkRun& run) {
          runs.push_back(run);
          progress.say(fmt::format("{}: {:.0f} Mbit/s", course.path, run.megabits_per_second));
        });
  };
  for (unsigned i = 0; i < options.runs; ++i) {
    const auto both = measure_one(courses->direct, direct).and_then([&] {
      return measure_one(courses->relayed, relayed);
    });
    if (!both) return tl::unexpected(both.error());
  }
  json figures = {{"direct", medians_of(direct)}, {"relayed", medians_of(relayed)}};
  figures["ratio"] = figures["relayed"]["mbit_per_s"].get<double>() /
                     figures["direct"]["mbit_per_s"].get<double>();
  fmt::print("{}", table_of(figures));
  if (options.json) {
    if (auto written = write_json(*options.json, figures); !written) {
      return tl::unexpected(written.error());
    }
  }
  return true;
}

}  // namespace kadwire::lab
