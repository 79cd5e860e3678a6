#include "tools/lab/cell.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tools/lab/lab.h"

namespace kadwire::lab {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = 10s;
constexpr auto kPollStep = 5ms;

std::string link_of(const fs::path& path) {
  std::error_code error;
  return fs::read_symlink(path, error).string();
}

/// Every namespace in which some process of this machine lives, as "net:[4026531840]".
std::set<std::string> namespaces_in_use() {
  std::set<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    for (const char* kind : {"net", "mnt", "pid", "uts"}) {
      found.insert(link_of(entry.path() / "ns" / kind));
    }
  }
  return found;
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

/// Makes a lab of two hosts in a cell, tells their namespaces through `report`, and stays.
int stand_forever(int report) {
  auto lab = Lab::create();
  if (!lab) return 1;
  std::string namespaces = link_of("/proc/self/ns/pid") + "\n";
  std::vector<Process> sleepers;
  for (int i = 0; i < 2; ++i) {
    const auto host = (*lab)->add_host({});
    if (!host) return 1;
    auto sleeper = (*host)->spawn({"sleep", "infinity"}, "sleeper");
    if (!sleeper) return 1;
    sleepers.push_back(std::move(*sleeper));
    for (const char* kind : {"net", "mnt", "uts"}) {
      const fs::path holder = fs::path(kOuterProc) / std::to_string((*host)->outer_pid());
      namespaces += link_of(holder / "ns" / kind) + "\n";
    }
  }
  namespaces += "\n";
  if (::write(report, namespaces.data(), namespaces.size()) < 0) return 1;
  for (;;) ::pause();
}

/// Reads lines until an empty one.
std::set<std::string> read_report(int fd) {
  std::set<std::string> lines;
  std::string line;
  char byte = 0;
  while (::read(fd, &byte, 1) == 1) {
    if (byte != '\n') {
      line += byte;
      continue;
    }
    if (line.empty()) break;
    lines.insert(std::exchange(line, {}));
  }
  return lines;
}

class Cell : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = lab_obstacle()) GTEST_SKIP() << *obstacle;
  }
};

TEST_F(Cell, ReturnsWhatItsBodyReturns) {
  EXPECT_EQ(run_in_cell([] { return 0; }), 0);
  EXPECT_EQ(run_in_cell([] { return 17; }), 17);
}

TEST_F(Cell, ReportsTheSignalThatEndedItsBody) {
  EXPECT_EQ(run_in_cell([] { return ::raise(SIGKILL); }), 128 + SIGKILL);
}

TEST_F(Cell, IsCutOffFromTheMachine) {
  const std::string network = link_of("/proc/self/ns/net");
  EXPECT_FALSE(outer_pid());
  EXPECT_EQ(run_in_cell([&] {
              const bool apart = link_of("/proc/self/ns/net") != network;
              const bool empty = names_in("/run") == std::set<std::string>{"outer-proc"};
              const bool numbered = ::getpid() == 2 && outer_pid().value_or(0) > 2;
              return apart && empty && numbered ? 0 : 1;
            }),
            0);
}

TEST_F(Cell, BuriesOrphansWithoutEndingEarly) {
  EXPECT_EQ(run_in_cell([] {
              const pid_t middle = ::fork();
              if (middle == 0) {
                if (::fork() == 0) ::_exit(5);  // an orphan that ends before us
                ::_exit(0);
              }
              ::waitpid(middle, nullptr, 0);
              std::this_thread::sleep_for(kPollStep);
              return 9;
            }),
            9);
}

TEST_F(Cell, LeavesNothingBehindWhenItsOwnerIsKilled) {
  const auto mounts = names_in("/run/netns");
  const auto interfaces = names_in("/sys/class/net");
  const std::string mount_table = read_text("/proc/self/mountinfo");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t owner = ::fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) ::_exit(run_in_cell([&] { return stand_forever(ends[1]); }));
  ::close(ends[1]);
  const auto namespaces = read_report(ends[0]);
  ::close(ends[0]);
  ASSERT_EQ(namespaces.size(), 7U) << "the lab did not come up";
  const auto used = namespaces_in_use();
  for (const auto& name : namespaces) EXPECT_TRUE(used.contains(name)) << name;

  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);

  const auto any_left = [&] {
    const auto now_used = namespaces_in_use();
    return std::any_of(namespaces.begin(), namespaces.end(),
                       [&](const auto& name) { return now_used.contains(name); });
  };
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (any_left() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPollStep);
  }
  EXPECT_FALSE(any_left()) << "a process of the lab lives on";
  EXPECT_EQ(names_in("/run/netns"), mounts);
  EXPECT_EQ(names_in("/sys/class/net"), interfaces);
  EXPECT_EQ(read_text("/proc/self/mountinfo"), mount_table);
  EXPECT_FALSE(fs::exists("/run/lab"));
}

}  // namespace
}  // namespace kadwire::lab
