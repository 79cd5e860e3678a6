#include "tools/testnet/world.h"

#include <fmt/format.h>
#include <algorithm>

#include "tools/testnet/conductor.h"
#include "tools/testnet/judge.h"
#include "tools/testnet/recorder.h"
#include "tools/testnet/simulation_heap.h"
#include "tools/testnet/stopwatch.h"

namespace kadwire::testnet {
namespace {

/// How many events pass before somebody is told: often enough for a progress line.
constexpr std::uint64_t kEventsPerWatch = 1000;
/// How often the rules are looked at that are dear to look at, and tunnels that fell without a
/// noise: whatever points the curves have, and however long the run.
constexpr auto kLookInterval = 1s;
/// Broken rules told in words; one usually breaks many times.
constexpr std::size_t kViolationsMax = 20;

}  // namespace

/// Each after what it refers to.
struct World::Parts {
  Parts(const Scenario& scenario, std::uint64_t seed, Trace& trace)
      : queue(scenario.wall_start),
        internet(queue, derived_seed(seed, "internet")),
        mesh(derived_seed(seed, "mesh")),
        population(scenario, seed, queue, internet, mesh),
        board(population, internet, mesh),
        recorder(scenario, queue, population, board, pings),
        conductor(scenario, derived_seed(seed, "conductor"), queue, internet, population, board,
                  [this, &trace](std::string kind, std::string text, std::vector<Index> who) {
                    trace.add_event(recorder.elapsed(), text);
                    recorder.on_event(std::move(kind), std::move(text), std::move(who));
                  }) {}

  EventQueue queue;
  Internet internet;
  SimMesh mesh;
  Population population;
  PairBoard board;
  std::vector<std::unique_ptr<PingApp>> pings;
  Recorder recorder;
  Conductor conductor;
  std::uint64_t events = 0;
  std::uint64_t heap_before = 0;  ///< bytes
  std::uint64_t heap_early = 0;   ///< of this world, a third of the way
  Stopwatch watch;
  double startup_seconds = 0;
};

World::World(const Scenario& scenario, std::uint64_t seed, Trace& trace, Rule rule)
    : scenario_(scenario), seed_(seed), trace_(trace), rule_(std::move(rule)) {
  restart_virtual_clock(scenario.wall_start);
  seed_virtual_random_device(derived_seed(seed, "random device"));
  const SimulationHeapScope heap;
  const std::uint64_t heap_before = simulation_heap_bytes();
  parts_ = std::make_unique<Parts>(scenario, seed, trace);
  parts_->heap_before = heap_before;
  build();
}

World::~World() {
  const SimulationHeapScope heap;
  parts_.reset();
}

void World::build() {
  Parts& parts = *parts_;
  for (const Index index : parts.population.members()) {
    parts.pings.push_back(std::make_unique<PingApp>(
        parts.population, parts.board, index, scenario_, derived_seed(seed_, "ping", index),
        [&parts, index] { parts.recorder.on_first_reply(index); }));
  }
  parts.internet.set_observer([this](HostId sender, const Packet& packet, Drop fate) {
    const auto& name = parts_->population.all()[static_cast<std::size_t>(sender)].name;
    trace_.add_packet(parts_->recorder.elapsed(), name, packet, fate);
  });
  parts.board.set_handlers(
      [this](Index a, Index b, PairState state) { parts_->recorder.on_pair_change(a, b, state); },
      [this](Index a, Index b, bool apart) { parts_->recorder.on_apart(a, b, apart); },
      [this](Index member, bool all) { parts_->recorder.on_milestone(member, all); });
  for (std::size_t i = 0; i < parts.population.all().size(); ++i) watch(i);
  parts.conductor.begin();
  parts.recorder.set_last_start(parts.conductor.last_start());
  parts.queue.after(kLookInterval, [this] { look(); });
  parts.queue.after(parts.recorder.sample_interval(), [this] { sample(); });
}

/// The rules are looked at after every event, on the host where it was.
void World::watch(std::size_t index) {
  Inhabitant& inhabitant = parts_->population[static_cast<Index>(index)];
  inhabitant.host->set_after_event([this, &inhabitant] { check(inhabitant); });
}

void World::check(const Inhabitant& inhabitant) {
  if (const auto broken = inhabitant.program->violation()) {
    violate(fmt::format("{}: {}", inhabitant.name, *broken));
  }
  if (inhabitant.watch && inhabitant.watch->violation()) {
    violate(fmt::format("{}: {}", inhabitant.name, *inhabitant.watch->violation()));
  }
  if (const auto broken = rule_ ? rule_(*inhabitant.program) : std::nullopt) {
    violate(fmt::format("{}: {}", inhabitant.name, *broken));
  }
}

void World::look() {
  {
    const OutsideSimulationHeap outside;
    for (const Index index : parts_->population.members()) {
      parts_->population[index].watch->look();
      check(parts_->population[index]);
    }
    parts_->board.sweep();
  }
  if (parts_->heap_early == 0 && 3 * parts_->recorder.elapsed() >= scenario_.until) {
    parts_->heap_early = simulation_heap_bytes() - parts_->heap_before;
  }
  parts_->queue.after(kLookInterval, [this] { look(); });
}

void World::sample() {
  parts_->recorder.sample();
  parts_->queue.after(parts_->recorder.sample_interval(), [this] { sample(); });
}

void World::violate(std::string text) {
  if (violations_.size() >= kViolationsMax) return;
  trace_.add_event(parts_->recorder.elapsed(), text);
  parts_->recorder.on_event("violation", text, {});
  violations_.push_back(std::move(text));
}

bool World::goes_on(const Watcher& watcher) {
  if (!violations_.empty()) return false;
  if (!watcher || parts_->events % kEventsPerWatch != 0) return true;
  const Parts& parts = *parts_;
  return watcher({parts.recorder.elapsed(), scenario_.until, parts.watch.seconds(),
                  parts.board.running(), parts.board.up(), parts.board.possible()});
}

RunResult World::run(const Watcher& watcher) {
  const SimulationHeapScope heap;
  Parts& parts = *parts_;
  parts.watch = Stopwatch();
  const TimePoint end = EventQueue::kStart + scenario_.until;
  const TimePoint started = EventQueue::kStart + parts.conductor.last_start();
  bool interrupted = false;
  while (parts.queue.next() <= end) {
    if (!goes_on(watcher)) {
      interrupted = true;
      break;
    }
    if (parts.startup_seconds == 0 && parts.queue.next() > started) {
      parts.startup_seconds = parts.watch.seconds();
    }
    advance_virtual_clock_to(parts.queue.next());
    parts.queue.step();
    ++parts.events;
  }
  if (!interrupted) parts.queue.run_until(end);
  parts.board.sweep();
  parts.recorder.sample();
  RunResult result = parts.recorder.result();
  result.interrupted = interrupted;
  judge(result);
  return result;
}

bool World::has_path(std::uint32_t a, std::uint32_t b) const {
  return parts_->board.is_possible(a, b);
}

void World::judge(RunResult& result) const {
  const Parts& parts = *parts_;
  result.seed = seed_;
  result.trace_hash = trace_.hash();
  result.wall_seconds = parts.watch.seconds();
  result.startup_seconds = parts.startup_seconds;
  result.events = parts.events;
  result.memory_bytes_per_node = (simulation_heap_bytes() - parts.heap_before) /
                                 std::max<std::size_t>(parts.population.all().size(), 1);
  result.drops = parts.internet.fates();
  result.violations = violations_;
  Findings findings;
  findings.all_connected = parts.recorder.all_connected();
  findings.last_start = parts.conductor.last_start();
  findings.heap_early = parts.heap_early;
  findings.heap_end = simulation_heap_bytes() - parts.heap_before;
  const auto named = [&](Index a, Index b) {
    return fmt::format("{} and {}", parts.population.all()[a].name, parts.population.all()[b].name);
  };
  for (const auto& [a, b] : parts.board.missing()) findings.missing.push_back(named(a, b));
  if (const auto longest = parts.recorder.longest_apart()) {
    findings.longest_apart = {named(longest->a, longest->b), longest->began, longest->lasted};
  }
  result.verdicts = testnet::judge(scenario_.expect, result, findings);
}

}  // namespace kadwire::testnet
