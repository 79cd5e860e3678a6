#include "node/adapters/loopback_flows.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>

#include "node/adapters/receive_loop.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/udp_binding.h"

namespace kadwire::node {
namespace {

IpAddress loopback() {
  return IpAddress::v4(0x7f000001U);
}
/// WireGuard's largest datagram over a link of 9000 bytes, and more.
constexpr std::size_t kDatagramBytesMax = 9216;

}  // namespace

struct LoopbackFlows::Flow {
  Flow(asio::io_context& context, const Endpoint& remote, BoundSocket bound)
      : outside(remote), inside(bound.local), descriptor(context, bound.fd.release()) {}
  void close() {
    closed = true;
    std::error_code ignored;
    descriptor.close(ignored);
  }

  Endpoint outside, inside;
  asio::posix::stream_descriptor descriptor;
  TimePoint used;
  bool closed = false;
};

LoopbackFlows::LoopbackFlows(asio::io_context& context, const Scheduler& scheduler, Outlet outlet)
    : context_(context), scheduler_(scheduler), outlet_(std::move(outlet)) {}

LoopbackFlows::~LoopbackFlows() {
  for (const auto& [outside, flow] : flows_) flow->close();
}

void LoopbackFlows::deliver(const Endpoint& from, ByteView datagram) {
  const bool known = flows_.contains(from);
  if (wireguard_port_ == 0 || (!known && !may_open())) {
    ++counters_.refused;
    return;
  }
  Flow* flow = find_or_open(from);
  if (flow == nullptr) {
    ++counters_.failed;
    return;
  }
  flow->used = scheduler_.now().steady;
  const SocketAddress to = to_socket_address({loopback(), wireguard_port_});
  const bool sent = ::sendto(flow->descriptor.native_handle(), datagram.data(), datagram.size(),
                             MSG_NOSIGNAL, to.get(), to.length) >= 0;
  ++(sent ? counters_.in : counters_.failed);
}

bool LoopbackFlows::may_open() {
  return strangers_.take(scheduler_.now().steady, kStrangerFlowRate);
}

std::optional<Endpoint> LoopbackFlows::inside(const crypto::WireguardKey& peer,
                                              const Endpoint& outside) {
  used_[peer] = outside;
  const Flow* flow = find_or_open(outside);
  return flow == nullptr ? std::nullopt : std::optional(flow->inside);
}

std::optional<Endpoint> LoopbackFlows::outside(const crypto::WireguardKey& peer,
                                               const Endpoint& inside) {
  if (inside.address != loopback()) return inside;
  const auto flow = std::ranges::find_if(
      flows_, [&](const auto& entry) { return entry.second->inside == inside; });
  if (flow == flows_.end()) return std::nullopt;
  used_[peer] = flow->first;
  return flow->first;
}

LoopbackFlows::Flow* LoopbackFlows::find_or_open(const Endpoint& outside) {
  if (const auto found = flows_.find(outside); found != flows_.end()) return found->second.get();
  auto bound = bind_udp({loopback(), 0});
  if (!bound) return nullptr;
  make_room();
  auto flow = std::make_shared<Flow>(context_, outside, std::move(*bound));
  flow->used = scheduler_.now().steady;
  keep_receiving(flow, flow->descriptor, [this, &flow = *flow] { return receive_one(flow); });
  return flows_.emplace(outside, std::move(flow)).first->second.get();
}

/// False if there is no datagram.
bool LoopbackFlows::receive_one(Flow& flow) {
  std::array<std::byte, kDatagramBytesMax> buffer;
  SocketAddress source;
  const ssize_t size = ::recvfrom(flow.descriptor.native_handle(), buffer.data(), buffer.size(), 0,
                                  source.get(), &source.length);
  if (size < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  // Any program of this host can send here.
  if (to_endpoint(source.get(), source.length) != Endpoint{loopback(), wireguard_port_})
    return true;
  flow.used = scheduler_.now().steady;
  ++counters_.out;
  outlet_(flow.outside, ByteView(buffer).first(static_cast<std::size_t>(size)));
  return true;
}

/// Of the flows that no peer uses, the one idle for longest goes if there are too many.
void LoopbackFlows::make_room() {
  std::set<Endpoint> kept;
  for (const auto& [peer, outside] : used_) kept.insert(outside);
  std::size_t strangers = 0;
  auto idlest = flows_.end();
  for (auto flow = flows_.begin(); flow != flows_.end(); ++flow) {
    if (kept.contains(flow->first)) continue;
    ++strangers;
    if (idlest == flows_.end() || flow->second->used < idlest->second->used) idlest = flow;
  }
  if (strangers < kStrangerFlowsMax) return;
  idlest->second->close();
  flows_.erase(idlest);
}

}  // namespace kadwire::node
