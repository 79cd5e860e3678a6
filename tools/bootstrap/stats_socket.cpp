#include "tools/bootstrap/stats_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <optional>

#include "node/adapters/unique_fd.h"

namespace kadwire::tools {
namespace {

using asio::local::stream_protocol;
using node::UniqueFd;

StatsError failure(const std::filesystem::path& path, std::string_view what, int error) {
  return {path.string().append(" ").append(what).append(": ").append(std::strerror(error)) + "."};
}

/// nullopt: the path is longer than a Unix socket's may be.
std::optional<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) return std::nullopt;
  text.copy(address.sun_path, text.size());
  return address;
}

template <typename Call>
int with_address(const sockaddr_un& address, Call call) {
  return call(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// 0, or errno's value.
int connect_to(int fd, const sockaddr_un& address) {
  const int result = with_address(address, [fd](const sockaddr* generic, socklen_t length) {
    return ::connect(fd, generic, length);
  });
  return result == 0 ? 0 : errno;
}

UniqueFd new_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/// Makes the path free for a new socket without ever deleting anything but a dead one.
tl::expected<void, StatsError> clear_path(const std::filesystem::path& path,
                                          const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};  // bind says what is wrong, if anything
  if (!S_ISSOCK(status.st_mode)) {
    return tl::unexpected(StatsError{path.string() + " is in the way and is no socket."});
  }
  const UniqueFd probe = new_socket();
  if (connect_to(probe.get(), address) != ECONNREFUSED) {
    return tl::unexpected(StatsError{path.string() + " belongs to another running process."});
  }
  if (::unlink(path.c_str()) != 0) {
    return tl::unexpected(failure(path, "cannot be replaced", errno));
  }
  return {};
}

/// Bound and listening, 0600 from the moment it exists.
tl::expected<UniqueFd, StatsError> listen_at(const std::filesystem::path& path,
                                             const sockaddr_un& address) {
  UniqueFd fd = new_socket();
  if (!fd) return tl::unexpected(failure(path, "cannot be made", errno));
  const mode_t before = ::umask(0177);
  const int bound = with_address(address, [&](const sockaddr* generic, socklen_t length) {
    return ::bind(fd.get(), generic, length);
  });
  const int error = errno;
  ::umask(before);
  if (bound != 0) return tl::unexpected(failure(path, "cannot be bound", error));
  if (::listen(fd.get(), kStatsReadersMax) != 0) {
    return tl::unexpected(failure(path, "cannot be listened on", errno));
  }
  return fd;
}

/// One reader: what it is sent, and until when.
struct Reader {
  Reader(stream_protocol::socket accepted, std::string what)
      : socket(std::move(accepted)), deadline(socket.get_executor()), text(std::move(what)) {}
  stream_protocol::socket socket;
  asio::steady_timer deadline;
  std::string text;
};

}  // namespace

struct StatsSocket::Shared : std::enable_shared_from_this<Shared> {
  Shared(asio::io_context& context, std::filesystem::path where, Source what)
      : acceptor(context), path(std::move(where)), source(std::move(what)) {}
  void accept_next();
  void serve(stream_protocol::socket socket);

  stream_protocol::acceptor acceptor;
  std::filesystem::path path;
  Source source;
  std::size_t readers = 0;
  bool closed = false;
};

void StatsSocket::Shared::accept_next() {
  acceptor.async_accept(
      [shared = shared_from_this()](const std::error_code& error, stream_protocol::socket socket) {
        if (shared->closed) return;
        if (!error && shared->readers < kStatsReadersMax) shared->serve(std::move(socket));
        shared->accept_next();
      });
}

void StatsSocket::Shared::serve(stream_protocol::socket socket) {
  ++readers;
  const auto reader = std::make_shared<Reader>(std::move(socket), source());
  reader->deadline.expires_after(kStatsPatience);
  reader->deadline.async_wait([reader](const std::error_code& error) {
    std::error_code ignored;
    if (!error) reader->socket.close(ignored);
  });
  asio::async_write(reader->socket, asio::buffer(reader->text),
                    [reader, shared = shared_from_this()](const std::error_code&, std::size_t) {
                      reader->deadline.cancel();
                      --shared->readers;
                    });
}

tl::expected<std::unique_ptr<StatsSocket>, StatsError> StatsSocket::open(
    asio::io_context& context, const std::filesystem::path& path, Source source) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(StatsError{path.string() + " is too long for a socket."});
  if (auto cleared = clear_path(path, *address); !cleared) {
    return tl::unexpected(cleared.error());
  }
  auto fd = listen_at(path, *address);
  if (!fd) return tl::unexpected(fd.error());
  auto shared = std::make_shared<Shared>(context, path, std::move(source));
  shared->acceptor.assign(stream_protocol(), fd->release());
  shared->accept_next();
  return std::unique_ptr<StatsSocket>(new StatsSocket(std::move(shared)));
}

StatsSocket::~StatsSocket() {
  shared_->closed = true;
  std::error_code ignored;
  shared_->acceptor.close(ignored);
  ::unlink(shared_->path.c_str());
}

tl::expected<std::string, StatsError> read_stats(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(StatsError{path.string() + " is too long for a socket."});
  const UniqueFd fd = new_socket();
  const timeval patience{kStatsPatience.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (const int error = connect_to(fd.get(), *address); error != 0) {
    return tl::unexpected(failure(path, "does not answer (is kadwire-bootstrap running?)", error));
  }
  std::string text;
  std::array<char, 4096> part;
  while (text.size() <= kStatsBytesMax) {
    const ssize_t size = ::read(fd.get(), part.data(), part.size());
    if (size == 0) return text;
    if (size < 0) return tl::unexpected(failure(path, "stopped answering", errno));
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  return tl::unexpected(StatsError{path.string() + " says more than kadwire-bootstrap does."});
}

}  // namespace kadwire::tools
