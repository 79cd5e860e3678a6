#include "tools/lab/nat_pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/lab/ping_board.h"
#include "tools/lab/scenario_lab.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr auto kFirstUpMax = 20s;
/// What the first member gets to announce itself and to look at its NAT.
constexpr auto kSettleTime = 3s;
/// Helpers are there before anybody: who comes later calls them, and they learn that they can be.
constexpr auto kHelperTime = 2s;
/// How often a daemon is asked for its path: seldom enough to leave the measurement alone.
constexpr auto kPathLook = 50ms;

constexpr const char* kDirect = "direct";

Expected<Member*> add(NatPair& pair, const std::string& name, const Surroundings& surroundings,
                      const PairOptions& options) {
  MemberOptions member;
  member.host.name = name;
  member.host.cable = {.delay = options.latency, .loss = options.loss};
  member.surroundings = &surroundings;
  if (!options.log_level.empty()) member.arguments = {"--log-level", options.log_level};
  return pair.mesh->add_member(std::move(member));
}

Surroundings helper_surroundings() {
  Surroundings open;
  open.families = Families::kBoth;
  return open;
}

Expected<void> add_members(NatPair& pair, const PairOptions& options) {
  const auto first = add(pair, "first", *options.first, options);
  if (!first) return tl::unexpected(first.error());
  pair.first = *first;
  const auto second = add(pair, "second", *options.second, options);
  if (!second) return tl::unexpected(second.error());
  pair.second = *second;
  for (unsigned i = 1; i <= options.helpers; ++i) {
    const auto helper = add(pair, fmt::format("helper{}", i), helper_surroundings(), options);
    if (!helper) return tl::unexpected(helper.error());
    pair.helpers.push_back(*helper);
  }
  return {};
}

Expected<MeshAddresses> start_and_await_dht(Member& member) {
  if (auto started = member.start(); !started) return tl::unexpected(started.error());
  PingBoard clock;
  std::optional<MeshAddresses> addresses;
  const bool up = clock.run_until(
      [&] {
        addresses = member.addresses();
        return addresses && member.in_dht();
      },
      kFirstUpMax);
  if (up) return *addresses;
  if (member.running()) return lab_error(member.name() + " does not come up");
  return lab_error(member.name() + " ended: " + member.host().logs());
}

/// The helpers, then the first, with a tunnel between it and each of them.
Expected<void> start_settled(NatPair& pair) {
  PingBoard clock;
  for (Member* helper : pair.helpers) {
    if (auto up = start_and_await_dht(*helper); !up) return tl::unexpected(up.error());
  }
  if (!pair.helpers.empty()) clock.run(kHelperTime);
  const auto first = start_and_await_dht(*pair.first);
  if (!first) return tl::unexpected(first.error());
  pair.first_addresses = *first;
  const auto helped = [&] {
    return std::ranges::all_of(pair.helpers, [&](const Member* helper) {
      return helper->path_to(first->node) == kDirect;
    });
  };
  if (!clock.run_until(helped, kFirstUpMax)) {
    return lab_error("the first member does not reach the helpers");
  }
  clock.run(kSettleTime);
  return {};
}

/// Looks at the second's path now and then; `run.direct` is set once.
class PathWatch {
 public:
  PathWatch(const NatPair& pair, PairRun& run) : pair_(pair), run_(run) {}
  /// Whether it is direct.
  bool look() {
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < next_) return run_.direct.has_value();
    next_ = now + kPathLook;
    run_.path = pair_.second->path_to(pair_.first_addresses.node);
    const Duration since_start = now - pair_.second->process().spawned();
    if (!run_.direct && run_.path == kDirect) run_.direct = since_start;
    return run_.direct.has_value();
  }

 private:
  const NatPair& pair_;
  PairRun& run_;
  TimePoint next_;
};

json milliseconds_or_null(const std::optional<Duration>& time) {
  return time ? json(to_milliseconds(*time)) : json(nullptr);
}

std::optional<Duration> duration_of(const json& milliseconds) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  if (!milliseconds.is_number()) return std::nullopt;
  return std::chrono::duration_cast<Duration>(Milliseconds(milliseconds.get<double>()));
}

}  // namespace

Expected<NatPair> build_pair(const PairOptions& options) {
  NatPair pair;
  auto lab = Lab::create();
  if (!lab) return tl::unexpected(lab.error());
  pair.lab = std::move(*lab);
  auto mesh = Mesh::create(*pair.lab);
  if (!mesh) return tl::unexpected(mesh.error());
  pair.mesh = std::move(*mesh);
  const auto ready = add_members(pair, options)
                         .and_then([&] { return pair.mesh->start_bootstrap(); })
                         .and_then([&] { return start_settled(pair); });
  if (!ready) return tl::unexpected(ready.error());
  return pair;
}

Expected<PairRun> measure_pair(NatPair& pair) {
  PairRun run;
  PingBoard board(kPairPingInterval);
  if (auto started = pair.second->start(); !started) return tl::unexpected(started.error());
  const auto flow =
      board.add(pair.second->host(), pair.first_addresses.ipv6, PingBoard::Until::kForever);
  if (!flow) return tl::unexpected(flow.error());
  if (!board.run_until([&] { return board.all_answered(); }, kPairTimeMax)) {
    run.path = pair.second->path_to(pair.first_addresses.node);
    return run;
  }
  run.first_ping = *board.flow(*flow).first_reply - pair.second->process().spawned();
  PathWatch watch(pair, run);
  watch.look();
  run.first_path = run.path;
  board.run_until([&] { return watch.look(); }, kUpgradeTimeMax);
  return run;
}

Expected<PairRun> run_pair(const PairOptions& options) {
  auto pair = build_pair(options);
  if (!pair) return tl::unexpected(pair.error());
  auto run = measure_pair(*pair);
  if (options.logs) save_logs(*pair->lab, *options.logs);
  return run;
}

json to_json(const PairRun& run) {
  return {{"first_ping_ms", milliseconds_or_null(run.first_ping)},
          {"first_path", run.first_path},
          {"direct_ms", milliseconds_or_null(run.direct)},
          {"path", run.path}};
}

PairRun pair_run_of(const json& json) {
  return {.first_ping = duration_of(json.at("first_ping_ms")),
          .first_path = json.at("first_path").get<std::string>(),
          .direct = duration_of(json.at("direct_ms")),
          .path = json.at("path").get<std::string>()};
}

}  // namespace kadwire::lab
