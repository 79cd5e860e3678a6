#include "node/adapters/wireguard_go_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}

namespace kadwire::node {
namespace {

/// After SIGKILL: the kernel takes the tunnel down within milliseconds.
constexpr auto kKillPatience = std::chrono::milliseconds(500);
/// For a daemon that was started without PATH.
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin";

std::optional<std::string> find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    return access(program.c_str(), X_OK) == 0 ? std::optional(program) : std::nullopt;
  }
  const char* path_variable = std::getenv("PATH");
  std::string_view rest = path_variable != nullptr ? path_variable : kDefaultPath;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::string candidate(folder);
    candidate.append("/").append(program);
    if (folder.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

/// How the child begins: streams, descriptors, signals and process group.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

DeviceError cannot_start(std::string_view what, int error) {
  std::string message = "wireguard-go cannot be started: ";
  message.append(what).append(": ").append(std::strerror(error)).append(".");
  return {std::move(message)};
}

/// True if the process lives in our network namespace.
bool shares_network_namespace(pid_t pid) {
  struct stat ours, theirs;
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  return stat("/proc/thread-self/ns/net", &ours) == 0 && stat(path.c_str(), &theirs) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

}  // namespace

std::string uapi_socket_path(const std::string& interface) {
  return "/var/run/wireguard/" + interface + ".sock";
}

tl::expected<WireguardGoProcess, DeviceError> WireguardGoProcess::spawn(
    const std::string& program, const std::string& interface) {
  const auto found = find_program(program);
  if (!found) {
    return tl::unexpected(
        DeviceError{program + " was not found; install it with: apt-get install wireguard-go"});
  }
  const SpawnSettings settings;
  std::string path = *found;
  std::string foreground = "-f";
  std::string name = interface;
  std::array<char*, 4> arguments{path.data(), foreground.data(), name.data(), nullptr};
  // Without the first, wireguard-go refuses to run where the kernel has WireGuard of its own.
  std::string consent = "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1";
  std::string log_level = "LOG_LEVEL=error";
  std::array<char*, 3> environment{consent.data(), log_level.data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), &settings.actions, &settings.attributes,
                                arguments.data(), environment.data());
  if (error != 0) return tl::unexpected(cannot_start(path, error));
  UniqueFd pidfd(pidfd_open(pid, 0));  // no race: the child's number is taken until it is reaped
  if (!pidfd) {
    const DeviceError reason = cannot_start("pidfd_open", errno);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return tl::unexpected(reason);
  }
  return WireguardGoProcess(pid, std::move(pidfd), true);
}

tl::expected<WireguardGoProcess, DeviceError> WireguardGoProcess::behind(int uapi_socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(uapi_socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 ||
      credentials.pid <= 0) {
    return tl::unexpected(
        DeviceError{"The process behind the interface's control socket cannot be seen from here."});
  }
  UniqueFd pidfd(pidfd_open(credentials.pid, 0));
  if (!pidfd) {
    return tl::unexpected(
        DeviceError{"The process behind the interface's control socket has ended."});
  }
  if (!shares_network_namespace(credentials.pid)) {
    return tl::unexpected(DeviceError{"The interface's control socket is in use by process " +
                                      std::to_string(credentials.pid) +
                                      " of another network namespace."});
  }
  return WireguardGoProcess(credentials.pid, std::move(pidfd), false);
}

bool WireguardGoProcess::wait_for_end(std::chrono::milliseconds limit) const {
  pollfd entry{pidfd_.get(), POLLIN, 0};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = poll(&entry, 1, static_cast<int>(std::max(left.count(), 0L)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool WireguardGoProcess::has_ended() const {
  return wait_for_end(std::chrono::milliseconds(0));
}

std::string WireguardGoProcess::reap() {
  int status = 0;
  if (!is_child_ || waitpid(pid_, &status, WNOHANG) != pid_) return "ended";
  is_child_ = false;
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

bool WireguardGoProcess::stop(std::chrono::milliseconds patience) {
  pidfd_send_signal(pidfd_.get(), SIGTERM, nullptr, 0);
  const bool by_itself = wait_for_end(patience);
  if (!by_itself) {
    pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
    (void)wait_for_end(kKillPatience);
  }
  (void)reap();
  return by_itself;
}

}  // namespace kadwire::node
