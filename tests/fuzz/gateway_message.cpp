/// Properties of what a gateway, or who forges it, may send to PortMapping: no crash; a datagram
/// never makes it send more than one round of requests, offer more than one candidate, or one that
/// is private or no host's.

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "rendezvous/port_mapping.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

constexpr TimePoint kStart{1h};
const IpAddress kGateway = *IpAddress::parse("192.168.1.1");

/// NAT-PMP's two and PCP's one, and a removal's.
constexpr int kTransmitsMax = 4;

void check_state(PortMapping& mapping) {
  int transmits = 0;
  while (const auto transmit = mapping.poll_transmit()) {
    assert(transmit->to == (Endpoint{kGateway, kGatewayPort}));
    ++transmits;
  }
  assert(transmits <= kTransmitsMax);
  const auto candidates = mapping.candidates();
  assert(candidates.size() <= 1);
  for (const Candidate& candidate : candidates) {
    assert(candidate.endpoint.port != 0);
    assert(is_unicast_beyond_link(candidate.endpoint.address));
    assert(!candidate.endpoint.address.is_private());
  }
}

/// The nonce that is drawn from the fixed seed stands in requests: an answer with it is ours.
void deliver(PortMapping& mapping, TimePoint now, ByteView datagram, const Bytes& request) {
  Bytes answer(datagram.begin(), datagram.end());
  constexpr std::size_t kNonceAt = 24, kNonceEnd = 36;
  if (answer.size() >= kNonceEnd && request.size() >= kNonceEnd) {
    std::copy(request.begin() + kNonceAt, request.begin() + kNonceEnd, answer.begin() + kNonceAt);
  }
  assert(mapping.handle_datagram(now, {kGateway, kGatewayPort}, answer));
  check_state(mapping);
}

}  // namespace

/// The input is a conversation: each piece is a byte for its length, one for the half seconds
/// before it, and a datagram.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)decode_gateway_answer(std::as_bytes(std::span(data, size)));
  testnet::SeededRandom random(1);
  PortMapping mapping(random, {});
  const LocalAddress own{.prefix = *Prefix::parse("192.168.1.20/24"), .interface = "eth0"};
  mapping.network_changed(kStart, std::vector{kGateway}, std::vector{own}, 51820);
  const Bytes request = mapping.poll_transmit()->payload;
  TimePoint now = kStart;
  ByteReader reader(std::as_bytes(std::span(data, size)));
  while (reader.remaining() > 2) {
    const std::size_t length = reader.u8();
    now += reader.u8() * 500ms;
    mapping.handle_timeout(now);
    check_state(mapping);
    while (const auto asked = mapping.poll_upnp()) {
      mapping.handle_upnp(now, {asked->id, tl::unexpected(UpnpError::kPortTaken)});
    }
    deliver(mapping, now, reader.raw(std::min(length, reader.remaining())), request);
  }
  mapping.remove(now);
  while (const auto due = mapping.next_timeout()) mapping.handle_timeout(*due);
  assert(mapping.holds_nothing());
  return 0;
}
