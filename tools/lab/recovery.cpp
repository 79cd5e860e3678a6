#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/lab/own_cell.h"
#include "tools/lab/recovery_report.h"
#include "tools/lab/scenario_lab.h"
#include "tools/statistics.h"
#include "tools/testnet/commands/worker_pool.h"

namespace kadwire::lab {
namespace {

Expected<std::vector<TroubleRuns>> chosen_troubles(const std::vector<std::string>& names) {
  std::vector<TroubleRuns> chosen;
  for (const std::string& name : names) {
    chosen.push_back({.trouble = find_trouble(name)});
    if (chosen.back().trouble == nullptr) {
      return lab_error(fmt::format("there is no case '{}'; --help lists them", name));
    }
  }
  if (!names.empty()) return chosen;
  for (const Trouble& each : all_troubles()) chosen.push_back({.trouble = &each});
  return chosen;
}

PairOptions network_of(const RecoveryOptions& options, const Trouble& trouble, std::size_t run) {
  PairOptions network{
      .latency = options.latency, .loss = options.loss, .log_level = options.log_level};
  if (options.logs) network.logs = *options.logs / fmt::format("{}-{}", trouble.name, run + 1);
  return network;
}

/// Tells of each round.
class RoundProgress {
 public:
  RoundProgress(Progress& progress, std::size_t round, std::size_t count)
      : progress_(progress), round_(round), count_(count) {}
  void note(std::size_t done) {
    const auto text = fmt::format("{} of {} runs", done, count_);
    progress_.show(text);
    if (done < told_ + round_) return;
    progress_.say(text);
    told_ = done;
  }

 private:
  Progress& progress_;
  std::size_t round_, count_;
  std::size_t told_ = 0;
};

/// All troubles in turn: what loads the machine for a while hits all of them alike.
void play(std::vector<TroubleRuns>& all, const RecoveryOptions& options, Progress& progress) {
  const std::size_t count = all.size() * options.runs;
  RoundProgress rounds(progress, all.size(), count);
  const auto results = testnet::run_jobs(
      count, options.workers,
      [&](std::size_t number) {
        const Trouble& trouble = *all[number % all.size()].trouble;
        return run_in_own_cell([&] {
          return run_trouble(trouble, network_of(options, trouble, number / all.size()))
              .map([](const Recovery& recovery) { return to_json(recovery); });
        });
      },
      [&](std::size_t done) {
        rounds.note(done);
        return true;
      });
  for (std::size_t i = 0; i < count; ++i) {
    TroubleRuns& each = all[i % all.size()];
    const auto found = found_in(*results[i]);
    if (found) {
      each.runs.push_back(recovery_of(*found));
    } else {
      each.errors.push_back(found.error().message);
    }
  }
}

}  // namespace

Expected<bool> run_recovery(const RecoveryOptions& options) {
  auto all = chosen_troubles(options.cases);
  if (!all) return tl::unexpected(all.error());
  Progress progress;
  progress.say(fmt::format("{} cases, {} runs of each, {} at once; {} ms of cable each way",
                           all->size(), options.runs, options.workers,
                           to_milliseconds(options.latency)));
  play(*all, options, progress);
  fmt::print("{}", report_text(*all));
  if (options.json) {
    if (auto written = write_json(*options.json, report_json(*all)); !written) {
      return tl::unexpected(written.error());
    }
  }
  return all_well(*all);
}

}  // namespace kadwire::lab
