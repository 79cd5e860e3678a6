#include "node/control/rpc_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <set>
#include <string>

#include "node/control/json_rpc.h"
#include "node/control/socket_file.h"

namespace kadwire::control {
namespace {

using Protocol = asio::local::stream_protocol;
using Timer = asio::steady_timer;
struct Session;

/// After a failed accept (no descriptors left, say) the next attempt waits this long.
constexpr auto kAcceptPause = 100ms;

auto into(asio::error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

/// The peer's user, as the kernel vouches for it, is ours or root.
bool may_ask(Protocol::socket& client) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const int result = ::getsockopt(client.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return result == 0 && (peer.uid == 0 || peer.uid == ::geteuid());
}

/// What the server and its clients share; outlives the server while asio still holds a handler.
struct Service {
  Service(asio::io_context& io, SocketFile socket_file, node::NodeInspector& node_inspector,
          RpcServerLimits server_limits)
      : file(std::move(socket_file)),
        acceptor(io, Protocol{}, file.take_descriptor().release()),
        pause(io),
        inspector(node_inspector),
        limits(server_limits) {}

  SocketFile file;
  Protocol::acceptor acceptor;
  Timer pause;
  node::NodeInspector& inspector;  ///< not to be asked once `stopped`
  RpcServerLimits limits;
  std::set<Session*> sessions;  ///< at most limits.clients_max
  bool stopped = false;
};

/// One client, owned by the two coroutines that serve and time it.
struct Session {
  Session(Protocol::socket client, std::shared_ptr<Service> its_service)
      : service(std::move(its_service)),
        socket(std::move(client)),
        deadline(socket.get_executor()) {
    service->sessions.insert(this);
    be_patient();
  }
  ~Session() { service->sessions.erase(this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void be_patient() {
    deadline.expires_after(std::chrono::duration_cast<Timer::duration>(service->limits.patience));
  }
  void close() {
    asio::error_code ignored;
    socket.close(ignored);
    deadline.cancel();
  }

  std::shared_ptr<Service> service;
  Protocol::socket socket;
  Timer deadline;
};

/// Reads one line into `line`, without its newline. False once the client is gone, or gave a line
/// beyond the limit, which it is told.
asio::awaitable<bool> read_request(Session& session, std::string& buffer, std::string& line) {
  asio::error_code error;
  const std::size_t size = co_await asio::async_read_until(
      session.socket, asio::dynamic_buffer(buffer, kRequestBytesMax + 1), '\n', into(error));
  if (error == asio::error::not_found) {
    const std::string refusal =
        refuse_request(RpcErrorCode::kInvalidRequest, "the line is too long") + "\n";
    co_await asio::async_write(session.socket, asio::buffer(refusal), into(error));
    co_return false;
  }
  if (error) co_return false;
  line.assign(buffer, 0, size - 1);
  buffer.erase(0, size);
  co_return true;
}

asio::awaitable<void> serve(std::shared_ptr<Session> session) {
  std::string buffer, line;
  asio::error_code error;
  while (co_await read_request(*session, buffer, line)) {
    if (session->service->stopped) break;
    session->be_patient();
    auto answer = answer_request(line, session->service->inspector);
    if (!answer) continue;
    answer->push_back('\n');
    co_await asio::async_write(session->socket, asio::buffer(*answer), into(error));
    if (error) break;
    session->be_patient();
  }
  session->close();
}

/// Closes the session when its deadline passes; every new deadline cancels one wait.
asio::awaitable<void> watch(std::shared_ptr<Session> session) {
  asio::error_code error;
  while (session->socket.is_open()) {
    co_await session->deadline.async_wait(into(error));
    if (session->deadline.expiry() <= Timer::clock_type::now()) session->close();
  }
}

void admit(const std::shared_ptr<Service>& service, Protocol::socket client) {
  if (!may_ask(client)) return;
  if (service->sessions.size() >= service->limits.clients_max) {
    const std::string refusal =
        refuse_request(RpcErrorCode::kInternalError, "too many clients; try again later") + "\n";
    asio::error_code ignored;
    client.non_blocking(true, ignored);
    client.write_some(asio::buffer(refusal), ignored);
    return;
  }
  const auto session = std::make_shared<Session>(std::move(client), service);
  const auto executor = session->socket.get_executor();
  asio::co_spawn(executor, serve(session), asio::detached);
  asio::co_spawn(executor, watch(session), asio::detached);
}

asio::awaitable<void> accept_clients(std::shared_ptr<Service> service) {
  asio::error_code error;
  while (!service->stopped) {
    Protocol::socket client = co_await service->acceptor.async_accept(into(error));
    if (!error) {
      admit(service, std::move(client));
    } else if (!service->stopped) {
      service->pause.expires_after(kAcceptPause);
      co_await service->pause.async_wait(into(error));
    }
  }
}

}  // namespace

struct RpcServer::State final : Service {
  using Service::Service;
};

tl::expected<std::unique_ptr<RpcServer>, Failure> RpcServer::open(
    asio::io_context& io, const std::filesystem::path& socket_path, node::NodeInspector& inspector,
    RpcServerLimits limits) {
  auto file = SocketFile::listen(socket_path);
  if (!file) return tl::unexpected(file.error());
  auto state = std::make_shared<State>(io, std::move(*file), inspector, limits);
  asio::co_spawn(io, accept_clients(state), asio::detached);
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(state)));
}

RpcServer::RpcServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

RpcServer::~RpcServer() {
  state_->stopped = true;
  // While the socket is open its inode cannot be given to another file, so the file goes first.
  { const SocketFile removed = std::move(state_->file); }
  asio::error_code ignored;
  state_->acceptor.close(ignored);
  state_->pause.cancel();
  for (Session* session : state_->sessions) session->close();
}

}  // namespace kadwire::control
