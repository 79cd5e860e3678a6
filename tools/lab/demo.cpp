#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/lab/cell.h"
#include "tools/lab/mesh_report.h"
#include "tools/lab/scenario_lab.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

/// A mesh of five needs about a second; a node that failed has tried everything twice by then.
constexpr auto kMeshTimeMax = 60s;
constexpr auto kReportTimeMax = 3s;

void explain_how_to_step_in(const ScenarioLab& scenario) {
  const Member& first = *scenario.members().front();
  fmt::print(
      "\nThe mesh stands until Ctrl-C, or: sudo kill {}\n"
      "Step into a host and look around:\n",
      outer_pid().value_or(0));
  for (const Member* member : scenario.members()) {
    fmt::print("  sudo nsenter --all --target {} bash    # {}\n", member->host().outer_pid(),
               member->name());
  }
  fmt::print("There, for example:\n  {0}/kadwire status\n  {0}/kadwire peers list\n",
             program_folder().string());
  if (const auto addresses = first.addresses()) {
    fmt::print("  ping {}    # {}\n", addresses->ipv6.to_string(), first.name());
  }
  std::fflush(stdout);
}

void wait_for_signal() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::sigwaitinfo(&signals, nullptr);
}

/// A ping may be faster than a daemon's next look at its tunnels; the table shows what daemons
/// know.
void await_handshake_reports(const std::vector<Member*>& members) {
  PingBoard clock;
  clock.run_until(
      [&] {
        return std::all_of(members.begin(), members.end(), [&](const Member* member) {
          return member->peers_active() + 1 == members.size();
        });
      },
      kReportTimeMax);
}

std::string describe(const DemoOptions& options) {
  return fmt::format(
      "{} hosts and a bootstrap host, {} ms of cable each way; no internet, cold DHT",
      options.nodes, to_milliseconds(options.latency));
}

}  // namespace

Expected<bool> run_demo(const DemoOptions& options) {
  Progress progress;
  progress.say(describe(options));
  const auto scenario = ScenarioLab::create(options, progress, {options.nodes, true});
  if (!scenario) return tl::unexpected(scenario.error());
  progress.say("hosts and cables stand, the bootstrap node listens");

  progress.restart();
  if (auto started = (*scenario)->start_all(); !started) return tl::unexpected(started.error());
  progress.say(fmt::format("{} × kadwire join started; the clock starts", options.nodes));
  MeshPings pings((*scenario)->members());
  const bool formed = ping_all_pairs(pings, progress, kMeshTimeMax);
  progress.say(fmt::format("{} of {} pings over the mesh answered (each pair, both families)",
                           pings.pairs_answered(), pings.pairs_total()));
  await_handshake_reports((*scenario)->members());
  fmt::print("\n{}", report_text(pings));
  std::fflush(stdout);
  if (options.json) {
    if (auto written = write_json(*options.json, report_json(pings)); !written) {
      return tl::unexpected(written.error());
    }
  }
  if (!formed) fmt::print(stderr, "\n{}", (*scenario)->logs());
  if (pings.failure()) return tl::unexpected(*pings.failure());
  if (options.keep) {
    explain_how_to_step_in(**scenario);
    wait_for_signal();
  }
  return formed;
}

}  // namespace kadwire::lab
