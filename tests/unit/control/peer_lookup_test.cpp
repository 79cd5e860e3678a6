#include "node/control/peer_lookup.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/fake_inspector.h"

namespace kadwire::control {
namespace {

using kadwire::testing::peer_named;

const std::vector<node::PeerView> kPeers{
    peer_named("alpha", {0xab, 0xcd, 1}), peer_named("beta", {0xab, 0xce, 2}),
    peer_named("gamma", {0x12, 0x34, 3}), peer_named("gamma", {0x56, 0x78, 4})};

std::string failure_of(std::string_view text) {
  const auto found = find_peer(kPeers, text);
  return found ? "found " + (*found)->hostname : found.error().message;
}

TEST(FindPeer, TakesEveryNameOfAPeer) {
  const node::PeerView& alpha = kPeers[0];
  for (const std::string& text :
       {alpha.node.to_hex(), alpha.node.short_form(), std::string("alpha"), std::string("ALPHA"),
        std::string("abcd"), std::string("ABCD01"), alpha.node.short_form().substr(0, 5)}) {
    const auto found = find_peer(kPeers, text);
    ASSERT_TRUE(found) << text << ": " << found.error().message;
    EXPECT_EQ(*found, &alpha) << text;
  }
}

TEST(FindPeer, TakesAnAddressInTheMesh) {
  std::vector<node::PeerView> peers = kPeers;
  peers[1].ipv4 = IpAddress::parse("10.37.4.2");
  peers[1].ipv6 = *IpAddress::parse("fd00:1::2");
  for (const char* text : {"10.37.4.2", "fd00:1::2", "FD00:1:0::2"}) {
    const auto found = find_peer(peers, text);
    ASSERT_TRUE(found) << text << ": " << found.error().message;
    EXPECT_EQ(*found, &peers[1]);
  }
}

TEST(FindPeer, SaysThatItIsThisNodeWhereOnlyThatFits) {
  node::NodeView own;
  own.node = peer_named("", {0x77, 0x01}).node;
  own.hostname = "delta";
  own.ipv4 = IpAddress::parse("10.37.4.9");
  own.ipv6 = *IpAddress::parse("fd00:1::9");
  for (const std::string& text :
       {std::string("delta"), std::string("DELTA"), std::string("10.37.4.9"),
        std::string("fd00:1::9"), own.node.short_form(), std::string("7701")}) {
    const auto found = find_peer(kPeers, text, &own);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().message, "'" + text + "' is this node itself");
  }
  EXPECT_EQ(find_peer(kPeers, "nobody", &own).error().message, "no peer matches 'nobody'");
  own.hostname = "alpha";
  EXPECT_TRUE(find_peer(kPeers, "alpha", &own)) << "a peer of the same name is meant";
}

TEST(FindPeer, ListsThePeersThatABeginningFits) {
  const std::string failure = failure_of("ab");
  EXPECT_NE(failure.find("fits 2 peers"), std::string::npos) << failure;
  EXPECT_NE(failure.find("(alpha)"), std::string::npos) << failure;
  EXPECT_NE(failure.find(kPeers[1].node.short_form()), std::string::npos) << failure;
}

TEST(FindPeer, SaysWhichPeersShareAHostname) {
  EXPECT_NE(failure_of("gamma").find("fits 2 peers"), std::string::npos);
}

TEST(FindPeer, PrefersANodeIdToAHostnameThatPosesAsIt) {
  std::vector<node::PeerView> peers{kPeers[0]};
  peers.push_back(peer_named(kPeers[0].node.short_form(), {0x99}));
  const auto found = find_peer(peers, kPeers[0].node.short_form());
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, &peers[0]);
}

TEST(FindPeer, PrefersAWholeHostnameToTheBeginningOfANodeId) {
  std::vector<node::PeerView> peers{peer_named("x", {0xab, 0xcd}), peer_named("abcd", {0x99})};
  const auto found = find_peer(peers, "abcd");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, &peers[1]);
}

TEST(FindPeer, RefusesWhatNamesNobodyInPrintableWords) {
  EXPECT_EQ(failure_of("nobody"), "no peer matches 'nobody'");
  EXPECT_EQ(failure_of("\033[2J"), "no peer matches '?[2J'");
  EXPECT_EQ(failure_of(""), "name a peer: NodeId, its beginning, hostname, or mesh address");
  EXPECT_EQ(failure_of(std::string(65, 'a')), "that is too long for a NodeId or a hostname");
}

}  // namespace
}  // namespace kadwire::control
