#pragma once

/// What a run found, as plain values: the one source of the JSON (results_json.h) and of the HTML
/// report (html_report.h). All times are since the start of the simulation unless said otherwise.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/time.h"
#include "rendezvous/path_tally.h"
#include "tools/testnet/internet/packet.h"

namespace kadwire::testnet {

/// Traffic by what it was for.
enum class TrafficKind : std::uint8_t {
  kDht,
  kHandshake,
  kKeepalive,
  kData,
  kStun,
  kRendezvous,
  kGateway,  ///< with the own gateway, about port mappings
};
inline constexpr std::size_t kTrafficKinds = 7;
[[nodiscard]] std::string_view to_text(TrafficKind kind);  // "dht", "handshake", …

struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< headers included
  bool operator==(const Traffic&) const = default;
};
using TrafficByKind = std::array<Traffic, kTrafficKinds>;

struct NodeResult {
  std::string name;  ///< "homes[3]"
  std::string group;
  std::string role;
  std::string nat;                       ///< kind or gateway; "public" without one
  std::string city;                      ///< empty: nowhere in particular
  double x = 0, y = 0;                   ///< place on the map, each 0 to 1, from the top left
  std::optional<Duration> started;       ///< first time
  std::optional<Duration> first_tunnel;  ///< since it started: stands on both sides
  std::optional<Duration> all_tunnels;   ///< since it started: to every peer a path permits
  std::optional<Duration> first_reply;   ///< since it started: to a ping of its own
  TrafficByKind sent{};
  TrafficByKind received{};
  std::uint64_t dht_requests = 0;      ///< answered for others
  std::uint64_t dht_stored_bytes = 0;  ///< at the end
  std::size_t dht_nodes_known = 0;     ///< at the end
  std::uint64_t pings_sent = 0;
  std::uint64_t pings_lost = 0;
  Duration longest_silence{0};  ///< of a peer that had answered its pings, while both ran
  rendezvous::PathTally paths;  ///< to its peers, in all its runs
  double cpu_seconds = 0;       ///< spent on this node's events
  bool operator==(const NodeResult&) const = default;
};

/// A point of the curves.
struct Sample {
  Duration at{0};
  std::size_t members_running = 0;
  std::size_t pairs_possible = 0;  ///< of running members, as far as a path permits
  std::size_t pairs_direct = 0;    ///< a tunnel stands on both sides
  std::size_t pairs_relayed = 0;
  std::uint64_t pings_sent = 0;  ///< since the last sample
  std::uint64_t pings_lost = 0;
  TrafficByKind sent{};  ///< by all nodes since the last sample
  bool operator==(const Sample&) const = default;
};

enum class PairState : std::uint8_t { kNone, kDirect, kRelayed };
[[nodiscard]] std::string_view to_text(PairState state);  // "none", "direct", "relayed"

/// A tunnel came or went: the map over time is made of these.
struct PairChange {
  Duration at{0};
  std::uint32_t a = 0;  ///< index into RunResult::nodes, the smaller first
  std::uint32_t b = 0;
  PairState state = PairState::kNone;
  bool operator==(const PairChange&) const = default;
};

/// One mark on the time line.
struct TimelineEntry {
  Duration at{0};
  std::string kind;                  ///< an EventKind, "start", "violation"
  std::string text;                  ///< for people: "NAT reboot: homes[3]"
  std::vector<std::uint32_t> nodes;  ///< concerned
  bool operator==(const TimelineEntry&) const = default;
};

/// One thing the scenario expects.
struct Verdict {
  std::string expectation;  ///< "p50 of the time to the first tunnel: at most 2 s"
  std::string measured;     ///< "0.54 s"
  bool met = false;
  bool needs_tunnel = false;  ///< cannot be met where no path is; no part of the JSON
  bool operator==(const Verdict&) const = default;
};

struct RunResult {
  std::string scenario;
  std::string summary;
  std::string command;  ///< replays this run
  std::uint64_t seed = 0;
  std::string trace_hash;    ///< 16 hexadecimal digits
  bool interrupted = false;  ///< by Ctrl-C or a violation: shorter than asked for
  Duration simulated{0};
  double wall_seconds = 0;                  ///< of the simulation alone
  double startup_seconds = 0;               ///< of it, until every node had started
  std::uint64_t events = 0;                 ///< of the queue
  std::uint64_t memory_bytes_per_node = 0;  ///< at the end, heap of everything over all nodes
  std::vector<NodeResult> nodes;            ///< at most kNodesMax (scenario.h)
  std::vector<Sample> samples;              ///< at most kSamplesMax, thinned as the run grows
  std::vector<PairChange> changes;          ///< in the order of time; at most kChangesMax
  std::uint64_t changes_dropped = 0;
  std::vector<TimelineEntry> timeline;            ///< at most kTimelineMax
  std::array<std::uint64_t, kDropKinds> drops{};  ///< packets, by Drop; kNone: arrived
  std::vector<Verdict> verdicts;
  std::vector<std::string> violations;  ///< of invariants: each a sentence
  bool operator==(const RunResult&) const = default;
};
inline constexpr std::size_t kSamplesMax = 1200;
inline constexpr std::size_t kChangesMax = 50'000;
inline constexpr std::size_t kTimelineMax = 5'000;

/// As the JSON spells the cause: "loss", "nat_filtered", …; "arrived" for kNone.
[[nodiscard]] std::string_view to_text(Drop cause);

/// True if nothing was violated and every expectation met.
[[nodiscard]] bool succeeded(const RunResult& result);

/// One of many runs that failed: what was wrong, and how to have it again.
struct FailedRun {
  std::uint64_t seed = 0;
  std::string replay;  ///< the command, for a shell
  std::vector<std::string>
      complaints;  ///< expectations not met, rules broken, a crash: a line each
};
/// Of a matrix cell or a sweep's value, those that are told: enough to look into it.
inline constexpr std::size_t kFailuresToldMax = 3;

/// Two members, each behind a kind of NAT, over many seeds.
struct MatrixCell {
  std::size_t runs = 0;  ///< that were finished; the others came after Ctrl-C
  std::size_t direct = 0;
  std::size_t relayed = 0;
  bool possible = true;         ///< some path exists at all
  std::optional<Duration> p50;  ///< to the first tunnel, of the runs that had one
  std::optional<Duration> p95;
  std::optional<Duration> direct_p50;  ///< to the first direct one, of the runs that ended so
  std::optional<Duration> direct_p95;
  /// That broke a rule, crashed, or did not meet an expectation; what takes a tunnel is not
  /// expected where no path is.
  std::size_t failed = 0;
  std::vector<FailedRun> failures;           ///< of them, the first kFailuresToldMax
  std::vector<std::uint64_t> failed_seeds;   ///< of them, the first few
  std::vector<std::uint64_t> relayed_seeds;  ///< the first few that ended relayed
};
struct MatrixResult {
  std::string command;
  std::optional<Duration> p50;  ///< to the first tunnel, of all runs that had one
  std::optional<Duration> p95;
  bool interrupted = false;                    ///< by Ctrl-C: some cells have fewer runs
  std::vector<std::string> kinds;              ///< of rows and of columns
  std::vector<std::vector<MatrixCell>> cells;  ///< [row][column]; symmetric
  double wall_seconds = 0;
};

/// One parameter over values, each with several seeds.
struct SweepPoint {
  std::string value;
  std::size_t runs = 0;  ///< that were finished
  std::size_t succeeded = 0;
  std::map<std::string, std::vector<double>> figures;  ///< name (with unit) to one number a run
  std::vector<std::uint64_t> failed_seeds;
  std::vector<FailedRun> failures;              ///< of them, the first kFailuresToldMax
  std::vector<std::uint64_t> unfinished_seeds;  ///< by Ctrl-C
};
struct SweepResult {
  std::string scenario;
  std::string command;
  std::string parameter;
  std::vector<SweepPoint> points;
  double wall_seconds = 0;
};

}  // namespace kadwire::testnet
