#include "node/adapters/uapi_codec.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string>
#include <type_traits>

namespace kadwire::node {
namespace {

constexpr std::size_t kKeyBytes = 32;
/// Different keys between two peers; the protocol has a dozen.
constexpr std::size_t kKeysMax = 64;
constexpr std::string_view kEndOfMessage = "\n\n";

// ---------------------------------------------------------------------------------------- encoding

void append_line(WipedText& text, std::string_view key, std::string_view value) {
  text.append(key).append("=").append(value).append("\n");
}

void append_hex_line(WipedText& text, std::string_view key, ByteView value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  text.append(key).append("=");
  for (const std::byte byte : value) {
    text.push_back(kDigits[std::to_integer<std::size_t>(byte >> 4)]);
    text.push_back(kDigits[std::to_integer<std::size_t>(byte & std::byte{15})]);
  }
  text.append("\n");
}

void append_peer(WipedText& text, const PeerConfig& config, const crypto::SecretBytes& psk) {
  assert(psk.size() == kKeyBytes);
  append_hex_line(text, "public_key", config.key.bytes);
  append_hex_line(text, "preshared_key", psk.view());
  append_line(text, "replace_allowed_ips", "true");
  for (const Prefix& prefix : config.allowed_ips) {
    append_line(text, "allowed_ip", prefix.to_string());
  }
  if (config.endpoint) append_line(text, "endpoint", config.endpoint->to_string());
  // Last: going from off to on is what makes a fresh peer initiate, and by then it is complete.
  append_line(text, "persistent_keepalive_interval", std::to_string(config.keepalive.count()));
}

void append_removal(WipedText& text, const crypto::WireguardKey& key) {
  append_hex_line(text, "public_key", key.bytes);
  append_line(text, "remove", "true");
}

void append_change(WipedText& text, const PeerChange& change) {
  if (const auto* set = std::get_if<SetPeer>(&change)) {
    append_peer(text, set->config, set->psk);
  } else if (const auto* renew = std::get_if<RenewPeer>(&change)) {
    append_removal(text, renew->config.key);
    append_peer(text, renew->config, renew->psk);
  } else {
    append_removal(text, std::get<RemovePeer>(change).key);
  }
}

// ---------------------------------------------------------------------------------------- decoding

template <typename Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::byte> hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::byte>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::byte>(digit - 'a' + 10);
  return std::nullopt;
}

/// Straight into `out`, so that a secret leaves no copy on the way.
bool parse_hex(std::string_view text, std::span<std::byte> out) {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return false;
    out[i] = (*high << 4) | *low;
  }
  return true;
}

/// A link-local endpoint may name its interface ("[fe80::1%eth0]:51820"), which Endpoint does not.
std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto zone = text.find('%');
  const auto bracket = text.find(']');
  if (zone == std::string_view::npos || bracket == std::string_view::npos || bracket < zone) {
    return Endpoint::parse(text);
  }
  std::string without_zone(text.substr(0, zone));
  without_zone += text.substr(bracket);
  return Endpoint::parse(without_zone);
}

/// Reads a get reply line by line. Each on_… returns false after it has set `error`.
class GetParser {
 public:
  std::optional<UapiError> error;

  bool on_line(std::string_view key, std::string_view value);
  UapiDevice finish() &&;

 private:
  bool fail(UapiError reason) {
    error = reason;
    return false;
  }
  bool on_device_line(std::string_view key, std::string_view value);
  bool on_peer_line(std::string_view key, std::string_view value);
  bool on_new_peer(std::string_view value);
  bool on_allowed_ip(std::string_view value);
  void complete_peer();

  template <typename Integer>
  bool read(std::string_view value, Integer maximum, Integer& out) {
    const auto number = parse_integer<Integer>(value);
    if (!number || *number > maximum) return fail(UapiError::kBadValue);
    out = *number;
    return true;
  }

  UapiDevice device_;
  std::optional<PeerStatus> peer_;
  std::uint64_t handshake_seconds_ = 0;
  std::uint64_t handshake_nanoseconds_ = 0;
  std::vector<std::string_view> seen_;  ///< keys since the last peer began, to refuse repetitions
};

bool GetParser::on_line(std::string_view key, std::string_view value) {
  if (key == "public_key") return on_new_peer(value);
  if (key == "allowed_ip") return on_allowed_ip(value);
  if (std::ranges::find(seen_, key) != seen_.end()) return fail(UapiError::kMisplaced);
  if (seen_.size() == kKeysMax) return fail(UapiError::kTooMany);
  seen_.push_back(key);
  if (key == "private_key" || key == "listen_port" || key == "fwmark") {
    return on_device_line(key, value);
  }
  return on_peer_line(key, value);
}

bool GetParser::on_device_line(std::string_view key, std::string_view value) {
  if (peer_) return fail(UapiError::kMisplaced);
  if (key == "private_key") {
    device_.private_key = crypto::SecretBytes(kKeyBytes);
    return parse_hex(value, device_.private_key.writable()) || fail(UapiError::kBadValue);
  }
  if (key == "listen_port") {
    std::uint16_t port = 0;
    if (!read<std::uint16_t>(value, std::numeric_limits<std::uint16_t>::max(), port)) return false;
    if (port != 0) device_.listen_port = port;
  }
  return true;
}

bool GetParser::on_new_peer(std::string_view value) {
  complete_peer();
  if (device_.peers.size() == kUapiPeersMax) return fail(UapiError::kTooMany);
  peer_.emplace();
  return parse_hex(value, peer_->key.bytes) || fail(UapiError::kBadValue);
}

bool GetParser::on_allowed_ip(std::string_view value) {
  if (!peer_) return fail(UapiError::kMisplaced);
  if (peer_->allowed_ips.size() == kUapiAllowedIpsMax) return fail(UapiError::kTooMany);
  const auto prefix = Prefix::parse(value);
  if (!prefix) return fail(UapiError::kBadValue);
  peer_->allowed_ips.push_back(*prefix);
  return true;
}

bool GetParser::on_peer_line(std::string_view key, std::string_view value) {
  constexpr std::string_view kPeerKeys[] = {
      "endpoint", "persistent_keepalive_interval", "rx_bytes",
      "tx_bytes", "last_handshake_time_sec",       "last_handshake_time_nsec"};
  if (std::ranges::find(kPeerKeys, key) == std::end(kPeerKeys)) return true;  // pre-shared key too
  if (!peer_) return fail(UapiError::kMisplaced);
  constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
  if (key == "rx_bytes") return read(value, kAny, peer_->rx_bytes);
  if (key == "tx_bytes") return read(value, kAny, peer_->tx_bytes);
  if (key == "last_handshake_time_sec") return read(value, kAny, handshake_seconds_);
  if (key == "last_handshake_time_nsec") {
    return read<std::uint64_t>(value, 999'999'999, handshake_nanoseconds_);
  }
  if (key == "endpoint") {
    peer_->endpoint = parse_endpoint(value);
    return peer_->endpoint.has_value() || fail(UapiError::kBadValue);
  }
  std::uint16_t seconds = 0;
  if (!read<std::uint16_t>(value, std::numeric_limits<std::uint16_t>::max(), seconds)) return false;
  peer_->keepalive = std::chrono::seconds(seconds);
  return true;
}

void GetParser::complete_peer() {
  seen_.clear();
  if (!peer_) return;
  if (handshake_seconds_ != 0 || handshake_nanoseconds_ != 0) {
    // Bounded before multiplying; wall_from_unix_milliseconds caps what is left.
    const std::uint64_t seconds = std::min<std::uint64_t>(handshake_seconds_, 1ULL << 40);
    peer_->last_handshake =
        wall_from_unix_milliseconds(seconds * 1000 + handshake_nanoseconds_ / 1'000'000);
  }
  std::ranges::sort(peer_->allowed_ips);
  device_.peers.push_back(std::move(*peer_));
  handshake_seconds_ = handshake_nanoseconds_ = 0;
}

UapiDevice GetParser::finish() && {
  complete_peer();
  return std::move(device_);
}

/// Gives every line before "errno" to `on_line` (which returns an error or nothing), and returns
/// errno's positive value.
template <typename OnLine>
tl::expected<int, UapiError> parse_reply(std::string_view reply, OnLine on_line) {
  if (reply.size() > kUapiReplyBytesMax) return tl::unexpected(UapiError::kTooLong);
  if (!is_complete_reply(reply)) return tl::unexpected(UapiError::kIncomplete);
  std::string_view rest = reply.substr(0, reply.size() - 1);  // now every line ends in one newline
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return tl::unexpected(UapiError::kBadLine);
    }
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (key == "errno") {
      const auto number = parse_integer<std::int32_t>(value);
      if (!number || *number == std::numeric_limits<std::int32_t>::min()) {
        return tl::unexpected(UapiError::kBadValue);
      }
      if (!rest.empty()) return tl::unexpected(UapiError::kBadLine);
      return std::abs(*number);
    }
    if (const std::optional<UapiError> error = on_line(key, value)) return tl::unexpected(*error);
  }
  return tl::unexpected(UapiError::kIncomplete);
}

}  // namespace

std::string_view describe(UapiError error) {
  switch (error) {
    case UapiError::kTooLong:
      return "the reply is too long";
    case UapiError::kIncomplete:
      return "the reply is cut short";
    case UapiError::kBadLine:
      return "the reply has a line that is not key=value";
    case UapiError::kBadValue:
      return "the reply has a value out of its form or range";
    case UapiError::kMisplaced:
      return "the reply has a line out of place";
    case UapiError::kTooMany:
      return "the reply has too many peers or allowed IPs";
  }
  return "the reply cannot be understood";
}

WipedText encode_get() {
  return "get=1\n\n";
}

WipedText encode_private_key(const crypto::SecretBytes& private_key) {
  assert(private_key.size() == kKeyBytes);
  WipedText text = "set=1\n";
  append_hex_line(text, "private_key", private_key.view());
  append_line(text, "replace_peers", "true");
  text.append("\n");
  return text;
}

WipedText encode_listen_port(std::uint16_t port) {
  WipedText text = "set=1\n";
  append_line(text, "listen_port", std::to_string(port));
  text.append("\n");
  return text;
}

WipedText encode_changes(std::span<const PeerChange> changes) {
  WipedText text = "set=1\n";
  for (const PeerChange& change : changes) append_change(text, change);
  text.append("\n");
  return text;
}

bool is_complete_reply(std::string_view reply) {
  return reply.ends_with(kEndOfMessage);
}

tl::expected<int, UapiError> parse_set_reply(std::string_view reply) {
  return parse_reply(
      reply, [](std::string_view, std::string_view) { return std::optional(UapiError::kBadLine); });
}

tl::expected<UapiDevice, UapiError> parse_get_reply(std::string_view reply) {
  GetParser parser;
  const auto error_number = parse_reply(reply, [&](std::string_view key, std::string_view value) {
    parser.on_line(key, value);
    return parser.error;
  });
  if (!error_number) return tl::unexpected(error_number.error());
  UapiDevice device = std::move(parser).finish();
  device.error_number = *error_number;
  return device;
}

}  // namespace kadwire::node
