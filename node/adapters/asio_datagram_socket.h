#pragma once

/// Production's DatagramSocket: plain UDP sockets, read on the event loop in bounded batches.
/// IPv4 and IPv6 each have sockets of their own (IPV6_V6ONLY), so an IPv4-mapped address never
/// appears. A host may lack either family, not both.

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <tl/expected.hpp>

#include "node/adapters/socket_options.h"
#include "node/ports/datagram_socket.h"

namespace kadwire::node {

/// How many explicit addresses one socket may be bound to.
inline constexpr std::size_t kBindAddressesMax = 16;

struct DatagramCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t send_failed = 0;  ///< no route, no such family, full buffer: dropped
};

class AsioDatagramSocket final : public DatagramSocket {
 public:
  /// All addresses of both families, on one port: `preferred_port` if it is free on every family of
  /// this host, else one that the kernel picks; 0 asks for that at once.
  /// `context` must outlive this object; everything happens on its one thread.
  [[nodiscard]] static tl::expected<std::unique_ptr<AsioDatagramSocket>, SocketError> open(
      asio::io_context& context, std::uint16_t preferred_port);
  /// Exactly these addresses, 1 to kBindAddressesMax, each with its port; any that cannot be bound
  /// is an error. A reply to the last datagram's sender leaves from the address it came to.
  [[nodiscard]] static tl::expected<std::unique_ptr<AsioDatagramSocket>, SocketError> open_at(
      asio::io_context& context, std::span<const Endpoint> addresses);
  ~AsioDatagramSocket() override;

  void start(Handler handler) override;
  void send(const Transmit& transmit) override;
  /// After open_at: the first address's port.
  [[nodiscard]] std::uint16_t local_port() const override;
  [[nodiscard]] bool has_family(AddressFamily family) const;
  [[nodiscard]] const DatagramCounters& counters() const;

 private:
  struct Shared;
  struct Leg;
  explicit AsioDatagramSocket(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;  ///< with the receive loops, which end when it is closed
};

}  // namespace kadwire::node
