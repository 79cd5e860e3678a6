#pragma once

/// JSON-RPC 2.0 over lines: one request in, one answer out. Pure: no socket, no clock.
/// Specification: https://www.jsonrpc.org/specification. Deviation: batches (§6) are refused with
/// -32600, so that one line costs one bounded answer. Methods and fields: README.md of this folder.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "node/node_inspector.h"

namespace kadwire::control {

/// The longest request in use is about 150 bytes; this leaves room for any id a client likes.
inline constexpr std::size_t kRequestBytesMax = 64 * 1024;
/// The deepest request in use has 2 levels; a parser need not follow anyone much further.
inline constexpr int kRequestDepthMax = 16;
/// Room for a few thousand peers of about 700 bytes each.
inline constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

enum class RpcErrorCode : int {
  kParseError = -32700,      ///< not JSON, or not UTF-8; the id is null
  kInvalidRequest = -32600,  ///< JSON, but no single request of version 2.0
  kMethodNotFound = -32601,
  kInvalidParams = -32602,  ///< missing, unknown or useless, as a peer that does not exist
  kInternalError = -32603,  ///< the answer would exceed kAnswerBytesMax
};

/// The answer to one request line, both without a newline; nullopt for a notification, which gets
/// none. `line` may hold anything.
[[nodiscard]] std::optional<std::string> answer_request(std::string_view line,
                                                        node::NodeInspector& inspector);

/// The answer to a line that was not even looked at, as one above kRequestBytesMax. `id` is null.
[[nodiscard]] std::string refuse_request(RpcErrorCode code, std::string_view reason);

}  // namespace kadwire::control
