/// Any packet is read within its bounds, or refused; what is read, written again, reads the same.

#include "node/adapters/udp_packet.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "tests/support/udp_packets.h"

namespace {

using namespace kadwire;

void check(ByteView packet) {
  const auto read = node::parse_udp_packet(packet);
  if (!read) return;
  assert(read->from.port != 0 && read->to.port != 0);
  assert(read->from.address.family() == read->to.address.family());
  const std::byte* end = packet.data() + packet.size();
  assert(read->payload.data() >= packet.data() && read->payload.data() <= end);
  assert(read->payload.data() + read->payload.size() <= end);

  const Bytes again = testing::udp_packet(read->from, read->to, read->payload);
  const auto twice = node::parse_udp_packet(again);
  assert(twice && twice->from == read->from && twice->to == read->to);
  assert(std::ranges::equal(twice->payload, read->payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  check(input);
  if (input.size() < node::kIpv4HeaderBytes) return 0;
  // Fuzzers seldom guess a checksum: the same header with the right one.
  Bytes with_checksum(input.begin(), input.end());
  testing::renew_ipv4_checksum(with_checksum);
  check(with_checksum);
  return 0;
}
