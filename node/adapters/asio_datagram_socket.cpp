#include "node/adapters/asio_datagram_socket.h"

#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>

#include "node/adapters/receive_loop.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/udp_binding.h"

namespace kadwire::node {
namespace {

/// The largest UDP payload there can be, so nothing is ever truncated.
constexpr std::size_t kDatagramBytesMax = 65535;

}  // namespace

/// One bound socket and its place in the receive loop.
struct AsioDatagramSocket::Leg {
  Leg(asio::io_context& context, BoundSocket bound)
      : local(bound.local), descriptor(context, bound.fd.release()) {}

  Endpoint local;
  asio::posix::stream_descriptor descriptor;
};

struct AsioDatagramSocket::Shared {
  Shared(asio::io_context& context, std::vector<BoundSocket> sockets);
  /// False if there is no datagram.
  bool receive_one(Leg& leg);
  bool send_from(Leg& leg, const Transmit& transmit);

  std::vector<std::unique_ptr<Leg>> legs;  ///< never empty, never changed
  Handler handler;
  DatagramCounters counters;
  Endpoint last_sender;
  Leg* last_arrival = nullptr;  ///< where last_sender's datagram came to
  bool closed = false;
  std::array<std::byte, kDatagramBytesMax> buffer;
};

AsioDatagramSocket::Shared::Shared(asio::io_context& context, std::vector<BoundSocket> sockets) {
  for (BoundSocket& bound : sockets) {
    legs.push_back(std::make_unique<Leg>(context, std::move(bound)));
  }
}

bool AsioDatagramSocket::Shared::receive_one(Leg& leg) {
  SocketAddress source;
  const ssize_t size = recvfrom(leg.descriptor.native_handle(), buffer.data(), buffer.size(), 0,
                                source.get(), &source.length);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (size < 0)
    return true;  // an ICMP error about something sent earlier, now taken off the socket
  const auto from = to_endpoint(source.get(), source.length);
  if (!from) return true;
  ++counters.received;
  last_sender = *from;
  last_arrival = &leg;
  handler(*from, ByteView(buffer).first(static_cast<std::size_t>(size)));
  return true;
}

bool AsioDatagramSocket::Shared::send_from(Leg& leg, const Transmit& transmit) {
  if (leg.local.address.family() != transmit.to.address.family()) return false;
  const SocketAddress to = to_socket_address(transmit.to);
  return sendto(leg.descriptor.native_handle(), transmit.payload.data(), transmit.payload.size(),
                MSG_NOSIGNAL, to.get(), to.length) >= 0;
}

tl::expected<std::unique_ptr<AsioDatagramSocket>, SocketError> AsioDatagramSocket::open(
    asio::io_context& context, std::uint16_t preferred_port) {
  auto sockets = bind_udp_on_every_family(preferred_port);
  if (!sockets) sockets = bind_udp_on_every_family(0);
  if (!sockets) return tl::unexpected(std::move(sockets).error());
  return std::unique_ptr<AsioDatagramSocket>(
      new AsioDatagramSocket(std::make_shared<Shared>(context, std::move(*sockets))));
}

tl::expected<std::unique_ptr<AsioDatagramSocket>, SocketError> AsioDatagramSocket::open_at(
    asio::io_context& context, std::span<const Endpoint> addresses) {
  assert(!addresses.empty() && addresses.size() <= kBindAddressesMax);
  std::vector<BoundSocket> sockets;
  for (const Endpoint& wanted : addresses) {
    auto bound = bind_udp(wanted);
    if (!bound) return tl::unexpected(std::move(bound).error());
    sockets.push_back(std::move(*bound));
  }
  return std::unique_ptr<AsioDatagramSocket>(
      new AsioDatagramSocket(std::make_shared<Shared>(context, std::move(sockets))));
}

AsioDatagramSocket::AsioDatagramSocket(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)) {}

AsioDatagramSocket::~AsioDatagramSocket() {
  shared_->closed = true;
  for (const auto& leg : shared_->legs) {
    std::error_code ignored;
    leg->descriptor.close(ignored);
  }
}

void AsioDatagramSocket::start(Handler handler) {
  assert(!shared_->handler && handler);
  shared_->handler = std::move(handler);
  for (const auto& leg : shared_->legs) {
    keep_receiving(shared_, leg->descriptor,
                   [shared = shared_.get(), &leg = *leg] { return shared->receive_one(leg); });
  }
}

void AsioDatagramSocket::send(const Transmit& transmit) {
  bool sent = shared_->last_arrival != nullptr && transmit.to == shared_->last_sender &&
              shared_->send_from(*shared_->last_arrival, transmit);
  for (std::size_t i = 0; !sent && i < shared_->legs.size(); ++i) {
    sent = shared_->send_from(*shared_->legs[i], transmit);
  }
  ++(sent ? shared_->counters.sent : shared_->counters.send_failed);
}

std::uint16_t AsioDatagramSocket::local_port() const {
  return shared_->legs.front()->local.port;
}

bool AsioDatagramSocket::has_family(AddressFamily family) const {
  for (const auto& leg : shared_->legs) {
    if (leg->local.address.family() == family) return true;
  }
  return false;
}

const DatagramCounters& AsioDatagramSocket::counters() const {
  return shared_->counters;
}

}  // namespace kadwire::node
