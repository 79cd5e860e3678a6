#include "dht/sealed_value.h"

#include <cassert>
#include <cstring>

namespace kadwire::dht {
namespace {

Bytes associated_data(const Topic& topic) {
  return ByteWriter().text("kadwire value v1").be64(topic.hour).u8(topic.shard).take();
}

}  // namespace

Bytes seal_value(const crypto::KeySchedule& keys, const Topic& topic, ByteView record,
                 RandomSource& random) {
  return crypto::seal_padded(keys.record_seal_key(topic.hour), record, kSealedValueBytes,
                             associated_data(topic), random);
}

std::optional<Bytes> open_value(const crypto::KeySchedule& keys, const Topic& topic,
                                ByteView value) {
  if (value.size() != kSealedValueBytes) return std::nullopt;  // before a key is derived
  return crypto::open_padded(keys.record_seal_key(topic.hour), value, kSealedValueBytes,
                             associated_data(topic));
}

std::uint64_t fresh_value_id(RandomSource& random) {
  return 1 + random_below(random, 0xffff'ffff);
}

std::uint64_t name_of(ByteView value) {
  assert(value.size() == kSealedValueBytes);
  std::uint64_t name = 0;
  std::memcpy(&name, value.data(), sizeof name);
  return name;
}

}  // namespace kadwire::dht
