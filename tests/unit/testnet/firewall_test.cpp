#include "tools/testnet/internet/firewall.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

constexpr TimePoint kStart{1h};
const Endpoint kInside = *Endpoint::parse("[2a00:0:1::2]:5000");
const Endpoint kPeer = *Endpoint::parse("[2a00:0:2::1]:1000");
const Endpoint kPeerOtherPort = *Endpoint::parse("[2a00:0:2::1]:1001");

TEST(Firewall, LetsInOnlyAnswersToWhatWentOut) {
  Firewall firewall({.stateful = true});
  EXPECT_FALSE(firewall.handle_inbound(kStart, kInside, kPeer));
  firewall.handle_outbound(kStart, kInside, kPeer);
  EXPECT_TRUE(firewall.would_admit(kStart, kInside, kPeer));
  EXPECT_TRUE(firewall.handle_inbound(kStart, kInside, kPeer));
  EXPECT_FALSE(firewall.handle_inbound(kStart, kInside, kPeerOtherPort));
  EXPECT_FALSE(firewall.handle_inbound(kStart, {kInside.address, 5001}, kPeer));
}

TEST(Firewall, ForgetsAFlowThatIsQuietInBothDirections) {
  Firewall firewall({.stateful = true, .expiry = 60s});
  firewall.handle_outbound(kStart, kInside, kPeer);
  EXPECT_TRUE(firewall.handle_inbound(kStart + 59s, kInside, kPeer));
  EXPECT_TRUE(firewall.would_admit(kStart + 118s, kInside, kPeer));
  EXPECT_FALSE(firewall.would_admit(kStart + 119s, kInside, kPeer));
  EXPECT_FALSE(firewall.handle_inbound(kStart + 119s, kInside, kPeer));
}

TEST(Firewall, ThatIsNotStatefulLetsEverythingInAndRemembersNothing) {
  Firewall firewall(FirewallModel{});
  firewall.handle_outbound(kStart, kInside, kPeerOtherPort);
  EXPECT_TRUE(firewall.handle_inbound(kStart, kInside, kPeer));
  EXPECT_EQ(firewall.flows(kStart), 0U);
}

TEST(Firewall, MakesRoomByForgettingTheFlowThatIsUnusedLongest) {
  Firewall firewall({.stateful = true});
  for (std::size_t i = 0; i <= kFirewallFlowsMax; ++i) {
    const Endpoint inside{kInside.address, static_cast<std::uint16_t>(i)};
    firewall.handle_outbound(kStart + Duration(i), inside,
                             {kPeer.address, static_cast<std::uint16_t>(i >> 16)});
  }
  EXPECT_EQ(firewall.flows(kStart + 1s), kFirewallFlowsMax);
  EXPECT_FALSE(firewall.would_admit(kStart + 1s, {kInside.address, 0}, {kPeer.address, 0}));
  EXPECT_TRUE(firewall.would_admit(kStart + 1s, {kInside.address, 1}, {kPeer.address, 0}));
}

TEST(Firewall, ForgetsAllWhenToldTo) {
  Firewall firewall({.stateful = true});
  firewall.handle_outbound(kStart, kInside, kPeer);
  firewall.forget();
  EXPECT_FALSE(firewall.handle_inbound(kStart, kInside, kPeer));
}

}  // namespace
}  // namespace kadwire::testnet
