#pragma once

/// What the DHT stores of us: a record, padded and sealed under its topic's hour, so that every
/// value has the same size and an observer learns nothing from it. Layout: rendezvous/PROTOCOL.md.
///   value      nonce 24 ‖ ciphertext 520 ‖ tag 16
///   plaintext  record length be16 ‖ record ‖ zeros
///   associated "kadwire value v1" ‖ hour be64 ‖ shard u8

#include <cstdint>
#include <optional>

#include "crypto/seal.h"
#include "dht/topic.h"

namespace kadwire::dht {

/// OpenDHT adds 34 and begins to fragment at 600, with no retransmission per fragment.
inline constexpr std::size_t kSealedValueBytes = 560;
/// The longest record that fits: what sealing and the length field leave.
inline constexpr std::size_t kValueRecordBytesMax =
    kSealedValueBytes - crypto::kSealOverheadBytes - crypto::kPaddingOverheadBytes;

/// `record` has at most kValueRecordBytesMax bytes. The result has kSealedValueBytes.
[[nodiscard]] Bytes seal_value(const crypto::KeySchedule& keys, const Topic& topic, ByteView record,
                               RandomSource& random);

/// The record inside; nullopt if the size, seal, length field or padding is wrong.
[[nodiscard]] std::optional<Bytes> open_value(const crypto::KeySchedule& keys, const Topic& topic,
                                              ByteView value);

/// For a put: 16-bit ids collide; a DHT's replies grow with ones wider than 32 bits. Never 0.
[[nodiscard]] std::uint64_t fresh_value_id(RandomSource& random);

/// Names a value that opened, by the beginning of its seal's nonce: whoever seals draws that at
/// random, so another value with the same one can only be a copy or a forgery. To be remembered
/// only once it opened, or a forgery could keep the true value out. `value` has kSealedValueBytes.
[[nodiscard]] std::uint64_t name_of(ByteView value);

}  // namespace kadwire::dht
