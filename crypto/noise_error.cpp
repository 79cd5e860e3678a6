#include "crypto/noise_error.h"

#include <cassert>

namespace kadwire::crypto {

std::string_view describe(NoiseError error) {
  switch (error) {
    case NoiseError::kTooShort:
      return "shorter than such a message can be";
    case NoiseError::kTooLong:
      return "longer than a Noise message can be";
    case NoiseError::kBadKey:
      return "a public key of low order";
    case NoiseError::kNotAuthentic:
      return "not from this peer, or damaged";
    case NoiseError::kReplayed:
      return "seen before";
    case NoiseError::kTooOld:
      return "too far behind the newest message";
    case NoiseError::kExhausted:
      return "the session has carried its last message";
    case NoiseError::kFinished:
      return "the handshake has had its answer";
  }
  assert(false && "every NoiseError has its sentence");
  return {};
}

}  // namespace kadwire::crypto
