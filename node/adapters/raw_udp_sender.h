#pragma once

/// Sends UDP datagrams of one family from ports that other sockets own (raw(7), ipv6(7)), as which
/// NATs and firewalls on the way see no difference. Needs CAP_NET_RAW. Receives nothing. Private to
/// the adapters.
///
/// The source address is asked of the kernel's routing for each datagram, and then named in it: the
/// IPv4 checksum, which is ours to make, is right whatever changes in between. Asking takes 2 µs,
/// so nothing is remembered that could become wrong.

#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "node/adapters/unique_fd.h"
#include "node/base/endpoint.h"

namespace kadwire::node {

/// A datagram's way out.
struct SendingOptions {
  std::uint16_t from_port = 0;
  std::optional<IpAddress> source{};  ///< of the receiver's family; nullopt: routing chooses
  std::uint8_t hop_limit = 0;         ///< 0: the system's default
};

class RawUdpSender {
 public:
  /// The error is errno's value: EPERM without CAP_NET_RAW, and what lacks_family knows. The
  /// sockets stay in the network namespace that this is called in.
  [[nodiscard]] static tl::expected<RawUdpSender, int> open(AddressFamily family);

  [[nodiscard]] AddressFamily family() const { return family_; }
  /// `to` is of this family, `payload` at most kUdpPayloadBytesMax bytes. False: no route, a source
  /// that is not this host's, larger than the path's MTU, a full buffer; not sent then.
  [[nodiscard]] bool send(const Endpoint& to, const SendingOptions& options,
                          ByteView payload) const;

 private:
  RawUdpSender(AddressFamily family, UniqueFd raw, UniqueFd route)
      : family_(family), raw_(std::move(raw)), route_(std::move(route)) {}
  [[nodiscard]] std::optional<IpAddress> source_towards(const Endpoint& to) const;

  AddressFamily family_;
  UniqueFd raw_;
  UniqueFd route_;  ///< a UDP socket that sends nothing: connecting it asks the routing
};

}  // namespace kadwire::node
