#include "tools/lab/proc_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace kadwire::lab {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kNetDev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
    "    lo:       1       2    0    0    0     0          0         0        3       4    0 0\n"
    "  eth0:    1500      20    0    0    0     0          0         0     3000      40    0 0\n";

TEST(ProcStats, ReadsTimesAndMemoryBehindAHostileName) {
  const auto usage = parse_process_stat(
      "42 (a b) (c) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 12345 1000000 256 "
      "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0",
      100, 4096);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->pid, 42);
  EXPECT_EQ(usage->name, "a b) (c");
  EXPECT_EQ(usage->cpu, 2000ms);
  EXPECT_EQ(usage->resident_bytes, 256U * 4096U);
}

TEST(ProcStats, RefusesWhatIsNoStatLine) {
  for (const std::string_view text : {"", "42", "(x)", "42 (x) S 1 2", ")(", "x (y) S"}) {
    EXPECT_FALSE(parse_process_stat(text, 100, 4096)) << text;
  }
}

TEST(ProcStats, ReadsBothDirectionsOfTheNamedInterface) {
  const auto counters = parse_net_dev(kNetDev, "eth0");
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->rx_bytes, 1500U);
  EXPECT_EQ(counters->rx_packets, 20U);
  EXPECT_EQ(counters->tx_bytes, 3000U);
  EXPECT_EQ(counters->tx_packets, 40U);
  EXPECT_FALSE(parse_net_dev(kNetDev, "eth"));
}

TEST(ProcStats, FindsALocalPortButNotARemoteOne) {
  constexpr std::string_view kTable =
      "  sl  local_address rem_address   st tx_queue\n"
      "  12: 00000000:107E 00000000:22B8 07 00000000:00000000\n";
  EXPECT_TRUE(udp_table_has_port(kTable, 4222));
  EXPECT_FALSE(udp_table_has_port(kTable, 8888));
}

TEST(ProcStats, KnowsItsOwnProcess) {
  const auto usage = process_usage(::getpid());
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->pid, ::getpid());
  EXPECT_GT(usage->resident_bytes, 100'000U);
  const auto neighbours = processes_in_network_of(::getpid());
  EXPECT_NE(std::find(neighbours.begin(), neighbours.end(), ::getpid()), neighbours.end());
}

}  // namespace
}  // namespace kadwire::lab
