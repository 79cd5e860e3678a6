#pragma once

/// What the tests of Noise share: keys of a vector, and two members to shake hands.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/noise_handshake.h"
#include "tests/support/vectors.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::crypto::testing {

[[nodiscard]] inline SecretBytes secret(ByteView bytes) {
  return SecretBytes::copy_of(bytes);
}

[[nodiscard]] inline NoiseKeyPair key_pair(const nlohmann::json& hex) {
  return NoiseKeyPair(secret(kadwire::testing::hex_bytes(hex)));
}

/// What both compute; nullopt if they refuse.
[[nodiscard]] inline std::optional<Bytes> agreed(const NoiseKeyPair& own, const NoiseKey& peer) {
  Bytes shared(kNoiseKeyBytes);
  return own.agree(peer, shared) ? std::optional(shared) : std::nullopt;
}

/// One message of a vector goes from the one to the other.
inline void expect_transport(NoiseSession& from, NoiseSession& to, const nlohmann::json& message) {
  const Bytes sealed = from.seal(kadwire::testing::hex_bytes(message.at("payload"))).value();
  EXPECT_EQ(to_hex(ByteView(sealed).subspan(8)), message.at("ciphertext"));
  EXPECT_EQ(to_hex(to.open(sealed).value()), message.at("payload"));
}

/// Gives the bytes of a vector where a handshake draws its ephemeral key.
class GivenRandom final : public RandomSource {
 public:
  explicit GivenRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::byte> out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::ranges::copy(bytes_, out.begin());
  }

 private:
  Bytes bytes_;
};

/// One member's part of a handshake.
struct Party {
  NoiseKeyPair keys;
  SecretBytes psk;
  Bytes prologue;
  [[nodiscard]] NoiseSettings settings() const {
    return {.own_static = keys, .psk = psk, .prologue = prologue};
  }
};

/// One handshake, its two messages and both its ends.
struct Shaken {
  Bytes message1, message2;
  NoiseSession initiator, responder;
};

[[nodiscard]] inline Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

/// Two members of one mesh, of seed 1 unless said otherwise.
class Pair {
 public:
  explicit Pair(std::uint64_t seed = 1) : random(seed) {}

  [[nodiscard]] Party party() {
    return {NoiseKeyPair::generate(random), secret(psk), bytes_of("prologue")};
  }
  [[nodiscard]] NoiseInitiator start(std::string_view payload = "call") {
    return NoiseInitiator::start(caller.settings(), called.keys.public_key(), as_bytes(payload),
                                 random)
        .value();
  }
  [[nodiscard]] Shaken shake() {
    NoiseInitiator initiator = start();
    NoiseAnswer answer = NoiseResponder::read(called.settings(), initiator.message())
                             .value()
                             .answer(as_bytes("answer"), random);
    NoiseAnswered answered = initiator.read_answer(answer.message).value();
    return {initiator.message(), std::move(answer.message), std::move(answered.session),
            std::move(answer.session)};
  }

  testnet::SeededRandom random;
  Bytes psk = Bytes(kNoisePskBytes, std::byte{7});
  Party caller = party(), called = party();
};

/// nullopt if it went well.
template <typename Value>
[[nodiscard]] std::optional<NoiseError> error_of(const tl::expected<Value, NoiseError>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

/// The message with one bit turned.
[[nodiscard]] inline Bytes turned(ByteView message, std::size_t bit) {
  Bytes copy(message.begin(), message.end());
  copy[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  return copy;
}

}  // namespace kadwire::crypto::testing
