/// What a tunnel makes of keepalives and of other traffic, and when it asks for a keepalive itself.

#include "tests/unit/node/tunnel_fixture.h"

namespace kadwire::node {
namespace {

TEST_F(TunnelTest, TellsWhatPassedThrough) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  PeerStatus seen = status(kShaken, 100);
  seen.tx_bytes = 500;
  const auto traffic = tunnel.handle_status(now_, &seen);
  EXPECT_TRUE(traffic.sent);
  EXPECT_FALSE(traffic.received);
}

TEST_F(TunnelTest, ALoneKeepaliveAsksForNothingWhileTheOtherSidesCome) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  PeerStatus seen = status(kShaken, 100);
  for (int i = 0; i < 10; ++i) {
    now_ += 20s;
    seen.tx_bytes += kKeepaliveBytes;
    EXPECT_FALSE(tunnel.handle_status(now_, &seen).sent);
    now_ += 20s;
    seen.rx_bytes += kKeepaliveBytes;
    EXPECT_FALSE(tunnel.handle_status(now_, &seen).sent);
  }
}

TEST_F(TunnelTest, ALoneKeepaliveIsDoubtedOnceNothingCameForLong) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  PeerStatus seen = status(kShaken, 100);
  now_ += 20s;
  seen.tx_bytes += kKeepaliveBytes;
  EXPECT_FALSE(tunnel.handle_status(now_, &seen).sent);
  now_ += kHeardLately - 20s;
  EXPECT_TRUE(tunnel.handle_status(now_, &seen).sent) << "it is as old as that, and unanswered";
  EXPECT_FALSE(tunnel.handle_status(now_ + 1s, &seen).sent) << "once for each";
}

TEST_F(TunnelTest, WhatIsMoreThanAKeepaliveIsDoubtedAtOnce) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  PeerStatus seen = status(kShaken, 100);
  seen.tx_bytes = kKeepaliveBytes + 16;
  EXPECT_TRUE(tunnel.handle_status(now_ + 1s, &seen).sent);
}

TEST_F(TunnelTest, ASideThatOnlyHearsIsMadeToSendBeforeItsNatForgets) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kResponder);
  tunnel.set_keepalive(14s);
  PeerStatus seen = status(kShaken, 100);
  const TimePoint end = now_ + 10min;
  TimePoint sent = now_;
  Duration longest{0};
  while (now_ < end) {
    seen.rx_bytes += kKeepaliveBytes;
    tunnel.handle_status(now_, &seen);
    if (tunnel.take_nudge(now_)) {
      longest = std::max(longest, now_ - sent);
      sent = now_;
      seen.tx_bytes += kKeepaliveBytes;
    }
    ASSERT_GT(tunnel.next_status(), now_) << "a look that stays due spins";
    now_ = tunnel.next_status();
  }
  EXPECT_GE(longest, 10s);
  EXPECT_LE(longest, 14s + kKeepaliveSlack);
}

TEST_F(TunnelTest, ASideThatSendsByItselfIsNotMadeTo) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  PeerStatus seen = status(kShaken, 100);
  for (int i = 0; i < 20; ++i) {
    now_ += 10s;
    seen.tx_bytes += kKeepaliveBytes;
    seen.rx_bytes += kKeepaliveBytes;
    tunnel.handle_status(now_, &seen);
    EXPECT_FALSE(tunnel.take_nudge(now_));
  }
}

TEST_F(TunnelTest, TellsOnceThatWhatCameHasStopped) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kHere, 80ms, false});
  std::uint64_t rx = 100;
  for (int i = 0; i < 5; ++i) {
    now_ += 1s;
    const PeerStatus flowing = status(kShaken, rx += 1000);
    EXPECT_FALSE(tunnel.handle_status(now_, &flowing).fell_quiet);
  }
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    now_ += 500ms;
    const PeerStatus quiet = status(kShaken, rx);
    told += tunnel.handle_status(now_, &quiet).fell_quiet ? 1 : 0;
  }
  EXPECT_EQ(told, 1);
}

TEST_F(TunnelTest, KeepalivesThatStopAreNothingToTell) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kHere, 80ms, false});
  const PeerStatus keepalive = status(kShaken, 132);
  now_ += 10s;
  (void)tunnel.handle_status(now_, &keepalive);
  now_ += 10s;
  EXPECT_FALSE(tunnel.handle_status(now_, &keepalive).fell_quiet);
}

}  // namespace
}  // namespace kadwire::node
