#include "dht/sealed_value.h"

#include <algorithm>
#include <cassert>

namespace kadwire::dht {
namespace {

Bytes associated_data(const Topic& topic) {
  return ByteWriter().text("kadwire value v1").be64(topic.hour).u8(topic.shard).take();
}

}  // namespace

Bytes seal_value(const crypto::KeySchedule& keys, const Topic& topic, ByteView record,
                 RandomSource& random) {
  assert(record.size() <= kValueRecordBytesMax);
  Bytes plaintext =
      ByteWriter().be16(static_cast<std::uint16_t>(record.size())).raw(record).take();
  plaintext.resize(kSealedValueBytes - crypto::kSealOverheadBytes);
  return crypto::seal(keys.record_seal_key(topic.hour), plaintext, associated_data(topic), random);
}

std::optional<Bytes> open_value(const crypto::KeySchedule& keys, const Topic& topic,
                                ByteView value) {
  if (value.size() != kSealedValueBytes) return std::nullopt;
  const auto plaintext =
      crypto::open(keys.record_seal_key(topic.hour), value, associated_data(topic));
  if (!plaintext) return std::nullopt;
  ByteReader reader(*plaintext);
  const ByteView record = reader.raw(reader.be16());
  const ByteView padding = reader.raw(reader.remaining());
  const bool zero = std::ranges::all_of(padding, [](std::byte byte) { return byte == std::byte{0}; });
  if (!reader.ok() || !zero) return std::nullopt;
  return Bytes(record.begin(), record.end());
}

}  // namespace kadwire::dht
