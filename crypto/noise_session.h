#pragma once

/// What a finished handshake leaves to each side: messages to one peer, each with its counter in
/// front, because datagrams get lost, doubled and reordered (Noise revision 34 §11.4).
/// Layout of a sealed message: counter (8 bytes, big-endian) ‖ ciphertext ‖ tag (16 bytes).
/// Not here: when to make a new session, which the caller decides, and which session a datagram
/// belongs to.
/// Deviation: Noise leaves a transport message's associated data empty; here it carries what stands
/// in clear beside the message, so that no other member can put another header in front of it.

#include <tl/expected.hpp>

#include "crypto/noise_error.h"
#include "crypto/noise_replay_window.h"
#include "crypto/noise_state.h"
#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"

namespace kadwire::crypto {

/// What sealing adds: counter and tag.
inline constexpr std::size_t kNoiseSealOverheadBytes = 8 + 16;
/// Noise §3 bounds every message so.
inline constexpr std::size_t kNoiseMessageBytesMax = 65535;
/// WireGuard's REJECT_AFTER_MESSAGES as first published. At 10^9 messages a second: 36 years.
inline constexpr std::uint64_t kNoiseSessionMessagesMax = std::uint64_t{1} << 60;

enum class NoiseRole : std::uint8_t { kInitiator, kResponder };

/// Move-only. Not thread-safe.
class NoiseSession {
 public:
  /// Handshakes make sessions; others only tests. `keys` is NoiseState::split's; `sent` is how many
  /// messages this side has already sealed under them.
  NoiseSession(SecretBytes keys, NoiseRole role, const NoiseHash& handshake_hash,
               std::uint64_t sent = 0);

  /// The sealed message, kNoiseSealOverheadBytes longer than `plaintext`, with the next counter.
  /// `plaintext` and overhead together are at most kNoiseMessageBytesMax. `associated` is
  /// authenticated, not carried. kExhausted: after kNoiseSessionMessagesMax messages.
  [[nodiscard]] tl::expected<Bytes, NoiseError> seal(ByteView plaintext, ByteView associated = {});

  /// What the peer sealed with the same `associated`, once. kTooShort, kTooLong, kExhausted (by its
  /// counter), kReplayed, kTooOld, kNotAuthentic. An error changes nothing.
  [[nodiscard]] tl::expected<Bytes, NoiseError> open(ByteView sealed, ByteView associated = {});

  /// Of all that the handshake said: unique, the same at both ends, and no secret. Binds what
  /// travels elsewhere to this session.
  [[nodiscard]] const NoiseHash& handshake_hash() const { return handshake_hash_; }
  /// How many messages this side has sealed.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  [[nodiscard]] ByteView key_of(NoiseRole sender) const;

  SecretBytes keys_;  ///< both directions': a session costs one locked page
  NoiseRole role_;
  NoiseHash handshake_hash_;
  std::uint64_t sent_;
  NoiseReplayWindow received_;
};

}  // namespace kadwire::crypto
