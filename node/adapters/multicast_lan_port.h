#pragma once

/// Production's LanPort: UDP multicast to groups that no router passes on (IPv4 239.255.0.0/16,
/// RFC 2365; IPv6 link-local scope, RFC 4291 §2.7), with a hop limit of 1 besides. Several daemons
/// on one host share the port, each hears all.

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>

#include <tl/expected.hpp>

#include "node/adapters/socket_options.h"
#include "node/ports/lan_port.h"

namespace kadwire::node {

/// Registered with nobody; above the ports that systems give out by themselves (32768 to 60999).
inline constexpr std::uint16_t kLanPort = 61'213;
inline constexpr std::string_view kLanGroupIpv4 = "239.255.75.87";  ///< 'K', 'W'
inline constexpr std::string_view kLanGroupIpv6 = "ff12::4b57";     ///< transient, link-local

class MulticastLanPort final : public LanPort {
 public:
  /// A host may lack either family, not both. `context` outlives this object.
  [[nodiscard]] static tl::expected<std::unique_ptr<MulticastLanPort>, SocketError> open(
      asio::io_context& context, bool use_ipv6);
  ~MulticastLanPort() override;

  void start(Handler handler) override;
  void set_links(std::span<const std::string> interfaces) override;
  void send(ByteView datagram) override;

 private:
  struct Shared;
  struct Leg;
  explicit MulticastLanPort(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;  ///< with the receive loops, which end when it is closed
};

}  // namespace kadwire::node
