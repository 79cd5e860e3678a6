/// Properties of beacons on any bytes. A fuzzer can forge neither tag nor seal, so the input is
/// tried as a datagram, as the payload of a frame with a right tag, and as what is sealed inside.
/// Whatever opens has the bounds of a record and opens to the same when made again.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>

#include "crypto/mesh_secret.h"
#include "rendezvous/beacon.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

constexpr Hour kHour = 490'000;

/// What needs expensive arithmetic, made once.
struct Mesh {
  testnet::SeededRandom random{1};
  crypto::KeySchedule keys{crypto::generate_mesh_secret(random)};
  FrameKeys frame_keys{keys};
};

Mesh& mesh() {
  static Mesh fixed = [] {
    crypto::initialise();
    return Mesh();
  }();
  return fixed;
}

void check(ByteView datagram) {
  const auto record = open_beacon(mesh().keys, mesh().frame_keys, kHour, datagram);
  if (!record) return;
  assert(datagram.size() == kBeaconBytes && record->size() <= kRecordBytesMax);
  const Bytes again = encode_beacon(mesh().keys, mesh().frame_keys, kHour, *record, mesh().random);
  assert(open_beacon(mesh().keys, mesh().frame_keys, kHour, again) == record);
}

void check_as_payload(ByteView input) {
  Bytes payload(input.begin(), input.end());
  payload.resize(kBeaconSealedBytes);
  check(encode_frame(FrameType::kBeacon, payload, kHour, mesh().frame_keys));
}

/// The first two bytes are then the length field, and what follows the record is the padding.
void check_as_plaintext(ByteView input) {
  Bytes plaintext(input.begin(), input.end());
  plaintext.resize(kBeaconSealedBytes - crypto::kSealOverheadBytes);
  const Bytes associated = ByteWriter().text("kadwire beacon v1").be64(kHour).take();
  check_as_payload(
      crypto::seal(mesh().keys.group_seal_key(kHour), plaintext, associated, mesh().random));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  (void)mesh();  // starts the crypto library first
  check(input);
  check_as_payload(input);
  check_as_plaintext(input);
  return 0;
}
