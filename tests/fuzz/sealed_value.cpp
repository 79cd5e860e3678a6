/// Properties of the DHT's values on any bytes. A fuzzer cannot forge the seal, so the input is
/// tried as a value, as what is sealed in one, and as the record of one that is right otherwise.
/// Whatever opens is within bounds, and opens under its own topic alone.

#include "dht/sealed_value.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/mesh_secret.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;
using namespace kadwire::dht;

const Topic kTopic{490'000, 3, {}};

/// What needs expensive arithmetic, made once.
struct Mesh {
  testnet::SeededRandom random{1};
  crypto::KeySchedule keys{crypto::generate_mesh_secret(random)};
};

Mesh& mesh() {
  static Mesh fixed = [] {
    crypto::initialise();
    return Mesh();
  }();
  return fixed;
}

std::optional<Bytes> check_value(ByteView value) {
  auto record = open_value(mesh().keys, kTopic, value);
  if (!record) return record;
  assert(value.size() == kSealedValueBytes && record->size() <= kValueRecordBytesMax);
  for (const Topic& other : {Topic{kTopic.hour + 1, kTopic.shard, {}}, Topic{kTopic.hour, 4, {}}}) {
    assert(!open_value(mesh().keys, other, value));
  }
  return record;
}

/// The first two bytes are then the length field, and what follows the record is the padding: it
/// opens if there is so much, and nothing but zeroes behind it.
void check_as_plaintext(ByteView input) {
  Bytes plaintext(input.begin(), input.end());
  plaintext.resize(kSealedValueBytes - crypto::kSealOverheadBytes);
  const Bytes associated =
      ByteWriter().text("kadwire value v1").be64(kTopic.hour).u8(kTopic.shard).take();
  const auto record = check_value(
      crypto::seal(mesh().keys.record_seal_key(kTopic.hour), plaintext, associated, mesh().random));
  ByteReader reader(plaintext);
  const ByteView text = reader.raw(reader.be16());
  const ByteView padding = reader.raw(reader.remaining());
  const bool zero = std::ranges::count(padding, std::byte{}) == std::ssize(padding);
  assert(record.has_value() == (reader.ok() && zero));
  assert(!record || std::ranges::equal(*record, text));
}

void check_as_record(ByteView input) {
  const ByteView record = input.first(std::min(input.size(), kValueRecordBytesMax));
  Bytes value = seal_value(mesh().keys, kTopic, record, mesh().random);
  const auto opened = open_value(mesh().keys, kTopic, value);
  assert(opened && std::ranges::equal(*opened, record));
  if (input.empty()) return;
  value[std::to_integer<std::size_t>(input.front())] ^= std::byte{1};
  assert(!open_value(mesh().keys, kTopic, value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  (void)check_value(input);
  check_as_plaintext(input);
  check_as_record(input);
  return 0;
}
