#include "tools/lab/bulk.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace kadwire::lab {
namespace {

/// More than a call ever moves.
constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr auto kConnectMax = 5s;
constexpr int kPollMilliseconds = 10;

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

sockaddr_in6 socket_address(const IpAddress& address) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  result.sin6_port = htons(kBulkPort);
  std::memcpy(&result.sin6_addr, address.bytes().data(), sizeof result.sin6_addr);
  return result;
}

Expected<node::UniqueFd> listen_at(const Host& host, const IpAddress& address) {
  auto socket = host.open_socket(AF_INET6, SOCK_STREAM, 0);
  if (!socket) return socket;
  const int yes = 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in6 own = socket_address(address);
  const bool listens =
      ::bind(socket->get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0 &&
      ::listen(socket->get(), 1) == 0;
  if (!listens) return system_error(host.name() + ": cannot listen");
  return socket;
}

/// Waits until `fd` is ready for one of `events`; false: it was not, in time.
bool await(int fd, short events, Duration at_most) {
  pollfd one{fd, events, 0};
  return ::poll(&one, 1, static_cast<int>(at_most / 1ms)) == 1;
}

Expected<node::UniqueFd> accept_from(const Host& host, const node::UniqueFd& listener) {
  if (await(listener.get(), POLLIN, kConnectMax)) {
    node::UniqueFd accepted(
        ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted) return accepted;
  }
  return lab_error(host.name() + ": nobody connects");
}

}  // namespace

Expected<BulkFlow> BulkFlow::start(const Host& from, const Host& to, const IpAddress& address,
                                   Duration warm_up) {
  const auto listener = listen_at(to, address);
  if (!listener) return tl::unexpected(listener.error());
  auto sender = from.open_socket(AF_INET6, SOCK_STREAM, 0);
  if (!sender) return tl::unexpected(sender.error());
  const sockaddr_in6 there = socket_address(address);
  const bool refused =
      ::connect(sender->get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0 &&
      errno != EINPROGRESS;
  if (refused) return system_error(from.name() + ": cannot connect");
  auto receiver = accept_from(to, *listener);
  if (!receiver) return tl::unexpected(receiver.error());
  BulkFlow flow(std::move(*sender), std::move(*receiver));
  if (auto warm = flow.run(warm_up); !warm) return tl::unexpected(warm.error());
  return flow;
}

Expected<Bulk> BulkFlow::run(Duration time) {
  static const std::vector<char> zeros(kChunkBytes);
  std::vector<char> sink(kChunkBytes);
  Bulk bulk;
  const TimePoint start = steady_now();
  while (steady_now() - start < time) {
    std::array<pollfd, 2> ends{pollfd{sender_.get(), POLLOUT, 0},
                               pollfd{receiver_.get(), POLLIN, 0}};
    ::poll(ends.data(), ends.size(), kPollMilliseconds);
    if (ends[0].revents != 0) {
      const ssize_t sent = ::send(sender_.get(), zeros.data(), zeros.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return system_error("the connection broke");
    }
    if (ends[1].revents == 0) continue;
    const ssize_t received = ::recv(receiver_.get(), sink.data(), sink.size(), 0);
    if (received == 0) return lab_error("the connection was closed");
    if (received > 0) bulk.bytes += static_cast<std::uint64_t>(received);
  }
  bulk.time = steady_now() - start;
  return bulk;
}

}  // namespace kadwire::lab
