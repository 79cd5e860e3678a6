#pragma once

/// A whole simulated world from a scenario and a seed: builds it, lets its time pass, watches that
/// its rules hold, and says what came of it. Owns the process's clocks (virtual_clock.h): one world
/// at a time, and any number one after the other.

#include <functional>
#include <memory>
#include <string>

#include "tools/testnet/report/results.h"
#include "tools/testnet/scenario/scenario.h"
#include "tools/testnet/trace.h"

namespace kadwire::testnet {

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

  /// `scenario` and `trace` outlive the world.
  World(const Scenario& scenario, std::uint64_t seed, Trace& trace);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Plays the scenario to its end, or until a rule is broken or `watcher` says stop.
  RunResult run(const Watcher& watcher = {});

 private:
  struct Parts;
  [[nodiscard]] bool goes_on(const Watcher& watcher);
  void build();
  void watch(std::size_t index);
  void sample();
  void violate(std::string text);
  void judge(RunResult& result) const;

  const Scenario& scenario_;
  const std::uint64_t seed_;
  Trace& trace_;
  std::vector<std::string> violations_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kadwire::testnet
