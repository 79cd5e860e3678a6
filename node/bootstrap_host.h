#pragma once

/// A bootstrap host as people write it: HOST[:PORT]. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kadwire::node {

/// Where OpenDHT's nodes listen unless told otherwise.
inline constexpr std::uint16_t kDhtPortDefault = 4222;
/// RFC 1035 §2.3.4, in text.
inline constexpr std::size_t kDomainNameBytesMax = 253;

/// A host name or address to enter the DHT through.
struct BootstrapHost {
  std::string host;
  std::uint16_t port = kDhtPortDefault;
};

/// HOST[:PORT] with a host name, an IPv4 address, or an IPv6 address, which needs brackets if a
/// port follows. nullopt for anything else.
[[nodiscard]] std::optional<BootstrapHost> parse_bootstrap_host(std::string_view text);

/// Letters, digits, '-', '_' and '.', the first a letter or digit; 1 to `bytes_max` bytes.
[[nodiscard]] bool is_host_name(std::string_view text, std::size_t bytes_max);

}  // namespace kadwire::node
