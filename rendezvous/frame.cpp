#include "rendezvous/frame.h"

#include <sodium.h>

#include <cassert>

namespace kadwire::rendezvous {
namespace {

/// What the tag covers besides the payload: everything before the tag itself.
constexpr std::size_t kTaggedHeaderBytes = kFrameHeaderBytes - kFrameTagBytes;
/// BLAKE2b's smallest output in libsodium; the frame carries half of it.
constexpr std::size_t kHashBytes = crypto_generichash_BYTES_MIN;

const unsigned char* raw(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

ByteArray<kFrameTagBytes> tag_of(const crypto::SecretBytes& key, ByteView tagged_header,
                                 ByteView payload) {
  crypto_generichash_state state;
  ByteArray<kHashBytes> hash;
  auto* out = reinterpret_cast<unsigned char*>(hash.data());
  crypto_generichash_init(&state, raw(key.view()), key.size(), hash.size());
  crypto_generichash_update(&state, raw(tagged_header), tagged_header.size());
  crypto_generichash_update(&state, raw(payload), payload.size());
  crypto_generichash_final(&state, out, hash.size());
  return *to_array<kFrameTagBytes>(ByteView(hash).first(kFrameTagBytes));
}

std::uint8_t low_byte(Hour hour) {
  return static_cast<std::uint8_t>(hour);
}

/// The one hour near `now` whose low byte is `byte`.
std::optional<Hour> neighbouring_hour(Hour now, std::uint8_t byte) {
  if (byte == low_byte(now)) return now;
  if (byte == low_byte(now + 1)) return now + 1;
  if (now > 0 && byte == low_byte(now - 1)) return now - 1;
  return std::nullopt;
}

}  // namespace

const crypto::SecretBytes& FrameKeys::of(Hour hour) {
  std::optional<Entry>& entry = entries_[hour % kHoursKept];
  if (!entry || entry->hour != hour) entry = Entry{hour, schedule_.frame_tag_key(hour)};
  return entry->key;
}

std::string_view describe(FrameError error) {
  switch (error) {
    case FrameError::kMalformed:
      return "malformed";
    case FrameError::kForeign:
      return "not a frame of this version";
    case FrameError::kWrongHour:
      return "of another hour";
    case FrameError::kBadTag:
      return "bad tag";
  }
  assert(false);
  return {};
}

bool looks_like_frame(ByteView datagram) {
  return datagram.size() >= kFrameHeaderBytes && datagram.front() == kFrameVersion1;
}

bool looks_like_bind(ByteView datagram) {
  return datagram.size() > kFrameHeaderBytes && datagram[0] == kFrameVersion1 &&
         datagram[1] == static_cast<std::byte>(FrameType::kBind);
}

Bytes encode_frame(FrameType type, ByteView payload, Hour hour, FrameKeys& keys) {
  assert(payload.size() <= kFramePayloadBytesMax);
  ByteWriter writer;
  writer.u8(std::to_integer<std::uint8_t>(kFrameVersion1));
  writer.u8(static_cast<std::uint8_t>(type)).u8(low_byte(hour)).u8(0);
  const auto tag = tag_of(keys.of(hour), writer.view(), payload);
  writer.raw(tag).raw(payload);
  return writer.take();
}

tl::expected<Frame, FrameError> open_frame(ByteView datagram, Hour now, FrameKeys& keys) {
  if (datagram.size() < kFrameHeaderBytes || datagram.size() > kFrameBytesMax) {
    return tl::unexpected(FrameError::kMalformed);
  }
  ByteReader reader(datagram);
  if (std::byte{reader.u8()} != kFrameVersion1) return tl::unexpected(FrameError::kForeign);
  const auto type = static_cast<FrameType>(reader.u8());
  const auto hour = neighbouring_hour(now, reader.u8());
  if (reader.u8() != 0) return tl::unexpected(FrameError::kMalformed);
  if (!hour) return tl::unexpected(FrameError::kWrongHour);

  const ByteView tag = reader.raw(kFrameTagBytes);
  const ByteView payload = reader.raw(reader.remaining());
  const auto expected = tag_of(keys.of(*hour), datagram.first(kTaggedHeaderBytes), payload);
  if (sodium_memcmp(tag.data(), expected.data(), kFrameTagBytes) != 0) {
    return tl::unexpected(FrameError::kBadTag);
  }
  return Frame{type, *hour, payload};
}

}  // namespace kadwire::rendezvous
