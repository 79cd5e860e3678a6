/// What it costs to look at a datagram before the DHT may see it.

#include <benchmark/benchmark.h>

#include "dht/packet_guard.h"

namespace {

using namespace kadwire;
using namespace kadwire::dht;

ByteWriter& head(ByteWriter& writer, std::string_view key, std::uint8_t entries) {
  writer.u8(0x84).text(key).u8(static_cast<std::uint8_t>(0x80 | entries));
  return writer.text("\xa2id\xc4\x14").raw(Bytes(20, std::byte{1}));
}
Bytes tail(ByteWriter writer, std::string_view type) {
  return std::move(writer.text("\xa1t\xce").be32(7).text("\xa1y").text(type).text("\xa1v\xa3RNG"))
      .take();
}

/// A search for a key, 80 bytes: what a node receives most.
Bytes request() {
  ByteWriter writer;
  writer.u8(0x85)
      .text(
          "\xa1"
          "a\x82\xa2id\xc4\x14")
      .raw(Bytes(20, std::byte{1}));
  writer.text("\xa6target\xc4\x14")
      .raw(Bytes(20, std::byte{2}))
      .text(
          "\xa1q\xa4"
          "find");
  return tail(std::move(writer), "\xa1q");
}
/// One sealed record.
Bytes value_reply() {
  ByteWriter writer;
  head(writer, "\xa1r", 3).text("\xa5token\xc4\x20").raw(Bytes(32)).text("\xa6values\x91");
  writer.text("\x82\xa2id\xce")
      .be32(9)
      .text(
          "\xa3"
          "dat\x81\xa4"
          "body\x82\xa4type")
      .u8(0);
  writer
      .text(
          "\xa4"
          "data\xc5")
      .be16(560)
      .raw(Bytes(560));
  return tail(std::move(writer), "\xa1r");
}
/// Eight nodes of each family.
Bytes node_list_reply() {
  ByteWriter writer;
  head(writer, "\xa1r", 5).text("\xa2sa\xc4\x04").be32(1).text("\xa5token\xc4\x20").raw(Bytes(32));
  writer.text("\xa2n4\xc4").u8(8 * 26).raw(Bytes(8 * 26)).text("\xa2n6\xc5").be16(8 * 38);
  return tail(std::move(writer.raw(Bytes(8 * 38))), "\xa1r");
}

void inspect(benchmark::State& state, const Bytes& packet) {
  if (!inspect_packet(packet).accepted()) return state.SkipWithError("not a packet");
  for (auto _ : state) benchmark::DoNotOptimize(inspect_packet(packet));
}

void packet_guard_request(benchmark::State& state) {
  inspect(state, request());
}
void packet_guard_value_reply(benchmark::State& state) {
  inspect(state, value_reply());
}
void packet_guard_node_list(benchmark::State& state) {
  inspect(state, node_list_reply());
}
BENCHMARK(packet_guard_request);
BENCHMARK(packet_guard_value_reply);
BENCHMARK(packet_guard_node_list);

}  // namespace
