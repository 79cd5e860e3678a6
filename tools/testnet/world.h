#pragma once

/// A whole simulated world from a scenario and a seed: builds it, lets its time pass, watches that
/// its rules hold, and says what came of it. Owns the process's clocks (virtual_clock.h): one world
/// at a time, and any number one after the other.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tools/testnet/nodes/program.h"
#include "tools/testnet/report/results.h"
#include "tools/testnet/scenario/scenario.h"
#include "tools/testnet/trace.h"

namespace kadwire::testnet {

struct Inhabitant;

/// How a run goes on, for whoever shows it.
struct Progress {
  Duration simulated{0};
  Duration until{0};
  double wall_seconds = 0;
  std::size_t members_running = 0;
  std::size_t pairs_up = 0;
  std::size_t pairs_possible = 0;
};

class World {
 public:
  /// Called every 1000 events or so; false ends the run.
  using Watcher = std::function<bool(const Progress& progress)>;

  /// A rule that every node's program has to keep, besides its own ones (Program::violation): how
  /// it breaks it, in one sentence; nullopt: it does not. Asked after every event on the program's
  /// host.
  using Rule = std::function<std::optional<std::string>(const Program& program)>;

  /// `scenario` and `trace` outlive the world.
  World(const Scenario& scenario, std::uint64_t seed, Trace& trace, Rule rule = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Plays the scenario to its end, or until a rule is broken or `watcher` says stop.
  RunResult run(const Watcher& watcher = {});
  /// Whether a path between these two members exists now: indexes into RunResult::nodes.
  [[nodiscard]] bool has_path(std::uint32_t a, std::uint32_t b) const;

 private:
  struct Parts;
  [[nodiscard]] bool goes_on(const Watcher& watcher);
  void build();
  void watch(std::size_t index);
  void look();
  void check(const Inhabitant& inhabitant);
  void sample();
  void violate(std::string text);
  void judge(RunResult& result) const;

  const Scenario& scenario_;
  const std::uint64_t seed_;
  Trace& trace_;
  const Rule rule_;
  std::vector<std::string> violations_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kadwire::testnet
