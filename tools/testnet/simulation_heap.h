#pragma once

/// Where simulated worlds keep their memory. OpenDHT orders some things by their address, so a run
/// repeats itself only if memory lies where it lay, whatever else the process does: a trace being
/// written, a report asked for. So what a world allocates comes from a range of its own at a fixed
/// address, handed out by rules that look at nothing else. It also costs less than malloc, and is
/// counted exactly. The first world of a process begins with an empty range; one that is to repeat
/// another run has to be the first (worker_pool.h).
/// Linking simulation_heap.cpp replaces operator new and delete of the process. Sanitizers want
/// theirs: with them everything here does nothing.
/// For the one thread that enters; blocks are never given back to the system.

#include <cstdint>

namespace kadwire::testnet {

/// While it lives, this thread's `new` is the simulation's. Scopes nest. What was allocated inside
/// may be deleted outside, and the other way round.
class SimulationHeapScope {
 public:
  SimulationHeapScope();
  ~SimulationHeapScope();
  SimulationHeapScope(const SimulationHeapScope&) = delete;
  SimulationHeapScope& operator=(const SimulationHeapScope&) = delete;

 private:
  bool outer_;
};

/// While it lives, this thread's `new` is the process's again: what watches a world is no part of
/// it, and is not to move or to count as what the world allocates.
class OutsideSimulationHeap {
 public:
  OutsideSimulationHeap();
  ~OutsideSimulationHeap();
  OutsideSimulationHeap(const OutsideSimulationHeap&) = delete;
  OutsideSimulationHeap& operator=(const OutsideSimulationHeap&) = delete;

 private:
  bool outer_;
};

/// In use now, rounded up as handed out.
[[nodiscard]] std::uint64_t simulation_heap_bytes();

}  // namespace kadwire::testnet
