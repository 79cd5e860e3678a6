#include "crypto/noise_handshake.h"

#include <cassert>
#include <utility>

#include "crypto/noise_cipher.h"

namespace kadwire::crypto {
namespace {

constexpr std::size_t kSealedStaticBytes = kNoiseKeyBytes + kNoiseTagBytes;
static_assert(kNoiseMessage1OverheadBytes == kNoiseKeyBytes + kSealedStaticBytes + kNoiseTagBytes);
static_assert(kNoiseMessage2OverheadBytes == kNoiseKeyBytes + kNoiseTagBytes);

using Done = tl::expected<void, NoiseError>;

/// What both sides know before the first message: names, prologue, the responder's key ("← s").
NoiseState first_state(const NoiseSettings& settings, const NoiseKey& responder) {
  assert(settings.psk.size() == kNoisePskBytes);
  NoiseState state(kNoiseProtocolName, settings.prologue);
  state.mix_hash(responder.bytes);
  return state;
}

/// Token "e". With a psk the ephemeral key goes into the keys too (§9.2).
void mix_ephemeral(NoiseState& state, const NoiseKey& ephemeral) {
  state.mix_hash(ephemeral.bytes);
  state.mix_key(ephemeral.bytes);
}

/// Tokens "es", "ss", "ee", "se". kBadKey.
Done mix_agreement(NoiseState& state, const NoiseKeyPair& own, const NoiseKey& peer) {
  ByteArray<kNoiseKeyBytes> shared;
  if (!own.agree(peer, shared)) return tl::unexpected(NoiseError::kBadKey);
  state.mix_key(shared);
  wipe(shared);
  return {};
}

Done check_length(ByteView message, std::size_t overhead) {
  if (message.size() < overhead) return tl::unexpected(NoiseError::kTooShort);
  if (message.size() > kNoiseMessageBytesMax) return tl::unexpected(NoiseError::kTooLong);
  return {};
}

}  // namespace

NoiseInitiator::NoiseInitiator(const NoiseKeyPair& own_static, Waiting waiting, Bytes message)
    : own_static_(&own_static), waiting_(std::move(waiting)), message_(std::move(message)) {}

tl::expected<NoiseInitiator, NoiseError> NoiseInitiator::start(const NoiseSettings& settings,
                                                               const NoiseKey& responder,
                                                               ByteView payload,
                                                               RandomSource& random) {
  assert(payload.size() + kNoiseMessage1OverheadBytes <= kNoiseMessageBytesMax);
  const NoiseKeyPair& own = settings.own_static;
  Waiting waiting{NoiseKeyPair::generate(random), first_state(settings, responder)};
  NoiseState& state = waiting.state;
  mix_ephemeral(state, waiting.ephemeral.public_key());
  const Done es = mix_agreement(state, waiting.ephemeral, responder);
  if (!es) return tl::unexpected(es.error());
  const Bytes sealed_static = state.encrypt_and_hash(own.public_key().bytes);
  const Done ss = mix_agreement(state, own, responder);
  if (!ss) return tl::unexpected(ss.error());
  state.mix_key_and_hash(settings.psk.view());
  const Bytes sealed_payload = state.encrypt_and_hash(payload);
  Bytes message = ByteWriter()
                      .raw(waiting.ephemeral.public_key().bytes)
                      .raw(sealed_static)
                      .raw(sealed_payload)
                      .take();
  return NoiseInitiator(own, std::move(waiting), std::move(message));
}

tl::expected<NoiseAnswered, NoiseError> NoiseInitiator::read_answer(ByteView message2) {
  if (!waiting_) return tl::unexpected(NoiseError::kFinished);
  if (const Done length = check_length(message2, kNoiseMessage2OverheadBytes); !length) {
    return tl::unexpected(length.error());
  }
  ByteReader reader(message2);
  const NoiseKey responder_ephemeral{reader.array<kNoiseKeyBytes>()};
  NoiseState attempt = waiting_->state.clone();
  mix_ephemeral(attempt, responder_ephemeral);
  const Done agreed =
      mix_agreement(attempt, waiting_->ephemeral, responder_ephemeral).and_then([&] {
        return mix_agreement(attempt, *own_static_, responder_ephemeral);
      });
  if (!agreed) return tl::unexpected(agreed.error());
  auto payload = attempt.decrypt_and_hash(reader.raw(reader.remaining()));
  if (!payload) return tl::unexpected(payload.error());
  waiting_.reset();
  return NoiseAnswered{std::move(*payload), NoiseSession(attempt.split(), NoiseRole::kInitiator,
                                                         attempt.handshake_hash())};
}

tl::expected<NoiseResponder, NoiseError> NoiseResponder::read(const NoiseSettings& settings,
                                                              ByteView message1) {
  if (const Done length = check_length(message1, kNoiseMessage1OverheadBytes); !length) {
    return tl::unexpected(length.error());
  }
  NoiseResponder responder(first_state(settings, settings.own_static.public_key()));
  if (const Done done = responder.read_tokens(settings, message1); !done) {
    return tl::unexpected(done.error());
  }
  return responder;
}

Done NoiseResponder::read_tokens(const NoiseSettings& settings, ByteView message1) {
  ByteReader reader(message1);
  initiator_ephemeral_.bytes = reader.array<kNoiseKeyBytes>();
  mix_ephemeral(state_, initiator_ephemeral_);
  const Done es = mix_agreement(state_, settings.own_static, initiator_ephemeral_);
  if (!es) return es;
  const auto initiator = state_.decrypt_and_hash(reader.raw(kSealedStaticBytes));
  if (!initiator) return tl::unexpected(initiator.error());
  initiator_.bytes = ByteReader(*initiator).array<kNoiseKeyBytes>();
  if (const Done ss = mix_agreement(state_, settings.own_static, initiator_); !ss) return ss;
  state_.mix_key_and_hash(settings.psk.view());
  auto payload = state_.decrypt_and_hash(reader.raw(reader.remaining()));
  if (!payload) return tl::unexpected(payload.error());
  payload_ = std::move(*payload);
  return {};
}

NoiseAnswer NoiseResponder::answer(ByteView payload, RandomSource& random) && {
  assert(!answered_ && "a second answer would use the first one's keys again");
  assert(payload.size() + kNoiseMessage2OverheadBytes <= kNoiseMessageBytesMax);
  answered_ = true;
  const NoiseKeyPair ephemeral = NoiseKeyPair::generate(random);
  mix_ephemeral(state_, ephemeral.public_key());
  const Done agreed = mix_agreement(state_, ephemeral, initiator_ephemeral_).and_then([&] {
    return mix_agreement(state_, ephemeral, initiator_);
  });
  assert(agreed && "both keys have agreed once, so neither is of low order");
  Bytes message =
      ByteWriter().raw(ephemeral.public_key().bytes).raw(state_.encrypt_and_hash(payload)).take();
  return {std::move(message),
          NoiseSession(state_.split(), NoiseRole::kResponder, state_.handshake_hash())};
}

}  // namespace kadwire::crypto
