#include "node/adapters/datagram_batch.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <span>

#include "node/adapters/socket_options.h"

namespace kadwire::node {
namespace {

template <typename Value>
Value value_of(const cmsghdr& message) {
  Value value;
  std::memcpy(&value, CMSG_DATA(&message), sizeof value);
  return value;
}

IpAddress address_of(const in_pktinfo& info) {
  return *IpAddress::from_bytes(std::as_bytes(std::span(&info.ipi_spec_dst, 1)));
}

IpAddress address_of(const in6_pktinfo& info) {
  return *IpAddress::from_bytes(std::as_bytes(std::span(&info.ipi6_addr, 1)));
}

/// False if it was not sent.
bool send_one(int fd, const SocketAddress& to, const std::optional<IpAddress>& source,
              ByteView datagram) {
  iovec part{const_cast<std::byte*>(datagram.data()), datagram.size()};
  ControlMessages control;
  if (source) control.add_source(*source);
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(to.get());
  message.msg_namelen = to.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  control.attach_to(message);
  return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

}  // namespace

bool prepare_for_batches(int fd, AddressFamily family) {
  set_option(fd, SOL_UDP, UDP_GRO, 1);  // Linux 5.0
  return family == AddressFamily::kIpv4 ? set_option(fd, IPPROTO_IP, IP_PKTINFO, 1)
                                        : set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

ArrivalBatch::ArrivalBatch() : memory_(new std::byte[kBatchMax * kRunBytesMax]) {
  for (std::size_t i = 0; i < kBatchMax; ++i) {
    slots_[i].part = {memory_.get() + i * kRunBytesMax, kRunBytesMax};
  }
}

std::size_t ArrivalBatch::receive(int fd) {
  for (std::size_t i = 0; i < kBatchMax; ++i) {
    Slot& slot = slots_[i];
    msghdr& message = messages_[i].msg_hdr;
    message = {};
    message.msg_name = slot.from.get();
    message.msg_namelen = sizeof slot.from.storage;
    message.msg_iov = &slot.part;
    message.msg_iovlen = 1;
    message.msg_control = slot.control.data();
    message.msg_controllen = slot.control.size();
  }
  const int received = recvmmsg(fd, messages_.data(), kBatchMax, MSG_DONTWAIT, nullptr);
  return received < 0 ? 0 : static_cast<std::size_t>(received);
}

std::optional<Arrival> ArrivalBatch::at(std::size_t index) const {
  const msghdr& message = messages_[index].msg_hdr;
  const std::size_t bytes = messages_[index].msg_len;
  const auto from = to_endpoint(slots_[index].from.get(), message.msg_namelen);
  if (!from || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return std::nullopt;
  const auto* data = static_cast<const std::byte*>(slots_[index].part.iov_base);
  Arrival arrival{*from, {}, {ByteView(data, bytes), bytes}};
  auto& header = const_cast<msghdr&>(message);  // CMSG_NXTHDR asks for it and changes nothing
  for (cmsghdr* said = CMSG_FIRSTHDR(&header); said != nullptr; said = CMSG_NXTHDR(&header, said)) {
    if (said->cmsg_level == IPPROTO_IP && said->cmsg_type == IP_PKTINFO) {
      arrival.at = address_of(value_of<in_pktinfo>(*said));
    } else if (said->cmsg_level == IPPROTO_IPV6 && said->cmsg_type == IPV6_PKTINFO) {
      arrival.at = address_of(value_of<in6_pktinfo>(*said));
    } else if (said->cmsg_level == SOL_UDP && said->cmsg_type == UDP_GRO) {
      arrival.run.datagram_bytes = static_cast<std::size_t>(value_of<int>(*said));
    }
  }
  if (arrival.at.is_unspecified()) return std::nullopt;
  return arrival;
}

void DepartureBatch::add(const Departure& departure) {
  assert(!full());
  Slot& slot = slots_[used_];
  slot.to = to_socket_address(departure.to);
  slot.source = departure.source;
  slot.run = departure.run;
  slot.part = {const_cast<std::byte*>(slot.run.bytes.data()), slot.run.bytes.size()};
  slot.control.clear();
  if (slot.source) slot.control.add_source(*slot.source);
  if (slot.run.datagrams() > 1) {
    slot.control.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(slot.run.datagram_bytes));
  }
  msghdr& message = messages_[used_].msg_hdr;
  message = {};
  message.msg_name = slot.to.get();
  message.msg_namelen = slot.to.length;
  message.msg_iov = &slot.part;
  message.msg_iovlen = 1;
  slot.control.attach_to(message);
  ++used_;
}

SendResult DepartureBatch::send(int fd) {
  SendResult result;
  for (std::size_t next = 0; next < used_;) {
    const int sent = sendmmsg(fd, &messages_[next], static_cast<unsigned>(used_ - next),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    for (int i = 0; i < sent; ++i, ++next) {
      result.packets += slots_[next].run.datagrams();
      result.bytes += slots_[next].run.bytes.size();
    }
    if (sent >= 0) continue;
    const Slot& refused = slots_[next++];
    const bool buffer_full = errno == EAGAIN || errno == ENOBUFS;
    if (buffer_full) {
      result.failed += refused.run.datagrams();
    } else {
      send_singly(fd, refused, result);
    }
  }
  used_ = 0;
  return result;
}

void DepartureBatch::send_singly(int fd, const Slot& slot, SendResult& result) {
  const DatagramRun& run = slot.run;
  for (std::size_t i = 0; i < run.datagrams(); ++i) {
    const ByteView datagram = run.datagram(i);
    const bool sent = (slot.source && send_one(fd, slot.to, slot.source, datagram)) ||
                      send_one(fd, slot.to, std::nullopt, datagram);
    result.packets += sent ? 1 : 0;
    result.bytes += sent ? datagram.size() : 0;
    result.failed += sent ? 0 : 1;
  }
}

}  // namespace kadwire::node
