/// The simulation of a mesh against the mesh itself: members that join one after another, in the
/// lab with real sockets and wireguard-go, and in kadwire-testnet. The medians of their first
/// answered ping must agree.
///
///   bootstrap ──0 ms── core ──20 ms── first      stands when the others come
///                        ├────20 ms── joiner 1
///                        ├────20 ms── joiner 2   after joiner 1 is connected, and so on
///
/// The members are public, or each is behind a box of its own at the cable's end: a NAT that keeps
/// the port and lets in only answers, masquerade in the lab.
///
/// On both sides a join lasts from the moment the node runs (its code starts to work: it has its
/// sockets and its WireGuard interface) until a ping of the joiner, one each 10 ms to every member
/// it may reach, is answered through the tunnel by any member that stood before. What a process
/// takes to come so far is in the lab alone, so it is measured there and subtracted.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/integration/lab_fixture.h"
#include "tests/integration/mesh_fixture.h"
#include "tests/support/temporary_folder.h"
#include "tools/lab/mesh.h"
#include "tools/lab/ping_board.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr std::size_t kLabs = 2;
constexpr std::size_t kJoinsPerLab = 10;  ///< as many in each simulation
/// Of the larger median.
constexpr double kDisagreementMax = 0.25;
/// The first member's, to reach the DHT and announce itself.
constexpr auto kFirstMemberTime = 3s;
constexpr auto kJoinTimeMax = 20s;
/// A simulation of 20 s takes a fraction of one.
constexpr auto kSimulationTimeMax = 60s;

/// What stands before each member.
struct Topology {
  const char* name;
  const char* surroundings;  ///< in the lab; nullptr: none
  const char* group;         ///< of a member in the simulation: more lines
  std::size_t simulations;   ///< seeds; the more, the steadier that median
};
void PrintTo(const Topology& topology, std::ostream* out) {
  *out << topology.name;
}

/// When the daemon wrote that it runs, after its spawning. Its log has the time of day: minutes are
/// the same in every zone, and no daemon takes one to start.
Duration startup_time(Member& member) {
  using namespace std::chrono;
  const std::string log = member.log();
  const auto line = log.find(kNodeUp);
  if (line == std::string::npos) throw std::runtime_error("no start in the log:\n" + log);
  const auto begin = log.rfind('\n', line) + 1;  // npos + 1 is 0: the first line
  int hour = 0, minute = 0, second = 0, millisecond = 0;
  if (std::sscanf(log.c_str() + begin, "%d:%d:%d.%d", &hour, &minute, &second, &millisecond) != 4) {
    throw std::runtime_error("no time in the log:\n" + log);
  }
  const auto spawned = system_clock::now() - (steady_clock::now() - member.process().spawned());
  const auto within_minute = floor<milliseconds>(spawned.time_since_epoch()) % 1min;
  return (seconds(second) + milliseconds(millisecond) - within_minute + 1min) % 1min;
}

class TestnetAgreement : public LabTest, public ::testing::WithParamInterface<Topology> {
 protected:
  /// Every join of one lab.
  std::vector<Duration> joins_in_the_lab() {
    const auto mesh = must(Mesh::create(lab()));
    must(mesh->start_bootstrap());
    Member& first = add(*mesh, "first");
    std::vector<Member*> joiners;
    for (std::size_t i = 1; i <= kJoinsPerLab; ++i) {
      joiners.push_back(&add(*mesh, fmt::format("joiner{}", i)));
    }
    must(first.start());
    PingBoard clock;
    std::vector<IpAddress> standing = {address_of(first, clock)};
    clock.run(kFirstMemberTime);
    std::vector<Duration> times;
    for (Member* joiner : joiners) {
      times.push_back(join(*joiner, standing));
      standing.push_back(address_of(*joiner, clock));
      EXPECT_TRUE(clock.run_until([&] { return joiner->peers_active() + 1 == standing.size(); },
                                  kJoinTimeMax));
    }
    return times;
  }

 private:
  static Member& add(Mesh& mesh, std::string name) {
    MemberOptions options;
    options.host.name = std::move(name);
    const char* surroundings = GetParam().surroundings;
    if (surroundings != nullptr) options.surroundings = find_surroundings(surroundings);
    return *must(mesh.add_member(std::move(options)));
  }

  static IpAddress address_of(const Member& member, PingBoard& clock) {
    std::optional<MeshAddresses> addresses;
    clock.run_until([&] { return (addresses = member.addresses()).has_value(); }, kJoinTimeMax);
    if (!addresses) throw std::runtime_error(member.name() + " does not tell its addresses");
    return addresses->ipv6;
  }

  static Duration join(Member& joiner, const std::vector<IpAddress>& standing) {
    must(joiner.start());
    PingBoard board;
    for (const IpAddress& address : standing) {
      must(board.add(joiner.host(), address, PingBoard::Until::kFirstReply));
    }
    std::optional<TimePoint> first;
    const auto answered = [&] {
      for (PingBoard::FlowId id = 0; id < board.size(); ++id) {
        const auto reply = board.flow(id).first_reply;
        if (reply && (!first || *reply < *first)) first = reply;
      }
      return first.has_value();
    };
    if (!board.run_until(answered, kJoinTimeMax)) throw std::runtime_error("nobody answers");
    return *first - joiner.process().spawned() - startup_time(joiner);
  }
};

/// The lab's topology as a scenario; the joiners a second apart, which is about what they take. At
/// its end the last ones have had time for a second handshake, should two have crossed.
std::string scenario_text(const Topology& topology) {
  std::string text = R"(
summary = "Members that join a standing mesh one after another."
until = "20s"

[links.default]
latency = "20ms"

[links.at-the-core]
latency = "0ms"

[ping]
every = "10ms"
peers = 1
early = true

[groups.bootstrap]
role = "bootstrap"
link = "at-the-core"
)";
  const auto add = [&](const std::string& name, std::size_t start) {
    text += fmt::format("\n[groups.{}]\nstart = \"{}s\"\n{}", name, start, topology.group);
  };
  add("first", 1);
  for (std::size_t i = 1; i <= kJoinsPerLab; ++i) add(fmt::format("joiner{}", i), 3 + i);
  return text;
}

std::vector<Duration> joins_of(const json& result) {
  std::vector<Duration> times;
  for (const json& node : result.at("nodes")) {
    if (!node.at("name").get<std::string>().starts_with("joiner")) continue;
    const std::chrono::duration<double> time(node.at("first_reply_seconds").get<double>());
    times.push_back(std::chrono::duration_cast<Duration>(time));
  }
  return times;
}

/// All joins of many seeds. The simulations are processes of their own: virtual time is a whole
/// process's, and the lab needs the real one.
std::vector<Duration> simulated_joins(const Topology& topology) {
  const testing::TemporaryFolder folder;
  const auto scenario = folder.write("joins.toml", scenario_text(topology));
  const auto result_of = [&](std::size_t seed) { return folder.path() / std::to_string(seed); };
  const std::size_t at_once = std::max(1U, std::thread::hardware_concurrency());
  std::vector<Duration> times;
  for (std::size_t done = 0; done < topology.simulations; done += at_once) {
    std::vector<Process> processes;
    for (std::size_t seed = done + 1; seed <= std::min(done + at_once, topology.simulations);
         ++seed) {
      processes.push_back(
          must(Process::spawn({.argv = {program_folder() / "kadwire-testnet", "run", scenario,
                                        "--seed", std::to_string(seed), "--json", result_of(seed)},
                               .output = folder.path() / "log"})));
    }
    for (std::size_t i = 0; i < processes.size(); ++i) {
      EXPECT_EQ(processes[i].wait(kSimulationTimeMax), 0) << read_text(folder.path() / "log");
      const auto joins = joins_of(json::parse(read_text(result_of(done + 1 + i))));
      times.insert(times.end(), joins.begin(), joins.end());
    }
  }
  return times;
}

/// Prints and keeps it.
double median_ms(const char* side, const std::vector<Duration>& times) {
  const double median = to_milliseconds(percentile(times, 0.5));
  fmt::print("{}: {} joins, {:.0f} ms to {:.0f} ms, median {:.0f} ms\n", side, times.size(),
             to_milliseconds(*std::ranges::min_element(times)),
             to_milliseconds(*std::ranges::max_element(times)), median);
  ::testing::Test::RecordProperty(std::string(side) + "_median_ms", fmt::format("{:.1f}", median));
  return median;
}

TEST_P(TestnetAgreement, OnTheTimeToTheFirstTunnelOfAJoin) {
  if (kSlowdown != 1) GTEST_SKIP() << "a sanitizer slows the lab down, and not the simulation";
  std::vector<Duration> in_the_lab;
  for (std::size_t lab = 0; lab < kLabs; ++lab) {
    if (lab > 0) reset_lab();
    const auto joins = joins_in_the_lab();
    in_the_lab.insert(in_the_lab.end(), joins.begin(), joins.end());
  }
  const auto simulated = simulated_joins(GetParam());
  ASSERT_EQ(in_the_lab.size(), kLabs * kJoinsPerLab);
  ASSERT_EQ(simulated.size(), GetParam().simulations * kJoinsPerLab);

  const double lab_ms = median_ms("lab", in_the_lab);
  const double simulated_ms = median_ms("simulation", simulated);
  EXPECT_LE(std::abs(lab_ms - simulated_ms), kDisagreementMax * std::max(lab_ms, simulated_ms));
}

INSTANTIATE_TEST_SUITE_P(
    Of, TestnetAgreement,
    ::testing::Values(Topology{"PublicMembers", nullptr, "", 50},
                      Topology{"MembersBehindNats", "port-restricted",
                               "nat = \"port-restricted\"\nfamilies = \"ipv4\"\n", 20}),
    [](const auto& parameters) { return std::string(parameters.param.name); });

}  // namespace
}  // namespace kadwire::lab
