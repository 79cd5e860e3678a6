#pragma once

/// Views over raw bytes, their text forms, and the bounded reader and writer that every binary
/// codec of this project is built from. All integers on the wire are big-endian.
/// Not here: anything secret (see crypto/secret_bytes.h); nothing in this file zeroes memory.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kadwire {

using ByteView = std::span<const std::byte>;
using Bytes = std::vector<std::byte>;
template <std::size_t N>
using ByteArray = std::array<std::byte, N>;

/// The bytes of a text, without a terminator. The view lives as long as `text`'s storage.
[[nodiscard]] ByteView as_bytes(std::string_view text);
/// The bytes as characters, unchanged. The view lives as long as `bytes`' storage.
[[nodiscard]] std::string_view as_text(ByteView bytes);

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(ByteView bytes);
/// Either case; nullopt for an odd length or a foreign character.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

/// RFC 4648 §5, no padding.
[[nodiscard]] std::string to_base64url(ByteView bytes);
/// Only the canonical form: no padding, no white space, unused trailing bits zero; else nullopt.
[[nodiscard]] std::optional<Bytes> from_base64url(std::string_view text);

/// RFC 4648 §4 with padding: the text form of WireGuard keys.
[[nodiscard]] std::string to_base64(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

/// RFC 4648 §6 in lower case, no padding: the form people read aloud.
[[nodiscard]] std::string to_base32(ByteView bytes);

/// The array whose bytes are `bytes`; nullopt unless it has exactly N.
template <std::size_t N>
[[nodiscard]] std::optional<ByteArray<N>> to_array(ByteView bytes) {
  if (bytes.size() != N) return std::nullopt;
  ByteArray<N> array;
  for (std::size_t i = 0; i < N; ++i) array[i] = bytes[i];
  return array;
}

/// Appends to a buffer of its own. Never fails; the caller knows its bounds.
class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& be16(std::uint16_t value);
  ByteWriter& be32(std::uint32_t value);
  ByteWriter& be64(std::uint64_t value);
  ByteWriter& raw(ByteView bytes);
  ByteWriter& text(std::string_view text);
  [[nodiscard]] ByteView view() const { return buffer_; }
  [[nodiscard]] std::size_t size() const { return buffer_.size(); }
  /// What was written so far; the writer is empty afterwards. Ends a chain of writes.
  [[nodiscard]] Bytes take() { return std::exchange(buffer_, {}); }

 private:
  Bytes buffer_;
};

/// Reads forward through a view and never beyond it: after the first read past the end every read
/// gives zeroes and `ok()` is false, so a decoder checks once.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}
  std::uint8_t u8();
  std::uint16_t be16();
  std::uint32_t be32();
  std::uint64_t be64();
  /// The next `count` bytes, a view into the input; empty after a failure.
  ByteView raw(std::size_t count);
  template <std::size_t N>
  ByteArray<N> array() {
    ByteArray<N> result{};
    const ByteView bytes = raw(N);
    for (std::size_t i = 0; i < bytes.size(); ++i) result[i] = bytes[i];
    return result;
  }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] bool ok() const { return ok_; }
  /// True if everything was read and nothing failed.
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::uint64_t big_endian(std::size_t count);
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace kadwire
