#include "dht/node_cache.h"

#include <gtest/gtest.h>

namespace kadwire::dht {
namespace {

KnownNode node(std::string_view endpoint, int id = 1) {
  return {InfoHash{static_cast<std::byte>(id)}, *Endpoint::parse(endpoint)};
}

/// A list of one node with these address bytes, in hexadecimal.
Bytes one_node(std::string_view address_hex, std::uint16_t port) {
  const Bytes address = *from_hex(address_hex);
  ByteWriter writer;
  writer.be16(1).raw(Bytes(20)).u8(static_cast<std::uint8_t>(address.size())).raw(address);
  return std::move(writer.be16(port)).take();
}

TEST(NodeCache, ReadsBackWhatItWrote) {
  const std::vector<KnownNode> nodes{node("192.0.2.1:4222"), node("[2001:db8::1]:1", 2),
                                     node("203.0.113.255:65535", 3)};
  EXPECT_EQ(decode_nodes(encode_nodes(nodes)), nodes);
  EXPECT_EQ(decode_nodes(encode_nodes({})), std::vector<KnownNode>());
}

TEST(NodeCache, HasTheDocumentedLayout) {
  EXPECT_EQ(to_hex(encode_nodes(std::vector{node("192.0.2.1:4222")})),
            "0001"
            "0100000000000000000000000000000000000000"
            "04"
            "c0000201"
            "107e");
}

TEST(NodeCache, KeepsTheFirstTwoHundred) {
  std::vector<KnownNode> nodes;
  for (int i = 0; i < 300; ++i) nodes.push_back(node("192.0.2.1:" + std::to_string(1000 + i)));
  const auto kept = decode_nodes(encode_nodes(nodes));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), kCachedNodesMax);
  EXPECT_EQ(kept->back(), nodes[kCachedNodesMax - 1]);
}

TEST(NodeCache, RefusesEveryTruncationAndWhatFollowsTheEnd) {
  const Bytes whole = encode_nodes(std::vector{node("192.0.2.1:4222"), node("[2001:db8::1]:1")});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(decode_nodes(ByteView(whole).first(length))) << length;
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_nodes(longer));
}

TEST(NodeCache, RefusesMoreNodesThanItWrites) {
  ByteWriter writer;
  writer.be16(kCachedNodesMax + 1);
  for (std::size_t i = 0; i <= kCachedNodesMax; ++i) {
    writer.raw(Bytes(20)).u8(4).be32(0xc0000201).be16(1);
  }
  EXPECT_FALSE(decode_nodes(writer.view()));
}

TEST(NodeCache, RefusesAddressesNobodyCanBeSentTo) {
  EXPECT_TRUE(decode_nodes(one_node("c0000201", 4222)));
  EXPECT_FALSE(decode_nodes(one_node("c0000201", 0))) << "port 0";
  EXPECT_FALSE(decode_nodes(one_node("00000000", 4222))) << "unspecified";
  EXPECT_FALSE(decode_nodes(one_node("e0000001", 4222))) << "multicast";
  EXPECT_FALSE(decode_nodes(one_node("c00002", 4222))) << "three bytes";
  EXPECT_FALSE(decode_nodes(one_node("00000000000000000000ffffc0000201", 4222))) << "IPv4-mapped";
}

}  // namespace
}  // namespace kadwire::dht
