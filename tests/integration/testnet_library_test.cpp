/// The library's short scenarios keep what they promise: each with one seed that is always the
/// same, and some with two that are fresh every time. A seed that fails is replayed by the command
/// that is printed.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/support/temporary_folder.h"
#include "tools/lab/process.h"

namespace kadwire::testnet {
namespace {

/// Some seconds of CPU, on a machine with more to do; under a sanitizer far more.
constexpr auto kRunTimeMax = 280s;
constexpr std::uint64_t kFixedSeed = 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kFreshSeeds = 0;  // the same worlds again, at a multiple of the price
#else
constexpr std::size_t kFreshSeeds = 2;
#endif

struct Case {
  const char* scenario;
  /// Ends it where it has shown its point; empty: as it is.
  std::vector<std::string> changes;
  /// Fresh seeds too: only where a hundred of them or more have passed. Of hostile-dht's, one in
  /// two hundred needs more than its two minutes; the others were not yet tried so often.
  bool fresh = false;
};

/// As the test's name has it.
void PrintTo(const Case& each, std::ostream* out) {
  *out << each.scenario;
}

const Case kCases[] = {
    {"open-5", {}, true},
    {"home-nats", {"--until", "4min"}, true},
    {"cgnat", {"--until", "4min"}, true},
    {"address-change", {}, true},
    {"force-relay", {}, true},
    {"public-move", {}, true},
    {"bootstrap-gone", {}, true},
    {"hour-rollover", {}, true},
    {"sleep-wake", {}, false},
    {"partition-heal", {}, true},
    {"churn", {}, false},
    {"lossy-mobile", {"--until", "6min"}, false},
    {"mailbox", {}, false},
    {"home-alone", {}, false},
    {"hostile-dht", {"--until", "4min"}, false},
    // Newcomers come when all of the hostile are at work, but not after minutes of flood.
    {"hostile-members", {"--until", "2min5s", "--set", "groups.newcomers.start=95s..100s"}, false},
};

class TestnetLibrary : public ::testing::TestWithParam<Case> {
 protected:
  struct Run {
    std::string replay;
    std::filesystem::path output;
    lab::Process process;
  };

  [[nodiscard]] Run start(std::uint64_t seed) const {
    const std::string scenario = GetParam().scenario;
    const auto& changes = GetParam().changes;
    std::vector<std::string> words = {"kadwire-testnet", "replay",
                                      fmt::format("{}:{}", scenario, seed)};
    words.insert(words.end(), changes.begin(), changes.end());
    std::string replay;
    for (const std::string& word : words) replay += word + " ";
    words.front() = KADWIRE_BIN "/kadwire-testnet";
    const auto output = folder_.path() / std::to_string(seed);
    auto process = lab::Process::spawn({.argv = std::move(words), .output = output});
    if (!process) throw std::runtime_error(process.error().message);
    return {std::move(replay), output, std::move(*process)};
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_P(TestnetLibrary, KeepsItsPromises) {
  std::random_device device;
  std::vector<Run> runs;
  runs.push_back(start(kFixedSeed));
  const std::size_t fresh_seeds = GetParam().fresh ? kFreshSeeds : 0;
  for (std::size_t i = 0; i < fresh_seeds; ++i) runs.push_back(start(device()));
  for (Run& run : runs) {
    fmt::print("{}\n", run.replay);
    EXPECT_EQ(run.process.wait(kRunTimeMax), 0) << run.replay << "\n" << lab::read_text(run.output);
  }
}

INSTANTIATE_TEST_SUITE_P(Scenario, TestnetLibrary, ::testing::ValuesIn(kCases),
                         [](const auto& param_info) {
                           std::string name = param_info.param.scenario;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace kadwire::testnet
