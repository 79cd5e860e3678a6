/// Properties of Noise's three decoders on any bytes. A fuzzer cannot forge tags, so the first byte
/// of the input chooses what the rest is:
///   0  a first message, and an answer: neither is ever taken, and the true answer still is
///   1  damage to a true handshake (position u16 ‖ turned bits u8): only no damage goes unnoticed
///   2  how a session's messages are dropped, delivered and repeated (one byte a step): each is
///      opened once, as a set of all counters says
///   3  payloads: both arrive as they were

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <set>

#include "crypto/noise_handshake.h"

namespace {

using namespace kadwire;
using namespace kadwire::crypto;

/// Different bytes at each call, the same in each run.
class CountingRandom final : public RandomSource {
 public:
  void fill(std::span<std::byte> out) override {
    ++calls_;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(calls_ * 37 + i);
  }

 private:
  std::size_t calls_ = 0;
};

struct Members {
  CountingRandom random;
  SecretBytes psk = SecretBytes(kNoisePskBytes);
  NoiseKeyPair caller = NoiseKeyPair::generate(random);
  NoiseKeyPair called = NoiseKeyPair::generate(random);

  [[nodiscard]] NoiseInitiator start(ByteView payload) {
    return *NoiseInitiator::start({caller, psk, {}}, called.public_key(), payload, random);
  }
  [[nodiscard]] tl::expected<NoiseResponder, NoiseError> read(ByteView message1) {
    return NoiseResponder::read({called, psk, {}}, message1);
  }
};

/// Keys cost more than what is tested, so all inputs share them.
Members& members() {
  static Members fixed = [] {
    initialise();
    return Members{};
  }();
  return fixed;
}

void check_foreign(ByteView message) {
  const auto responder = members().read(message);
  assert(!responder && !describe(responder.error()).empty());

  NoiseInitiator initiator = members().start({});
  const auto answered = initiator.read_answer(message);
  assert(!answered && answered.error() != NoiseError::kFinished);
  const NoiseAnswer answer =
      members().read(initiator.message()).value().answer({}, members().random);
  assert(initiator.read_answer(answer.message));
}

/// Each three bytes of `damage` turn bits of one byte.
Bytes damaged(Bytes message, ByteView damage) {
  ByteReader reader(damage);
  while (reader.remaining() >= 3) {
    const std::size_t position = reader.be16();
    message[position % message.size()] ^= static_cast<std::byte>(reader.u8());
  }
  return message;
}

void check_damage(ByteView damage) {
  NoiseInitiator initiator = members().start(as_bytes("call"));
  const Bytes call = damaged(initiator.message(), damage);
  assert(members().read(call).has_value() == (call == initiator.message()));

  NoiseAnswer answer =
      members().read(initiator.message()).value().answer(as_bytes("answer"), members().random);
  const Bytes reply = damaged(answer.message, damage);
  auto answered = initiator.read_answer(reply);
  assert(answered.has_value() == (reply == answer.message));
  if (!answered) answered = initiator.read_answer(answer.message);

  const Bytes sealed = answered->session.seal(as_bytes("text")).value();
  const Bytes received = damaged(sealed, damage);
  assert(answer.session.open(received).has_value() == (received == sealed));
}

SecretBytes session_keys() {
  return SecretBytes(64);
}

/// What a replay window promises, said with all counters ever opened.
bool may_be_opened(const std::set<std::uint64_t>& opened, std::uint64_t counter) {
  if (opened.empty() || counter > *opened.rbegin()) return true;
  return *opened.rbegin() - counter < kNoiseWindowMessages && !opened.contains(counter);
}

/// A step drops so many messages as its upper half says, each 16 of its square, and then delivers
/// the one that lies so far back as its lower half says.
void check_delivery(ByteView steps) {
  std::uint64_t sent = 0;
  std::set<std::uint64_t> opened;
  NoiseSession receiver(session_keys(), NoiseRole::kResponder, {});
  for (const std::byte step : steps.first(std::min<std::size_t>(steps.size(), 512))) {
    const auto ahead = std::to_integer<std::uint64_t>(step >> 4);
    const auto back = std::to_integer<std::uint64_t>(step & std::byte{0x0f});
    sent += ahead * ahead * 16;
    const std::uint64_t counter = sent - std::min(sent, back * back * 16);
    NoiseSession sender(session_keys(), NoiseRole::kInitiator, {}, counter);
    const bool expected = may_be_opened(opened, counter);
    assert(receiver.open(sender.seal({}).value()).has_value() == expected);
    if (expected) opened.insert(counter);
  }
}

void check_payload(ByteView payload) {
  payload = payload.first(std::min<std::size_t>(payload.size(), kNoiseMessageBytesMax - 96));
  NoiseInitiator initiator = members().start(payload);
  auto responder = members().read(initiator.message());
  assert(responder && std::ranges::equal(responder->payload(), payload));
  assert(responder->initiator() == members().caller.public_key());
  NoiseAnswer answer = std::move(*responder).answer(payload, members().random);
  auto answered = initiator.read_answer(answer.message);
  assert(answered && std::ranges::equal(answered->payload, payload));
  const Bytes sealed = answer.session.seal(payload, payload).value();
  const auto text = answered->session.open(sealed, payload);
  assert(text && std::ranges::equal(*text, payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const Members& started = members();
  if (size == 0) return 0;
  const ByteView rest = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 4) {
    case 0:
      check_foreign(rest);
      break;
    case 1:
      check_damage(rest);
      break;
    case 2:
      check_delivery(rest);
      break;
    default:
      check_payload(rest);
      break;
  }
  return 0;
}
