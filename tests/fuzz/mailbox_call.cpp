/// Properties of mailbox values and the calls in them on any bytes. A fuzzer can forge neither seal
/// nor handshake, so the input is tried as a value, as what is sealed in one, as a call, and as
/// what a member's handshake carries in place of its record. Whatever is read has its sender's
/// record, within bounds, and only the called reads it, in its hour.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>

#include "crypto/mesh_secret.h"
#include "dht/mailbox_value.h"
#include "rendezvous/mailbox_call.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;

constexpr Hour kHour = 490'000;

/// What needs expensive arithmetic, made once.
struct Mesh {
  testnet::SeededRandom random{1};
  crypto::KeySchedule keys{crypto::generate_mesh_secret(random)};
  crypto::NodeIdentity called = crypto::NodeIdentity::generate(random);
  crypto::NodeIdentity caller = crypto::NodeIdentity::generate(random);
  crypto::SecretBytes seal_key = keys.mailbox_seal_key(kHour, called.node_id());
};

Mesh& mesh() {
  static Mesh fixed = [] {
    crypto::initialise();
    return Mesh();
  }();
  return fixed;
}

void check_call(ByteView bytes) {
  const auto call = rendezvous::read_mailbox_call(mesh().keys, mesh().called, kHour, bytes);
  if (!call) return;
  assert(call->id == rendezvous::mailbox_call_id(bytes));
  assert(call->caller.encoded.size() <= rendezvous::kMailboxRecordBytesMax);
  assert(call->caller.record.node == mesh().caller.node_id());
  assert(!rendezvous::read_mailbox_call(mesh().keys, mesh().called, kHour + 1, bytes));
  assert(!rendezvous::read_mailbox_call(mesh().keys, mesh().caller, kHour, bytes));
}

void check_value(ByteView value) {
  const auto call =
      dht::open_mailbox_value(mesh().seal_key, {kHour, mesh().called.node_id()}, value);
  if (!call) return;
  assert(call->size() <= dht::kMailboxCallBytesMax);
  check_call(*call);
}

/// The first two bytes are then the length field, and what follows the call is the padding.
void check_as_plaintext(ByteView input) {
  Bytes plaintext(input.begin(), input.end());
  plaintext.resize(dht::kSealedValueBytes - crypto::kSealOverheadBytes);
  const Bytes associated =
      ByteWriter().text("kadwire mailbox v1").be64(kHour).raw(mesh().called.node_id().bytes).take();
  check_value(crypto::seal(mesh().seal_key, plaintext, associated, mesh().random));
}

/// As the record of a call that is right otherwise.
void check_as_record(ByteView input) {
  if (input.size() > rendezvous::kMailboxRecordBytesMax) return;
  check_call(rendezvous::write_mailbox_call(mesh().keys, mesh().caller, mesh().random,
                                            mesh().called.node_id(), kHour, input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  (void)mesh();  // starts the crypto library first
  check_value(input);
  check_as_plaintext(input);
  check_call(input);
  check_as_record(input);
  return 0;
}
