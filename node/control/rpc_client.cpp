#include "node/control/rpc_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "node/adapters/unique_fd.h"
#include "node/control/json_rpc.h"
#include "node/control/socket_file.h"
#include "node/control/text.h"
#include "node/control/view_json.h"

namespace kadwire::control {
namespace {

using nlohmann::json;
using node::UniqueFd;
using std::filesystem::path;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kHowToStart = "start one with: sudo kadwire join";

tl::unexpected<Failure> failure(std::string message) {
  return tl::unexpected(Failure{std::move(message)});
}

tl::unexpected<Failure> connect_failure(const path& socket, int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return failure(
          fmt::format("no kadwire daemon answers at {}; {}", socket.string(), kHowToStart));
    case EACCES:
    case EPERM:
      return failure(
          fmt::format("{} belongs to another user; try again with sudo", socket.string()));
    case EAGAIN:
      return failure(fmt::format("the daemon at {} is too busy", socket.string()));
    default:
      return failure(
          fmt::format("cannot connect to {}: {}", socket.string(), std::strerror(error)));
  }
}

tl::expected<UniqueFd, Failure> connect_to(const path& socket) {
  if (const auto fits = check_socket_path(socket); !fits) return tl::unexpected(fits.error());
  UniqueFd descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) return failure(fmt::format("cannot make a socket: {}", std::strerror(errno)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    return connect_failure(socket, errno);
  }
  return descriptor;
}

/// Waits until the socket is ready for `events`; false when the deadline has passed.
bool wait_for(const UniqueFd& socket, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{socket.get(), events, 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) > 0) return true;
  }
}

tl::unexpected<Failure> no_answer() {
  return failure("the daemon did not answer in time; is it stopped or overloaded?");
}

tl::expected<void, Failure> send_line(const UniqueFd& socket, std::string_view line,
                                      Clock::time_point deadline) {
  while (!line.empty()) {
    if (!wait_for(socket, POLLOUT, deadline)) return no_answer();
    const ssize_t sent = ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      line.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return failure("the daemon closed the connection");
    }
  }
  return {};
}

tl::expected<std::string, Failure> receive_line(const UniqueFd& socket,
                                                Clock::time_point deadline) {
  std::string received;
  std::array<char, 16384> chunk;
  while (received.size() <= kAnswerBytesMax) {
    if (!wait_for(socket, POLLIN, deadline)) return no_answer();
    const ssize_t count = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return failure("the daemon closed the connection");
    const std::string_view news(chunk.data(), static_cast<std::size_t>(count));
    const auto newline = news.find('\n');
    received += news.substr(0, newline);
    if (newline != std::string_view::npos) return received;
  }
  return failure("the daemon's answer is too long");
}

tl::expected<json, Failure> result_of(const std::string& line) {
  const json answer = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return failure("the daemon's answer makes no sense");
  const auto result = answer.find("result");
  if (result != answer.end()) return *result;
  const json::json_pointer where("/error/message");
  const bool explained = answer.contains(where) && answer.at(where).is_string();
  if (!explained) return failure("the daemon's answer makes no sense");
  return failure(printable(answer.at(where).get_ref<const std::string&>()));
}

std::vector<path> sockets_in(const path& folder) {
  std::vector<path> sockets;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() == ".sock" && entry->is_socket(ignored)) {
      sockets.push_back(entry->path());
    }
  }
  std::ranges::sort(sockets);
  return sockets;
}

}  // namespace

tl::expected<path, Failure> find_socket(const SocketChoice& choice, const path& folder) {
  if (choice.path) return *choice.path;
  if (choice.interface) return folder / (*choice.interface + ".sock");
  if (choice.environment_path) return *choice.environment_path;
  const std::vector<path> sockets = sockets_in(folder);
  if (sockets.size() == 1) return sockets.front();
  if (sockets.empty()) {
    return failure(fmt::format("no kadwire daemon is running here (no socket in {}); {}",
                               folder.string(), kHowToStart));
  }
  std::string interfaces;
  for (const path& socket : sockets) {
    interfaces += (interfaces.empty() ? "" : ", ") + printable(socket.stem().string());
  }
  return failure(fmt::format("{} daemons are running here: choose one with --interface ({})",
                             sockets.size(), interfaces));
}

tl::expected<json, Failure> call_daemon(const path& socket, std::string_view method,
                                        const json& params, Duration patience) {
  const auto deadline = Clock::now() + patience;
  const auto connection = connect_to(socket);
  if (!connection) return tl::unexpected(connection.error());
  const std::string request =
      to_line({{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}}) + "\n";
  if (const auto sent = send_line(*connection, request, deadline); !sent) {
    return tl::unexpected(sent.error());
  }
  const auto answer = receive_line(*connection, deadline);
  if (!answer) return tl::unexpected(answer.error());
  return result_of(*answer);
}

}  // namespace kadwire::control
