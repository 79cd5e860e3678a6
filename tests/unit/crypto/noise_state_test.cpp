#include "crypto/noise_state.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/noise_pair.h"

namespace kadwire::crypto {
namespace {

using kadwire::testing::hex_bytes;
using kadwire::testing::load_vector_list;
using nlohmann::json;
using testing::agreed;
using testing::error_of;
using testing::key_pair;

using Tokens = std::vector<std::string_view>;

/// IK's two messages (§7.5), with the psk where the protocol's name puts it (§9.4).
struct Pattern {
  std::string_view name;
  Tokens call, answer;
};

const Pattern kPatterns[] = {
    {"Noise_IK_25519_ChaChaPoly_BLAKE2b", {"e", "es", "s", "ss"}, {"e", "ee", "se"}},
    {"Noise_IKpsk1_25519_ChaChaPoly_BLAKE2b", {"e", "es", "s", "ss", "psk"}, {"e", "ee", "se"}},
    {"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2b", {"e", "es", "s", "ss"}, {"e", "ee", "se", "psk"}},
};

const Pattern& pattern_of(const json& vector) {
  for (const Pattern& pattern : kPatterns) {
    if (pattern.name == vector.at("protocol_name")) return pattern;
  }
  throw std::runtime_error("a vector of a pattern that this test does not know");
}

/// One side, driven token by token as §5.3 describes it: a second reading of the specification
/// beside noise_handshake's, which knows only the one pattern that members use.
class Side {
 public:
  Side(const json& vector, const std::string& role)
      : initiator_(role == "init"),
        static_(key_pair(vector.at(role + "_static"))),
        ephemeral_(key_pair(vector.at(role + "_ephemeral"))),
        state_(pattern_of(vector).name, hex_bytes(vector.at(role + "_prologue"))) {
    if (vector.contains(role + "_psks")) psk_ = hex_bytes(vector.at(role + "_psks").at(0));
    if (initiator_) their_static_.bytes = *to_array<32>(hex_bytes(vector.at("init_remote_static")));
    state_.mix_hash(initiator_ ? their_static_.bytes : static_.public_key().bytes);
  }

  Bytes write(const Tokens& tokens, ByteView payload) {
    ByteWriter message;
    for (const std::string_view token : tokens) {
      if (token == "e") {
        message.raw(ephemeral_.public_key().bytes);
        mix_ephemeral(ephemeral_.public_key());
      } else if (token == "s") {
        message.raw(state_.encrypt_and_hash(static_.public_key().bytes));
      } else {
        mix_secret(token);
      }
    }
    return message.raw(state_.encrypt_and_hash(payload)).take();
  }

  Bytes read(const Tokens& tokens, ByteView message) {
    ByteReader reader(message);
    for (const std::string_view token : tokens) {
      if (token == "e") {
        their_ephemeral_.bytes = reader.array<32>();
        mix_ephemeral(their_ephemeral_);
      } else if (token == "s") {
        their_static_.bytes = *to_array<32>(state_.decrypt_and_hash(reader.raw(48)).value());
      } else {
        mix_secret(token);
      }
    }
    return state_.decrypt_and_hash(reader.raw(reader.remaining())).value();
  }

  [[nodiscard]] const NoiseKey& their_static() const { return their_static_; }
  [[nodiscard]] const NoiseKey& own_static() const { return static_.public_key(); }
  [[nodiscard]] const NoiseState& state() const { return state_; }

 private:
  void mix_ephemeral(const NoiseKey& key) {
    state_.mix_hash(key.bytes);
    if (!psk_.empty()) state_.mix_key(key.bytes);
  }

  void mix_secret(std::string_view token) {
    if (token == "psk") return state_.mix_key_and_hash(psk_);
    // The first letter is the initiator's key, the second the responder's.
    const char own = initiator_ ? token[0] : token[1];
    const char their = initiator_ ? token[1] : token[0];
    const NoiseKeyPair& pair = own == 'e' ? ephemeral_ : static_;
    state_.mix_key(agreed(pair, their == 'e' ? their_ephemeral_ : their_static_).value());
  }

  bool initiator_;
  NoiseKeyPair static_, ephemeral_;
  NoiseKey their_static_, their_ephemeral_;
  Bytes psk_;
  NoiseState state_;
};

/// The transport message that the vector expects, without the counter that ours carry in front.
void expect_as_in(const json& vector) {
  const Pattern& pattern = pattern_of(vector);
  const json& messages = vector.at("messages");
  Side initiator(vector, "init"), responder(vector, "resp");

  const Bytes call = initiator.write(pattern.call, hex_bytes(messages[0].at("payload")));
  EXPECT_EQ(to_hex(call), messages[0].at("ciphertext"));
  EXPECT_EQ(to_hex(responder.read(pattern.call, call)), messages[0].at("payload"));
  EXPECT_EQ(responder.their_static(), initiator.own_static());
  const Bytes answer = responder.write(pattern.answer, hex_bytes(messages[1].at("payload")));
  EXPECT_EQ(to_hex(answer), messages[1].at("ciphertext"));
  EXPECT_EQ(to_hex(initiator.read(pattern.answer, answer)), messages[1].at("payload"));

  EXPECT_EQ(to_hex(initiator.state().handshake_hash()), vector.at("handshake_hash"));
  EXPECT_EQ(to_hex(responder.state().handshake_hash()), vector.at("handshake_hash"));
  NoiseSession ours(initiator.state().split(), NoiseRole::kInitiator, {});
  NoiseSession theirs(responder.state().split(), NoiseRole::kResponder, {});
  ASSERT_GT(messages.size(), 2U);
  for (std::size_t i = 2; i < messages.size(); ++i) {
    const bool by_initiator = i % 2 == 0;
    testing::expect_transport(by_initiator ? ours : theirs, by_initiator ? theirs : ours,
                              messages[i]);
  }
}

TEST(NoiseState, AgreesWithEveryPublishedVector) {
  const json vectors = load_vector_list("noise_ik.json", "vectors");
  EXPECT_EQ(vectors.size(), std::size(kPatterns));
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector.at("protocol_name").get<std::string>());
    expect_as_in(vector);
  }
}

class KeyedNoiseState : public ::testing::Test {
 protected:
  KeyedNoiseState() { state_.mix_key(as_bytes("key")); }
  NoiseState state_{"name", as_bytes("prologue")};
};

TEST_F(KeyedNoiseState, NeverUsesAKeystreamTwice) {
  // What zeros encrypt to is the keystream; the hash that changes goes into the tag alone.
  NoiseState reader = state_.clone();
  const Bytes zeros(32);
  const Bytes first = state_.encrypt_and_hash(zeros), second = state_.encrypt_and_hash(zeros);
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + 32, second.begin()));
  EXPECT_EQ(reader.decrypt_and_hash(first), zeros);
  EXPECT_EQ(reader.decrypt_and_hash(second), zeros);
  EXPECT_EQ(reader.handshake_hash(), state_.handshake_hash());
}

TEST_F(KeyedNoiseState, GoesOnInACloneFromWhereItStood) {
  (void)state_.encrypt_and_hash({});
  NoiseState clone = state_.clone();
  EXPECT_EQ(clone.encrypt_and_hash(as_bytes("text")), state_.encrypt_and_hash(as_bytes("text")));
  EXPECT_EQ(clone.handshake_hash(), state_.handshake_hash());
  EXPECT_TRUE(clone.split().equals(state_.split().view()));
}

TEST_F(KeyedNoiseState, IsAsBeforeAfterAForgery) {
  NoiseState reader = state_.clone();
  const Bytes sealed = state_.encrypt_and_hash(as_bytes("text"));
  const NoiseHash before = reader.handshake_hash();
  EXPECT_EQ(error_of(reader.decrypt_and_hash(testing::turned(sealed, 3))),
            NoiseError::kNotAuthentic);
  EXPECT_EQ(error_of(reader.decrypt_and_hash(ByteView(sealed).first(15))), NoiseError::kTooShort);
  EXPECT_EQ(reader.handshake_hash(), before);
  EXPECT_EQ(as_text(reader.decrypt_and_hash(sealed).value()), "text");
}

TEST_F(KeyedNoiseState, SplitsIntoTwoUnlikeKeys) {
  const SecretBytes keys = state_.split();
  ASSERT_EQ(keys.size(), 64U);
  EXPECT_FALSE(SecretBytes::copy_of(keys.view().first(32)).equals(keys.view().subspan(32)));
}

TEST(NoiseState, HashesNameAndPrologue) {
  const NoiseState state("name", as_bytes("prologue"));
  EXPECT_NE(state.handshake_hash(), NoiseState("nam", as_bytes("prologue")).handshake_hash());
  EXPECT_NE(state.handshake_hash(), NoiseState("name", as_bytes("Prologue")).handshake_hash());
  EXPECT_EQ(state.handshake_hash(), NoiseState("name", as_bytes("prologue")).handshake_hash());
}

}  // namespace
}  // namespace kadwire::crypto
