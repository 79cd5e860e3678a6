#pragma once

/// IP addresses of both families, prefixes and endpoints, as values. Text forms follow RFC 5952.
/// Not here: names, scopes (link-local addresses carry no interface), sockets.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/base/bytes.h"

namespace kadwire {

enum class AddressFamily : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is turned into IPv4 when made, so that one
/// host has one spelling.
class IpAddress {
 public:
  /// 0.0.0.0
  IpAddress() = default;
  [[nodiscard]] static IpAddress v4(const ByteArray<4>& network_order);
  [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
  [[nodiscard]] static IpAddress v6(const ByteArray<16>& network_order);
  /// 4 or 16 bytes in network order; nullopt for any other length.
  [[nodiscard]] static std::optional<IpAddress> from_bytes(ByteView network_order);
  /// Dotted quad or RFC 4291 text without a zone; nullopt for anything else.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] AddressFamily family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == AddressFamily::kIpv4; }
  [[nodiscard]] bool is_v6() const { return family_ == AddressFamily::kIpv6; }
  /// 4 or 16 bytes in network order; lives as long as this object.
  [[nodiscard]] ByteView bytes() const;
  /// 32 or 128.
  [[nodiscard]] unsigned bits() const { return is_v4() ? 32 : 128; }
  /// Host order; only for IPv4.
  [[nodiscard]] std::uint32_t v4_value() const;

  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_multicast() const;   ///< IPv4's limited broadcast included
  [[nodiscard]] bool is_link_local() const;
  /// RFC 1918, RFC 6598 (carrier-grade NAT) or IPv6 unique local (RFC 4193).
  [[nodiscard]] bool is_private() const;

  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  AddressFamily family_ = AddressFamily::kIpv4;
  ByteArray<16> bytes_{};  ///< IPv4 uses the first four, the rest stay zero
};

/// A network: every address that shares the first `length` bits.
struct Prefix {
  IpAddress address;        ///< as given: host bits may be set, as in an interface's address
  unsigned length = 0;      ///< 0 to address.bits()

  /// "10.1.0.0/16"; nullopt unless the length is in range. Host bits are kept.
  [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);
  /// The /32 or /128 of one address.
  [[nodiscard]] static Prefix of_host(const IpAddress& address);
  /// The same network with host bits zeroed.
  [[nodiscard]] Prefix network() const;
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const;
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Prefix&) const = default;
};

/// An address and a UDP port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:51820" or "[2001:db8::1]:51820"; nullopt for anything else, port 0 included.
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

/// A whole decimal number of 1 to 65535, nothing around it.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text);

}  // namespace kadwire
