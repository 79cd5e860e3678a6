/// Properties of NAT behaviours on any bytes: what is decoded has one encoding, the one that was
/// read; what is inferred from any observations can be encoded and is the same afterwards.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "rendezvous/nat_behavior.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

/// As many as an observer ever has at once.
constexpr std::size_t kObservationsMax = 24;

void check_wire_form(ByteView input) {
  const auto behavior = decode_nat_behavior(input);
  if (!behavior) return;
  assert(std::ranges::equal(encode_nat_behavior(*behavior), input));
}

/// Six bytes an observation: few addresses and all ports, so that some agree.
std::vector<MappingObservation> read_observations(ByteView input) {
  ByteReader reader(input);
  std::vector<MappingObservation> observations;
  while (reader.remaining() >= 6 && observations.size() < kObservationsMax) {
    const std::uint32_t choices = reader.u8();
    const std::uint8_t at = reader.u8();
    const std::uint16_t asked_port = reader.be16();
    const Endpoint local = {IpAddress::v4(choices & 1 ? 0x64400001 : 0xc0a80001), 51820};
    const Endpoint asked = {IpAddress::v4(0xc6336400 + (choices >> 1 & 3)), asked_port};
    const Endpoint outside = {IpAddress::v4(0xcb007100 + (choices >> 3 & 1)), reader.be16()};
    const bool translated = (choices >> 4 & 7) != 0;
    observations.push_back({TimePoint{std::chrono::seconds(at)}, local, asked,
                            translated ? outside : local,
                            choices >> 7 ? Witness::kPeer : Witness::kServer});
  }
  return observations;
}

void check_inference(ByteView input) {
  const NatBehavior behavior = infer_nat_behavior(read_observations(input), std::nullopt);
  assert(decode_nat_behavior(encode_nat_behavior(behavior)) == behavior);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  check_wire_form(input);
  check_inference(input);
  return 0;
}
