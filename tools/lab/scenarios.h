#pragma once

/// The scenarios of kadwire-lab: each builds a lab in the present cell (the matrix and recovery:
/// in many cells of their own), forms a mesh in it, prints one table on stdout, and tells what it
/// is doing on stderr. An error is a lab that could not be built or a daemon that ended; a mesh
/// that did not form is a result.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "node/base/time.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {

/// What all scenarios have in common.
struct ScenarioOptions {
  Duration latency = 20ms;                      ///< of each member's cable, each way
  double loss = 0.0;                            ///< of each member's cable, each way
  std::string log_level{};                      ///< of each member; empty: its default
  std::optional<std::filesystem::path> json{};  ///< the figures go there, too
  std::optional<std::filesystem::path> logs{};  ///< every program's output goes there at the end
};

inline constexpr unsigned kNodesMin = 2;
/// More WireGuard and DHT nodes than this make two cores the thing that is measured.
inline constexpr unsigned kNodesMax = 30;

struct DemoOptions : ScenarioOptions {
  unsigned nodes = 5;
  bool keep = false;  ///< stay until SIGINT or SIGTERM
};
/// Members that start at once, with a cold DHT, the last of them IPv6-only: every pair is pinged.
/// True: every pair answered.
[[nodiscard]] Expected<bool> run_demo(const DemoOptions& options);

struct JoinsOptions : ScenarioOptions {
  unsigned count = 100;
  unsigned per_lab = 10;
};
/// Members that join one after another and stay, in a fresh lab for every `per_lab` of them: from
/// the start of each to the answer of the first member. True: each was answered.
[[nodiscard]] Expected<bool> run_joins(const JoinsOptions& options);

struct IdleOptions : ScenarioOptions {
  unsigned nodes = 5;
  unsigned seconds = 60;
};
/// A mesh with nothing to do: memory, CPU time and traffic of each member. True: the mesh formed.
[[nodiscard]] Expected<bool> run_idle(const IdleOptions& options);

struct RelayOptions : ScenarioOptions {
  unsigned runs = 5;     ///< of each of the two
  unsigned seconds = 5;  ///< of each run
};
/// What a tunnel carries directly and by a relay, in turns, and what CPU time each program needs
/// for it. Without latency and loss the hosts are joined by wires instead of cables, which would
/// need more of the CPU than the relay. True: both tunnels stood.
[[nodiscard]] Expected<bool> run_relay(const RelayOptions& options);

struct UpgradesOptions : ScenarioOptions {
  unsigned count = 20;
};
/// Tunnels that move from a relay to a direct path while pings go through them, ten a second. True:
/// all moved, and no ping was lost.
[[nodiscard]] Expected<bool> run_upgrades(const UpgradesOptions& options);

struct MatrixOptions : ScenarioOptions {
  std::vector<std::string> kinds{};  ///< names of surroundings; empty: all
  unsigned runs = 1;                 ///< of each pair; the two take turns at being the cold one
  bool helper = false;               ///< a public third member is there
  unsigned workers = 4;              ///< pairs at once
};
/// Every pair of surroundings that any path can join, each run in a cell of its own: so not to be
/// called in one. True: all connected, and those were direct that have to be.
[[nodiscard]] Expected<bool> run_matrix(const MatrixOptions& options);

struct RecoveryOptions : ScenarioOptions {
  std::vector<std::string> cases{};  ///< names of troubles; empty: all
  unsigned runs = 5;                 ///< of each
  unsigned workers = 3;              ///< at once
};
/// What happens to standing tunnels, each trouble several times and each run in a cell of its own:
/// so not to be called in one. True: no run was silent for longer than is asked for.
[[nodiscard]] Expected<bool> run_recovery(const RecoveryOptions& options);

}  // namespace kadwire::lab
