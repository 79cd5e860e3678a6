#pragma once

/// The file system's end of a daemon's control socket: made private, guarded against other daemons
/// and foreign files, removed when done. Not here: what is said over it (rpc_server.h).

#include <sys/types.h>

#include <filesystem>

#include <tl/expected.hpp>

#include "node/adapters/unique_fd.h"
#include "node/control/failure.h"

namespace kadwire::control {

/// Where a daemon's socket is unless it is told otherwise: <folder>/<interface>.sock.
inline constexpr const char* kSocketFolder = "/run/kadwire";

class SocketFile {
 public:
  /// Binds and listens at `path`. The file has mode 0600 from the moment it exists. Its folder is
  /// made if it is missing (one level; 0755 for root, else 0700). A socket that nobody listens on
  /// is replaced; refused and left alone are a socket that somebody listens on, and anything else.
  [[nodiscard]] static tl::expected<SocketFile, Failure> listen(const std::filesystem::path& path);

  /// The listening stream socket, non-blocking; the caller owns it from now on. Called once.
  [[nodiscard]] node::UniqueFd take_descriptor() { return std::move(descriptor_); }

  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  /// Removes the file unless another one has taken its place.
  ~SocketFile();

 private:
  SocketFile() = default;
  void remove();
  std::filesystem::path path_;  ///< empty: moved from
  dev_t device_ = 0;
  ino_t inode_ = 0;
  node::UniqueFd descriptor_;
};

/// Whether `path` fits into a socket address, and a sentence about it if not.
[[nodiscard]] tl::expected<void, Failure> check_socket_path(const std::filesystem::path& path);

}  // namespace kadwire::control
