/// When a tunnel is dialled, stands, falls silent and is looked at.

#include <set>

#include "tests/unit/node/tunnel_fixture.h"

namespace kadwire::node {
namespace {

TEST_F(TunnelTest, AnInitiatorDialsAtOnceAndUnseen) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  EXPECT_FALSE(tunnel.may_dial_unseen(now_)) << "nowhere to dial to";
  tunnel.set_candidates(now_, {kHere});
  EXPECT_TRUE(tunnel.may_dial_unseen(now_));
  EXPECT_EQ(tunnel.dial(now_, random_), kHere);
  EXPECT_FALSE(tunnel.may_dial_unseen(now_ + 1h)) << "it may have come up meanwhile";
  EXPECT_FALSE(tunnel.dial(now_, random_));
}

TEST_F(TunnelTest, NudgesAResponderThatMayNotKnowOfTheSession) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_candidates(now_, {kHere});
  ASSERT_TRUE(tunnel.dial(now_, random_));
  const PeerStatus one_sided = status(kShaken, kResponseBytes);
  int nudges = 0;
  const TimePoint end = now_ + 10s;
  while (now_ < end) {
    tunnel.handle_status(now_, &one_sided);
    nudges += tunnel.take_nudge(now_) ? 1 : 0;
    ASSERT_GT(tunnel.next_status(), now_) << "a look that stays due spins";
    now_ = tunnel.next_status();
  }
  EXPECT_EQ(nudges, kNudgesMax);
}

TEST_F(TunnelTest, NudgesNobodyWhoHasSpokenUnderTheSession) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_candidates(now_, {kHere});
  ASSERT_TRUE(tunnel.dial(now_, random_));
  const PeerStatus confirmed = status(kShaken, kResponseBytes + 32);
  tunnel.handle_status(now_, &confirmed);
  now_ += kNudgeAfter;
  tunnel.handle_status(now_, &confirmed);
  EXPECT_FALSE(tunnel.take_nudge(now_));
}

TEST_F(TunnelTest, AResponderWaitsAndStaysSilent) {
  Tunnel tunnel(now_, Tunnel::Role::kResponder, false);
  tunnel.set_candidates(now_, {kHere});
  EXPECT_EQ(tunnel.keepalive(), 0s) << "a keepalive would make WireGuard initiate";
  EXPECT_FALSE(dial_within(tunnel, kResponderPatience - 1ms));
  EXPECT_EQ(dial_within(tunnel, 100ms), kHere);
  EXPECT_EQ(tunnel.keepalive(), kKeepalive);
}

TEST_F(TunnelTest, AResponderLooksBeforeItDialsForTheFirstTime) {
  Tunnel tunnel(now_, Tunnel::Role::kResponder, false);
  tunnel.set_candidates(now_, {kHere});
  const PeerStatus silent = status();
  tunnel.handle_status(now_, &silent);
  now_ += kResponderPatience;
  EXPECT_FALSE(tunnel.may_dial_unseen(now_)) << "the other side may have come since the last look";
  const PeerStatus shaken = status(kShaken, 100);
  tunnel.handle_status(now_, &shaken);
  EXPECT_FALSE(tunnel.dial(now_, random_));
}

TEST_F(TunnelTest, AResponderThatResumesDialsOnceAndThenLeavesItToTheOther) {
  Tunnel tunnel(now_, Tunnel::Role::kResponder, true);
  tunnel.set_candidates(now_, {kHere});
  EXPECT_TRUE(tunnel.may_dial_unseen(now_));
  EXPECT_TRUE(tunnel.dial(now_, random_));
  now_ += 1ms;
  EXPECT_FALSE(dial_within(tunnel, kResponderPatience - 2ms));
  EXPECT_TRUE(dial_within(tunnel, 1s));
}

TEST_F(TunnelTest, TurnsThroughTheCandidatesWithGrowingSpacing) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_candidates(now_, {kHere, kThere});
  TimePoint before = now_;
  Duration spacing_before = 0ms;
  for (int i = 0; i < 30; ++i) {
    const auto target = dial_within(tunnel, 1min);
    ASSERT_EQ(target, i % 2 == 0 ? kHere : kThere);
    const Duration spacing = now_ - before;
    EXPECT_LE(spacing, kDialSpacingLast * 11 / 10);
    const bool grows = spacing_before < kDialSpacingLast / 2;
    EXPECT_GE(spacing, grows ? spacing_before : kDialSpacingLast / 2);
    before = now_;
    spacing_before = spacing;
  }
}

TEST_F(TunnelTest, RisesWithAHandshakeAndNotWithBytesAlone) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_candidates(now_, {kHere});
  ASSERT_TRUE(tunnel.dial(now_, random_));
  EXPECT_EQ(tunnel.state(), Tunnel::State::kDialling);
  const PeerStatus bytes = status(std::nullopt, 148);
  tunnel.handle_status(now_, &bytes);
  EXPECT_FALSE(tunnel.up());
  const PeerStatus shaken = status(kShaken, 240);
  tunnel.handle_status(now_, &shaken);
  EXPECT_TRUE(tunnel.up());
  EXPECT_EQ(tunnel.heard_at(), now_);
  EXPECT_FALSE(tunnel.dial(now_ + 1h, random_)) << "never while it stands";
}

TEST_F(TunnelTest, StaysUpAsLongAsBytesCome) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  std::uint64_t rx = 100;
  for (int minute = 0; minute < 60; ++minute) {
    now_ += 1min;
    rx += 32;
    const PeerStatus received = status(kShaken, rx);
    tunnel.handle_status(now_, &received);
    ASSERT_TRUE(tunnel.up());
    EXPECT_EQ(tunnel.next_status(), now_ + kUpPoll);
  }
}

TEST_F(TunnelTest, FallsSilentAfterTwoLostKeepalivesAndALittle) {
  for (const auto role : {Tunnel::Role::kInitiator, Tunnel::Role::kResponder}) {
    Tunnel tunnel = up_tunnel(role);
    const PeerStatus same = status(kShaken, 100);
    tunnel.handle_status(now_ + kSilenceMax, &same);
    EXPECT_TRUE(tunnel.up());
    tunnel.handle_status(now_ + kSilenceMax + 1ms, &same);
    EXPECT_FALSE(tunnel.up());
    const bool dials = tunnel.dial(now_ + kSilenceMax + 1ms, random_).has_value();
    EXPECT_EQ(dials, role == Tunnel::Role::kInitiator);
  }
}

TEST_F(TunnelTest, APauseOfThisProcessIsNoSilence) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  const PeerStatus received = status(kShaken, 5000);
  tunnel.handle_status(now_ + 1h, &received);
  EXPECT_TRUE(tunnel.up());
}

TEST_F(TunnelTest, ALongSleepIsASilenceThoughTheClockStoodStill) {
  for (const auto role : {Tunnel::Role::kInitiator, Tunnel::Role::kResponder}) {
    Tunnel tunnel = up_tunnel(role);
    tunnel.handle_resume(now_, kSilenceMax + 1s);
    EXPECT_EQ(tunnel.next_status(), now_);
    const PeerStatus received = status(kShaken, 5000);  // before the sleep, and not yet seen
    tunnel.handle_status(now_, &received);
    EXPECT_FALSE(tunnel.up());
    EXPECT_EQ(tunnel.dial(now_, random_).has_value(), role == Tunnel::Role::kInitiator);
  }
}

TEST_F(TunnelTest, AHandshakeFromBeforeALongSleepIsNoSignOfLifeAfterIt) {
  for (const auto role : {Tunnel::Role::kInitiator, Tunnel::Role::kResponder}) {
    Tunnel tunnel = up_tunnel(role);
    tunnel.handle_resume(now_, 1h);
    const PeerStatus renewed = status(kShaken + 2min, 5000);  // not seen before the sleep
    tunnel.handle_status(now_, &renewed);
    EXPECT_FALSE(tunnel.up());
    const PeerStatus anew = status(kShaken + 1h, 5100);
    tunnel.handle_status(now_ + 100ms, &anew);
    EXPECT_TRUE(tunnel.up());
  }
}

TEST_F(TunnelTest, AShortSleepIsNone) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.handle_resume(now_, kSilenceMax - 1s);
  EXPECT_EQ(tunnel.next_status(), now_);
  const PeerStatus same = status(kShaken, 100);
  tunnel.handle_status(now_, &same);
  EXPECT_TRUE(tunnel.up());
  tunnel.handle_status(now_ + 1s + 1ms, &same);
  EXPECT_FALSE(tunnel.up()) << "the sleep counts";
}

TEST_F(TunnelTest, AnswersAfterASleepAreSignsOfLifeAgain) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kResponder);
  tunnel.handle_resume(now_, 1h);
  const PeerStatus before = status(kShaken, 5000);
  tunnel.handle_status(now_, &before);
  ASSERT_FALSE(tunnel.up());
  const PeerStatus answer = status(kShaken, 5032);
  tunnel.handle_status(now_ + 100ms, &answer);
  EXPECT_TRUE(tunnel.up());
}

TEST_F(TunnelTest, DataAfterASilenceRaisesItWithoutADial) {
  for (const auto role : {Tunnel::Role::kInitiator, Tunnel::Role::kResponder}) {
    Tunnel tunnel = up_tunnel(role);
    const PeerStatus same = status(kShaken, 100);
    tunnel.handle_status(now_ + kSilenceMax + 1ms, &same);
    ASSERT_FALSE(tunnel.up());
    const PeerStatus received = status(kShaken, 132);
    tunnel.handle_status(now_ + kSilenceMax + 2ms, &received);
    EXPECT_TRUE(tunnel.up());
  }
}

TEST_F(TunnelTest, BytesAfterANewDialAreNoTunnelYet) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  now_ += kSilenceMax + 1ms;
  const PeerStatus same = status(kShaken, 100);
  tunnel.handle_status(now_, &same);
  ASSERT_TRUE(tunnel.dial(now_, random_));
  const PeerStatus bytes = status(std::nullopt, 148);
  tunnel.handle_status(now_ + 10ms, &bytes);
  EXPECT_FALSE(tunnel.up());
}

TEST_F(TunnelTest, AProvenPathIsTheOnlyOneDialled) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_candidates(now_, {kHere});
  tunnel.set_path(now_, {kThere, 40ms});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dial_within(tunnel, 1min), kThere);
}

TEST_F(TunnelTest, WaitsForAResponseOfASlowPathBeforeItDialsAgain) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_path(now_, {kThere, 400ms});
  ASSERT_TRUE(tunnel.dial(now_, random_));
  EXPECT_FALSE(tunnel.dial(now_ + 500ms, random_)) << "the response may still be under way";
  EXPECT_TRUE(tunnel.dial(now_ + 2s, random_));
}

TEST_F(TunnelTest, TheResponderLeavesAProvenPathToTheOther) {
  Tunnel tunnel(now_, Tunnel::Role::kResponder, false);
  now_ += 1min;  // known for long, reachable only now
  tunnel.set_path(now_, {kThere, 40ms});
  EXPECT_FALSE(tunnel.dial(now_ + kResponderPatience - 1ms, random_));
  EXPECT_TRUE(tunnel.dial(now_ + kResponderPatience, random_));
}

TEST_F(TunnelTest, AResponderWhoseSessionIsOverDialsAPeerThatMayHaveSlept) {
  for (const auto& [silence, patience] :
       {std::pair(170s, Duration(kResponderPatience)), std::pair(190s, 140ms + kNudgeAfter)}) {
    Tunnel tunnel = up_tunnel(Tunnel::Role::kResponder);
    const PeerStatus silent = status(kShaken, 100);
    tunnel.handle_status(now_ + silence, &silent);
    ASSERT_FALSE(tunnel.up());
    tunnel.set_path(now_ + silence, {kThere, 40ms});
    EXPECT_FALSE(tunnel.dial(now_ + silence + patience - 1ms, random_));
    EXPECT_TRUE(tunnel.dial(now_ + silence + patience, random_));
  }
}

TEST_F(TunnelTest, AResponderThatResumesCrossesNoHandshakeOnAProvenPath) {
  Tunnel tunnel(now_, Tunnel::Role::kResponder, true);
  tunnel.set_path(now_, {kThere, 160ms});
  EXPECT_FALSE(tunnel.may_dial_unseen(now_ + 1s)) << "the initiator's may have come meanwhile";
  Tunnel met = tunnel;
  const PeerStatus shaken = status(kShaken, 124);
  met.handle_status(now_ + 250ms, &shaken);
  EXPECT_FALSE(met.dial(now_ + 400ms, random_));
  EXPECT_EQ(dial_within(tunnel, 400ms), kThere) << "the other side believes in the old session";
  EXPECT_GT(now_ - kStart, 320ms) << "two round trips";
}

TEST_F(TunnelTest, LooksOftenAtATunnelInUse) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  PeerStatus busy = status(kShaken, 100 + kIdleBytesMax + 1);
  tunnel.handle_status(now_, &busy);
  EXPECT_EQ(tunnel.next_status(), now_ + kActivePoll);
  busy.rx_bytes += 64;
  tunnel.handle_status(now_ + 1s, &busy);
  EXPECT_EQ(tunnel.next_status(), now_ + 1s + kActivePoll) << "a small packet goes on";
  busy.rx_bytes += 32;
  tunnel.handle_status(now_ + 1s + kQuietAfter, &busy);
  EXPECT_EQ(tunnel.next_status(), now_ + 1s + kQuietAfter + kUpPoll) << "a keepalive is no use";
}

TEST_F(TunnelTest, LooksOftenerWhereADeathCanBeCuredAtOnce) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kThere, 40ms, true});
  PeerStatus busy = status(kShaken, 100 + kIdleBytesMax + 1);
  tunnel.handle_status(now_, &busy);
  EXPECT_EQ(tunnel.next_status(), now_ + kMovingPoll);
  busy.rx_bytes += 1000;
  tunnel.handle_status(now_ + kMoving, &busy);
  EXPECT_EQ(tunnel.next_status(), now_ + kMoving + kRelayedPoll);
}

TEST_F(TunnelTest, IsToldAgainOfANewPathWhileStragglersLeadItBack) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kThere, 40ms});
  EXPECT_EQ(tunnel.next_status(), now_ + kMovingPoll);
  PeerStatus busy = status(kShaken, 2000);
  busy.endpoint = kThere;
  tunnel.handle_status(now_ + kMovingPoll, &busy);
  EXPECT_FALSE(tunnel.astray(now_ + kMovingPoll));
  busy.rx_bytes += 1000;
  busy.endpoint = kHere;
  tunnel.handle_status(now_ + 2 * kMovingPoll, &busy);
  EXPECT_EQ(tunnel.astray(now_ + 2 * kMovingPoll), kThere);
  EXPECT_EQ(tunnel.next_status(), now_ + 3 * kMovingPoll);
  EXPECT_FALSE(tunnel.astray(now_ + kMoving)) << "the peer may have moved, and WireGuard knows";
}

TEST_F(TunnelTest, IsToldAtOnceAndForAsLongAsItTakesThatItHasLeftARelay) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kHere, 90ms, true});
  tunnel.set_path(now_, {kThere, 40ms, false});
  PeerStatus busy = status(kShaken, 2000);
  now_ += kMovingPoll;
  EXPECT_TRUE(tunnel.handle_status(now_, &busy).on_left_relay);
  EXPECT_EQ(tunnel.astray(now_), kThere);
  EXPECT_EQ(tunnel.next_status(), now_ + kStrayPoll) << "before the next packet follows it";
  now_ += kMoving;
  busy.rx_bytes += 1000;
  EXPECT_TRUE(tunnel.handle_status(now_, &busy).on_left_relay);
  EXPECT_EQ(tunnel.astray(now_), kThere) << "no peer can have moved to a relay";
  busy.endpoint = kThere;
  EXPECT_FALSE(tunnel.handle_status(now_, &busy).on_left_relay);
}

TEST_F(TunnelTest, SaysWhereWireguardHasFollowedThePeerOnceItHasMovedToItsPath) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kThere, 40ms, false});
  PeerStatus busy = status(kShaken, 2000);
  busy.endpoint = kHere;
  EXPECT_EQ(tunnel.handle_status(now_ + kMoving - 1ms, &busy).roamed_to, std::nullopt);
  EXPECT_EQ(tunnel.handle_status(now_ + kMoving, &busy).roamed_to, kHere);
  busy.endpoint = kThere;
  EXPECT_EQ(tunnel.handle_status(now_ + kMoving + 1s, &busy).roamed_to, std::nullopt);
}

TEST_F(TunnelTest, LooksOftenUntilARelayThatItHasLeftIsReleased) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kHere, 90ms, true});
  tunnel.set_path(now_, {kThere, 40ms, false});
  PeerStatus busy = status(kShaken, 2000);
  busy.endpoint = kThere;
  for (const Duration passed : {1s, 5s, 11s}) {
    busy.rx_bytes += 1000;
    tunnel.handle_status(now_ + passed, &busy);
    EXPECT_EQ(tunnel.next_status(), now_ + passed + kMovingPoll);
  }
  busy.rx_bytes += 1000;
  tunnel.handle_status(now_ + 13s, &busy);
  EXPECT_EQ(tunnel.next_status(), now_ + 13s + kActivePoll);
}

TEST_F(TunnelTest, ARelayThatIsUsedAgainIsNoneThatWasLeft) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kHere, 90ms, true});
  tunnel.set_path(now_, {kThere, 40ms, false});
  tunnel.set_path(now_, {kHere, 90ms, true});
  const PeerStatus busy = status(kShaken, 2000);
  EXPECT_FALSE(tunnel.handle_status(now_, &busy).on_left_relay);
  EXPECT_FALSE(tunnel.astray(now_));
}

TEST_F(TunnelTest, AnIdleOneIsToldOfItsPathAgainWhenAKeepaliveLedItBack) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kThere, 80ms, false});
  PeerStatus there = status(kShaken, 100);
  there.endpoint = kThere;
  now_ = tunnel.next_status();
  tunnel.handle_status(now_, &there);
  EXPECT_FALSE(tunnel.astray(now_));
  const PeerStatus led_back = status(kShaken, 132);
  now_ = tunnel.next_status();
  tunnel.handle_status(now_, &led_back);
  EXPECT_EQ(tunnel.astray(now_), kThere);
  EXPECT_LE(now_ - kStart, 2s);
}

TEST_F(TunnelTest, IsLedBackToItsPathWhenNothingComesFromWhereItStrayed) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.set_path(now_, {kThere, 40ms});
  PeerStatus sending = status(kShaken, 100);
  sending.endpoint = kHere;
  sending.tx_bytes = 500;
  tunnel.handle_status(now_ + 1min, &sending);
  EXPECT_EQ(tunnel.astray(now_ + 1min), kThere);
  sending.rx_bytes += 100;
  sending.tx_bytes += 100;
  tunnel.handle_status(now_ + 1min + 1s, &sending);
  EXPECT_FALSE(tunnel.astray(now_ + 1min + 1s));
}

TEST_F(TunnelTest, ADeviceThatLostThePeerIsSilence) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);
  tunnel.handle_status(now_ + kSilenceMax + 1ms, nullptr);
  EXPECT_FALSE(tunnel.up());
  EXPECT_TRUE(tunnel.dial(now_ + kSilenceMax + 1ms, random_));
}

TEST_F(TunnelTest, TriesWhereItLastStoodEvenIfNoRecordNamesIt) {
  Tunnel tunnel = up_tunnel(Tunnel::Role::kInitiator);  // stood at kHere
  now_ += kSilenceMax + 1ms;
  const PeerStatus same = status(kShaken, 100);
  tunnel.handle_status(now_, &same);
  tunnel.set_candidates(now_, {kThere});
  std::set<Endpoint> targets;
  for (int i = 0; i < 4; ++i) targets.insert(dial_within(tunnel, 1min).value());
  EXPECT_EQ(targets, (std::set{kHere, kThere}));
}

TEST_F(TunnelTest, NewCandidatesAreTriedSoonUnlessItStands) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  tunnel.set_candidates(now_, {kHere});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(dial_within(tunnel, 1min));
  tunnel.set_candidates(now_, {kThere});
  const TimePoint then = now_;
  EXPECT_TRUE(dial_within(tunnel, 1s));
  EXPECT_LE(now_ - then, kDialSpacingFirst);

  Tunnel standing = up_tunnel(Tunnel::Role::kInitiator);
  standing.set_candidates(now_, {kThere});
  EXPECT_FALSE(standing.dial(now_ + 1min, random_));
}

TEST_F(TunnelTest, TheFirstCandidatesAreDialledAfterALookAtOnce) {
  Tunnel tunnel(now_, Tunnel::Role::kInitiator, false);
  const PeerStatus silent = status();
  while (now_ < kStart + 1min) {
    tunnel.handle_status(now_, &silent);
    now_ = tunnel.next_status();
  }
  tunnel.handle_status(now_, &silent);
  now_ += 1ms;
  ASSERT_GT(tunnel.next_status(), now_ + 1s) << "it looks rarely by now";
  tunnel.set_candidates(now_, {kHere});
  EXPECT_FALSE(tunnel.may_dial_unseen(now_));
  EXPECT_LE(tunnel.next_status(), now_);
  tunnel.handle_status(now_, &silent);
  EXPECT_TRUE(tunnel.dial(now_, random_));
}

TEST_F(TunnelTest, WithNowhereToDialItLooksEveryTwoSecondsAtMost) {
  for (const auto role : {Tunnel::Role::kInitiator, Tunnel::Role::kResponder}) {
    Tunnel tunnel(now_, role, false);
    int looks = 0;
    const TimePoint end = now_ + 1h;
    const PeerStatus silent = status();
    while (now_ < end) {
      ++looks;
      tunnel.handle_status(now_, &silent);
      ASSERT_FALSE(tunnel.dial(now_, random_));
      ASSERT_GT(tunnel.next_status(), now_);
      now_ = tunnel.next_status();
    }
    EXPECT_LE(looks, 3600 / 2 + 20);
  }
}

TEST_F(TunnelTest, AfterAResetEitherRoleDialsAtOnce) {
  for (const auto role : {Tunnel::Role::kInitiator, Tunnel::Role::kResponder}) {
    Tunnel tunnel = up_tunnel(role);
    now_ += 1s;
    tunnel.reset(now_);
    EXPECT_FALSE(tunnel.up());
    EXPECT_TRUE(tunnel.may_dial_unseen(now_));
    EXPECT_TRUE(tunnel.dial(now_, random_));
    // The renewed peer starts from nothing: a handshake is one even at an old time.
    const PeerStatus shaken = status(kShaken, 1);
    tunnel.handle_status(now_ + 1s, &shaken);
    EXPECT_TRUE(tunnel.up());
  }
}

}  // namespace
}  // namespace kadwire::node
