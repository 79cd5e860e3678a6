#pragma once

/// A Unix stream socket that says one text to whoever connects, and ends. The whole protocol:
/// connect, read to the end. Only this user may connect (mode 0600).

#include <asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

namespace kadwire::tools {

/// Readers at once; one more is turned away. People and a monitor or two ask.
inline constexpr std::size_t kStatsReadersMax = 8;
/// A reader that does not read holds a place for no longer.
inline constexpr auto kStatsPatience = std::chrono::seconds(2);
/// More than any text a server here says.
inline constexpr std::size_t kStatsBytesMax = 64 * 1024;

/// One clear sentence.
struct StatsError {
  std::string message;
};

class StatsSocket {
 public:
  using Source = std::function<std::string()>;
  /// A socket that nobody listens on any more is replaced; a living one, or another kind of file,
  /// is an error and stays. `context` outlives this object; `source` is called on its thread.
  [[nodiscard]] static tl::expected<std::unique_ptr<StatsSocket>, StatsError> open(
      asio::io_context& context, const std::filesystem::path& path, Source source);
  /// Removes the file.
  ~StatsSocket();

 private:
  struct Shared;
  explicit StatsSocket(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;  ///< with pending completions, which end when it is closed
};

/// What the server at `path` says. Waits at most kStatsPatience for each part of it.
[[nodiscard]] tl::expected<std::string, StatsError> read_stats(const std::filesystem::path& path);

}  // namespace kadwire::tools
