#include "tools/lab/ping_board.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstring>
#include <random>
#include <utility>

#include "tools/lab/icmp_echo.h"

namespace kadwire::lab {
namespace {

/// How long `run_until` lets pass between two looks at its condition.
constexpr auto kConditionStep = 10ms;
/// The identifier of an echo is 16 bits, and it numbers the flows.
constexpr std::size_t kFlowsMax = 0xffff;

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& address) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&result.storage, &v4, result.size = sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&result.storage, &v6, result.size = sizeof v6);
  }
  return result;
}

IpAddress address_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return IpAddress::v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  ByteArray<16> bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return IpAddress::v6(bytes);
}

/// Only echo replies reach us: a raw socket otherwise gets every ICMP message of its network.
void accept_echo_replies_only(int v4, int v6) {
  const std::uint32_t all_but_reply = ~(1U << ICMP_ECHOREPLY);
  ::setsockopt(v4, SOL_RAW, ICMP_FILTER, &all_but_reply, sizeof all_but_reply);
  std::array<std::uint32_t, 8> blocked;
  blocked.fill(~0U);
  blocked[ICMPV6_ECHO_REPLY / 32] &= ~(1U << (ICMPV6_ECHO_REPLY % 32));
  ::setsockopt(v6, IPPROTO_ICMPV6, ICMPV6_FILTER, blocked.data(), sizeof blocked);
}

}  // namespace

/// The two raw sockets with which a host pings.
struct PingBoard::Source {
  node::UniqueFd v4, v6;
  [[nodiscard]] int socket_for(const IpAddress& address) const {
    return address.is_v4() ? v4.get() : v6.get();
  }
};

struct PingBoard::Flow {
  PingFlow view;
  Source* source = nullptr;
  Until until = Until::kFirstReply;
  bool ended = false;
  TimePoint next_send;
  TimePoint last_reply;  ///< or the beginning
  Duration longest_silence{0};
};

PingBoard::PingBoard(Duration interval) : interval_(interval) {
  std::random_device device;
  tag_ = (std::uint64_t{device()} << 32) | device();
}

PingBoard::~PingBoard() = default;

Expected<PingBoard::Source*> PingBoard::source_of(const Host& host) {
  if (const auto known = sources_.find(&host); known != sources_.end()) return known->second.get();
  auto v4 = host.open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (!v4) return tl::unexpected(v4.error());
  auto v6 = host.open_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  if (!v6) return tl::unexpected(v6.error());
  accept_echo_replies_only(v4->get(), v6->get());
  auto source = std::make_unique<Source>(Source{std::move(*v4), std::move(*v6)});
  return sources_.emplace(&host, std::move(source)).first->second.get();
}

Expected<PingBoard::FlowId> PingBoard::add(const Host& from, const IpAddress& to, Until until) {
  assert(flows_.size() < kFlowsMax);
  const auto source = source_of(from);
  if (!source) return tl::unexpected(source.error());
  auto flow = std::make_unique<Flow>();
  flow->view.from = &from;
  flow->view.to = to;
  flow->source = *source;
  flow->until = until;
  flow->next_send = flow->last_reply = steady_now();
  flows_.push_back(std::move(flow));
  return flows_.size() - 1;
}

const PingFlow& PingBoard::flow(FlowId id) const {
  return flows_.at(id)->view;
}

Duration PingBoard::longest_silence(FlowId id) const {
  const Flow& flow = *flows_.at(id);
  return std::max(flow.longest_silence, steady_now() - flow.last_reply);
}

void PingBoard::end(FlowId id) {
  flows_.at(id)->ended = true;
}

bool PingBoard::all_answered() const {
  return std::all_of(flows_.begin(), flows_.end(),
                     [](const auto& flow) { return flow->view.first_reply.has_value(); });
}

Duration PingBoard::interval() const {
  const auto active =
      std::count_if(flows_.begin(), flows_.end(), [](const auto& flow) { return !flow->ended; });
  return std::max<Duration>(interval_, Duration(1s) * active / kPingsPerSecondMax);
}

void PingBoard::send_due(TimePoint now) {
  const Duration pace = interval();
  for (std::size_t id = 0; id < flows_.size(); ++id) {
    Flow& flow = *flows_[id];
    if (flow.ended || flow.next_send > now) continue;
    const IpAddress& to = flow.view.to;
    const Bytes request =
        encode_echo_request(to.family(), {.tag = tag_,
                                          .identifier = static_cast<std::uint16_t>(id),
                                          .sequence = static_cast<std::uint16_t>(flow.view.sent)});
    const SocketAddress address = socket_address(to);
    // While there is no tunnel the kernel refuses: that is an answer that did not come, no more.
    ::sendto(flow.source->socket_for(to), request.data(), request.size(), 0,
             reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    ++flow.view.sent;
    flow.next_send = now + pace;
  }
}

void PingBoard::receive(Source& source, AddressFamily family, TimePoint now) {
  const int socket = family == AddressFamily::kIpv4 ? source.v4.get() : source.v6.get();
  std::array<std::byte, 256> buffer;
  for (;;) {
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(socket, buffer.data(), buffer.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0) return;
    const auto id =
        decode_echo_reply(family, ByteView(buffer).first(static_cast<std::size_t>(size)));
    if (!id || id->tag != tag_ || id->identifier >= flows_.size()) continue;
    Flow& flow = *flows_[id->identifier];
    if (flow.source != &source || flow.view.to != address_of(from)) continue;
    PingFlow& view = flow.view;
    ++view.received;
    if (!view.first_reply) view.first_reply = now;
    flow.longest_silence = std::max(flow.longest_silence, now - flow.last_reply);
    flow.last_reply = now;
    if (flow.until == Until::kFirstReply) flow.ended = true;
  }
}

void PingBoard::receive_until(TimePoint when) {
  std::vector<pollfd> sockets;
  for (const auto& [host, source] : sources_) {
    sockets.push_back({source->v4.get(), POLLIN, 0});
    sockets.push_back({source->v6.get(), POLLIN, 0});
  }
  for (;;) {
    const Duration left = std::max(when - steady_now(), Duration{0});
    const timespec timeout{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
    if (::ppoll(sockets.data(), sockets.size(), &timeout, nullptr) <= 0) return;
    const TimePoint now = steady_now();
    for (const auto& [host, source] : sources_) {
      receive(*source, AddressFamily::kIpv4, now);
      receive(*source, AddressFamily::kIpv6, now);
    }
  }
}

void PingBoard::run(Duration time) {
  const TimePoint end = steady_now() + time;
  for (TimePoint now = steady_now(); now < end; now = steady_now()) {
    send_due(now);
    TimePoint wake = end;
    for (const auto& flow : flows_) {
      if (!flow->ended) wake = std::min(wake, std::max(flow->next_send, now + 1ms));
    }
    receive_until(wake);
  }
}

bool PingBoard::run_until(const std::function<bool()>& condition, Duration at_most) {
  const TimePoint deadline = steady_now() + at_most;
  while (!condition()) {
    if (steady_now() >= deadline) return false;
    run(kConditionStep);
  }
  return true;
}

}  // namespace kadwire::lab
