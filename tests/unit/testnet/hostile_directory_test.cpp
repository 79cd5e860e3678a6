#include "tools/testnet/nodes/hostile_directory.h"

#include <gtest/gtest.h>

#include "dht/packet_guard.h"
#include "tests/unit/testnet/dht_datagrams.h"
#include "tests/unit/testnet/stub_directory.h"
#include "tools/testnet/internet/address_plan.h"
#include "tools/testnet/nodes/gauged_directory.h"
#include "tools/testnet/nodes/hash_flooder.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testing {
namespace {

using testnet::SeededRandom;

const Endpoint kAsker{IpAddress::v4(0x0b00000a), 4222};
const Endpoint kOther{IpAddress::v4(0x0b00010a), 4222};
constexpr Now kNow{TimePoint{1000h}, WallTime{std::chrono::milliseconds{1'767'225'600'000}}};

class HostileDirectory : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<dht::Directory> honest() {
    return std::make_unique<StubDirectory>(log_);
  }
  StubDirectoryLog log_;
  SeededRandom random_{1};
};

TEST_F(HostileDirectory, DroppersHearPingsFindsAndRepliesOnly) {
  testnet::DroppingDirectory dropper(honest());
  for (const std::string method : {"ping", "find", "get", "listen"}) {
    dropper.handle_datagram(kNow, kAsker, packed(request(method)));
  }
  dropper.handle_datagram(kNow, kAsker, packed(put()));
  dropper.handle_datagram(kNow, kAsker, packed(reply_to_get()));
  EXPECT_EQ(log_.datagrams, (std::vector{packed(request("ping")), packed(request("find")),
                                         packed(reply_to_get())}));
}

TEST_F(HostileDirectory, SwallowersConfirmAPutThatNobodyGets) {
  testnet::SwallowingDirectory swallower(honest(), hash_of(0x77));
  swallower.handle_datagram(kNow, kAsker, packed(put()));
  const auto reply = swallower.poll_transmit();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->to, kAsker);
  EXPECT_EQ(dht::inspect_packet(reply->payload).stored_value, 99U);
  EXPECT_TRUE(log_.datagrams.empty());
}

TEST_F(HostileDirectory, SwallowersAnswerEverythingElseAsTheNodeInsideDoes) {
  testnet::SwallowingDirectory swallower(honest(), hash_of(0x77));
  swallower.handle_datagram(kNow, kAsker, packed(request("get")));
  log_.transmits.push_back({kAsker, packed(reply_to_get())});
  EXPECT_EQ(log_.datagrams.size(), 1U);
  EXPECT_EQ(swallower.poll_transmit()->payload, packed(reply_to_get()));
}

TEST_F(HostileDirectory, LiarsNameNodesNextToTheTargetThatNobodyHas) {
  testnet::LyingDirectory liar(honest(), hash_of(0x77), random_);
  liar.handle_datagram(kNow, kAsker, packed(request("get")));
  log_.transmits.push_back({kAsker, packed(reply_to_get())});
  const auto reply = liar.poll_transmit();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(dht::inspect_packet(reply->payload).accepted());
  const json body = unpacked(reply->payload).at("r");
  EXPECT_FALSE(body.contains("values"));
  const std::vector<std::uint8_t>& nodes = body.at("n4").get_binary();
  ASSERT_EQ(nodes.size(), testnet::kInventedNodes * 26);
  EXPECT_EQ(std::vector(nodes.begin(), nodes.begin() + 8), std::vector<std::uint8_t>(8, 0x22));
  EXPECT_EQ(nodes[20], 198);
  EXPECT_EQ(body.at("n6").get_binary().size(), testnet::kInventedNodes * 38);
}

TEST_F(HostileDirectory, LiarsLeaveAloneWhatAnswersNobodysQuestion) {
  testnet::LyingDirectory liar(honest(), hash_of(0x77), random_);
  liar.handle_datagram(kNow, kAsker, packed(request("get")));
  log_.transmits.push_back({kOther, packed(reply_to_get())});
  EXPECT_EQ(liar.poll_transmit()->payload, packed(reply_to_get()));
  log_.transmits.push_back({kAsker, packed(request("ping"))});
  EXPECT_EQ(liar.poll_transmit()->payload, packed(request("ping")));
}

TEST_F(HostileDirectory, InventedAddressesAreNobodysAndLookPublic) {
  const testnet::AddressPlan nobody;
  for (int i = 0; i < 1000; ++i) {
    for (const auto family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      const IpAddress address = testnet::unassigned_address(family, random_);
      EXPECT_EQ(address.family(), family);
      EXPECT_TRUE(nobody.owner(address).is_nobody());
      EXPECT_FALSE(address.is_private() || address.is_multicast() || address.is_link_local());
    }
  }
}

TEST_F(HostileDirectory, FloodersPutJunkOfTheMeshsSizeUntilTheTopicIsFull) {
  const auto topic = [](Hour) { return hash_of(0x22); };
  testnet::HashFlooder flooder(kNow, topic, random_);
  std::size_t puts = 0;
  Now now = kNow;
  for (; now.steady < kNow.steady + testnet::kJunkLifetime; now.steady += testnet::kJunkPause) {
    flooder.handle_timeout(now);
    while (const auto request = flooder.poll_request()) {
      const auto& put = std::get<dht::PutRequest>(*request);
      EXPECT_EQ(put.key, hash_of(0x22));
      EXPECT_EQ(put.value.size(), dht::kSealedValueBytes);
      flooder.handle_event(now, dht::PutDone{put.operation, true});
      ++puts;
    }
  }
  EXPECT_EQ(puts, testnet::kJunkValuesMax);
  flooder.handle_timeout(now);
  EXPECT_TRUE(flooder.poll_request()) << "the first have expired";
}

TEST_F(HostileDirectory, FloodersWaitForAnswers) {
  testnet::HashFlooder flooder(
      kNow, [](Hour) { return hash_of(0x22); }, random_);
  for (std::size_t i = 0; i < 2 * testnet::kPutsUnderWayMax; ++i) flooder.handle_timeout(kNow);
  std::size_t puts = 0;
  while (flooder.poll_request()) ++puts;
  EXPECT_EQ(puts, testnet::kPutsUnderWayMax);
}

TEST_F(HostileDirectory, AMembersValuesOfAnotherSizeAreNoticed) {
  testnet::GaugedDirectory gauged(honest());
  gauged.request(kNow, dht::PutRequest{1, {}, 1, Bytes(dht::kSealedValueBytes)});
  gauged.request(kNow, dht::ListenRequest{2, {}});
  EXPECT_FALSE(gauged.odd_size());
  gauged.request(kNow, dht::PutRequest{3, {}, 2, Bytes(dht::kSealedValueBytes + 1)});
  EXPECT_TRUE(gauged.odd_size());
  EXPECT_EQ(log_.requests.size(), 3U);
}

}  // namespace
}  // namespace kadwire::testing
