#pragma once

/// Answers JSON-RPC requests, a line each, on a Unix socket that only its owner and root may use.
/// Runs on the daemon's event loop; a client that is slow, silent or greedy costs a bounded amount
/// of memory and time and is then dropped. Not here: what the answers say (json_rpc.h).

#include <asio/io_context.hpp>

#include <filesystem>
#include <memory>

#include <tl/expected.hpp>

#include "node/base/time.h"
#include "node/control/failure.h"
#include "node/node_inspector.h"

namespace kadwire::control {

struct RpcServerLimits {
  /// People and a monitoring script or two; each holds at most one request and one answer.
  std::size_t clients_max = 32;
  /// How long a client may take to finish its next request, or to accept an answer.
  Duration patience = 60s;
};

class RpcServer {
 public:
  /// Listens from now on; see SocketFile::listen for what makes it fail. `io` and `inspector`
  /// outlive the server. Not thread-safe: everything happens on the thread that runs `io`.
  [[nodiscard]] static tl::expected<std::unique_ptr<RpcServer>, Failure> open(
      asio::io_context& io, const std::filesystem::path& socket_path,
      node::NodeInspector& inspector, RpcServerLimits limits = {});

  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;
  /// Drops every client and removes the socket file if it is still ours.
  ~RpcServer();

 private:
  struct State;
  explicit RpcServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  ///< shared with handlers that asio still holds after the end
};

}  // namespace kadwire::control
