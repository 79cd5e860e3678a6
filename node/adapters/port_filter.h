#pragma once

/// Which packets the kernel hands us at all, as a classic BPF program (Linux's socket filters): one
/// that a socket has attached costs the daemon nothing for the rest. Pure but for `attach_filter`.

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "node/base/endpoint.h"

namespace kadwire::node {

/// The ports that we listen in on: WireGuard's own, and a block of others.
struct WatchedPorts {
  std::uint16_t listen = 0;  ///< 0: none yet
  std::uint16_t side_first = 0;
  std::uint16_t side_count = 0;  ///< 0: none; side_first + side_count is at most 65536
  [[nodiscard]] bool contains(std::uint16_t port) const;
};

using FilterProgram = std::vector<sock_filter>;

/// For packets that begin with their IP header: passes what is addressed to this host by its link
/// address, is one plain UDP packet of this family (no fragment, no option, no extension header) to
/// a watched port, and whose payload is a frame (first byte 0xC1) or STUN (top bits 00 and the
/// cookie, RFC 8489 §5). WireGuard's first bytes, 1 to 4 and three zeroes, are neither. What ends
/// before a byte that is looked at does not pass.
[[nodiscard]] FilterProgram port_filter(AddressFamily family, const WatchedPorts& ports);

/// Passes nothing: for a socket that only sends, or only holds a port.
[[nodiscard]] FilterProgram deaf_filter();

/// Replaces the socket's filter; false leaves the reason in errno.
[[nodiscard]] bool attach_filter(int fd, const FilterProgram& program);

}  // namespace kadwire::node
