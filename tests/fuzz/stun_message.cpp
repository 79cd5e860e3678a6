/// Properties of the STUN codec and responder on any bytes: no crash; a parsed message's views lie
/// in its datagram; the responder never answers with more than it got, except the one answer whose
/// size the RFC fixes, and that answer names the asker's endpoint.

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>

#include "rendezvous/stun_message.h"
#include "rendezvous/stun_responder.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

void check_views(const StunMessage& message) {
  assert(message.attributes.size() <= kStunAttributesMax);
  const ByteView datagram = message.datagram;
  for (const StunAttribute& attribute : message.attributes) {
    if (attribute.value.empty()) continue;
    assert(attribute.value.data() >= datagram.data() + kStunHeaderBytes);
    assert(attribute.value.data() + attribute.value.size() <= datagram.data() + datagram.size());
  }
  if (const auto error = message.error_code()) assert(error->code >= 300 && error->code <= 699);
  (void)message.xor_mapped_address();
  (void)message.other_address();
  (void)message.change_request();
  (void)message.response_port();
  (void)message.unknown_required();
  (void)check_integrity(message, as_bytes("key"));
  (void)check_integrity_sha256(message, as_bytes("key"));
}

void check_answer(const Endpoint& from, ByteView datagram) {
  StunResponder responder;
  const bool v4 = from.address.is_v4();
  const StunHome home{*Endpoint::parse(v4 ? "198.51.100.1:3478" : "[2001:db8:1::1]:3478"), 3479};
  const TimePoint now{std::chrono::hours(1)};
  const auto reply = responder.handle_datagram(now, from, home, datagram);
  if (!reply) return;
  const Endpoint& to = reply->transmit.to;
  assert(to.address == from.address);
  assert(to.port == from.port || to.port >= kResponsePortMin);
  assert(reply->source.address == home.at.address);
  const Bytes& payload = reply->transmit.payload;
  const auto message = parse_stun(payload);
  assert(message);
  if (message->message_class == StunClass::kSuccess) {
    assert(message->xor_mapped_address() == from);
    const bool fixed = to == from && payload.size() == (v4 ? 32U : 44U);
    assert(fixed || payload.size() <= datagram.size());
  } else {
    assert(payload.size() <= datagram.size());
  }
}

/// Fuzzers seldom guess a CRC: the same message with a fingerprint that is right must parse too.
void check_with_fingerprint(const StunMessage& message) {
  StunWriter writer(message.message_class, message.method, message.transaction);
  for (const StunAttribute& attribute : message.attributes) {
    if (attribute.type == StunAttributeType::kFingerprint) continue;
    if (attribute.value.size() > kStunTextBytesMax) return;
    writer.attribute(attribute.type, attribute.value);
  }
  const bool room = message.datagram.size() + 8 <= kStunBytesMax &&
                    message.attributes.size() < kStunAttributesMax;
  if (!room) return;
  const Bytes datagram = writer.fingerprint().take();
  const auto again = parse_stun(datagram);
  assert(again && again->find(StunAttributeType::kFingerprint));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto message = parse_stun(input);
  if (message) {
    check_views(*message);
    check_with_fingerprint(*message);
  } else {
    assert(!describe(message.error()).empty());
  }
  check_answer(*Endpoint::parse("192.0.2.1:32853"), input);
  check_answer(*Endpoint::parse("[2001:db8::1]:40000"), input);
  return 0;
}
