#pragma once

/// The one datagram format between members. Byte layout: rendezvous/PROTOCOL.md.
///   version u8 (0xC1) ‖ type u8 ‖ low byte of the hour u8 ‖ zero u8 ‖ tag 8 ‖ payload
///   tag = first 8 bytes of BLAKE2b-128, keyed with frame_tag_key(hour), over bytes 0–3 ‖ payload
/// The tag is checked before anything dearer: it proves that a holder of the secret made the frame
/// in this hour, neither which one nor that it is no replay. The payload's own protection is its
/// message's task. Not here: what any message says, rate limits, sockets.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

#include "crypto/key_schedule.h"
#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// Top bits 11 keep it apart from STUN (00) and from WireGuard (a first byte of 1 to 4) on the same
/// port; the low bits are the version.
inline constexpr std::byte kFrameVersion1{0xc1};
inline constexpr std::size_t kFrameTagBytes = 8;
inline constexpr std::size_t kFrameHeaderBytes = 4 + kFrameTagBytes;
/// Fits IPv6's minimum MTU of 1280 bytes behind IPv6 and UDP headers with room for one tunnel.
inline constexpr std::size_t kFrameBytesMax = 1200;
inline constexpr std::size_t kFramePayloadBytesMax = kFrameBytesMax - kFrameHeaderBytes;

/// Which message the payload is. A type that a receiver does not know is counted and dropped by
/// whoever it reaches.
enum class FrameType : std::uint8_t {
  kCall = 1,     ///< asks for a pair session
  kAnswer = 2,   ///< makes one
  kSession = 3,  ///< a message under one
  kBind = 4,     ///< the same, to a relay's port for a pair: "here I am"
  kBeacon = 5,   ///< to a link's multicast group, never to WireGuard's port (beacon.h)
};

/// The tag keys of the few hours that matter at any time, derived once each.
class FrameKeys {
 public:
  /// `schedule` must outlive this object.
  explicit FrameKeys(const crypto::KeySchedule& schedule) : schedule_(schedule) {}
  /// Valid until the key of another hour is asked for.
  [[nodiscard]] const crypto::SecretBytes& of(Hour hour);

 private:
  struct Entry {
    Hour hour;
    crypto::SecretBytes key;
  };
  /// The last hour, this and the next fall into different slots; a fourth makes the modulus cheap.
  static constexpr std::size_t kHoursKept = 4;
  const crypto::KeySchedule& schedule_;
  std::array<std::optional<Entry>, kHoursKept> entries_;
};

struct Frame {
  FrameType type{};
  Hour hour = 0;     ///< whose key tagged it
  ByteView payload;  ///< a view into the datagram
};

enum class FrameError {
  kMalformed,  ///< shorter than a header, longer than kFrameBytesMax, or byte 3 is not zero
  kForeign,    ///< another first byte: another protocol, or another version
  kWrongHour,  ///< neither of this hour nor of its neighbours
  kBadTag,     ///< made without the secret, or changed on the way
};
[[nodiscard]] std::string_view describe(FrameError error);

/// True if a datagram on WireGuard's port is to be given to open_frame.
[[nodiscard]] bool looks_like_frame(ByteView datagram);

/// True if a datagram on a relay's port is for the relay itself, and not to be passed on.
[[nodiscard]] bool looks_like_bind(ByteView datagram);

/// `payload` has at most kFramePayloadBytesMax bytes.
[[nodiscard]] Bytes encode_frame(FrameType type, ByteView payload, Hour hour, FrameKeys& keys);

/// Accepts the hour before `now`, `now` and the one after: clocks differ, and frames travel across
/// the turn of an hour. Never derives more than one key, and compares tags in constant time.
[[nodiscard]] tl::expected<Frame, FrameError> open_frame(ByteView datagram, Hour now,
                                                         FrameKeys& keys);

}  // namespace kadwire::rendezvous
