#include "tools/lab/scenario_lab.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace kadwire::lab {

namespace fs = std::filesystem;

Expected<std::unique_ptr<ScenarioLab>> ScenarioLab::create(const ScenarioOptions& options,
                                                           Progress& progress,
                                                           const MeshShape& shape) {
  std::unique_ptr<ScenarioLab> scenario(new ScenarioLab);
  auto lab = Lab::create();
  if (!lab) return tl::unexpected(lab.error());
  scenario->lab_ = std::move(*lab);
  auto mesh = Mesh::create(*scenario->lab_);
  if (!mesh) return tl::unexpected(mesh.error());
  scenario->mesh_ = std::move(*mesh);
  for (unsigned i = 1; i <= shape.nodes; ++i) {
    progress.show(fmt::format("building host {} of {}", i, shape.nodes));
    const bool last = i == shape.nodes;
    MemberOptions member;
    member.host.name = fmt::format("node{}", i);
    member.host.cable = {.delay = options.latency, .loss = options.loss};
    member.host.wire = member.host.cable == CableQuality{};
    if (shape.last_ipv6_only && last) member.host.families = Families::kIpv6Only;
    if (shape.only_last_relays && !last) member.arguments = {"--no-relay"};
    if (!options.log_level.empty()) {
      member.arguments.insert(member.arguments.end(), {"--log-level", options.log_level});
    }
    const auto added = scenario->mesh_->add_member(std::move(member));
    if (!added) return tl::unexpected(added.error());
    scenario->members_.push_back(*added);
  }
  if (auto started = scenario->mesh_->start_bootstrap(); !started) {
    return tl::unexpected(started.error());
  }
  scenario->logs_folder_ = options.logs;
  return scenario;
}

ScenarioLab::~ScenarioLab() {
  if (logs_folder_ && lab_) save_logs(*lab_, *logs_folder_);
}

Expected<void> ScenarioLab::start_all() {
  for (Member* member : members_) {
    if (auto started = member->start(); !started) return started;
  }
  return {};
}

bool ping_all_pairs(MeshPings& pings, Progress& progress, Duration at_most) {
  return pings.run(at_most, [&] {
    progress.show(
        fmt::format("{} of {} pings answered", pings.pairs_answered(), pings.pairs_total()));
  });
}

void save_logs(const Lab& lab, const fs::path& folder) {
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  for (const auto& host : lab.hosts()) {
    const auto copy = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    fs::copy(host->log_path("").parent_path(), folder / host->name(), copy, ignored);
  }
}

Expected<void> write_json(const fs::path& path, const nlohmann::json& value) {
  return write_text(path, value.dump(2) + "\n");
}

}  // namespace kadwire::lab
