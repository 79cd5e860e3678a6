#include "node/base/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cassert>
#include <cstring>

namespace kadwire {
namespace {

std::optional<unsigned> parse_decimal(std::string_view text, unsigned maximum) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > maximum) {
    return std::nullopt;
  }
  return value;
}

bool in_v4_block(std::uint32_t address, std::uint32_t block, unsigned length) {
  return (address >> (32 - length)) == (block >> (32 - length));
}

}  // namespace

IpAddress IpAddress::v4(const ByteArray<4>& network_order) {
  IpAddress address;
  std::copy(network_order.begin(), network_order.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  ByteWriter writer;
  writer.be32(host_order);
  return v4(*to_array<4>(writer.view()));
}

IpAddress IpAddress::v6(const ByteArray<16>& network_order) {
  constexpr ByteArray<12> kMappedPrefix{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xff},
                                         std::byte{0xff}}};
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), network_order.begin())) {
    return v4(*to_array<4>(ByteView(network_order).subspan(12)));
  }
  IpAddress address;
  address.family_ = AddressFamily::kIpv6;
  address.bytes_ = network_order;
  return address;
}

std::optional<IpAddress> IpAddress::from_bytes(ByteView network_order) {
  if (const auto four = to_array<4>(network_order)) return v4(*four);
  if (const auto sixteen = to_array<16>(network_order)) return v6(*sixteen);
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.size() != std::strlen(terminated.c_str())) return std::nullopt;
  ByteArray<4> four;
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
  ByteArray<16> sixteen;
  if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return std::nullopt;
}

ByteView IpAddress::bytes() const { return ByteView(bytes_).first(is_v4() ? 4 : 16); }

std::uint32_t IpAddress::v4_value() const {
  assert(is_v4());
  return ByteReader(bytes()).be32();
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](std::byte byte) { return byte == std::byte{0}; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == std::byte{127};
  return std::all_of(bytes_.begin(), bytes_.end() - 1,
                     [](std::byte byte) { return byte == std::byte{0}; }) &&
         bytes_[15] == std::byte{1};
}

bool IpAddress::is_multicast() const {
  if (is_v6()) return bytes_[0] == std::byte{0xff};
  return in_v4_block(v4_value(), 0xe0000000, 4) || v4_value() == 0xffffffff;
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return in_v4_block(v4_value(), 0xa9fe0000, 16);
  return bytes_[0] == std::byte{0xfe} && (bytes_[1] & std::byte{0xc0}) == std::byte{0x80};
}

bool IpAddress::is_private() const {
  if (is_v6()) return (bytes_[0] & std::byte{0xfe}) == std::byte{0xfc};
  const std::uint32_t value = v4_value();
  return in_v4_block(value, 0x0a000000, 8) || in_v4_block(value, 0xac100000, 12) ||
         in_v4_block(value, 0xc0a80000, 16) || in_v4_block(value, 0x64400000, 10);
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  const int family = is_v4() ? AF_INET : AF_INET6;
  const char* written = inet_ntop(family, bytes_.data(), text, sizeof text);
  assert(written != nullptr);
  return written;
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto length = parse_decimal(text.substr(slash + 1), address->bits());
  if (!length) return std::nullopt;
  return Prefix{*address, *length};
}

Prefix Prefix::of_host(const IpAddress& address) { return {address, address.bits()}; }

Prefix Prefix::network() const {
  Bytes bytes(address.bytes().begin(), address.bytes().end());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned first_bit = static_cast<unsigned>(i) * 8;
    if (first_bit >= length) {
      bytes[i] = std::byte{0};
    } else if (length - first_bit < 8) {
      bytes[i] &= static_cast<std::byte>(0xff << (8 - (length - first_bit)));
    }
  }
  return {*IpAddress::from_bytes(bytes), length};
}

bool Prefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  const ByteView own = address.bytes(), others = other.bytes();
  const std::size_t whole = length / 8;
  if (!std::equal(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(whole), others.begin())) {
    return false;
  }
  if (length % 8 == 0) return true;
  const auto mask = static_cast<std::byte>(0xff << (8 - length % 8));
  return (own[whole] & mask) == (others[whole] & mask);
}

bool Prefix::overlaps(const Prefix& other) const {
  return contains(other.address) || other.contains(address);
}

std::string Prefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto value = parse_decimal(text, 65535);
  if (!value || *value == 0) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!address || !port || (host.find(':') != std::string_view::npos) != bracketed) {
    return std::nullopt;
  }
  return Endpoint{*address, *port};
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace kadwire
