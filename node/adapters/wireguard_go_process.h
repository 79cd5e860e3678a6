#pragma once

/// A wireguard-go process: started by us, or found behind its UAPI socket. Watched and signalled
/// through a pidfd, so a process that took over its number is never meant.

#include <sys/types.h>

#include <chrono>
#include <string>

#include <tl/expected.hpp>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {

/// One clear sentence: what is wrong and what to do.
struct DeviceError {
  std::string message;
};

/// Where wireguard-go puts the UAPI socket of an interface.
[[nodiscard]] std::string uapi_socket_path(const std::string& interface);

/// Owns the watch over the process, not its life: destroying this object lets it run on.
class WireguardGoProcess {
 public:
  /// Starts `program` (a name to find in PATH, or a path) for `interface`: in a process group of
  /// its own, so that Ctrl-C ends the daemon first; with an environment of its own, so that no
  /// secret in ours is handed on; without standard streams.
  [[nodiscard]] static tl::expected<WireguardGoProcess, DeviceError> spawn(
      const std::string& program, const std::string& interface);
  /// The process at the other end of a connected UAPI socket. An error if it cannot be seen from
  /// here or lives in another network namespace.
  [[nodiscard]] static tl::expected<WireguardGoProcess, DeviceError> behind(int uapi_socket);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Becomes readable when the process ends. Owned by this object.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  [[nodiscard]] bool has_ended() const;
  /// Collects a child that has ended, and says how: "was killed by signal 9", "exited with status
  /// 1", or "ended" for a process that is not our child.
  [[nodiscard]] std::string reap();
  /// SIGTERM, then after `patience` SIGKILL. Waits until the process has ended; true if it did so
  /// by itself. Blocks for at most `patience` and a little more.
  bool stop(std::chrono::milliseconds patience);

 private:
  WireguardGoProcess(pid_t pid, UniqueFd pidfd, bool is_child)
      : pid_(pid), pidfd_(std::move(pidfd)), is_child_(is_child) {}
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds limit) const;

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  bool is_child_ = false;
};

}  // namespace kadwire::node
