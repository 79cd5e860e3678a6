#pragma once

/// One request and its reply over a UAPI socket, with a connection of its own: nothing is left half
/// read for the next one. Private to the adapters (it brings asio's coroutines along).

#include <asio/awaitable.hpp>

#include <chrono>
#include <string>

#include <tl/expected.hpp>

#include "node/adapters/uapi_codec.h"
#include "node/adapters/unique_fd.h"

namespace kadwire::node {

/// WireGuard answers within a few milliseconds; a process that takes longer is stopped or wedged.
inline constexpr auto kUapiTimeout = std::chrono::seconds(2);

/// Half a sentence: why there is no reply.
struct UapiFailure {
  std::string reason;
};

/// Connects to the socket at `path` at once or not at all; the error is errno's value.
[[nodiscard]] tl::expected<UniqueFd, int> connect_uapi(const std::string& path);

/// Sends `request` and reads the whole reply, at most kUapiReplyBytesMax, within kUapiTimeout.
/// Runs on the awaiting coroutine's executor.
[[nodiscard]] asio::awaitable<tl::expected<WipedText, UapiFailure>> exchange(std::string path,
                                                                             WipedText request);
/// The same for a set request: errno's value of the reply.
[[nodiscard]] asio::awaitable<tl::expected<int, UapiFailure>> exchange_set(std::string path,
                                                                           WipedText request);
/// Asks for the whole device; a reply with an errno is a failure.
[[nodiscard]] asio::awaitable<tl::expected<UapiDevice, UapiFailure>> exchange_get(std::string path);

}  // namespace kadwire::node
