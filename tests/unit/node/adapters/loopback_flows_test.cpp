#include "node/adapters/loopback_flows.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/asio_scheduler.h"
#include "node/adapters/wireguard_datagram.h"
#include "tests/support/made_up.h"
#include "tests/unit/node/adapters/event_loop.h"

namespace kadwire::node {
namespace {

using kadwire::testing::run_until;
using kadwire::testing::wireguard_key;

Endpoint outer(int number) {
  return {IpAddress::v4(0xc6336401U), static_cast<std::uint16_t>(1000 + number)};
}

/// A data message of WireGuard's, as far as its first bytes go.
Bytes message(std::string_view text) {
  Bytes bytes(32);
  bytes[0] = std::byte{4};
  const ByteView tail = as_bytes(text);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

/// Flows, and a plain socket where WireGuard would be.
class LoopbackFlowsTest : public ::testing::Test {
 protected:
  LoopbackFlowsTest() {
    flows_.set_wireguard_port(wireguard_->local_port());
    wireguard_->start([this](const Endpoint& from, ByteView datagram) {
      heard_.emplace_back(from, Bytes(datagram.begin(), datagram.end()));
    });
  }
  /// Where WireGuard sees what came from `from`.
  Endpoint arrival_from(const Endpoint& from) {
    const std::size_t before = heard_.size();
    flows_.deliver(from, message("in"));
    EXPECT_TRUE(run_until(context_, [&] { return heard_.size() > before; }));
    return heard_.back().first;
  }

  asio::io_context context_;
  AsioScheduler scheduler_{context_};
  std::vector<std::pair<Endpoint, Bytes>> sent_;
  LoopbackFlows flows_{context_, scheduler_, [this](const Endpoint& to, ByteView datagram) {
                         sent_.emplace_back(to, Bytes(datagram.begin(), datagram.end()));
                       }};
  std::unique_ptr<AsioDatagramSocket> wireguard_ = std::move(*AsioDatagramSocket::open_at(
      context_, std::vector<Endpoint>{{*IpAddress::parse("127.0.0.1"), 0}}));
  std::vector<std::pair<Endpoint, Bytes>> heard_;
};

TEST_F(LoopbackFlowsTest, CarryADatagramInAndItsAnswerOut) {
  const Endpoint from = arrival_from(outer(1));
  EXPECT_EQ(heard_.back().second, message("in"));
  wireguard_->send({from, message("out")});
  ASSERT_TRUE(run_until(context_, [&] { return !sent_.empty(); }));
  EXPECT_EQ(sent_.front(), std::pair(outer(1), message("out")));
}

TEST_F(LoopbackFlowsTest, KeepOnePortForEachEndpointWhicheverSideBegins) {
  const auto inside = flows_.inside(wireguard_key(1), outer(1));
  ASSERT_TRUE(inside);
  EXPECT_EQ(arrival_from(outer(1)), *inside);
  EXPECT_NE(arrival_from(outer(2)), *inside);
  EXPECT_EQ(flows_.outside(wireguard_key(1), *inside), outer(1));
  EXPECT_EQ(flows_.size(), 2U);
}

TEST_F(LoopbackFlowsTest, KnowNothingOfAnEarlierRunsPorts) {
  EXPECT_EQ(flows_.outside(wireguard_key(1), {*IpAddress::parse("127.0.0.1"), 9}), std::nullopt);
  EXPECT_EQ(flows_.outside(wireguard_key(1), outer(3)), outer(3)) << "not on loopback";
}

TEST_F(LoopbackFlowsTest, AreBoundedForStrangersAndKeptForPeers) {
  const auto inside = flows_.inside(wireguard_key(1), outer(0));
  for (int i = 1; i <= 1000; ++i) flows_.deliver(outer(i), message("flood"));
  EXPECT_LE(flows_.size(), kStrangerFlowsMax + 1);
  EXPECT_GT(flows_.counters().refused, 0U);
  EXPECT_EQ(flows_.inside(wireguard_key(1), outer(0)), inside);
}

TEST_F(LoopbackFlowsTest, LetAPeersFlowGoOnceItIsForgottenAndOthersNeedTheRoom) {
  const auto inside = flows_.inside(wireguard_key(1), outer(0));
  flows_.forget(wireguard_key(1));
  for (int i = 1; i <= 64; ++i) flows_.deliver(outer(i), message("flood"));
  EXPECT_EQ(flows_.outside(wireguard_key(1), *inside), std::nullopt);
}

TEST_F(LoopbackFlowsTest, TakeNothingFromOtherProgramsOfThisHost) {
  const auto inside = flows_.inside(wireguard_key(1), outer(1));
  const auto stranger = std::move(*AsioDatagramSocket::open(context_, 0));
  stranger->send({*inside, message("forged")});
  wireguard_->send({*inside, message("real")});
  ASSERT_TRUE(run_until(context_, [&] { return !sent_.empty(); }));
  EXPECT_EQ(sent_.front().second, message("real"));
}

TEST(LooksLikeWireguard, TellsItsMessagesFromStunAndFrames) {
  EXPECT_TRUE(looks_like_wireguard(message("")));
  Bytes stun(32);
  stun[1] = std::byte{1};
  EXPECT_FALSE(looks_like_wireguard(stun));
  Bytes frame(32);
  frame[0] = std::byte{0xc1};
  EXPECT_FALSE(looks_like_wireguard(frame));
  EXPECT_FALSE(looks_like_wireguard(ByteView(message("")).first(31)));
}

}  // namespace
}  // namespace kadwire::node
