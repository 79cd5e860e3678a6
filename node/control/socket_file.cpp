#include "node/control/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

namespace kadwire::control {
namespace {

using node::UniqueFd;
using std::filesystem::path;

/// Clients come one at a time and are answered at once; this is room for a burst of scripts.
constexpr int kBacklog = 64;
/// Another daemon holds the folder's lock for microseconds; 100 tries of 10 ms outlast any.
constexpr int kLockAttemptsMax = 100;
constexpr auto kLockPause = std::chrono::milliseconds(10);

tl::unexpected<Failure> failure(std::string message) {
  return tl::unexpected(Failure{std::move(message)});
}

tl::unexpected<Failure> system_failure(std::string_view task, const path& at) {
  const int error = errno;
  return failure(fmt::format("cannot {} {}: {}", task, at.string(), std::strerror(error)));
}

sockaddr_un address_of(const path& at) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  at.string().copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Held while a stale socket is looked at and replaced, so that two daemons that start together
/// cannot remove each other's. Released when the descriptor closes.
tl::expected<UniqueFd, Failure> lock_folder(const path& folder) {
  const bool root = ::geteuid() == 0;
  const mode_t mode = root ? 0755 : 0700;
  if (::mkdir(folder.c_str(), mode) == 0) {
    ::chmod(folder.c_str(), mode);  // whatever the umask took away
  } else if (errno != EEXIST) {
    return system_failure("create the folder", folder);
  }
  UniqueFd descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) return system_failure("open the folder", folder);
  for (int attempt = 0; attempt < kLockAttemptsMax; ++attempt) {
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return descriptor;
    std::this_thread::sleep_for(kLockPause);
  }
  return failure(fmt::format("another process holds a lock on {}", folder.string()));
}

/// Removes a socket that nobody listens on; fails, touching nothing, for whatever else is there.
tl::expected<void, Failure> clear_stale_socket(const path& at) {
  struct stat status {};
  if (::lstat(at.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_failure("look at", at);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return failure(
        fmt::format("{} exists and is not a socket; it was left alone: remove it or "
                    "choose another --socket-path",
                    at.string()));
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return system_failure("make a socket for", at);
  const sockaddr_un address = address_of(at);
  const bool refused =
      ::connect(probe.get(), as_sockaddr(address), sizeof address) != 0 && errno == ECONNREFUSED;
  if (!refused) {
    return failure(fmt::format("another daemon already listens at {}", at.string()));
  }
  if (::unlink(at.c_str()) != 0) return system_failure("remove the stale socket", at);
  return {};
}

/// A listening socket at `at`, which does not exist yet.
tl::expected<UniqueFd, Failure> bind_private(const path& at) {
  UniqueFd descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) return system_failure("make a socket for", at);
  // Linux gives the file the mode of the socket it is bound to, so it is private from its first
  // moment, without a umask that all threads would share.
  if (::fchmod(descriptor.get(), 0600) != 0) return system_failure("protect the socket", at);
  const sockaddr_un address = address_of(at);
  if (::bind(descriptor.get(), as_sockaddr(address), sizeof address) != 0) {
    return system_failure("create the socket", at);
  }
  if (::listen(descriptor.get(), kBacklog) != 0) return system_failure("listen at", at);
  return descriptor;
}

}  // namespace

tl::expected<void, Failure> check_socket_path(const path& at) {
  constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un{}.sun_path) - 1;
  if (!at.has_filename()) return failure("the socket path must name a file");
  if (at.string().size() <= kPathBytesMax) return {};
  return failure(fmt::format("the socket path has {} bytes, and the system allows {}",
                             at.string().size(), kPathBytesMax));
}

tl::expected<SocketFile, Failure> SocketFile::listen(const path& at) {
  if (const auto fits = check_socket_path(at); !fits) return tl::unexpected(fits.error());
  const auto lock = lock_folder(at.has_parent_path() ? at.parent_path() : path("."));
  if (!lock) return tl::unexpected(lock.error());
  if (const auto cleared = clear_stale_socket(at); !cleared) {
    return tl::unexpected(cleared.error());
  }
  auto descriptor = bind_private(at);
  if (!descriptor) return tl::unexpected(descriptor.error());
  struct stat status {};
  if (::lstat(at.c_str(), &status) != 0) return system_failure("look at", at);
  SocketFile file;
  file.path_ = at;
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  file.descriptor_ = std::move(*descriptor);
  return file;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      descriptor_(std::move(other.descriptor_)) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  descriptor_ = std::move(other.descriptor_);
  return *this;
}

SocketFile::~SocketFile() {
  remove();
}

void SocketFile::remove() {
  if (path_.empty()) return;
  struct stat status {};
  const bool ours =
      ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

}  // namespace kadwire::control
