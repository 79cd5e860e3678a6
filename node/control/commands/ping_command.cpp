#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/control/commands/commands.h"
#include "node/control/ping_report.h"

namespace kadwire::control {
namespace {

constexpr const char* kPingExamples =
    "Pings every path that may lead to a peer at once, straight and through relays, and tells "
    "which\n"
    "one WireGuard uses. The pings are kadwire's own, from WireGuard's port; for the tunnel "
    "itself,\n"
    "ping the peer's address in the mesh.\n"
    "\n"
    "PEER is a hostname, a NodeId in either form or its beginning, or an address in the mesh.\n"
    "\n"
    "Examples:\n"
    "  sudo kadwire ping alpha                 four rounds, a second apart\n"
    "  sudo kadwire ping 10.37.4.2 --count 1\n"
    "  sudo kadwire ping alpha --json | jq '.paths[] | select(.in_use)'\n"
    "Exit codes: 0 some path answered, 1 none did, or no such peer or daemon, 2 not understood.";

/// As ping(8) has it.
constexpr auto kRoundInterval = std::chrono::seconds(1);
/// Between looks at what has come: far below what people see.
constexpr auto kLookInterval = std::chrono::milliseconds(20);
constexpr int kRoundsDefault = 4;
constexpr int kRoundsMax = 100'000;

using Clock = std::chrono::steady_clock;

class PingCommand final : public Command {
 public:
  explicit PingCommand(CLI::App& root)
      : Command(root, "ping", "Measure every path to a peer, and say which one is in use"),
        daemon_(app_) {
    app_.footer(kPingExamples);
    app_.add_option("peer", peer_, "Hostname, NodeId or its beginning, or address in the mesh")
        ->type_name("PEER");
    app_.add_option("--count", rounds_, "How many rounds (default 4)")
        ->type_name("N")
        ->check(CLI::Range(1, kRoundsMax));
  }

  int run(Invocation& invocation) override {
    if (!peer_) return fail(invocation, {"ping needs a peer: kadwire ping PEER"}, kExitUsage);
    PingReport report(*peer_);
    for (int round = 0; round < rounds_; ++round) {
      const auto next = Clock::now() + kRoundInterval;
      const bool last = round + 1 == rounds_;
      const auto paths = one_round(invocation, next);
      if (!paths) return fail(invocation, paths.error());
      const std::string lines = report.add_round(*paths, invocation.colour);
      if (!json_) invocation.out << lines << std::flush;
      if (!last) std::this_thread::sleep_until(next);
    }
    if (json_) {
      print_json(invocation, report.to_json());
    } else {
      invocation.out << report.summary();
    }
    return report.anything_answered() ? kExitOk : kExitFailed;
  }

 private:
  /// Sends a round, and looks until all have answered or its time is over.
  tl::expected<nlohmann::json, Failure> one_round(const Invocation& invocation,
                                                  Clock::time_point end) const {
    const nlohmann::json peer = {{"node", *peer_}};
    if (auto sent = daemon_.call(invocation, "peers.probe", peer); !sent) return sent;
    while (true) {
      auto paths = daemon_.call(invocation, "peers.paths", peer);
      if (!paths || all_answered(*paths) || Clock::now() + kLookInterval > end) return paths;
      std::this_thread::sleep_for(kLookInterval);
    }
  }

  DaemonChoice daemon_;
  std::optional<std::string> peer_;
  int rounds_ = kRoundsDefault;
};

}  // namespace

void add_ping(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<PingCommand>(root));
}

}  // namespace kadwire::control
