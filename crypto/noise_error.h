#pragma once

/// Why a Noise message was refused. All of it is the world's doing: a caller counts and drops.

#include <cstdint>
#include <string_view>

namespace kadwire::crypto {

enum class NoiseError : std::uint8_t {
  kTooShort,      ///< cannot hold its keys, counter and tags
  kTooLong,       ///< above kNoiseMessageBytesMax
  kBadKey,        ///< a public key of low order: agreeing with it would give a known secret
  kNotAuthentic,  ///< damaged or forged, or the two sides differ in psk, keys, prologue or role
  kReplayed,      ///< a counter that was accepted before
  kTooOld,        ///< so far behind the newest that it can no longer be told from a replay
  kExhausted,     ///< the session has carried all the messages its keys are good for
  kFinished,      ///< an answer to a handshake that has already had one
};
[[nodiscard]] std::string_view describe(NoiseError error);

}  // namespace kadwire::crypto
