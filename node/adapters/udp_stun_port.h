#pragma once

/// Production's StunPort: UDP sockets on the port asked for and on the next one, each answer from
/// the address that it is to come from, read on the event loop in bounded batches.

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <tl/expected.hpp>

#include "node/adapters/socket_options.h"
#include "node/adapters/udp_binding.h"
#include "node/ports/stun_port.h"

namespace kadwire::node {

class UdpStunPort final : public StunPort {
 public:
  /// All addresses of every family that the host has. `port` is taken or it is an error, while the
  /// second port is done without if it is taken. `context` must outlive this object.
  [[nodiscard]] static tl::expected<std::unique_ptr<UdpStunPort>, SocketError> open(
      asio::io_context& context, std::uint16_t port);
  /// Exactly these addresses, at least one; any that cannot be bound is an error.
  [[nodiscard]] static tl::expected<std::unique_ptr<UdpStunPort>, SocketError> open_at(
      asio::io_context& context, std::span<const Endpoint> addresses);
  ~UdpStunPort() override;

  void start(Handler handler) override;
  void send(const rendezvous::StunReply& reply) override;
  /// Of the first address.
  [[nodiscard]] std::uint16_t local_port() const;
  /// Whether clients can be told what their NAT lets in: every first port has its second.
  [[nodiscard]] bool has_second_ports() const;

 private:
  struct Leg;
  struct Shared;
  [[nodiscard]] static tl::expected<std::unique_ptr<UdpStunPort>, SocketError> make(
      asio::io_context& context, std::vector<BoundSocket> firsts);
  explicit UdpStunPort(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;  ///< with the receive loops, which end when it is closed
};

}  // namespace kadwire::node
