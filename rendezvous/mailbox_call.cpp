#include "rendezvous/mailbox_call.h"

#include <cassert>

namespace kadwire::rendezvous {
namespace {

/// Another one than a pair session's: a call from a mailbox is none on the wire, nor the reverse.
Bytes prologue(const crypto::KeySchedule& keys, Hour hour) {
  return ByteWriter().text("kadwire mailbox call v1").raw(keys.mesh_id()).be64(hour).take();
}

}  // namespace

Bytes record_for_mailbox(const SignedRecord& whole, const crypto::NodeIdentity& identity,
                         const crypto::MeshId& mesh) {
  if (whole.encoded.size() <= kMailboxRecordBytesMax) return whole.encoded;
  PeerRecord brief = whole.record;
  brief.hostname.clear();
  --brief.sequence;
  Bytes encoded = sign_record(std::move(brief), identity, mesh).encoded;
  assert(encoded.size() <= kMailboxRecordBytesMax);
  return encoded;
}

Bytes write_mailbox_call(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
                         RandomSource& random, const crypto::NodeId& to, Hour hour,
                         ByteView own_record) {
  assert(own_record.size() <= kMailboxRecordBytesMax);
  const auto called = crypto::noise_key(to);
  assert(called && "a record's signature proves its NodeId");
  const crypto::SecretBytes psk = keys.noise_psk();
  const Bytes agreed = prologue(keys, hour);
  const auto noise = crypto::NoiseInitiator::start({identity.noise_keys(), psk, agreed}, *called,
                                                   own_record, random);
  assert(noise && "noise_key() gives no key of low order");
  return noise->message();
}

std::optional<MailboxCallId> mailbox_call_id(ByteView call) {
  if (call.size() <= crypto::kNoiseMessage1OverheadBytes) return std::nullopt;
  return ByteReader(call).array<32>();
}

std::optional<MailboxCall> read_mailbox_call(const crypto::KeySchedule& keys,
                                             const crypto::NodeIdentity& identity, Hour hour,
                                             ByteView call) {
  const auto id = mailbox_call_id(call);
  if (!id || call.size() > kMailboxCallBytesMax) return std::nullopt;
  const crypto::SecretBytes psk = keys.noise_psk();
  const Bytes agreed = prologue(keys, hour);
  const auto read = crypto::NoiseResponder::read({identity.noise_keys(), psk, agreed}, call);
  if (!read) return std::nullopt;
  auto record = decode_record(read->payload(), keys.mesh_id());
  if (!record) return std::nullopt;
  // The handshake proved a static key, the record a NodeId: they must be one member's.
  if (crypto::noise_key(record->record.node) != read->initiator()) return std::nullopt;
  return MailboxCall{*id, std::move(*record)};
}

}  // namespace kadwire::rendezvous
