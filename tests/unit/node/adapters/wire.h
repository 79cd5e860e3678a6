#pragma once

/// One end of a wire whose other end the test holds: a TUN interface in the calling thread's
/// network (own_network.h), with addresses of both families and default routes. Whatever the test
/// likes arrives; whatever the host sends can be looked at, byte by byte.

#include <optional>

#include "node/adapters/unique_fd.h"
#include "node/base/endpoint.h"

namespace kadwire::testing {

inline constexpr const char* kWireInterface = "wire0";
inline constexpr const char* kWireIpv4 = "192.0.2.2";
inline constexpr const char* kWireIpv6 = "2001:db8::2";

class Wire {
 public:
  /// The test fails if it cannot be made.
  Wire();
  /// The host has dealt with it, up to its sockets, when this returns.
  void arrive(ByteView packet);
  /// The oldest UDP packet that the host sent and that was not taken yet; others are skipped.
  [[nodiscard]] std::optional<Bytes> take_udp();
  /// How many ICMP errors of either family ("unreachable") are among all that is left.
  [[nodiscard]] int take_icmp_errors();

 private:
  [[nodiscard]] std::optional<Bytes> take();
  node::UniqueFd tun_;
};

}  // namespace kadwire::testing
