#include "tools/lab/cell.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "node/adapters/unique_fd.h"

namespace kadwire::lab {
namespace {

/// Dies as a shell would report it: 128 + signal.
int exit_code_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/// fork() into new namespaces. Not unshare(): the caller stays where it is.
pid_t fork_into_cell() {
  constexpr unsigned long kFlags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone, kFlags, nullptr, nullptr, nullptr, 0UL));
}

/// Asks the kernel to kill this process when its parent ends. The parent may already be gone; then
/// nobody holds the other end of `alive` any more.
bool die_with_parent(const node::UniqueFd& alive) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  pollfd parent{.fd = alive.get(), .events = POLLIN, .revents = 0};
  return ::poll(&parent, 1, 0) == 0;
}

bool prepare_file_system() {
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0 &&
         ::mkdir(kOuterProc, 0755) == 0 &&
         ::mount("/proc", kOuterProc, nullptr, MS_BIND, nullptr) == 0 &&
         ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
}

/// The first process of the cell: starts `body`, buries orphans, and ends with `body`.
[[noreturn]] void run_init(const node::UniqueFd& alive, const std::function<int()>& body,
                           const sigset_t& signals) {
  if (!die_with_parent(alive)) ::_exit(kCellFailed);
  if (!prepare_file_system()) {
    std::fprintf(stderr, "lab: cannot prepare the cell's file system: %s\n", std::strerror(errno));
    ::_exit(kCellFailed);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::sigprocmask(SIG_SETMASK, &signals, nullptr);
    std::exit(body());
  }
  if (child < 0) ::_exit(kCellFailed);
  ::prctl(PR_SET_NAME, "lab-init");
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended == child) ::_exit(exit_code_of(status));
    if (ended < 0 && errno != EINTR) ::_exit(kCellFailed);
  }
}

/// Waits until the cell ended. A signal meant for us ends it first.
int guard_cell(pid_t init, const sigset_t& watched) {
  int caught = 0;
  for (;;) {
    int status = 0;
    if (::waitpid(init, &status, WNOHANG) == init) {
      return caught != 0 ? 128 + caught : exit_code_of(status);
    }
    const int signal = ::sigwaitinfo(&watched, nullptr);
    if (signal > 0 && signal != SIGCHLD) {
      caught = signal;
      ::kill(init, SIGKILL);
    }
  }
}

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string folder = rest.substr(0, colon);
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return false;
}

/// Root in a container may lack the right to make namespaces: only trying tells.
bool may_make_namespaces() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS) == 0 ? 0 : 1);
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

std::optional<std::string> lab_obstacle() {
  if (::geteuid() != 0) return "the lab needs root (it makes network namespaces): use sudo";
  if (!node::UniqueFd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC))) {
    return std::string("the lab needs /dev/net/tun: ") + std::strerror(errno) +
           " (try: modprobe tun)";
  }
  if (!in_path("ip")) return "the lab needs the command ip: apt-get install iproute2";
  if (!in_path("nft")) return "the lab needs the command nft: apt-get install nftables";
  if (!in_path("conntrack"))
    return "the lab needs the command conntrack: apt-get install conntrack";
  if (!in_path("wireguard-go")) return "the lab needs wireguard-go: apt-get install wireguard-go";
  if (!may_make_namespaces()) {
    return "the lab may not make namespaces here (it needs CAP_SYS_ADMIN)";
  }
  return std::nullopt;
}

int run_in_cell(const std::function<int()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return kCellFailed;
  node::UniqueFd alive_here(ends[1]);
  node::UniqueFd alive_there(ends[0]);

  sigset_t watched;
  sigset_t before;
  ::sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  std::fflush(nullptr);  // or the child would print our buffers a second time

  const pid_t init = fork_into_cell();
  if (init == 0) {
    alive_here.reset();
    run_init(alive_there, body, before);
  }
  if (init < 0) {
    std::fprintf(stderr, "lab: cannot make a cell: %s\n", std::strerror(errno));
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return kCellFailed;
  }
  const int code = guard_cell(init, watched);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return code;
}

std::optional<pid_t> outer_pid() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink(std::string(kOuterProc) + "/self", error);
  if (error) return std::nullopt;
  return static_cast<pid_t>(std::atoi(self.c_str()));
}

}  // namespace kadwire::lab
