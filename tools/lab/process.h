#pragma once

/// A program that the lab runs, in the core or in a host, with its output kept in a file.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "node/base/time.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {

struct ProcessOptions {
  std::vector<std::string> argv;           ///< argv[0] is looked up in PATH unless it has a slash
  std::vector<std::string> environment{};  ///< "NAME=VALUE", in addition to our own
  std::filesystem::path output;            ///< its stdout and stderr are appended here
  int host_pidfd = -1;                     ///< of the process whose namespaces it enters; -1: ours
};

/// Owns the process: a destroyed Process is killed and buried.
class Process {
 public:
  [[nodiscard]] static Expected<Process> spawn(const ProcessOptions& options);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The moment before it was started.
  [[nodiscard]] TimePoint spawned() const { return spawned_; }
  /// False once it ended.
  [[nodiscard]] bool running();
  /// How it ended, as a shell would say: its exit code, or 128 + signal; nullopt: it runs.
  [[nodiscard]] std::optional<int> exit_code();
  /// Waits for its end, at most this long; nullopt: it runs on.
  std::optional<int> wait(Duration at_most);
  /// Sends a signal; none if it ended.
  void signal(int number);
  /// SIGTERM, `patience`, SIGKILL. The exit code.
  int stop(Duration patience);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

 private:
  Process(pid_t pid, TimePoint spawned) : pid_(pid), spawned_(spawned) {}
  void end();
  pid_t pid_ = -1;  ///< -1: moved away
  TimePoint spawned_;
  std::optional<int> exit_code_;
};

/// Runs to its end; an error carries the command and what it printed.
[[nodiscard]] Expected<void> run_command(const ProcessOptions& options);

/// The whole file as text; empty if it cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
[[nodiscard]] Expected<void> write_text(const std::filesystem::path& path, const std::string& text,
                                        mode_t mode = 0644);

}  // namespace kadwire::lab
