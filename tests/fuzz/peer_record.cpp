/// Properties of the peer record's decoder on any bytes: it ends without a crash, and whatever it
/// accepts has every bound that its header promises and means the same when decoded again.
/// A fuzzer cannot forge signatures, so the input is tried as it is and as the body of a record
/// that is then signed with fixed keys: the node, key and cross-signature fields are replaced, the
/// rest is the fuzzer's.

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "crypto/secret_bytes.h"
#include "rendezvous/peer_record.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

/// NodeId, WireGuard signing key and cross-signature stand here in a body (peer_record.h).
constexpr std::ptrdiff_t kKeysAt = 2;
constexpr std::size_t kKeysEnd = 2 + 32 + 32 + 64;

constexpr crypto::MeshId kMesh{};

const crypto::NodeIdentity& identity() {
  static const crypto::NodeIdentity fixed = [] {
    crypto::initialise();
    const ByteArray<32> first{std::byte{1}};
    const ByteArray<32> second{std::byte{2}};
    return *crypto::NodeIdentity::from_seeds(first, second);
  }();
  return fixed;
}

void check(ByteView encoded) {
  const auto decoded = decode_record(encoded, kMesh);
  if (!decoded) {
    assert(!describe(decoded.error()).empty());
    return;
  }
  const PeerRecord& record = decoded->record;
  assert(std::ranges::equal(decoded->encoded, encoded));
  assert(encoded.size() <= kRecordBytesMax);
  assert(record.candidates.size() <= kCandidatesMax);
  assert(record.hostname.size() <= kHostnameBytesMax);
  assert(record.lifetime <= kRecordLifetimeMax);
  assert(record.expires() >= record.issued);
  assert(record.ipv4_network == record.ipv4_network.network());
  for (const Candidate& candidate : record.candidates) assert(candidate.endpoint.port != 0);

  // What it means can be signed again and then means the same.
  const SignedRecord again = sign_record(record, identity(), kMesh);
  const auto reread = decode_record(again.encoded, kMesh);
  assert(reread);
  assert(reread->record.candidates == record.candidates);
  assert(reread->record.hostname == record.hostname);
  assert(reread->record.sequence == record.sequence);
}

Bytes signed_body(ByteView body) {
  Bytes record(body.begin(), body.end());
  if (record.size() >= kKeysEnd) {
    const Bytes keys = ByteWriter()
                           .raw(identity().node_id().bytes)
                           .raw(identity().wireguard_signing_key().bytes)
                           .raw(identity().cross_sign(kMesh))
                           .take();
    std::ranges::copy(keys, record.begin() + kKeysAt);
  }
  const crypto::Signature signature = identity().sign(kRecordDomain, kMesh, record);
  record.insert(record.end(), signature.begin(), signature.end());
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  (void)identity();  // starts the crypto library first
  check(input);
  if (input.size() <= kRecordBytesMax) check(signed_body(input));
  return 0;
}
