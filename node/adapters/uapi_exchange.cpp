#include "node/adapters/uapi_exchange.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

namespace kadwire::node {
namespace {

/// Some forty peers' worth of a reply at a time.
constexpr std::size_t kPieceBytes = 16384;

using Socket = asio::local::stream_protocol::socket;

/// Cancels what is pending on the socket once the time is over.
class Deadline {
 public:
  Deadline(Socket& socket, std::chrono::nanoseconds limit) : timer_(socket.get_executor(), limit) {
    timer_.async_wait([&socket, state = state_](const std::error_code& error) {
      if (error || state->withdrawn) return;
      state->passed = true;
      std::error_code ignored;
      socket.cancel(ignored);
    });
  }
  ~Deadline() { state_->withdrawn = true; }  // its completion may be queued already
  [[nodiscard]] bool passed() const { return state_->passed; }

 private:
  struct State {
    bool passed = false;
    bool withdrawn = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  asio::steady_timer timer_;
};

std::string reason_of(const std::error_code& error, const Deadline& deadline) {
  if (deadline.passed()) return "it did not answer within 2 s";
  return error.message();
}

}  // namespace

tl::expected<UniqueFd, int> connect_uapi(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return tl::unexpected(ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // A Unix socket connects at once, or fails: with EAGAIN if the listener's backlog is full.
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(errno);
  }
  return fd;
}

asio::awaitable<tl::expected<WipedText, UapiFailure>> exchange(std::string path,
                                                               WipedText request) {
  auto connected = connect_uapi(path);
  if (!connected) {
    co_return tl::unexpected(UapiFailure{std::strerror(connected.error())});
  }
  const auto executor = co_await asio::this_coro::executor;
  Socket socket(executor, asio::local::stream_protocol(), connected->release());
  const Deadline deadline(socket, kUapiTimeout);

  std::error_code error;
  co_await asio::async_write(socket, asio::buffer(request),
                             asio::redirect_error(asio::use_awaitable, error));
  WipedText reply;
  WipedText piece(kPieceBytes, '\0');
  while (!error && !is_complete_reply(reply) && reply.size() <= kUapiReplyBytesMax) {
    const std::size_t size = co_await socket.async_read_some(
        asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
    reply.append(piece.data(), size);
  }
  if (error) co_return tl::unexpected(UapiFailure{reason_of(error, deadline)});
  co_return reply;
}

asio::awaitable<tl::expected<int, UapiFailure>> exchange_set(std::string path, WipedText request) {
  const auto reply = co_await exchange(std::move(path), std::move(request));
  if (!reply) co_return tl::unexpected(reply.error());
  const auto error_number = parse_set_reply(*reply);
  if (!error_number) {
    co_return tl::unexpected(UapiFailure{std::string(describe(error_number.error()))});
  }
  co_return *error_number;
}

asio::awaitable<tl::expected<UapiDevice, UapiFailure>> exchange_get(std::string path) {
  WipedText request = encode_get();
  const auto reply = co_await exchange(std::move(path), std::move(request));
  if (!reply) co_return tl::unexpected(reply.error());
  auto device = parse_get_reply(*reply);
  if (!device) co_return tl::unexpected(UapiFailure{std::string(describe(device.error()))});
  if (device->error_number != 0) {
    co_return tl::unexpected(UapiFailure{std::strerror(device->error_number)});
  }
  co_return std::move(*device);
}

}  // namespace kadwire::node
