#pragma once

/// How two members who know each other's NodeId come to a session in one round trip:
/// Noise_IKpsk1_25519_ChaChaPoly_BLAKE2b (Noise revision 34 §7.5, §9), sans-IO.
///   ← s                              the initiator knows the responder's static key beforehand
///   message 1  → e, es, s, ss, psk   ephemeral (32) ‖ static, sealed (48) ‖ payload, sealed (+16)
///   message 2  ← e, ee, se           ephemeral (32) ‖ payload, sealed (+16)
///
///   NoiseInitiator::start ── message 1 ──▶ NoiseResponder::read
///                                               │ the caller judges initiator() and payload()
///   NoiseInitiator::read_answer ◀─ message 2 ─ NoiseResponder::answer ─▶ session
///         └─▶ session
///
/// What the caller must know:
/// * The message 1 that a responder reads may be a replay: its static and payload are its sender's,
///   not its moment. The responder is sure of its peer when the session's first message opens.
/// * A message 1 made for a responder can be read by whoever steals that responder's static key and
///   psk later; everything after it, message 2 included, cannot.
/// * Messages that get lost are sent again as they are: this is for the caller to time.

#include <optional>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "crypto/noise_error.h"
#include "crypto/noise_key_pair.h"
#include "crypto/noise_session.h"
#include "crypto/noise_state.h"
#include "crypto/secret_bytes.h"
#include "node/base/bytes.h"
#include "node/base/random.h"

namespace kadwire::crypto {

inline constexpr std::string_view kNoiseProtocolName = "Noise_IKpsk1_25519_ChaChaPoly_BLAKE2b";
inline constexpr std::size_t kNoisePskBytes = 32;
/// What message 1 adds to its payload: ephemeral, static, and two tags.
inline constexpr std::size_t kNoiseMessage1OverheadBytes = 32 + (32 + 16) + 16;
/// What message 2 adds to its payload: ephemeral and tag.
inline constexpr std::size_t kNoiseMessage2OverheadBytes = 32 + 16;

/// What a side brings along.
struct NoiseSettings {
  const NoiseKeyPair& own_static;  ///< outlives the handshake
  const SecretBytes& psk;          ///< kNoisePskBytes; only looked at during the call
  ByteView prologue;               ///< both sides' must be equal; only looked at during the call
};

/// What an answer gives the initiator.
struct NoiseAnswered {
  Bytes payload;  ///< the responder's
  NoiseSession session;
};

/// What answering gives the responder.
struct NoiseAnswer {
  Bytes message;  ///< message 2, to be sent
  NoiseSession session;
};

/// The side that calls, between its message and the answer. Move-only; good for one session.
class NoiseInitiator {
 public:
  /// Draws the ephemeral key. `payload` and overhead are together at most kNoiseMessageBytesMax.
  /// kBadKey: the responder's key is of low order.
  [[nodiscard]] static tl::expected<NoiseInitiator, NoiseError> start(const NoiseSettings& settings,
                                                                      const NoiseKey& responder,
                                                                      ByteView payload,
                                                                      RandomSource& random);

  /// Message 1; the same bytes for every repetition.
  [[nodiscard]] const Bytes& message() const { return message_; }

  /// kTooShort, kTooLong, kBadKey, kNotAuthentic: nothing changed, the true answer may still come.
  /// kFinished: it has come before.
  [[nodiscard]] tl::expected<NoiseAnswered, NoiseError> read_answer(ByteView message2);

 private:
  /// What only the wait for the answer needs. Dropped with it, so that nothing taken from this
  /// process later can open the session.
  struct Waiting {
    NoiseKeyPair ephemeral;
    NoiseState state;
  };
  NoiseInitiator(const NoiseKeyPair& own_static, Waiting waiting, Bytes message);

  const NoiseKeyPair* own_static_;
  std::optional<Waiting> waiting_;  ///< nullopt: answered
  Bytes message_;
};

/// The side that is called. Exists only once a first message has proved to be from a holder of the
/// psk and of the static key it names: a forgery leaves nothing behind. Move-only; answers once.
class NoiseResponder {
 public:
  /// kTooShort, kTooLong, kBadKey, kNotAuthentic.
  [[nodiscard]] static tl::expected<NoiseResponder, NoiseError> read(const NoiseSettings& settings,
                                                                     ByteView message1);

  /// Who calls. To know it for a NodeId, compare it with noise_key(NodeId): there is no way back.
  [[nodiscard]] const NoiseKey& initiator() const { return initiator_; }
  [[nodiscard]] const Bytes& payload() const { return payload_; }

  /// Draws the ephemeral key. `payload` and overhead are together at most kNoiseMessageBytesMax.
  [[nodiscard]] NoiseAnswer answer(ByteView payload, RandomSource& random) &&;

 private:
  explicit NoiseResponder(NoiseState state) : state_(std::move(state)) {}
  [[nodiscard]] tl::expected<void, NoiseError> read_tokens(const NoiseSettings& settings,
                                                           ByteView message1);

  NoiseState state_;
  NoiseKey initiator_ephemeral_;
  NoiseKey initiator_;
  Bytes payload_;
  bool answered_ = false;
};

}  // namespace kadwire::crypto
