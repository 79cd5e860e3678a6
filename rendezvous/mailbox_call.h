#pragma once

/// The call that a member leaves where the called will find it though no packet of the caller's has
/// reached it yet: in its DHT mailbox. It asks to be called back at the candidates of the record in
/// it; the caller goes on trying meanwhile, so both NATs open. Layout: rendezvous/PROTOCOL.md.
///   call  Noise_IKpsk1 message 1 with the caller's record as its payload
/// The handshake is never finished: message 1 alone proves who wrote it, for whom, and in which
/// hour (its prologue), and nobody but the called can read it. It may come again within that hour:
/// `id` tells. Not here: the seal around it (dht/mailbox_value.h), limits (node/mailbox_desk.h).

#include <optional>

#include "crypto/key_schedule.h"
#include "crypto/noise_handshake.h"
#include "rendezvous/peer_record.h"

namespace kadwire::rendezvous {

/// What a mailbox value has room for.
inline constexpr std::size_t kMailboxCallBytesMax = 518;
/// The longest record that fits a call. Any record does, once its hostname is left out.
inline constexpr std::size_t kMailboxRecordBytesMax =
    kMailboxCallBytesMax - crypto::kNoiseMessage1OverheadBytes;

/// What no other call has: its ephemeral key.
using MailboxCallId = ByteArray<32>;

struct MailboxCall {
  MailboxCallId id{};
  SignedRecord caller;
};

/// The own record as a call carries it: `whole`, or, if that is too long, the same without
/// hostname, under the sequence just before, so that the whole one replaces it wherever both
/// arrive.
[[nodiscard]] Bytes record_for_mailbox(const SignedRecord& whole,
                                       const crypto::NodeIdentity& identity,
                                       const crypto::MeshId& mesh);

/// `own_record` is one of record_for_mailbox(). `to` is a valid NodeId: its record was verified. At
/// most kMailboxCallBytesMax bytes.
[[nodiscard]] Bytes write_mailbox_call(const crypto::KeySchedule& keys,
                                       const crypto::NodeIdentity& identity, RandomSource& random,
                                       const crypto::NodeId& to, Hour hour, ByteView own_record);

/// nullopt: shorter than a call.
[[nodiscard]] std::optional<MailboxCallId> mailbox_call_id(ByteView call);

/// nullopt: not made for us in this hour by the member whose record is in it, or malformed. Costs
/// up to two key agreements and two signatures.
[[nodiscard]] std::optional<MailboxCall> read_mailbox_call(const crypto::KeySchedule& keys,
                                                           const crypto::NodeIdentity& identity,
                                                           Hour hour, ByteView call);

}  // namespace kadwire::rendezvous
