/// The simulated WireGuard's datagrams.

#include "tools/testnet/nodes/wireguard_message.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

InitiationMessage initiation() {
  InitiationMessage message{.sender_index = 1, .session = 2, .timestamp = 3};
  message.sender.bytes.fill(std::byte{4});
  message.receiver.bytes.fill(std::byte{5});
  return message;
}

ResponseMessage response() {
  return {.sender_index = 1, .receiver_index = 2, .session = 3, .psk_digest = 4};
}

DataMessage data(std::size_t packet_bytes) {
  return {.from_initiator = true,
          .receiver_index = 1,
          .session = 2,
          .counter = 3,
          .source_tag = packet_bytes == 0 ? 0U : 7U,
          .packet = Bytes(packet_bytes, std::byte{9})};
}

std::vector<Bytes> one_of_each() {
  return {encode(initiation()), encode(response()), encode(data(0)), encode(data(1)),
          encode(data(kTunnelMtuBytes))};
}

TEST(WireguardMessage, HasTheSizesAndTypesOfTheRealOnes) {
  EXPECT_EQ(encode(initiation()).size(), 148U);
  EXPECT_EQ(encode(initiation())[0], std::byte{1});
  EXPECT_EQ(encode(response()).size(), 92U);
  EXPECT_EQ(encode(response())[0], std::byte{2});
  EXPECT_EQ(encode(data(0)).size(), 32U);
  EXPECT_EQ(encode(data(0))[0], std::byte{4});
}

TEST(WireguardMessage, PadsPacketsTo16BytesButNotBeyondTheMtu) {
  EXPECT_EQ(encode(data(1)).size(), 32U + 16U);
  EXPECT_EQ(encode(data(16)).size(), 32U + 16U);
  EXPECT_EQ(encode(data(17)).size(), 32U + 32U);
  EXPECT_EQ(encode(data(1420)).size(), 32U + 1420U);
}

TEST(WireguardMessage, ComesBackAsItWas) {
  EXPECT_EQ(decode(encode(initiation())), WireguardMessage(initiation()));
  EXPECT_EQ(decode(encode(response())), WireguardMessage(response()));
  for (const std::size_t size : {0U, 1U, 15U, 16U, 1419U, 1420U}) {
    EXPECT_EQ(decode(encode(data(size))), WireguardMessage(data(size))) << size;
  }
}

TEST(WireguardMessage, IsNoneAtAnyOtherLength) {
  for (const Bytes& whole : one_of_each()) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode(ByteView(whole).first(size))) << size << " of " << whole.size();
    }
    Bytes longer = whole;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode(longer)) << whole.size();
  }
}

/// Strictness: no two datagrams mean the same.
TEST(WireguardMessage, WhateverIsDecodedEncodesToTheSameBytes) {
  for (const Bytes& whole : one_of_each()) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      Bytes changed = whole;
      changed[at] ^= std::byte{0x81};
      const auto message = decode(changed);
      if (!message) continue;
      const Bytes again = std::visit([](const auto& each) { return encode(each); }, *message);
      EXPECT_EQ(again, changed) << "byte " << at << " of " << whole.size();
    }
  }
}

TEST(WireguardMessage, IsNoneWithABitWhereZerosAre) {
  Bytes datagram = encode(initiation());
  datagram.back() = std::byte{1};
  EXPECT_FALSE(decode(datagram));
  datagram = encode(response());
  datagram[2] = std::byte{1};
  EXPECT_FALSE(decode(datagram));
  datagram = encode(data(1));
  datagram[20] = std::byte{1};
  EXPECT_FALSE(decode(datagram));
}

TEST(WireguardMessage, DigestsTellKeysAndAddressesApart) {
  Bytes key(32), other(32);
  other[31] = std::byte{1};
  EXPECT_EQ(psk_digest(key), psk_digest(Bytes(32)));
  EXPECT_NE(psk_digest(key), psk_digest(other));
  EXPECT_NE(source_tag(*IpAddress::parse("10.9.0.1")), source_tag(*IpAddress::parse("10.9.0.2")));
  EXPECT_NE(source_tag(*IpAddress::parse("0.0.0.0")), source_tag(*IpAddress::parse("::")));
}

}  // namespace
}  // namespace kadwire::testnet
