#include "tools/testnet/simulation_heap.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/testnet/commands/worker_pool.h"

namespace kadwire::testnet {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kReplaced = false;
#else
constexpr bool kReplaced = true;
#endif

class SimulationHeap : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kReplaced) GTEST_SKIP() << "a sanitizer has the heap";
  }
};

/// Where a series of objects comes to lie, and with it everything that is ordered by address.
std::string places(bool disturbed) {
  const SimulationHeapScope scope;
  std::vector<std::unique_ptr<std::array<char, 200>>> kept;
  std::string result;
  for (int i = 0; i < 1000; ++i) {
    if (disturbed) const std::string passing(static_cast<std::size_t>(i), 'x');
    kept.push_back(std::make_unique<std::array<char, 200>>());
    result += std::to_string(reinterpret_cast<std::uintptr_t>(kept.back().get())) + " ";
    if (i % 3 == 0) kept.erase(kept.begin() + i / 6);
  }
  return result;
}

/// The same in fresh processes, where nothing was allocated yet.
std::vector<std::optional<JobResult>> places_in_processes(std::vector<bool> disturbed) {
  return run_jobs(
      disturbed.size(), 1, [&](std::size_t number) { return places(disturbed[number]); },
      [](std::size_t) { return true; });
}

TEST_F(SimulationHeap, PutsTheSameObjectsInTheSamePlaces) {
  const auto results = places_in_processes({false, false});
  ASSERT_TRUE(results[0] && *results[0]);
  EXPECT_EQ(**results[0], **results[1]);
}

TEST_F(SimulationHeap, DoesNotCountWhatWatchesTheWorld) {
  const SimulationHeapScope scope;
  const std::uint64_t before = simulation_heap_bytes();
  std::vector<std::unique_ptr<int>> kept(1);
  const std::uint64_t counted = simulation_heap_bytes();
  EXPECT_GT(counted, before);
  {
    const OutsideSimulationHeap outside;
    kept.front() = std::make_unique<int>(1);
    EXPECT_EQ(simulation_heap_bytes(), counted);
  }
  kept.push_back(std::make_unique<int>(2));
  EXPECT_GT(simulation_heap_bytes(), counted);
}

TEST_F(SimulationHeap, IsNotDisturbedByWhatComesAndGoes) {
  const auto results = places_in_processes({false, true});
  ASSERT_TRUE(results[0] && *results[0]);
  EXPECT_EQ(**results[0], **results[1]);
}

TEST_F(SimulationHeap, TakesAtMostAQuarterMoreThanWasAskedFor) {
  const SimulationHeapScope scope;
  for (const std::size_t bytes : {1023U, 1024U, 1025U, 1280U, 1281U, 2000U, 2048U, 2049U, 5'000U,
                                  65'536U, 65'537U, 1'000'000U}) {
    const std::uint64_t before = simulation_heap_bytes();
    const auto block = std::make_unique<char[]>(bytes);
    block[bytes - 1] = 1;
    const std::uint64_t taken = simulation_heap_bytes() - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, bytes + bytes / 4) << bytes;
  }
}

TEST_F(SimulationHeap, CountsWhatIsInUse) {
  const std::uint64_t before = simulation_heap_bytes();
  std::unique_ptr<char[]> block;
  {
    const SimulationHeapScope scope;
    block = std::make_unique<char[]>(100'000);
  }
  EXPECT_GE(simulation_heap_bytes(), before + 100'000);
  block.reset();  // outside the scope it came from
  EXPECT_EQ(simulation_heap_bytes(), before);
}

TEST_F(SimulationHeap, LeavesOthersAllocationsAlone) {
  const std::uint64_t before = simulation_heap_bytes();
  const std::vector<int> elsewhere(1000);
  EXPECT_EQ(simulation_heap_bytes(), before);
}

TEST_F(SimulationHeap, HandsOutBlocksOfEverySizeWithoutOverlap) {
  const SimulationHeapScope scope;
  std::map<std::uintptr_t, std::size_t> blocks;
  std::vector<std::unique_ptr<char[]>> kept;
  for (std::size_t bytes = 1; bytes < (1U << 20); bytes += bytes / 7 + 1) {
    kept.push_back(std::make_unique<char[]>(bytes));
    const auto address = reinterpret_cast<std::uintptr_t>(kept.back().get());
    EXPECT_EQ(address % 16, 0U);
    blocks[address] = bytes;
  }
  std::uintptr_t end = 0;
  for (const auto& [address, bytes] : blocks) {
    EXPECT_GE(address, end);
    end = address + bytes;
  }
}

}  // namespace
}  // namespace kadwire::testnet
