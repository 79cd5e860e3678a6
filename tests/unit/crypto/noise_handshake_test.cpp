#include "crypto/noise_handshake.h"

#include <gtest/gtest.h>

#include "crypto/node_identity.h"
#include "tests/unit/crypto/noise_pair.h"

namespace kadwire::crypto {
namespace {

using kadwire::testing::hex_array;
using kadwire::testing::hex_bytes;
using kadwire::testing::load_vector_list;
using nlohmann::json;
using testing::agreed;
using testing::error_of;
using testing::GivenRandom;
using testing::key_pair;
using testing::Pair;
using testing::Party;
using testing::Shaken;
using testing::turned;

/// The vector of the pattern that members use; noise_state_test runs the others.
json own_vector() {
  for (const json& vector : load_vector_list("noise_ik.json", "vectors")) {
    if (vector.at("protocol_name") == kNoiseProtocolName) return vector;
  }
  throw std::runtime_error("no vector of our pattern");
}

Party party_of(const json& vector, const std::string& role) {
  return {key_pair(vector.at(role + "_static")),
          testing::secret(hex_bytes(vector.at(role + "_psks").at(0))),
          hex_bytes(vector.at(role + "_prologue"))};
}

TEST(NoiseHandshake, AgreesWithThePublishedVectorInBothRoles) {
  const json vector = own_vector();
  const json& messages = vector.at("messages");
  const Party ours = party_of(vector, "init"), theirs = party_of(vector, "resp");
  GivenRandom our_ephemeral(hex_bytes(vector.at("init_ephemeral")));
  GivenRandom their_ephemeral(hex_bytes(vector.at("resp_ephemeral")));
  const NoiseKey responder_key{hex_array<32>(vector.at("init_remote_static"))};

  auto initiator = NoiseInitiator::start(ours.settings(), responder_key,
                                         hex_bytes(messages[0].at("payload")), our_ephemeral);
  ASSERT_TRUE(initiator);
  EXPECT_EQ(to_hex(initiator->message()), messages[0].at("ciphertext"));
  auto responder = NoiseResponder::read(theirs.settings(), initiator->message());
  ASSERT_TRUE(responder);
  EXPECT_EQ(responder->initiator(), ours.keys.public_key());
  EXPECT_EQ(to_hex(responder->payload()), messages[0].at("payload"));
  NoiseAnswer answer =
      std::move(*responder).answer(hex_bytes(messages[1].at("payload")), their_ephemeral);
  EXPECT_EQ(to_hex(answer.message), messages[1].at("ciphertext"));
  auto answered = initiator->read_answer(answer.message);
  ASSERT_TRUE(answered);
  EXPECT_EQ(to_hex(answered->payload), messages[1].at("payload"));

  EXPECT_EQ(to_hex(answered->session.handshake_hash()), vector.at("handshake_hash"));
  EXPECT_EQ(to_hex(answer.session.handshake_hash()), vector.at("handshake_hash"));
  ASSERT_EQ(messages.size(), 6U);
  testing::expect_transport(answered->session, answer.session, messages[2]);
  testing::expect_transport(answer.session, answered->session, messages[3]);
  testing::expect_transport(answered->session, answer.session, messages[4]);
  testing::expect_transport(answer.session, answered->session, messages[5]);
}

TEST(NoiseHandshake, AddsWhatItsConstantsSay) {
  Pair pair;
  const NoiseInitiator initiator = pair.start("12345");
  EXPECT_EQ(initiator.message().size(), 5 + kNoiseMessage1OverheadBytes);
  const NoiseAnswer answer = NoiseResponder::read(pair.called.settings(), initiator.message())
                                 .value()
                                 .answer(as_bytes("123"), pair.random);
  EXPECT_EQ(answer.message.size(), 3 + kNoiseMessage2OverheadBytes);
}

TEST(NoiseHandshake, CarriesEmptyPayloadsAndTheLongest) {
  for (const std::size_t size : {std::size_t{0}, kNoiseMessageBytesMax - 96}) {
    Pair pair;
    const Bytes payload(size, std::byte{1});
    NoiseInitiator initiator = pair.start(as_text(payload));
    auto responder = NoiseResponder::read(pair.called.settings(), initiator.message());
    ASSERT_TRUE(responder);
    EXPECT_EQ(responder->payload(), payload);
    const NoiseAnswer answer = std::move(*responder).answer(payload, pair.random);
    EXPECT_EQ(initiator.read_answer(answer.message)->payload, payload);
  }
}

TEST(NoiseHandshake, GivesEachPairAndEachTimeItsOwnSession) {
  Pair pair;
  const Shaken first = pair.shake(), second = pair.shake();
  EXPECT_EQ(first.initiator.handshake_hash(), first.responder.handshake_hash());
  EXPECT_NE(first.initiator.handshake_hash(), second.initiator.handshake_hash());
}

TEST(NoiseHandshake, ShowsNoStaticKeyInClear) {
  Pair pair;
  const Shaken shaken = pair.shake();
  for (const Party* party : {&pair.caller, &pair.called}) {
    const std::string_view key = as_text(party->keys.public_key().bytes);
    EXPECT_EQ(as_text(shaken.message1).find(key), std::string_view::npos);
    EXPECT_EQ(as_text(shaken.message2).find(key), std::string_view::npos);
  }
}

TEST(NoiseHandshake, WorksBetweenTwoIdentities) {
  Pair pair;
  const NodeIdentity a = NodeIdentity::generate(pair.random);
  const NodeIdentity b = NodeIdentity::generate(pair.random);
  const SecretBytes psk = testing::secret(pair.psk);
  auto initiator =
      NoiseInitiator::start({a.noise_keys(), psk, {}}, *noise_key(b.node_id()), {}, pair.random);
  ASSERT_TRUE(initiator);
  auto responder = NoiseResponder::read({b.noise_keys(), psk, {}}, initiator->message());
  ASSERT_TRUE(responder);
  EXPECT_EQ(responder->initiator(), noise_key(a.node_id()));
}

// What the two sides must have in common, and what happens when they have not.

struct Difference {
  const char* name;
  void (*make)(Pair&);
};

class NoiseHandshakeDiffering : public ::testing::TestWithParam<Difference> {};

TEST_P(NoiseHandshakeDiffering, ComesToNothing) {
  Pair pair;
  ASSERT_TRUE(NoiseResponder::read(pair.called.settings(), pair.start().message()));
  const NoiseInitiator initiator = pair.start();
  GetParam().make(pair);
  const auto responder = NoiseResponder::read(pair.called.settings(), initiator.message());
  ASSERT_FALSE(responder);
  EXPECT_EQ(error_of(responder), NoiseError::kNotAuthentic);
}

constexpr Difference kDifferences[] = {
    {"Psk", [](Pair& pair) { pair.called.psk.writable()[31] ^= std::byte{1}; }},
    {"Prologue", [](Pair& pair) { pair.called.prologue.back() ^= std::byte{1}; }},
    {"LongerPrologue", [](Pair& pair) { pair.called.prologue.push_back(std::byte{0}); }},
    {"ResponderStatic", [](Pair& pair) { pair.called.keys = NoiseKeyPair::generate(pair.random); }},
};

INSTANTIATE_TEST_SUITE_P(In, NoiseHandshakeDiffering, ::testing::ValuesIn(kDifferences),
                         [](const auto& test) { return test.param.name; });

TEST(NoiseHandshake, OfAnotherCallIsNotAnswered) {
  Pair pair;
  NoiseInitiator first = pair.start(), second = pair.start();
  const NoiseAnswer answer =
      NoiseResponder::read(pair.called.settings(), first.message()).value().answer({}, pair.random);
  EXPECT_EQ(error_of(second.read_answer(answer.message)), NoiseError::kNotAuthentic);
  EXPECT_TRUE(first.read_answer(answer.message));
}

TEST(NoiseHandshake, DoesNotTakeItsOwnMessageBack) {
  Pair pair;
  NoiseInitiator initiator = pair.start();
  EXPECT_EQ(error_of(initiator.read_answer(initiator.message())), NoiseError::kNotAuthentic);
  EXPECT_EQ(error_of(NoiseResponder::read(pair.caller.settings(), initiator.message())),
            NoiseError::kNotAuthentic);
}

// Hostile messages.

TEST(NoiseResponder, RefusesAFirstMessageWithAnyBitTurned) {
  Pair pair;
  const Bytes message = pair.start().message();
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    EXPECT_FALSE(NoiseResponder::read(pair.called.settings(), turned(message, bit))) << bit;
  }
  EXPECT_TRUE(NoiseResponder::read(pair.called.settings(), message));
}

TEST(NoiseResponder, RefusesAFirstMessageCutShortAnywhereOrLengthened) {
  Pair pair;
  Bytes message = pair.start("call").message();
  for (std::size_t length = 0; length < message.size(); ++length) {
    const auto read = NoiseResponder::read(pair.called.settings(), ByteView(message).first(length));
    ASSERT_FALSE(read) << length;
    EXPECT_EQ(error_of(read), length < kNoiseMessage1OverheadBytes ? NoiseError::kTooShort
                                                                   : NoiseError::kNotAuthentic);
  }
  message.push_back(std::byte{0});
  EXPECT_EQ(error_of(NoiseResponder::read(pair.called.settings(), message)),
            NoiseError::kNotAuthentic);
  EXPECT_EQ(
      error_of(NoiseResponder::read(pair.called.settings(), Bytes(kNoiseMessageBytesMax + 1))),
      NoiseError::kTooLong);
}

TEST(NoiseResponder, RefusesAnEphemeralKeyOfLowOrder) {
  Pair pair;
  Bytes message = pair.start().message();
  std::fill_n(message.begin(), 32, std::byte{0});
  EXPECT_EQ(error_of(NoiseResponder::read(pair.called.settings(), message)), NoiseError::kBadKey);
}

TEST(NoiseResponder, RefusesAStaticKeyOfLowOrder) {
  // Whoever knows the responder's key can write this much of a first message without the psk.
  Pair pair;
  const NoiseKeyPair ephemeral = NoiseKeyPair::generate(pair.random);
  const NoiseKey& responder = pair.called.keys.public_key();
  NoiseState state(kNoiseProtocolName, pair.called.prologue);
  state.mix_hash(responder.bytes);
  state.mix_hash(ephemeral.public_key().bytes);
  state.mix_key(ephemeral.public_key().bytes);
  state.mix_key(agreed(ephemeral, responder).value());
  const Bytes message = ByteWriter()
                            .raw(ephemeral.public_key().bytes)
                            .raw(state.encrypt_and_hash(NoiseKey{}.bytes))
                            .raw(Bytes(16))
                            .take();
  EXPECT_EQ(error_of(NoiseResponder::read(pair.called.settings(), message)), NoiseError::kBadKey);
}

TEST(NoiseInitiator, DoesNotCallAKeyOfLowOrder) {
  Pair pair;
  const auto initiator = NoiseInitiator::start(pair.caller.settings(), NoiseKey{}, {}, pair.random);
  ASSERT_FALSE(initiator);
  EXPECT_EQ(error_of(initiator), NoiseError::kBadKey);
}

/// A call and its true answer, which must be taken whatever came before it.
class NoiseInitiatorWaiting : public ::testing::Test {
 protected:
  void TearDown() override {
    const auto answered = initiator_.read_answer(answer_.message);
    ASSERT_TRUE(answered);
    EXPECT_EQ(as_text(answered->payload), "answer");
    EXPECT_EQ(answered->session.handshake_hash(), answer_.session.handshake_hash());
  }

  Pair pair_;
  NoiseInitiator initiator_ = pair_.start();
  NoiseAnswer answer_ = NoiseResponder::read(pair_.called.settings(), initiator_.message())
                            .value()
                            .answer(as_bytes("answer"), pair_.random);
};

TEST_F(NoiseInitiatorWaiting, RefusesAnAnswerWithAnyBitTurned) {
  for (std::size_t bit = 0; bit < answer_.message.size() * 8; ++bit) {
    EXPECT_FALSE(initiator_.read_answer(turned(answer_.message, bit))) << bit;
  }
}

TEST_F(NoiseInitiatorWaiting, RefusesAnAnswerCutShortAnywhereOrLengthened) {
  for (std::size_t length = 0; length < answer_.message.size(); ++length) {
    const auto answered = initiator_.read_answer(ByteView(answer_.message).first(length));
    ASSERT_FALSE(answered) << length;
    EXPECT_EQ(error_of(answered), length < kNoiseMessage2OverheadBytes ? NoiseError::kTooShort
                                                                       : NoiseError::kNotAuthentic);
  }
  Bytes longer = answer_.message;
  longer.push_back(std::byte{0});
  EXPECT_EQ(error_of(initiator_.read_answer(longer)), NoiseError::kNotAuthentic);
  EXPECT_EQ(error_of(initiator_.read_answer(Bytes(kNoiseMessageBytesMax + 1))),
            NoiseError::kTooLong);
}

TEST_F(NoiseInitiatorWaiting, RefusesAnEphemeralKeyOfLowOrder) {
  Bytes message = answer_.message;
  std::fill_n(message.begin(), 32, std::byte{0});
  EXPECT_EQ(error_of(initiator_.read_answer(message)), NoiseError::kBadKey);
}

TEST(NoiseInitiator, TakesOneAnswer) {
  Pair pair;
  NoiseInitiator initiator = pair.start();
  const NoiseAnswer answer = NoiseResponder::read(pair.called.settings(), initiator.message())
                                 .value()
                                 .answer({}, pair.random);
  ASSERT_TRUE(initiator.read_answer(answer.message));
  EXPECT_EQ(error_of(initiator.read_answer(answer.message)), NoiseError::kFinished);
}

TEST(NoiseResponder, GivesOneAnswer) {
  Pair pair;
  auto responder = NoiseResponder::read(pair.called.settings(), pair.start().message());
  ASSERT_TRUE(responder);
  (void)std::move(*responder).answer({}, pair.random);
  EXPECT_DEATH((void)std::move(*responder).answer({}, pair.random), "second answer");
}

TEST(NoiseResponder, AnswersAReplayedCallWithKeysThatTheReplayerLacks) {
  Pair pair;
  NoiseInitiator initiator = pair.start();
  const auto answer = [&] {
    return NoiseResponder::read(pair.called.settings(), initiator.message())
        .value()
        .answer({}, pair.random);
  };
  const NoiseAnswer first = answer();
  NoiseAnswer second = answer();
  NoiseSession session = initiator.read_answer(first.message).value().session;
  EXPECT_NE(first.session.handshake_hash(), second.session.handshake_hash());
  EXPECT_EQ(error_of(second.session.open(session.seal({}).value())), NoiseError::kNotAuthentic);
}

TEST(NoiseError, HasASentenceForEach) {
  for (int error = 0; error <= static_cast<int>(NoiseError::kFinished); ++error) {
    EXPECT_FALSE(describe(static_cast<NoiseError>(error)).empty()) << error;
  }
}

}  // namespace
}  // namespace kadwire::crypto
