#pragma once

/// One folder of private files that are written whole: a reader finds the old file or the new one,
/// also after a crash or a full disk. Knows nothing of what the files hold (state_frame) or when
/// they are written (driver). The caller holds the folder's lock while it writes.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include <tl/expected.hpp>

#include "crypto/secret_bytes.h"
#include "node/adapters/unique_fd.h"
#include "node/base/bytes.h"

namespace kadwire::node {

class StateFolder {
 public:
  /// Creates the folder with mode 0700 whatever the umask, and its parents as the system makes
  /// folders. An existing one must be ours alone: a real folder, of this user, closed to all others
  /// (errc::permission_denied if not). It is never changed.
  [[nodiscard]] static tl::expected<StateFolder, std::error_code> open(
      const std::filesystem::path& path);

  /// Takes the lock (flock on the file "lock"), which lasts until the result is closed, also across
  /// a crash of this process. errc::resource_unavailable_try_again: another process has it.
  [[nodiscard]] tl::expected<UniqueFd, std::error_code> lock() const;

  /// The whole file, in memory fit for secrets; nullopt if there is none. Symbolic links are not
  /// followed. errc::file_too_large above `size_max` bytes; errc::permission_denied if `secret` and
  /// others may read it.
  [[nodiscard]] tl::expected<std::optional<crypto::SecretBytes>, std::error_code> read(
      const std::string& name, std::size_t size_max, bool secret) const;

  /// Replaces the file by the parts, one after the other, with mode 0600: a temporary file
  /// ("NAME.new"), fsync, rename, fsync of the folder. On an error the old file is untouched.
  [[nodiscard]] tl::expected<void, std::error_code> write(const std::string& name,
                                                          std::span<const ByteView> parts) const;

  [[nodiscard]] bool exists(const std::string& name) const;
  [[nodiscard]] tl::expected<void, std::error_code> rename(const std::string& from,
                                                           const std::string& to) const;

 private:
  explicit StateFolder(UniqueFd folder) : folder_(std::move(folder)) {}
  UniqueFd folder_;
};

}  // namespace kadwire::node
