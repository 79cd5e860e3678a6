#pragma once

/// What the kernel knows of links, addresses and routes, and the few changes that our own interface
/// needs (rtnetlink(7) through libmnl). The kernel answers at once, so calls are synchronous.
/// Not here: watching for changes (netlink_network_monitor.h), any other interface than the one
/// named by the caller.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "node/base/endpoint.h"

struct mnl_socket;
struct nlmsghdr;

namespace kadwire::node {

/// Listings are cut here: a router may carry a million routes, none of which matters beyond a hint.
inline constexpr std::size_t kNetlinkEntriesMax = 4096;

/// One clear sentence: what failed and why.
struct NetlinkError {
  std::string message;
};

struct Link {
  std::string name;
  std::uint32_t index = 0;  ///< of this network namespace, never 0
  std::string kind;         ///< "bridge", "veth", "tun", "wireguard"; empty for hardware
  bool up = false;          ///< set up by the administrator
  bool running = false;     ///< and able to carry packets
  std::uint32_t mtu_bytes = 0;
};

struct InterfaceAddress {
  std::uint32_t link_index = 0;
  Prefix prefix;  ///< the own address with its on-link prefix length
  bool deprecated = false;
  bool tentative = false;  ///< duplicate address detection runs, or failed
  bool temporary = false;  ///< RFC 8981
};

/// A unicast route of any table but the local one.
struct InterfaceRoute {
  std::uint32_t link_index = 0;      ///< of the first next hop
  Prefix prefix;                     ///< of length 0: a default route
  std::optional<IpAddress> gateway;  ///< the first next hop; nullopt: on the link
  std::uint32_t metric = 0;          ///< the lower is preferred
};

class Rtnetlink {
 public:
  [[nodiscard]] static tl::expected<Rtnetlink, NetlinkError> open();

  [[nodiscard]] tl::expected<std::vector<Link>, NetlinkError> links();
  /// nullopt: there is no interface of this name.
  [[nodiscard]] tl::expected<std::optional<Link>, NetlinkError> find_link(std::string_view name);
  [[nodiscard]] tl::expected<std::vector<InterfaceAddress>, NetlinkError> addresses();
  /// Those of `left_out_link` are left out; 0 leaves out none.
  [[nodiscard]] tl::expected<std::vector<InterfaceRoute>, NetlinkError> routes(
      std::uint32_t left_out_link);

  [[nodiscard]] tl::expected<void, NetlinkError> set_up(const Link& link, std::uint32_t mtu_bytes);
  /// Afterwards the interface has exactly these, and any fe80::/10 it had. Goes on after an address
  /// that is refused; the first such error is returned.
  [[nodiscard]] tl::expected<void, NetlinkError> set_addresses(const Link& link,
                                                               std::span<const Prefix> wanted);
  [[nodiscard]] tl::expected<void, NetlinkError> delete_link(const Link& link);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  explicit Rtnetlink(std::unique_ptr<mnl_socket, Close> socket) : socket_(std::move(socket)) {}

  /// Sends one request and gives every message of the answer to `on_message`; errno's value or 0.
  template <typename OnMessage>
  [[nodiscard]] int transact(nlmsghdr* request, OnMessage on_message);
  /// The same, again from the start when the kernel says that the listing changed meanwhile.
  template <typename Entry, typename Parse>
  [[nodiscard]] tl::expected<std::vector<Entry>, NetlinkError> dump(int type,
                                                                    std::size_t header_bytes,
                                                                    std::string_view what,
                                                                    Parse parse);
  [[nodiscard]] int change_address(int type, const Link& link, const Prefix& prefix);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace kadwire::node
