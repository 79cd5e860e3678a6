#pragma once

/// The command line's end of the daemon's socket: finding it, and asking one question. Blocking.

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "node/base/time.h"
#include "node/control/failure.h"

namespace kadwire::control {

/// A healthy daemon answers in under a millisecond; nobody wants to wait longer for a sick one.
inline constexpr Duration kRpcPatience = 3s;

/// What somebody said about the daemon they mean. The first that is set decides.
struct SocketChoice {
  std::optional<std::filesystem::path> path;              ///< --socket-path
  std::optional<std::string> interface;                   ///< --interface
  std::optional<std::filesystem::path> environment_path;  ///< KADWIRE_SOCKET
};

/// The chosen socket, or the only *.sock in `folder`. Fails if nothing was chosen and there is
/// none, or several, which are listed. Does not look whether anybody listens.
[[nodiscard]] tl::expected<std::filesystem::path, Failure> find_socket(
    const SocketChoice& choice, const std::filesystem::path& folder);

/// The result of one method. Fails if nobody listens, the socket may not be used, the whole
/// exchange takes longer than `patience`, or the daemon answers with an error, whose message is
/// given.
[[nodiscard]] tl::expected<nlohmann::json, Failure> call_daemon(const std::filesystem::path& socket,
                                                                std::string_view method,
                                                                const nlohmann::json& params,
                                                                Duration patience = kRpcPatience);

}  // namespace kadwire::control
