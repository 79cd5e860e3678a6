/// Properties of the DHT's values on any bytes. A fuzzer cannot forge the seal, so the input is
/// tried as a value, as what is sealed in one, and as the record of one that is right otherwise.
/// Whatever opens is within bounds, and opens under its own topic alone.

#include "dht/sealed_value.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
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

void check_value(ByteView value) {
  const auto record = open_value(mesh().keys, kTopic, value);
  if (!record) return;
  assert(value.size() == kSealedValueBytes && record->size() <= kValueRecordBytesMax);
  for (const Topic& other : {Topic{kTopic.hour + 1, kTopic.shard, {}}, Topic{kTopic.hour, 4, {}}}) {
    assert(!open_value(mesh().keys, other, value));
  }
}

/// The first two bytes are then the length field, and what follows the record is the padding.
void check_as_plaintext(ByteView input) {
  Bytes plaintext(input.begin(), input.end());
  plaintext.resize(kSealedValueBytes - crypto::kSealOverheadBytes);
  const Bytes associated =
      ByteWriter().text("kadwire value v1").be64(kTopic.hour).u8(kTopic.shard).take();
  check_value(
      crypto::seal(mesh().keys.record_seal_key(kTopic.hour), plaintext, associated, mesh().random));
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
  check_value(input);
  check_as_plaintext(input);
  check_as_record(input);
  return 0;
}
