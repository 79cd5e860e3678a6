#pragma once

/// Many runs side by side, each boiled down to what a sweep or a matrix needs of it.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "tools/testnet/commands/scenario_source.h"
#include "tools/testnet/commands/worker_pool.h"
#include "tools/testnet/report/results.h"
#include "tools/testnet/report/run_figures.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// How many runs of each scenario, and how many at once.
struct SeedOptions {
  std::uint64_t seeds = 10;
  std::uint64_t first_seed = 1;  ///< the others follow it
  std::size_t workers = workers_default();

  void add_to(CLI::App& command);
  /// Whether there are so many seeds. An error is a sentence.
  [[nodiscard]] tl::expected<void, std::string> check() const;
  /// The same again, for a shell.
  [[nodiscard]] std::string command_line() const;
};

/// A scenario, and how it is asked for again.
struct BatchScenario {
  ScenarioSource source;
  Scenario scenario;
};

struct BatchRun {
  const BatchScenario* what = nullptr;  ///< outlives the batch
  std::uint64_t seed = 0;
};

/// An expectation that was not met, a rule that was broken, or how the run crashed.
struct Complaint {
  std::string text;
  bool needs_tunnel = false;  ///< was not to be met where no path is
};

/// One run in short.
struct Digest {
  bool succeeded = false;
  bool crashed = false;  ///< so that nothing is known of it but that
  Figures figures;
  /// The scenario's first two nodes that are members: how their tunnel is at the end, and whether a
  /// path permits one.
  PairState first_pair = PairState::kNone;
  bool first_pair_has_path = false;
  /// From the later one's start until it first stood, and stood directly; 0: it never did.
  double first_pair_seconds = 0;
  double first_pair_direct_seconds = 0;
  std::vector<Complaint> complaints;
};

/// Each scenario with each seed: all runs of the first one, then of the next.
[[nodiscard]] std::vector<BatchRun> with_every_seed(std::span<const BatchScenario> scenarios,
                                                    const SeedOptions& options);

/// Runs all of them on `workers` cores, with a live line that starts with `title`. A run that
/// crashed is a Digest that did not succeed, with the reason among its complaints. nullopt: Ctrl-C
/// came before that run was finished (interruption.h, which has to be watched for).
[[nodiscard]] std::vector<std::optional<Digest>> run_batch(const std::vector<BatchRun>& runs,
                                                           std::size_t workers,
                                                           const std::string& title);

/// Keeps the run among those that are told, as long as there is room.
void tell_of(std::vector<FailedRun>& failures, const BatchRun& run,
             const std::vector<Complaint>& complaints);

}  // namespace kadwire::testnet
