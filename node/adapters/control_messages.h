#pragma once

/// What is said to the kernel beside a datagram (cmsg(3)). Private to the adapters.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cstring>

#include "node/base/endpoint.h"

namespace kadwire::node {

/// Room for two things, in the larger family: a packet's own address, and a number.
inline constexpr std::size_t kControlBytesMax =
    CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int));

/// The ancillary data of one sendmsg, appended piece by piece.
class ControlMessages {
 public:
  template <typename Value>
  void add(int level, int type, const Value& value) {
    assert(used_ + CMSG_SPACE(sizeof value) <= bytes_.size());
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(sizeof value);
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::memcpy(&bytes_[used_], &header, sizeof header);
    std::memcpy(&bytes_[used_ + CMSG_LEN(0)], &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }
  /// The address of this host that the datagram is to leave from; routing chooses the interface.
  void add_source(const IpAddress& source) {
    if (source.is_v4()) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, source.bytes().data(), source.bytes().size());
      add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, source.bytes().data(), source.bytes().size());
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  /// The message refers to this object from now on.
  void attach_to(msghdr& message) {
    message.msg_control = used_ == 0 ? nullptr : bytes_.data();
    message.msg_controllen = used_;
  }
  void clear() { used_ = 0; }

 private:
  alignas(cmsghdr) std::array<std::byte, kControlBytesMax> bytes_{};
  std::size_t used_ = 0;
};

}  // namespace kadwire::node
