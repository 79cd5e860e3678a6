#pragma once

/// A cell: PID, mount and network namespaces of its own, in which the lab lives whole. Its first
/// process dies with the program that made it, by whatever means that ends, and with the first
/// process go all others, and with them every namespace, interface, mount and file of the lab.
/// Nothing of the machine's own network or file system is touched.
///
/// In a cell /run is an empty tmpfs and /proc shows the cell's processes only.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace kadwire::lab {

/// Where a cell keeps a view of the machine's own /proc.
inline constexpr const char* kOuterProc = "/run/outer-proc";

/// The exit code of run_in_cell() when the cell could not be made.
inline constexpr int kCellFailed = 125;

/// Why no lab can run here (not root, no TUN, a program missing), in one sentence; nullopt: it can.
[[nodiscard]] std::optional<std::string> lab_obstacle();

/// Runs `body` as a process in a fresh cell and waits for it. Returns what `body` returned, or
/// 128 + signal if a signal ended it; SIGINT, SIGTERM and SIGHUP end the whole cell at once.
/// To be called by a program with one thread.
[[nodiscard]] int run_in_cell(const std::function<int()>& body);

/// The calling process's number as the machine outside of the cell sees it; nullopt outside a cell.
[[nodiscard]] std::optional<pid_t> outer_pid();

}  // namespace kadwire::lab
