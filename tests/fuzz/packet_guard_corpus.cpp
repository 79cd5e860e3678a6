/// Writes the seeds of the packet_guard fuzz target: datagrams of a network of real OpenDHT nodes
/// in memory, two of each shape, and the known packets that end a node without a guard.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "dht/opendht_directory.h"
#include "tests/support/directory_network.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;
using namespace kadwire::dht;

constexpr std::size_t kNodes = 8;
constexpr std::size_t kPerShape = 2;

/// Datagrams with the same of these in them have the same shape.
constexpr std::string_view kMarks[] = {"\xa1r",
                                       "\xa1u",
                                       "\xa1p",
                                       "\xa1w",
                                       "\xa2n4",
                                       "\xa2n6",
                                       "\xa2sa",
                                       "\xa2re",
                                       "\xa3"
                                       "exp",
                                       "\xa3sid",
                                       "\xa4ping",
                                       "\xa4"
                                       "find",
                                       "\xa3get",
                                       "\xa3put",
                                       "\xa6listen",
                                       "\xa7refresh",
                                       "\xa6update",
                                       "\xa5token",
                                       "\xa6values",
                                       "\xa6"
                                       "fileds",
                                       "\xa4"
                                       "body",
                                       "\xa2ve",
                                       "\xa1s\x91",
                                       "\xa1w\x91"};

std::uint32_t shape_of(ByteView datagram) {
  std::uint32_t shape = 0;
  for (std::size_t i = 0; i < std::size(kMarks); ++i) {
    if (as_text(datagram).find(kMarks[i]) != std::string_view::npos) shape |= 1U << i;
  }
  return shape;
}

class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}
  void offer(ByteView datagram) {
    const std::size_t index = seen_[shape_of(datagram)]++;
    if (index >= kPerShape) return;
    write("captured-" + to_hex(ByteWriter().be32(shape_of(datagram)).view()) + '-' +
              std::to_string(index),
          datagram);
  }
  void write(const std::string& name, ByteView bytes) {
    std::ofstream file(folder_ / name, std::ios::binary);
    file << as_text(bytes);
  }

 private:
  std::filesystem::path folder_;
  std::map<std::uint32_t, std::size_t> seen_;
};

/// Members come, put, ask and listen on one key, and one leaves.
void run_network(Corpus& corpus) {
  testnet::SeededRandom random(7);
  testnet::seed_virtual_random_device(7);
  testing::DirectoryNetwork network([](auto, auto) { return Duration(20ms); });
  network.set_tap([&](auto, const Transmit& transmit) { corpus.offer(transmit.payload); });
  InfoHash key;
  random.fill(key);
  for (std::size_t i = 0; i < kNodes; ++i) {
    network.add(
        std::make_unique<OpendhtDirectory>(testnet::virtual_now(), OpendhtOptions{}, random),
        {testing::test_endpoint_v4(i), testing::test_endpoint_v6(i)});
    network.set_bootstrap(i, {testing::test_endpoint_v4(0), testing::test_endpoint_v6(0)});
    network.request(i, ListenRequest{1, key});
    network.request(i, PutRequest{2, key, 100 + i, Bytes(i % 2 == 0 ? 40 : 560, std::byte{0x5a})});
    network.run_for(i % 2 == 0 ? 5s : 100ms);
  }
  network.request(3, GetRequest{3, key});
  network.run_for(30s);
  network.request(3, ListIdsRequest{4, key});
  network.request(3, GetRequest{5, key, 102});
  network.run_for(30s);
  network.set_up(2, false);
  network.run_for(700s);
}

void write_kills(Corpus& corpus) {
  corpus.write("kill-empty-error", *from_hex("81a16590"));
  corpus.write("kill-number-as-reply",
               ByteWriter().text("\x83\xa1r\x01\xa1t\xce").be32(1).text("\xa1y\xa1r").view());
  corpus.write("kill-no-fields", ByteWriter()
                                     .text("\x83\xa1r\x82\xa2id\xc4\x14")
                                     .raw(Bytes(20, std::byte{7}))
                                     .text("\xa6"
                                           "fileds\x82\xa1"
                                           "f\x90\xa1v\x91\x01\xa1t\xce")
                                     .raw(Bytes(4))
                                     .text("\xa1y\xa1r")
                                     .view());
}

/// A value announced by its size and sent in two fragments, as one input of three datagrams.
void write_fragments(Corpus& corpus) {
  const ByteWriter rest = ByteWriter().text("\xa1t\xce").be32(5).text("\xa1y\xa1v");
  ByteWriter value;
  value.text(
      "\x82\xa2id\x05\xa3"
      "dat\x81\xa4"
      "body\x82\xa4"
      "data\xc4\x40");
  const Bytes whole = std::move(value.raw(Bytes(64)).text("\xa4type").u8(0)).take();
  ByteWriter header;
  header.text("\x83\xa1r\x82\xa2id\xc4\x14").raw(Bytes(20, std::byte{6})).text("\xa6values\x91");
  header.u8(static_cast<std::uint8_t>(whole.size())).raw(rest.view());
  const auto fragment = [&](std::size_t from, std::size_t to) {
    ByteWriter part;
    part.text("\x83\xa1p\x81").u8(0).text("\x82\xa1o").u8(static_cast<std::uint8_t>(from));
    part.text(
            "\xa1"
            "d\xc4")
        .u8(static_cast<std::uint8_t>(to - from));
    part.raw(ByteView(whole).subspan(from, to - from)).raw(rest.view());
    return std::move(part).take();
  };
  ByteWriter input;
  for (const Bytes& datagram : {Bytes(header.view().begin(), header.view().end()), fragment(0, 50),
                                fragment(50, whole.size())}) {
    input.u8(0xc1).be16(static_cast<std::uint16_t>(datagram.size())).raw(datagram);
  }
  corpus.write("fragments", input.view());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  Corpus corpus(argv[1]);
  run_network(corpus);
  write_kills(corpus);
  write_fragments(corpus);
  return 0;
}
