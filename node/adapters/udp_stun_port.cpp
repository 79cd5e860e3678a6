#include "node/adapters/udp_stun_port.h"

#include <algorithm>
#include <asio/posix/stream_descriptor.hpp>
#include <cassert>
#include <utility>

#include "node/adapters/datagram_batch.h"
#include "node/adapters/receive_loop.h"

namespace kadwire::node {
namespace {

/// A batch is kBatchMax datagrams already.
constexpr int kBatchesPerWakeUp = 4;

/// On the port beside each of these; none for one whose next port is taken.
std::vector<BoundSocket> bind_second_ports(const std::vector<BoundSocket>& firsts) {
  std::vector<BoundSocket> seconds;
  for (const BoundSocket& first : firsts) {
    if (first.local.port == 0xffff) continue;
    Endpoint wanted = first.local;
    ++wanted.port;
    if (auto bound = bind_udp(wanted)) seconds.push_back(std::move(*bound));
  }
  return seconds;
}

}  // namespace

/// One bound socket and its place in the receive loop.
struct UdpStunPort::Leg {
  Leg(asio::io_context& context, BoundSocket bound)
      : local(bound.local), descriptor(context, bound.fd.release()) {}

  Endpoint local;
  asio::posix::stream_descriptor descriptor;
  std::uint16_t second_port = 0;  ///< 0: there is none, or this is it
};

struct UdpStunPort::Shared {
  /// False if the system lacks what it takes.
  [[nodiscard]] bool add(asio::io_context& context, BoundSocket bound);
  /// One batch; false if there is no more.
  bool serve(Leg& leg);

  std::vector<std::unique_ptr<Leg>> legs;  ///< first ports, then second ones; never changed
  std::size_t first_ports = 0;             ///< how many of them are first ports
  Handler handler;
  ArrivalBatch arrivals;
  DepartureBatch departures;
  bool closed = false;
};

bool UdpStunPort::Shared::add(asio::io_context& context, BoundSocket bound) {
  if (!prepare_for_batches(bound.fd.get(), bound.local.address.family())) return false;
  legs.push_back(std::make_unique<Leg>(context, std::move(bound)));
  return true;
}

bool UdpStunPort::Shared::serve(Leg& leg) {
  const std::size_t received = arrivals.receive(leg.descriptor.native_handle());
  for (std::size_t i = 0; i < received && !closed; ++i) {
    const auto arrival = arrivals.at(i);
    if (!arrival) continue;
    const rendezvous::StunHome home{{arrival->at, leg.local.port}, leg.second_port};
    for (std::size_t each = 0; each < arrival->run.datagrams() && !closed; ++each) {
      handler(arrival->from, home, arrival->run.datagram(each));
    }
  }
  return received == kBatchMax;
}

tl::expected<std::unique_ptr<UdpStunPort>, SocketError> UdpStunPort::open(asio::io_context& context,
                                                                          std::uint16_t port) {
  auto firsts = bind_udp_on_every_family(port);
  if (!firsts) return tl::unexpected(std::move(firsts).error());
  return make(context, std::move(*firsts));
}

tl::expected<std::unique_ptr<UdpStunPort>, SocketError> UdpStunPort::open_at(
    asio::io_context& context, std::span<const Endpoint> addresses) {
  assert(!addresses.empty());
  std::vector<BoundSocket> firsts;
  for (const Endpoint& wanted : addresses) {
    auto bound = bind_udp(wanted);
    if (!bound) return tl::unexpected(std::move(bound).error());
    firsts.push_back(std::move(*bound));
  }
  return make(context, std::move(firsts));
}

tl::expected<std::unique_ptr<UdpStunPort>, SocketError> UdpStunPort::make(
    asio::io_context& context, std::vector<BoundSocket> firsts) {
  std::vector<BoundSocket> seconds = bind_second_ports(firsts);
  auto shared = std::make_shared<Shared>();
  shared->first_ports = firsts.size();
  for (std::vector<BoundSocket>* sockets : {&firsts, &seconds}) {
    for (BoundSocket& bound : *sockets) {
      if (!shared->add(context, std::move(bound))) {
        return tl::unexpected(SocketError{"The kernel does not tell where packets come to."});
      }
    }
  }
  for (std::size_t i = 0; i < shared->legs.size(); ++i) {
    Endpoint beside = shared->legs[i]->local;
    ++beside.port;
    const auto second = std::find_if(shared->legs.begin() + std::ssize(firsts), shared->legs.end(),
                                     [&](const auto& leg) { return leg->local == beside; });
    const bool is_first = i < shared->first_ports;
    if (is_first && second != shared->legs.end()) shared->legs[i]->second_port = beside.port;
  }
  return std::unique_ptr<UdpStunPort>(new UdpStunPort(std::move(shared)));
}

UdpStunPort::UdpStunPort(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

UdpStunPort::~UdpStunPort() {
  shared_->closed = true;
  for (const auto& leg : shared_->legs) {
    std::error_code ignored;
    leg->descriptor.close(ignored);
  }
}

void UdpStunPort::start(Handler handler) {
  assert(!shared_->handler && handler);
  shared_->handler = std::move(handler);
  for (const auto& leg : shared_->legs) {
    keep_receiving(
        shared_, leg->descriptor,
        [shared = shared_.get(), leg = leg.get()] { return shared->serve(*leg); },
        kBatchesPerWakeUp);
  }
}

void UdpStunPort::send(const rendezvous::StunReply& reply) {
  const Endpoint& source = reply.source;
  const auto leg = std::ranges::find_if(shared_->legs, [&](const auto& each) {
    const IpAddress& bound = each->local.address;
    return each->local.port == source.port && bound.family() == source.address.family() &&
           (bound.is_unspecified() || bound == source.address);
  });
  if (leg == shared_->legs.end()) return;  // of an address that is bound to another port
  const Bytes& payload = reply.transmit.payload;
  shared_->departures.add({reply.transmit.to, source.address, {payload, payload.size()}});
  (void)shared_->departures.send((*leg)->descriptor.native_handle());
}

std::uint16_t UdpStunPort::local_port() const {
  return shared_->legs.front()->local.port;
}

bool UdpStunPort::has_second_ports() const {
  return shared_->legs.size() == 2 * shared_->first_ports;
}

}  // namespace kadwire::node
