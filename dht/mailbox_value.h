#pragma once

/// What the DHT stores for one member alone: a call, padded and sealed, of the same size as every
/// other value of ours. Layout: rendezvous/PROTOCOL.md.
///   value      nonce 24 ‖ ciphertext 520 ‖ tag 16, as in sealed_value.h
///   associated "kadwire mailbox v1" ‖ hour be64 ‖ NodeId of the called
/// Any member can open and make one: what it carries proves its sender by itself.

#include <optional>

#include "crypto/key_schedule.h"
#include "dht/sealed_value.h"

namespace kadwire::dht {

/// The longest call that fits.
inline constexpr std::size_t kMailboxCallBytesMax = kValueRecordBytesMax;

/// One member's mailbox in one hour. Its key in the DHT changes with the hour, as topics do, so
/// that who watches the DHT cannot tell for how long a member has been there.
struct MailboxAddress {
  Hour hour = 0;
  crypto::NodeId owner;
};

/// `call` has at most kMailboxCallBytesMax bytes. The result has kSealedValueBytes.
[[nodiscard]] Bytes seal_mailbox_value(const crypto::KeySchedule& keys,
                                       const MailboxAddress& address, ByteView call,
                                       RandomSource& random);

/// The call inside; nullopt if the size, seal, length field or padding is wrong. `seal_key` is
/// KeySchedule::mailbox_seal_key() of the address: junk must not cost its reader a derivation each.
[[nodiscard]] std::optional<Bytes> open_mailbox_value(const crypto::SecretBytes& seal_key,
                                                      const MailboxAddress& address,
                                                      ByteView value);

}  // namespace kadwire::dht
