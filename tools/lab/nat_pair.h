#pragma once

/// Two members behind NATs of two kinds: the first is up and settled, the second starts cold. How
/// long until its first ping over the mesh is answered, and over what kind of path? To be run in a
/// cell, by a program with one thread.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "node/base/time.h"
#include "tools/lab/lab_error.h"
#include "tools/lab/mesh.h"
#include "tools/lab/surroundings.h"

namespace kadwire::lab {

/// The pace of the measuring pings: the resolution of a pair's time.
inline constexpr auto kPairPingInterval = 50ms;
/// A pair that has no tunnel by then has failed.
inline constexpr auto kPairTimeMax = 30s;
/// After the first ping: how long a relayed pair gets to become a direct one. Where ports are left
/// to chance the last of them is tried after six seconds.
inline constexpr auto kUpgradeTimeMax = 7s;

struct PairOptions {
  const Surroundings* first = nullptr;
  const Surroundings* second = nullptr;
  unsigned helpers = 0;     ///< more members, public and of both families, there from the start
  Duration latency = 20ms;  ///< of each cable, each way
  double loss = 0.0;        ///< of each cable, each way
  std::string log_level{};  ///< of each member; empty: its default
  std::optional<std::filesystem::path> logs{};  ///< every program's output goes there at the end
};

struct PairRun {
  std::optional<Duration> first_ping;  ///< since the second's start; nullopt: never
  std::string first_path;              ///< the second's path when it was answered, in its words
  std::optional<Duration> direct;      ///< when the daemon first called its path direct
  std::string path;                    ///< at the end
};

/// The two, and what they need, as they stand when the measurement begins.
struct NatPair {
  std::unique_ptr<Lab> lab;
  std::unique_ptr<Mesh> mesh;
  Member* first = nullptr;   ///< runs, and knows the DHT
  Member* second = nullptr;  ///< runs not yet
  std::vector<Member*> helpers{};
  MeshAddresses first_addresses;
};
[[nodiscard]] Expected<NatPair> build_pair(const PairOptions& options);
/// Starts the second and watches.
[[nodiscard]] Expected<PairRun> measure_pair(NatPair& pair);
/// Both, and saves the logs if that was asked for.
[[nodiscard]] Expected<PairRun> run_pair(const PairOptions& options);

/// {"first_ping_ms", "first_path", "direct_ms", "path"}; what never came is null.
[[nodiscard]] nlohmann::json to_json(const PairRun& run);
/// Of what to_json made.
[[nodiscard]] PairRun pair_run_of(const nlohmann::json& json);

}  // namespace kadwire::lab
