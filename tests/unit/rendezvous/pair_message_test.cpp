#include "rendezvous/pair_message.h"

#include <gtest/gtest.h>

#include "rendezvous/frame.h"
#include "rendezvous/peer_record.h"

namespace kadwire::rendezvous {
namespace {

crypto::NodeId node() {
  crypto::NodeId id;
  id.bytes.fill(std::byte{0xaa});
  return id;
}

const Endpoint kV4 = *Endpoint::parse("198.51.100.7:8080");
const Endpoint kV6 = *Endpoint::parse("[2001:db8::7]:8080");
const std::string kNode(64, 'a');
const std::string kNone(38, '0');

struct Known {
  PairMessage message;
  std::string hex;
};

std::vector<Known> known() {
  const std::string v4 = "041f90c6336407" + std::string(24, '0');
  const std::string v6 = "061f9020010db8000000000000000000000007";
  return {
      {Ping{0x01020304, false, false, 0}, "01010203040000" + kNone},
      {Ping{0xffffffff, true, true, 9}, "01ffffffff0309" + kNone},
      {Pong{0x01020304, 9, {}}, "02010203040009" + kNone},
      {Pong{0x01020304, 9, kV4}, "02010203040009" + v4},
      {Pong{0x01020304, 9, kV6}, "02010203040009" + v6},
      {RecordUpdate{{std::byte{1}, std::byte{2}}}, "030102"},
      {Forward{node(), {std::byte{7}}}, "04" + kNode + "07"},
      {Forwarded{node(), {std::byte{7}}}, "05" + kNode + "07"},
      {RelayRequest{node()}, "06" + kNode},
      {RelayReply{node(), 0x9c41, 100}, "07" + kNode + "9c41" + "64"},
      {UseRelay{node()}, "08" + kNode},
      {RelayBind{node()}, "09" + kNode + std::string(16, '0')},
      {RelayBind{node(), 0x0102030405060708}, "09" + kNode + "0102030405060708"},
      {PortsOpened{kV4.address}, "0ac6336407"},
      {RelayRelease{node()}, "0b" + kNode},
      {RelayChallenge{node(), 0x0102030405060708}, "0c" + kNode + "0102030405060708"},
      {RelayReleased{node()}, "0d" + kNode},
  };
}

TEST(PairMessage, HasTheBytesThatTheProtocolSays) {
  for (const Known& one : known()) EXPECT_EQ(to_hex(encode_pair_message(one.message)), one.hex);
}

TEST(PairMessage, MeansTheSameAfterItsBytes) {
  for (const Known& one : known()) {
    EXPECT_EQ(decode_pair_message(*from_hex(one.hex)), one.message) << one.hex;
  }
}

TEST(PairMessage, APingIsAsLongAsItsPong) {
  EXPECT_EQ(encode_pair_message(Ping{}).size(), encode_pair_message(Pong{1, 1, kV6}).size());
}

TEST(PairMessage, ARelaysChallengeIsAsLongAsTheBindThatItAnswers) {
  EXPECT_EQ(encode_pair_message(RelayChallenge{}).size(), encode_pair_message(RelayBind{}).size());
}

TEST(PairMessage, OfFixedLengthIsRefusedInEveryOther) {
  for (const Known& one : known()) {
    const Bytes whole = *from_hex(one.hex);
    const bool open_ended = std::holds_alternative<RecordUpdate>(one.message) ||
                            std::holds_alternative<Forward>(one.message) ||
                            std::holds_alternative<Forwarded>(one.message);
    if (open_ended) continue;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_pair_message(ByteView(whole).first(size))) << one.hex << ' ' << size;
    }
    Bytes longer = whole;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode_pair_message(longer)) << one.hex;
  }
}

TEST(PairMessage, RefusesWhatIsMalformed) {
  const std::string cases[] = {
      "",
      "00",
      "0e" + kNode,  // unknown types
      "ff",
      "01010203040400" + kNone,                        // an unknown flag
      "01010203040000" + std::string(36, '0') + "01",  // a ping's room is not empty
      "02010203040100" + kNone,                        // a pong has no flags
      "02010203040000"
      "05" +
          std::string(36, '0'),  // no such family
      "02010203040000"
      "04" +
          std::string(36, '0'),  // none, under a family
      "02010203040000"
      "001f90c6336407" +
          std::string(24, '0'),  // an address without family
      "02010203040000"
      "041f90c6336407" +
          std::string(23, '0') + "1",  // filling
      "02010203040000"
      "061f9000000000000000000000ffffc6336407",  // IPv4 in IPv6's form
      "03",                                      // no record
      "04" + kNode,                              // no frame
      "05" + kNode.substr(2),                    // a NodeId cut short
      "07" + kNode + "9c41" + "65",              // fuller than full
  };
  for (const std::string& hex : cases) {
    EXPECT_FALSE(decode_pair_message(*from_hex(hex))) << hex;
  }
}

TEST(PairMessage, BoundsWhatItCarries) {
  EXPECT_TRUE(decode_pair_message(encode_pair_message(RecordUpdate{Bytes(kRecordBytesMax)})));
  EXPECT_FALSE(decode_pair_message(encode_pair_message(RecordUpdate{Bytes(kRecordBytesMax + 1)})));
  EXPECT_TRUE(decode_pair_message(encode_pair_message(Forward{node(), Bytes(kFrameBytesMax)})));
  EXPECT_FALSE(
      decode_pair_message(encode_pair_message(Forward{node(), Bytes(kFrameBytesMax + 1)})));
}

}  // namespace
}  // namespace kadwire::rendezvous
