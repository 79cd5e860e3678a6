#include "node/base/bytes.h"

namespace kadwire {
namespace {

constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kHex = "0123456789abcdef";

/// Cuts the bit string of `bytes` into groups of `bits` (5 or 6) and names each by `alphabet`.
std::string encode(ByteView bytes, std::string_view alphabet, unsigned bits) {
  std::string text;
  text.reserve((bytes.size() * 8 + bits - 1) / bits);
  std::uint32_t buffer = 0;
  unsigned pending = 0;
  const std::uint32_t mask = (1U << bits) - 1;
  for (const std::byte byte : bytes) {
    buffer = (buffer << 8) | std::to_integer<std::uint32_t>(byte);
    pending += 8;
    while (pending >= bits) {
      pending -= bits;
      text.push_back(alphabet[(buffer >> pending) & mask]);
    }
  }
  if (pending > 0) text.push_back(alphabet[(buffer << (bits - pending)) & mask]);
  return text;
}

/// The inverse for 6-bit alphabets; refuses left-over bits that are not zero.
std::optional<Bytes> decode64(std::string_view text, std::string_view alphabet) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  unsigned pending = 0;
  for (const char character : text) {
    const auto digit = alphabet.find(character);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << 6) | static_cast<std::uint32_t>(digit);
    pending += 6;
    if (pending < 8) continue;
    pending -= 8;
    bytes.push_back(static_cast<std::byte>((buffer >> pending) & 0xff));
  }
  if ((buffer & ((1U << pending) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text.push_back(kHex[std::to_integer<unsigned>(byte >> 4)]);
    text.push_back(kHex[std::to_integer<unsigned>(byte & std::byte{0x0f})]);
  }
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  unsigned high = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto digit = kHex.find(lower);
    if (digit == std::string_view::npos) return std::nullopt;
    if (i % 2 == 0) {
      high = static_cast<unsigned>(digit);
    } else {
      bytes.push_back(static_cast<std::byte>(high << 4 | static_cast<unsigned>(digit)));
    }
  }
  return bytes;
}

std::string to_base64url(ByteView bytes) { return encode(bytes, kBase64Url, 6); }

std::optional<Bytes> from_base64url(std::string_view text) { return decode64(text, kBase64Url); }

std::string to_base64(ByteView bytes) {
  std::string text = encode(bytes, kBase64, 6);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return decode64(text, kBase64);
}

std::string to_base32(ByteView bytes) { return encode(bytes, kBase32, 5); }

ByteWriter& ByteWriter::u8(std::uint8_t value) {
  buffer_.push_back(static_cast<std::byte>(value));
  return *this;
}

ByteWriter& ByteWriter::be16(std::uint16_t value) {
  return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value));
}

ByteWriter& ByteWriter::be32(std::uint32_t value) {
  return be16(static_cast<std::uint16_t>(value >> 16)).be16(static_cast<std::uint16_t>(value));
}

ByteWriter& ByteWriter::be64(std::uint64_t value) {
  return be32(static_cast<std::uint32_t>(value >> 32)).be32(static_cast<std::uint32_t>(value));
}

ByteWriter& ByteWriter::raw(ByteView bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return *this;
}

ByteWriter& ByteWriter::text(std::string_view text) { return raw(as_bytes(text)); }

std::uint64_t ByteReader::big_endian(std::size_t count) {
  std::uint64_t value = 0;
  for (const std::byte byte : raw(count)) {
    value = (value << 8) | std::to_integer<std::uint64_t>(byte);
  }
  return value;
}

std::uint8_t ByteReader::u8() { return static_cast<std::uint8_t>(big_endian(1)); }
std::uint16_t ByteReader::be16() { return static_cast<std::uint16_t>(big_endian(2)); }
std::uint32_t ByteReader::be32() { return static_cast<std::uint32_t>(big_endian(4)); }
std::uint64_t ByteReader::be64() { return big_endian(8); }

ByteView ByteReader::raw(std::size_t count) {
  if (!ok_ || count > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const ByteView bytes = rest_.first(count);
  rest_ = rest_.subspan(count);
  return bytes;
}

}  // namespace kadwire
