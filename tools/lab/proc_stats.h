#pragma once

/// What Linux tells of processes and interfaces under /proc: pure readers of its text formats, and
/// the few functions that fetch the text. All of it as seen from inside the cell.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kadwire::lab {

struct ProcessUsage {
  pid_t pid = 0;
  std::string name;  ///< as the kernel has it: at most 15 characters
  std::uint64_t resident_bytes = 0;
  std::chrono::milliseconds cpu{0};  ///< user and system time since its start
};

struct InterfaceCounters {
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_packets = 0;
  std::uint64_t tx_packets = 0;
};

/// /proc/PID/stat; ticks are of `ticks_per_second`, pages of `page_bytes`. nullopt: not that
/// format.
[[nodiscard]] std::optional<ProcessUsage> parse_process_stat(std::string_view stat,
                                                             std::uint64_t ticks_per_second,
                                                             std::uint64_t page_bytes);
/// One interface's line of /proc/net/dev; nullopt: there is no such interface.
[[nodiscard]] std::optional<InterfaceCounters> parse_net_dev(std::string_view table,
                                                             std::string_view interface);
/// Whether a table in the format of /proc/net/udp or udp6 has a socket bound to this local port.
[[nodiscard]] bool udp_table_has_port(std::string_view table, std::uint16_t port);

/// nullopt: it ended.
[[nodiscard]] std::optional<ProcessUsage> process_usage(pid_t pid);
/// Every process in the same network namespace as `pid`, itself included.
[[nodiscard]] std::vector<pid_t> processes_in_network_of(pid_t pid);

}  // namespace kadwire::lab
