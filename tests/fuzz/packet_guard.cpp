/// Whatever packet_guard lets through must leave the real OpenDHT alive and without an exception.
/// An input is one datagram, or several, each with 0xc1 (no msgpack) and two bytes of length before
/// it. They reach a node that has a search, a put and a listen under way with the sender: replies
/// and pushed values get the transaction of one of its requests, or they would never get far.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "dht/opendht_directory.h"
#include "dht/packet_guard.h"
#include "tools/testnet/seeded_random.h"
#include "tools/testnet/virtual_clock.h"

namespace {

using namespace kadwire;
using namespace kadwire::dht;

constexpr std::uint8_t kSeparator = 0xc1;
constexpr std::size_t kDatagramsMax = 16;
/// In OpenDHT's datagrams: key "t" (or "sid") and the mark of a 32-bit number.
constexpr std::string_view kTransactionKey = "\xa1t\xce";
constexpr std::string_view kSocketKey = "\xa3sid\xce";
constexpr std::size_t kNumberBytes = 4;

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

std::vector<Bytes> split(ByteView input) {
  std::vector<Bytes> datagrams;
  ByteReader reader(input);
  while (datagrams.size() < kDatagramsMax && reader.remaining() > 0) {
    const ByteView rest = input.last(reader.remaining());
    if (rest.front() != std::byte{kSeparator}) {
      datagrams.emplace_back(rest.begin(), rest.end());
      break;
    }
    reader.u8();
    const std::size_t length = std::min<std::size_t>(reader.be16(), reader.remaining());
    const ByteView datagram = reader.raw(length);
    datagrams.emplace_back(datagram.begin(), datagram.end());
  }
  return datagrams;
}

/// The number after `key`, as a piece of `datagram`; empty if there is none.
std::span<std::byte> number_after(std::span<std::byte> datagram, std::string_view key) {
  const auto found = as_text(datagram).find(key);
  if (found == std::string_view::npos) return {};
  const std::size_t at = found + key.size();
  if (datagram.size() < at + kNumberBytes) return {};
  return datagram.subspan(at, kNumberBytes);
}

/// A node in the middle of a conversation with one peer.
class Rig {
 public:
  Rig() : random_(1), directory_(testnet::virtual_now(), {}, random_) {
    directory_.set_bootstrap(testnet::virtual_now(), {&peer_, 1});
    directory_.request(testnet::virtual_now(), ListenRequest{1, key_});
    directory_.request(testnet::virtual_now(), PutRequest{2, key_, 77, Bytes(64)});
    directory_.request(testnet::virtual_now(), GetRequest{3, key_});
    turn();
    answer_all();  // the ping: now it is connected and searches
    answer_all();  // the search: now it puts and listens
  }

  void feed(Bytes datagram) {
    const Inspection inspection = inspect_packet(datagram);
    if (inspection.accepted()) {
      adopt(datagram, inspection.kind == PacketKind::kQuery ? kSocketKey : kTransactionKey);
    }
    directory_.handle_datagram(testnet::virtual_now(), peer_, datagram);
    collect();
  }
  /// Lets every timer of the next seconds fire.
  void age() {
    for (int second = 0; second < 4; ++second) {
      testnet::advance_virtual_clock_to(testnet::virtual_now().steady + 1s);
      turn();
    }
  }
  [[nodiscard]] const OpendhtDirectory& directory() const { return directory_; }

 private:
  void turn() {
    directory_.handle_timeout(testnet::virtual_now());
    collect();
  }
  void collect() {
    while (auto transmit = directory_.poll_transmit()) {
      for (const std::string_view key : {kTransactionKey, kSocketKey}) {
        const auto number = number_after(transmit->payload, key);
        if (!number.empty()) numbers_.emplace_back(number.begin(), number.end());
      }
    }
    while (directory_.poll_event()) continue;
  }
  /// An empty reply with a token to each request so far.
  void answer_all() {
    for (const Bytes& number : std::exchange(numbers_, {})) {
      ByteWriter reply;
      reply.text("\x83\xa1r\x82\xa2id\xc4\x14").raw(Bytes(20, std::byte{9}));
      reply.text("\xa5token\xc4\x20").raw(Bytes(32, std::byte{8}));
      reply.text(kTransactionKey).raw(number).text("\xa1y\xa1r");
      directory_.handle_datagram(testnet::virtual_now(), peer_, reply.view());
    }
    turn();
  }
  /// Gives a reply the transaction, and a push the socket, of one of our requests; which one is the
  /// datagram's choice.
  void adopt(Bytes& datagram, std::string_view key) {
    const auto number = number_after(datagram, key);
    if (number.empty() || numbers_.empty()) return;
    const Bytes& ours = numbers_[std::to_integer<std::size_t>(number.back()) % numbers_.size()];
    std::copy(ours.begin(), ours.end(), number.begin());
  }

  const Endpoint peer_{IpAddress::v4(0x0b160001U), 4222};
  const InfoHash key_{std::byte{1}};
  testnet::SeededRandom random_;
  OpendhtDirectory directory_;
  std::vector<Bytes> numbers_;  ///< transactions and listening sockets a reply may name
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<Bytes> datagrams = split(std::as_bytes(std::span(data, size)));
  const auto accepted = [](const Bytes& each) { return inspect_packet(each).accepted(); };
  if (std::none_of(datagrams.begin(), datagrams.end(), accepted)) return 0;
  testnet::seed_virtual_random_device(1);
  Rig rig;
  check(rig.directory().stats().connected, "the rig never connected: it would test nothing");
  for (const Bytes& datagram : datagrams) rig.feed(datagram);
  rig.age();
  check(rig.directory().library_exceptions() == 0, "an exception of the library came through");
  return 0;
}
