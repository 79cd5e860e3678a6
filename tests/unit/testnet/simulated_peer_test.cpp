/// WireGuard in virtual time: handshakes, and what its timers do.

#include "tools/testnet/nodes/simulated_peer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/testnet/device_pair.h"

namespace kadwire::testing {
namespace {

using testnet::kInitiationBytes;
using testnet::kRejectAfterTime;
using testnet::kRekeyAfterTime;
using testnet::kRekeyJitterMax;
using testnet::kRekeyTimeout;
using testnet::kResponseBytes;

class SimulatedPeer : public DevicePair {};

// The handshake.

TEST_F(SimulatedPeer, AFreshPeerWithEndpointAndKeepaliveInitiatesAtOnce) {
  set(b_, waiting(a_));
  set(a_, dialling(b_));
  EXPECT_EQ(sent_by_a_, 1);
  EXPECT_EQ(time_to_handshake(a_), kRoundTrip);
  EXPECT_EQ(time_to_handshake(b_), kDelay) << "the initiator's first data confirms the session";
  EXPECT_TRUE(connected());
}

TEST_F(SimulatedPeer, AnEndpointAloneSendsNothing) {
  set(b_, waiting(a_));
  set(a_, dialling(b_, 0s));
  queue_.run_for(10min);
  EXPECT_EQ(sent_by_a_, 0);
}

TEST_F(SimulatedPeer, APeerWithoutEndpointSendsNothingAndLosesItsFirstFiveSeconds) {
  set(b_, waiting(a_));
  node::PeerConfig config = dialling(b_);
  config.endpoint.reset();
  set(a_, config);
  queue_.run_for(1s);
  EXPECT_EQ(sent_by_a_, 0);
  set(a_, dialling(b_));
  EXPECT_EQ(sent_by_a_, 0) << "the attempt that had nowhere to go counts";
  const auto took = time_to_handshake(a_);
  ASSERT_TRUE(took);
  EXPECT_GE(*took, kRekeyTimeout - 1s + kRoundTrip);
}

TEST_F(SimulatedPeer, AnUnansweredInitiationIsRepeatedAfterFiveSecondsAndALittle) {
  losing_ = &a_.device;
  set(b_, waiting(a_));
  set(a_, dialling(b_));
  queue_.run_for(1s);
  losing_ = nullptr;
  const auto took = time_to_handshake(a_);
  ASSERT_TRUE(took);
  EXPECT_GE(*took + 1s, kRekeyTimeout + kRoundTrip);
  EXPECT_LE(*took + 1s, kRekeyTimeout + kRekeyJitterMax + kRoundTrip);
}

TEST_F(SimulatedPeer, AHandshakeIsGivenUpAfterTwentyInitiations) {
  set(a_, dialling(b_, 0s));
  send(a_, b_);
  queue_.run_for(5min);
  EXPECT_EQ(sent_by_a_, 20);
  EXPECT_EQ(status(a_).tx_bytes, 20 * kInitiationBytes);
  set(b_, waiting(a_));
  send(a_, b_, 1);
  queue_.run_for(1s);
  ASSERT_EQ(b_.received.size(), 1U) << "what waited is lost with the handshake";
  EXPECT_EQ(b_.received[0].second, 1U);
}

TEST_F(SimulatedPeer, AGivenUpHandshakeBeginsAgainWithTheNextKeepalive) {
  set(a_, dialling(b_));
  queue_.run_for(1h);
  EXPECT_GT(sent_by_a_, 400);
  set(b_, waiting(a_));
  const auto took = time_to_handshake(a_);
  ASSERT_TRUE(took);
  EXPECT_LE(*took, 26s);
}

TEST_F(SimulatedPeer, NeitherTheEndpointSetAgainNorDataMakeAnInitiationComeSooner) {
  set(a_, dialling(b_));
  queue_.run_for(1s);
  set(b_, waiting(a_));
  set(a_, dialling(b_));
  send(a_, b_);
  queue_.run_for(kRekeyTimeout - 1s - 1ms);
  send(a_, b_);
  EXPECT_EQ(sent_by_a_, 1);
}

TEST_F(SimulatedPeer, APeerRemovedAndAddedAgainInitiatesAtOnceAndHasNoCounters) {
  set(a_, dialling(b_));
  queue_.run_for(1s);
  set(b_, waiting(a_));
  renew(a_, dialling(b_));
  EXPECT_EQ(sent_by_a_, 2);
  EXPECT_EQ(status(a_).tx_bytes, kInitiationBytes);
  EXPECT_EQ(time_to_handshake(a_), kRoundTrip);
}

TEST_F(SimulatedPeer, AResponderThatDoesNotKnowThePeerStaysSilent) {
  set(a_, dialling(b_));
  queue_.run_for(1min);
  EXPECT_EQ(sent_by_b_, 0);
}

TEST_F(SimulatedPeer, AResponseUnderAnotherPresharedKeyIsDropped) {
  set(b_, waiting(a_), 1);
  set(a_, dialling(b_), 2);
  queue_.run_for(1s);
  EXPECT_EQ(status(b_).rx_bytes, kInitiationBytes);
  EXPECT_EQ(status(b_).tx_bytes, kResponseBytes);
  EXPECT_EQ(status(a_).rx_bytes, 0U);
  EXPECT_FALSE(status(a_).last_handshake);
  set(b_, waiting(a_), 2);
  EXPECT_TRUE(time_to_handshake(a_)) << "a key set later is used by the retry";
}

TEST_F(SimulatedPeer, InitiationsThatCrossDestroyEachOther) {
  set(b_, dialling(a_));
  set(a_, dialling(b_));
  queue_.run_for(kRekeyTimeout - 1ms);
  EXPECT_FALSE(connected());
  EXPECT_FALSE(status(a_).last_handshake);
  EXPECT_TRUE(queue_.run_for(10s, [this] { return connected(); }));
}

TEST_F(SimulatedPeer, WhoeverAnsweredDoesNotInitiateForFiveSeconds) {
  connect();
  const int before = sent_by_b_;
  remove(a_, b_);  // its session is gone, B's stands
  queue_.run_for(1s);
  node::PeerConfig config = dialling(a_);
  set(b_, config);
  send(b_, a_);
  queue_.run_for(1s);
  EXPECT_EQ(sent_by_b_, before + 2) << "a keepalive and data under the old session";
}

TEST_F(SimulatedPeer, AReplayedInitiationIsIgnored) {
  set(b_, waiting(a_));
  const Bytes initiation = testnet::encode(testnet::InitiationMessage{.sender_index = 1,
                                                                      .session = 7,
                                                                      .timestamp = 1000,
                                                                      .sender = a_.device.key(),
                                                                      .receiver = b_.device.key()});
  const Endpoint from{a_.outer, TestDevice::kPort};
  b_.device.simulated().handle_datagram(from, initiation);
  queue_.run_for(1s);
  b_.device.simulated().handle_datagram(from, initiation);
  EXPECT_EQ(status(b_).rx_bytes, kInitiationBytes);
  EXPECT_EQ(sent_by_b_, 1);
}

TEST_F(SimulatedPeer, TwoInitiationsWithin20MsAreOne) {
  set(b_, waiting(a_));
  set(a_, dialling(b_));
  queue_.run_for(15ms);
  renew(a_, dialling(b_));
  queue_.run_for(1s);
  EXPECT_EQ(sent_by_b_, 1);
  EXPECT_FALSE(connected()) << "the one that was answered belonged to the peer that was removed";
}

TEST_F(SimulatedPeer, AnInitiatorWhoseClockWentBackIsTakenForAReplay) {
  connect();
  QueueTimers early(queue_, [this] { return queue_.reading(-1h); });
  SeededRandom random(9);
  TestDevice again(underlay_, early, random, a_.device.key(), {ip("198.51.100.9")});
  std::vector<node::PeerChange> changes;
  changes.emplace_back(node::SetPeer{dialling(b_), psk_of(0)});
  again.apply(std::move(changes));
  queue_.run_for(10s);
  EXPECT_FALSE(again.snapshot().peers.at(0).last_handshake);
}

// The timers.

TEST_F(SimulatedPeer, APersistentKeepaliveFollowsEverySilence) {
  connect(25s);  // kDelay after the last thing that A sent
  const int before = sent_by_a_;
  queue_.run_for(25s - kDelay - 1ms);
  EXPECT_EQ(sent_by_a_, before);
  queue_.run_for(1ms);
  EXPECT_EQ(sent_by_a_, before + 1);
  queue_.run_for(75s);
  EXPECT_EQ(sent_by_a_, before + 4);
}

TEST_F(SimulatedPeer, TrafficPutsThePersistentKeepaliveOff) {
  connect(25s);
  queue_.run_for(20s);
  send(b_, a_);
  queue_.run_for(kDelay);
  const int before = sent_by_a_;
  queue_.run_for(9s);
  EXPECT_EQ(sent_by_a_, before);
  queue_.run_for(1s);
  EXPECT_EQ(sent_by_a_, before + 1) << "the passive one, for data that went unanswered";
}

TEST_F(SimulatedPeer, UnansweredDataIsAnsweredByAKeepaliveAfterTenSeconds) {
  connect_silently();
  const int before = sent_by_b_;
  queue_.run_for(10s - 1ms);
  EXPECT_EQ(sent_by_b_, before);
  queue_.run_for(1ms);
  EXPECT_EQ(sent_by_b_, before + 1);
  queue_.run_for(1min);
  EXPECT_EQ(sent_by_b_, before + 1) << "a keepalive is not answered";
}

TEST_F(SimulatedPeer, AnsweredDataNeedsNoKeepalive) {
  connect_silently();
  queue_.run_for(5s);
  set(b_, waiting(a_));
  send(b_, a_);
  const int before = sent_by_b_;
  queue_.run_for(9s);
  EXPECT_EQ(sent_by_b_, before);
}

TEST_F(SimulatedPeer, DataThatComesWhileAKeepaliveIsDueGetsOneMore) {
  connect_silently();
  const int before = sent_by_b_;
  queue_.run_for(5s);
  send(a_, b_);
  queue_.run_for(1min);
  EXPECT_EQ(sent_by_b_, before + 2);
}

TEST_F(SimulatedPeer, SendingWithoutHearingForFifteenSecondsStartsAHandshake) {
  connect_silently();
  queue_.run_for(30s);
  renew(b_, waiting(a_));  // it has forgotten the session
  send(a_, b_);
  const auto took = time_to_handshake(a_);
  ASSERT_TRUE(took);
  EXPECT_GE(*took, 15s + kRoundTrip);
  EXPECT_LE(*took, 15s + kRekeyJitterMax + kRoundTrip);
}

TEST_F(SimulatedPeer, TheInitiatorRenewsTheSessionWithTheFirstDataAfterTwoMinutes) {
  connect_silently();
  queue_.run_for(kRekeyAfterTime - 1s);
  int before = sent_by_a_;
  send(a_, b_);
  EXPECT_EQ(sent_by_a_, before + 1);
  queue_.run_for(1s);
  before = sent_by_a_;
  send(a_, b_);
  EXPECT_EQ(sent_by_a_, before + 2) << "data under the old session, and an initiation";
  EXPECT_EQ(time_to_handshake(a_), kRoundTrip);
  EXPECT_TRUE(connected());
}

TEST_F(SimulatedPeer, AnInitiatorThatOnlyHearsRenewsTheSessionBeforeItsEndAndTheResponderNever) {
  connect_silently();
  set(b_, dialling(a_, 4s));
  const auto took = time_to_handshake(a_);
  ASSERT_TRUE(took);
  EXPECT_GE(*took, kRejectAfterTime - 15s);
  EXPECT_LE(*took, kRejectAfterTime - 15s + 5s);
  const auto again = time_to_handshake(a_);
  ASSERT_TRUE(again);
  EXPECT_LE(*again, kRejectAfterTime - 15s + 5s);
}

TEST_F(SimulatedPeer, ASessionIsRefusedAfterThreeMinutes) {
  connect_silently();
  all_lost_ = true;
  queue_.run_for(kRejectAfterTime - 1s);
  EXPECT_TRUE(connected());
  queue_.run_for(1s);
  EXPECT_FALSE(connected());
  all_lost_ = false;
  send(b_, a_);
  queue_.run_for(kRoundTrip + kDelay);
  EXPECT_EQ(a_.received.size(), 1U) << "under a session that the other side asked for";
}

TEST_F(SimulatedPeer, AMeshInUseKeepsItsSessionThroughEveryRenewal) {
  connect(25s);
  set(b_, dialling(a_, 25s));
  const TimePoint end = queue_.now() + 6h;
  while (queue_.now() < end) {
    queue_.run_for(777ms);
    ASSERT_TRUE(connected()) << (end - queue_.now()) / 1s << " s before the end";
  }
}

}  // namespace
}  // namespace kadwire::testing
