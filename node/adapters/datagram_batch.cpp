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

/// All full so far, and what comes is of the same size, or one shorter datagram, which ends it.
bool DepartureBatch::Slot::takes(const Departure& departure) const {
  const DatagramRun& run = departure.run;
  const bool same_flow = to == departure.to && source == departure.source;
  const bool full_so_far = bytes > 0 && bytes == datagrams * datagram_bytes;
  const bool same_size = run.datagram_bytes == datagram_bytes;
  const bool shorter =
      run.datagrams() == 1 && !run.bytes.empty() && run.bytes.size() < datagram_bytes;
  return same_flow && full_so_far && (same_size || shorter) &&
         datagrams + run.datagrams() <= kSegmentsMax &&
         bytes + run.bytes.size() <= kSegmentedBytesMax;
}

void DepartureBatch::add(const Departure& departure) {
  assert(!full());
  const DatagramRun& run = departure.run;
  if (slots_used_ == 0 || !slots_[slots_used_ - 1].takes(departure)) {
    Slot& fresh = slots_[slots_used_++];
    fresh.to = departure.to;
    fresh.source = departure.source;
    fresh.datagram_bytes = run.datagram_bytes;
    fresh.first_run = runs_used_;
    fresh.runs = fresh.datagrams = fresh.bytes = 0;
  }
  Slot& slot = slots_[slots_used_ - 1];
  ++slot.runs;
  slot.datagrams += run.datagrams();
  slot.bytes += run.bytes.size();
  parts_[runs_used_] = {const_cast<std::byte*>(run.bytes.data()), run.bytes.size()};
  runs_[runs_used_++] = run;
}

void DepartureBatch::prepare(std::size_t index) {
  Slot& slot = slots_[index];
  slot.address = to_socket_address(slot.to);
  slot.control.clear();
  if (slot.source) slot.control.add_source(*slot.source);
  if (slot.datagrams > 1) {
    slot.control.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(slot.datagram_bytes));
  }
  msghdr& message = messages_[index].msg_hdr;
  message = {};
  message.msg_name = slot.address.get();
  message.msg_namelen = slot.address.length;
  message.msg_iov = &parts_[slot.first_run];
  message.msg_iovlen = slot.runs;
  slot.control.attach_to(message);
}

SendResult DepartureBatch::send(int fd) {
  SendResult result;
  for (std::size_t i = 0; i < slots_used_; ++i) prepare(i);
  for (std::size_t next = 0; next < slots_used_;) {
    const int sent = sendmmsg(fd, &messages_[next], static_cast<unsigned>(slots_used_ - next),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    for (int i = 0; i < sent; ++i, ++next) {
      result.packets += slots_[next].datagrams;
      result.bytes += slots_[next].bytes;
    }
    if (sent >= 0) continue;
    const Slot& refused = slots_[next++];
    const bool buffer_full = errno == EAGAIN || errno == ENOBUFS;
    if (buffer_full) {
      result.failed += refused.datagrams;
    } else {
      send_singly(fd, refused, result);
    }
  }
  slots_used_ = runs_used_ = 0;
  return result;
}

void DepartureBatch::send_singly(int fd, const Slot& slot, SendResult& result) const {
  for (std::size_t index = 0; index < slot.runs; ++index) {
    const DatagramRun& run = runs_[slot.first_run + index];
    for (std::size_t i = 0; i < run.datagrams(); ++i) {
      const ByteView datagram = run.datagram(i);
      const bool sent = (slot.source && send_one(fd, slot.address, slot.source, datagram)) ||
                        send_one(fd, slot.address, std::nullopt, datagram);
      result.packets += sent ? 1 : 0;
      result.bytes += sent ? datagram.size() : 0;
      result.failed += sent ? 0 : 1;
    }
  }
}

}  // namespace kadwire::node
