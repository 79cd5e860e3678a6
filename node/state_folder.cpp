#include "node/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace kadwire::node {
namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kOthersMask = 0077;

using Result = tl::expected<void, std::error_code>;

tl::unexpected<std::error_code> last_error() {
  return tl::unexpected(std::error_code(errno, std::system_category()));
}

tl::unexpected<std::error_code> failure(std::errc error) {
  return tl::unexpected(std::make_error_code(error));
}

Result write_all(int file, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// Fills `out`; errc::io_error if the file ends before.
Result read_all(int file, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = ::read(file, out.data(), out.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return last_error();
    if (count == 0) return failure(std::errc::io_error);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

/// A new file of ours and no other's, its content on the disk when this returns.
Result write_new_file(int folder, const std::string& name, std::span<const ByteView> parts) {
  const UniqueFd file(::openat(folder, name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file) return last_error();
  // The umask may have taken bits away from the mode that open was given.
  if (::fchmod(file.get(), kFileMode) != 0) return last_error();
  for (const ByteView part : parts) {
    if (auto written = write_all(file.get(), part); !written) return written;
  }
  if (::fsync(file.get()) != 0) return last_error();
  return {};
}

Result ensure_folder(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (error) return tl::unexpected(error);
  if (::mkdir(path.c_str(), kFolderMode) == 0) {
    // The umask may have taken bits away, and nothing was in the folder before this moment.
    if (::chmod(path.c_str(), kFolderMode) != 0) return last_error();
  } else if (errno != EEXIST) {
    return last_error();
  }
  return {};
}

}  // namespace

tl::expected<StateFolder, std::error_code> StateFolder::open(const std::filesystem::path& given) {
  // "a/b/" would be taken for a folder without a name inside "a/b".
  const std::filesystem::path path = given.has_filename() ? given : given.parent_path();
  if (auto ready = ensure_folder(path); !ready) return tl::unexpected(ready.error());
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return last_error();
  struct stat status {};
  if (::fstat(folder.get(), &status) != 0) return last_error();
  if (status.st_uid != ::geteuid() || (status.st_mode & kOthersMask) != 0) {
    return failure(std::errc::permission_denied);
  }
  return StateFolder(std::move(folder));
}

tl::expected<UniqueFd, std::error_code> StateFolder::lock() const {
  UniqueFd file(
      ::openat(folder_.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return last_error();
  return file;
}

tl::expected<std::optional<crypto::SecretBytes>, std::error_code> StateFolder::read(
    const std::string& name, std::size_t size_max, bool secret) const {
  // O_NONBLOCK: opening a pipe that someone put here must not hang the daemon.
  const UniqueFd file(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return last_error();
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return last_error();
  if (!S_ISREG(status.st_mode)) return failure(std::errc::invalid_argument);
  if (secret && (status.st_mode & kOthersMask) != 0) return failure(std::errc::permission_denied);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > size_max) return failure(std::errc::file_too_large);
  crypto::SecretBytes content(size);
  if (auto done = read_all(file.get(), content.writable()); !done) {
    return tl::unexpected(done.error());
  }
  return content;
}

Result StateFolder::write(const std::string& name, std::span<const ByteView> parts) const {
  const std::string temporary = name + ".new";
  // Left behind by a crash: never renamed, so never valid.
  ::unlinkat(folder_.get(), temporary.c_str(), 0);
  auto result = write_new_file(folder_.get(), temporary, parts);
  if (result) result = rename(temporary, name);
  if (!result) ::unlinkat(folder_.get(), temporary.c_str(), 0);
  return result;
}

bool StateFolder::exists(const std::string& name) const {
  return ::faccessat(folder_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result StateFolder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0) return last_error();
  if (::fsync(folder_.get()) != 0) return last_error();
  return {};
}

}  // namespace kadwire::node
