#pragma once

/// The lab, mesh and progress that every scenario begins with.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/lab/lab.h"
#include "tools/lab/mesh.h"
#include "tools/lab/mesh_pings.h"
#include "tools/lab/progress.h"
#include "tools/lab/scenarios.h"

namespace kadwire::lab {

/// The members of a scenario.
struct MeshShape {
  unsigned nodes = 0;
  bool last_ipv6_only = false;    ///< it has no IPv4
  bool only_last_relays = false;  ///< the others have --no-relay
};

class ScenarioLab {
 public:
  /// A lab with a running bootstrap host and the members' hosts, in which nothing runs yet.
  [[nodiscard]] static Expected<std::unique_ptr<ScenarioLab>> create(const ScenarioOptions& options,
                                                                     Progress& progress,
                                                                     const MeshShape& shape);
  /// Saves the logs if that was asked for.
  ~ScenarioLab();
  ScenarioLab(const ScenarioLab&) = delete;
  ScenarioLab& operator=(const ScenarioLab&) = delete;

  /// "node1" and so on, in the order of their hosts.
  [[nodiscard]] const std::vector<Member*>& members() const { return members_; }
  [[nodiscard]] Expected<void> start_all();
  [[nodiscard]] std::string logs() const { return lab_->logs(); }

 private:
  ScenarioLab() = default;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<Mesh> mesh_;
  std::vector<Member*> members_;
  std::optional<std::filesystem::path> logs_folder_;
};

/// Pings all pairs, showing how far it is. The last problem, if it fails, is left to `pings`.
bool ping_all_pairs(MeshPings& pings, Progress& progress, Duration at_most);

/// Copies every host's logs into `folder`, which is made: one folder a host. What cannot be copied
/// is left out.
void save_logs(const Lab& lab, const std::filesystem::path& folder);

[[nodiscard]] Expected<void> write_json(const std::filesystem::path& path,
                                        const nlohmann::json& value);

}  // namespace kadwire::lab
