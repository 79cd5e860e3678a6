#include "tools/testnet/nodes/dht_message.h"

#include <gtest/gtest.h>

#include "dht/packet_guard.h"
#include "tests/unit/testnet/dht_datagrams.h"

namespace kadwire::testing {
namespace {

using testnet::DhtMessage;

const Endpoint kAsker{IpAddress::v4(0x0b00000a), 4222};

DhtMessage decoded(const json& fields) {
  return DhtMessage::decode(packed(fields)).value();
}

TEST(DhtMessage, TellsWhoAsksForWhat) {
  const DhtMessage find = decoded(request("find"));
  EXPECT_EQ(find.kind(), DhtMessage::Kind::kRequest);
  EXPECT_EQ(find.method(), "find");
  EXPECT_EQ(find.sender(), hash_of(0x11));
  EXPECT_EQ(find.target(), hash_of(0x22));
  EXPECT_EQ(decoded(request("get")).target(), hash_of(0x22));
  EXPECT_EQ(decoded(request("ping")).target(), std::nullopt);
}

TEST(DhtMessage, TellsRepliesByTheirTransaction) {
  json other = reply_to_get();
  other["t"] = 8;
  EXPECT_EQ(decoded(other).method(), "");
  EXPECT_TRUE(decoded(request("get")).is_answered_by(decoded(reply_to_get())));
  EXPECT_FALSE(decoded(request("get")).is_answered_by(decoded(other)));
  EXPECT_FALSE(decoded(reply_to_get()).is_answered_by(decoded(reply_to_get())));
}

TEST(DhtMessage, RefusesWhatTheGuardRefuses) {
  EXPECT_FALSE(DhtMessage::decode({}));
  EXPECT_FALSE(DhtMessage::decode(as_bytes("not msgpack")));
  const Bytes whole = packed(put());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DhtMessage::decode(ByteView(whole).first(size))) << size;
  }
  json deep = 1;
  for (int i = 0; i < 200; ++i) deep = json::array({deep});
  json fields = request("ping");
  fields["deep"] = deep;
  EXPECT_FALSE(DhtMessage::decode(packed(fields)));
}

TEST(DhtMessage, SurvivesARoundTrip) {
  EXPECT_EQ(unpacked(decoded(put()).encode()), put());
  EXPECT_EQ(unpacked(decoded(reply_to_get()).encode()), reply_to_get());
}

TEST(DhtMessage, ConfirmsAPutInAnothersPlace) {
  const auto confirmation = decoded(put()).confirmation(hash_of(0x77), kAsker);
  ASSERT_TRUE(confirmation);
  const Bytes datagram = confirmation->encode();
  const dht::Inspection inspection = dht::inspect_packet(datagram);
  EXPECT_TRUE(inspection.accepted());
  EXPECT_EQ(inspection.kind, dht::PacketKind::kReply);
  EXPECT_EQ(inspection.stored_value, 99U);
  EXPECT_EQ(confirmation->sender(), hash_of(0x77));
  EXPECT_TRUE(decoded(put()).is_answered_by(*confirmation));
}

TEST(DhtMessage, ConfirmsARefreshToo) {
  json refresh = request("refresh");
  refresh["a"]["vid"] = 98;
  const auto confirmation = decoded(refresh).confirmation(hash_of(0x77), kAsker);
  ASSERT_TRUE(confirmation);
  EXPECT_EQ(dht::inspect_packet(confirmation->encode()).stored_value, 98U);
}

TEST(DhtMessage, ConfirmsNothingThatIsNotToBeStored) {
  EXPECT_FALSE(decoded(request("get")).confirmation(hash_of(0x77), kAsker));
  EXPECT_FALSE(decoded(reply_to_get()).confirmation(hash_of(0x77), kAsker));
  EXPECT_FALSE(decoded(request("put")).confirmation(hash_of(0x77), kAsker));
}

TEST(DhtMessage, NamesOtherNodesAndForgetsValues) {
  DhtMessage reply = decoded(reply_to_get());
  const dht::KnownNode v4{hash_of(0x88), {IpAddress::v4(0xc6120001), 0x1234}};
  reply.replace_nodes(std::vector{v4, v4});
  reply.remove_values();
  const json body = unpacked(reply.encode()).at("r");
  EXPECT_FALSE(body.contains("values"));
  EXPECT_EQ(body.at("n6").get_binary().size(), 0U);
  const std::vector<std::uint8_t>& nodes = body.at("n4").get_binary();
  ASSERT_EQ(nodes.size(), 2 * 26U);
  EXPECT_EQ(nodes[19], 0x88);
  EXPECT_EQ(std::vector(nodes.begin() + 20, nodes.begin() + 26),
            (std::vector<std::uint8_t>{198, 18, 0, 1, 0x12, 0x34}));
}

TEST(DhtMessage, NamesNoNodesWhereNoneWereNamed) {
  DhtMessage ping = decoded(request("ping"));
  ping.replace_nodes(std::vector<dht::KnownNode>(1));
  EXPECT_EQ(unpacked(ping.encode()), request("ping"));
}

}  // namespace
}  // namespace kadwire::testing
