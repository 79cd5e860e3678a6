/// WireGuard in virtual time: packets, endpoints, and what the daemon is told.

#include "tools/testnet/nodes/simulated_device.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/testnet/device_pair.h"

namespace kadwire::testing {
namespace {

using testnet::kDeviceReplyDelay;
using testnet::kInitiationBytes;
using testnet::kKeepaliveBytes;
using testnet::kResponseBytes;

class SimulatedDevice : public DevicePair {
 protected:
  /// One that A might have sent, with session 7.
  [[nodiscard]] Bytes initiation(const crypto::WireguardKey& receiver) const {
    return testnet::encode(testnet::InitiationMessage{.sender_index = 1,
                                                      .session = 7,
                                                      .timestamp = 1000,
                                                      .sender = a_.device.key(),
                                                      .receiver = receiver});
  }
};

// Data.

TEST_F(SimulatedDevice, DataWithoutASessionStartsAHandshakeAndArrivesAfterIt) {
  set(b_, waiting(a_));
  set(a_, dialling(b_, 0s));
  EXPECT_TRUE(send(a_, b_));
  EXPECT_TRUE(send(a_, b_, 1));
  queue_.run_for(kRoundTrip + kDelay);
  ASSERT_EQ(b_.received.size(), 2U);
  EXPECT_EQ(b_.received[0], std::pair(a_.inner, kPacketBytes));
  EXPECT_EQ(b_.received[1], std::pair(a_.inner, std::size_t{1}));
}

TEST_F(SimulatedDevice, OnlySoManyPacketsWaitForASessionAndTheOldestGoFirst) {
  set(a_, dialling(b_, 0s));
  for (std::size_t size = 1; size <= testnet::kStagedPacketsMax + 5; ++size) send(a_, b_, size);
  queue_.run_for(1s);
  set(b_, waiting(a_));
  queue_.run_for(10s);
  ASSERT_EQ(b_.received.size(), testnet::kStagedPacketsMax);
  EXPECT_EQ(b_.received.front().second, 6U);
}

TEST_F(SimulatedDevice, APacketForNobodyIsRefused) {
  set(a_, dialling(b_));
  EXPECT_FALSE(a_.device.simulated().send_packet(ip("10.9.0.77"), Bytes(1)));
}

TEST_F(SimulatedDevice, AnInterfaceWithoutAnAddressOfTheFamilySendsNothing) {
  node::PeerConfig config = dialling(b_);
  config.allowed_ips.push_back(Prefix::of_host(ip("fd00::2")));
  set(a_, config);
  EXPECT_FALSE(a_.device.simulated().send_packet(ip("fd00::2"), Bytes(1)));
}

TEST_F(SimulatedDevice, APacketFromAnAddressThePeerMayNotUseIsDropped) {
  connect();
  a_.device.set_addresses({{ip("10.9.0.66"), 24}});
  send(a_, b_);
  queue_.run_for(1s);
  EXPECT_TRUE(b_.received.empty());
  EXPECT_EQ(status(b_).rx_bytes, kInitiationBytes + kKeepaliveBytes + kDataBytes);
}

TEST_F(SimulatedDevice, SettingAnAllowedIpTakesItFromThePeerThatHadIt) {
  set(a_, dialling(b_));
  Node c(queue_, underlay_, 3);
  node::PeerConfig config = dialling(c);
  config.allowed_ips.push_back(Prefix::of_host(b_.inner));
  set(a_, config);
  const auto peers = a_.device.snapshot().peers;
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_TRUE(peers[0].allowed_ips.empty());
  EXPECT_EQ(peers[1].allowed_ips,
            (std::vector{Prefix::of_host(b_.inner), Prefix::of_host(c.inner)}));
  remove(a_, c);
  EXPECT_FALSE(send(a_, b_)) << "what was taken does not come back";
}

TEST_F(SimulatedDevice, WhoLostAnAllowedIpNeitherUsesNorReleasesIt) {
  connect();
  set(b_, dialling(a_));
  Node c(queue_, underlay_, 3);
  node::PeerConfig config = dialling(c);
  config.allowed_ips = {Prefix::of_host(b_.inner)};
  set(a_, config);
  send(b_, a_);
  queue_.run_for(1s);
  EXPECT_TRUE(a_.received.empty());
  remove(a_, b_);
  EXPECT_TRUE(send(a_, b_)) << "it is the other's now";
}

TEST_F(SimulatedDevice, TheLongestPrefixDecidesWhoGetsAPacket) {
  node::PeerConfig wide = dialling(b_, 0s);
  wide.allowed_ips = {*Prefix::parse("10.9.0.0/24")};
  set(a_, wide);
  Node c(queue_, underlay_, 3);
  node::PeerConfig narrow = dialling(c, 0s);
  narrow.allowed_ips = {*Prefix::parse("10.9.0.64/26")};
  set(a_, narrow);
  a_.device.simulated().send_packet(ip("10.9.0.70"), Bytes(1));
  EXPECT_EQ((underlay_.sent_to[{c.outer, TestDevice::kPort}]), 1U);
  a_.device.simulated().send_packet(ip("10.9.0.7"), Bytes(1));
  EXPECT_EQ((underlay_.sent_to[{b_.outer, TestDevice::kPort}]), 1U);
}

TEST_F(SimulatedDevice, TheResponderMaySendOnlyAfterDataUnderTheNewSession) {
  set(b_, dialling(a_, 0s));
  set(a_, dialling(b_));
  queue_.run_for(kDelay);
  send(b_, a_);
  EXPECT_EQ(sent_by_b_, 1) << "its response";
  queue_.run_for(kRoundTrip);
  EXPECT_EQ(sent_by_b_, 2);
  queue_.run_for(kDelay);
  EXPECT_EQ(a_.received.size(), 1U);
}

TEST_F(SimulatedDevice, DataCountsOnceHoweverOftenAndInWhateverOrderItArrives) {
  set(b_, waiting(a_));
  const Endpoint from{a_.outer, TestDevice::kPort};
  b_.device.simulated().handle_datagram(from, initiation(b_.device.key()));
  std::uint64_t accepted = 0;
  const auto deliver = [&](std::uint64_t counter, bool from_initiator = true) {
    b_.device.simulated().handle_datagram(
        from, testnet::encode(testnet::DataMessage{.from_initiator = from_initiator,
                                                   .receiver_index = 1,
                                                   .session = 7,
                                                   .counter = counter}));
    accepted = (status(b_).rx_bytes - kInitiationBytes) / kKeepaliveBytes;
  };
  deliver(5);
  deliver(5);
  EXPECT_EQ(accepted, 1U);
  deliver(100);
  deliver(99);
  EXPECT_EQ(accepted, 3U) << "the network may reorder";
  for (const std::uint64_t late : {5U, 36U, 99U, 100U}) deliver(late);
  EXPECT_EQ(accepted, 3U) << "too old to tell, or received";
  deliver(37);
  EXPECT_EQ(accepted, 4U);
  deliver(101, false);
  EXPECT_EQ(accepted, 4U) << "our own, sent back to us";
}

TEST_F(SimulatedDevice, CountsTheBytesOfEveryDatagram) {
  connect_silently();
  queue_.run_for(1s);
  EXPECT_EQ(status(a_).tx_bytes, kInitiationBytes + kDataBytes);
  EXPECT_EQ(status(a_).rx_bytes, kResponseBytes);
  EXPECT_EQ(status(b_).tx_bytes, kResponseBytes);
  EXPECT_EQ(status(b_).rx_bytes, kInitiationBytes + kDataBytes);
}

// Endpoints.

TEST_F(SimulatedDevice, AuthenticatedPacketsMoveTheEndpoint) {
  connect();
  const Endpoint before{a_.outer, TestDevice::kPort};
  ASSERT_EQ(status(b_).endpoint, before);
  a_.device.move_to({ip("198.51.100.99")});
  set(a_, dialling(b_));
  send(a_, b_);
  queue_.run_for(kDelay);
  EXPECT_EQ(status(b_).endpoint, (Endpoint{ip("198.51.100.99"), TestDevice::kPort}));
}

TEST_F(SimulatedDevice, AnInitiationForAnotherIsIgnored) {
  set(b_, waiting(a_));
  const Endpoint from{a_.outer, TestDevice::kPort};
  b_.device.simulated().handle_datagram(from, initiation(a_.device.key()));
  EXPECT_EQ(status(b_).rx_bytes, 0U);
}

TEST_F(SimulatedDevice, ForeignDatagramsChangeNothing) {
  connect();
  const auto before = status(b_);
  const Endpoint stranger{ip("198.51.100.66"), 7};
  for (const std::size_t size : {0U, 1U, 31U, 32U, 92U, 148U, 1500U}) {
    for (const unsigned type : {0U, 1U, 2U, 3U, 4U, 255U}) {
      Bytes datagram(size);
      if (size > 0) datagram[0] = static_cast<std::byte>(type);
      b_.device.simulated().handle_datagram(stranger, datagram);
    }
  }
  EXPECT_EQ(status(b_).endpoint, before.endpoint);
  EXPECT_EQ(status(b_).rx_bytes, before.rx_bytes);
}

TEST_F(SimulatedDevice, AfterAMoveNothingLeavesUntilTheEndpointIsSetAgain) {
  connect(5s);
  a_.device.move_to({ip("198.51.100.99")});
  const int before = sent_by_a_;
  queue_.run_for(1min);
  EXPECT_EQ(sent_by_a_, before);
  set(a_, dialling(b_, 5s));
  queue_.run_for(5s);
  EXPECT_EQ(sent_by_a_, before + 1);
  EXPECT_TRUE(connected());
}

TEST_F(SimulatedDevice, AfterAMoveDataThatHearsNothingFindsTheNewAddress) {
  connect(5s);
  a_.device.move_to({ip("198.51.100.99")});
  send(a_, b_);
  const auto took = time_to_handshake(a_);
  ASSERT_TRUE(took);
  EXPECT_GE(*took, 15s);
  EXPECT_LE(*took, 16s);
}

TEST_F(SimulatedDevice, AMoveDoesNotHoldUpAPeerThatWasNeverHeardFrom) {
  set(b_, waiting(a_));
  set(a_, dialling(b_, 0s));
  a_.device.move_to({ip("198.51.100.99")});
  send(a_, b_);
  EXPECT_EQ(time_to_handshake(a_), kRoundTrip);
}

// The daemon's side.

TEST_F(SimulatedDevice, ASnapshotIsAnsweredLaterAndWithWhatWasAppliedBefore) {
  a_.device.request_snapshot();
  set(a_, dialling(b_));
  EXPECT_EQ(count<node::DeviceSnapshot>(a_), 0U);
  queue_.run_for(kDeviceReplyDelay);
  ASSERT_EQ(count<node::DeviceSnapshot>(a_), 1U);
  EXPECT_EQ(std::get<node::DeviceSnapshot>(a_.events[0]).peers.size(), 1U);
}

TEST_F(SimulatedDevice, TellsWhenItMaySendUnderANewSession) {
  connect();
  EXPECT_EQ(a_.sessions_made, 1);
  EXPECT_EQ(b_.sessions_made, 1);
}

TEST_F(SimulatedDevice, ItsOwnKeyIsNoPeer) {
  set(a_, dialling(a_));
  EXPECT_TRUE(a_.device.snapshot().peers.empty());
}

TEST_F(SimulatedDevice, ACrashLosesAllPeersAndIsOverAfterASecond) {
  connect();
  a_.device.crash();
  EXPECT_TRUE(a_.device.snapshot().peers.empty());
  queue_.run_for(kDeviceReplyDelay);
  EXPECT_EQ(count<node::DeviceLost>(a_), 1U);
  set(a_, dialling(b_));
  a_.device.request_snapshot();
  queue_.run_for(500ms);
  EXPECT_EQ(count<node::ChangeFailed>(a_), 1U);
  EXPECT_EQ(count<node::DeviceSnapshot>(a_), 0U);
  queue_.run_for(500ms);
  EXPECT_EQ(count<node::DeviceReady>(a_), 1U);
  EXPECT_EQ(count<node::DeviceSnapshot>(a_), 1U) << "held until the device answers";
  EXPECT_EQ(a_.device.addresses().size(), 1U);
}

TEST_F(SimulatedDevice, WithoutItsDaemonTheTunnelStandsAndNobodyIsTold) {
  connect();
  a_.device.request_snapshot();
  a_.device.detach();
  queue_.run_for(30min);
  EXPECT_TRUE(connected());
  EXPECT_TRUE(a_.events.empty());
}

TEST_F(SimulatedDevice, AnAnswerForTheLastDaemonIsNotForTheNext) {
  a_.device.request_snapshot();
  a_.device.detach();
  int events = 0;
  a_.device.start([&](const node::DeviceEvent&) { ++events; });
  queue_.run_for(1s);
  EXPECT_EQ(events, 0);
}

TEST_F(SimulatedDevice, ADataPlaneThatDiesWithoutItsDaemonStaysDeadUntilAnotherOpensIt) {
  connect();
  a_.device.detach();
  a_.device.crash();
  queue_.run_for(1min);
  set(a_, dialling(b_));
  EXPECT_TRUE(a_.device.snapshot().peers.empty());
  a_.device.start([](const node::DeviceEvent&) {});
  set(a_, dialling(b_));
  EXPECT_EQ(time_to_handshake(a_), kRoundTrip);
}

TEST_F(SimulatedDevice, TellsInWordsWhenTwoPeersAreGivenOneAddress) {
  Node c(queue_, underlay_, 3);
  set(a_, dialling(b_));
  queue_.run_for(1s);
  EXPECT_EQ(a_.device.overlap(), "");
  node::PeerConfig config = dialling(c);
  config.allowed_ips = {Prefix::of_host(b_.inner)};
  set(a_, config);
  queue_.run_for(1s);
  EXPECT_EQ(a_.device.overlap(), "two peers have 10.9.0.2/32");
}

TEST_F(SimulatedDevice, TellsInWordsWhenAPeerIsGivenOurOwnAddress) {
  node::PeerConfig config = dialling(b_);
  config.allowed_ips = {Prefix::of_host(a_.inner)};
  set(a_, config);
  queue_.run_for(1s);
  EXPECT_EQ(a_.device.overlap(), "a peer was given this node's own 10.9.0.1/32");
}

}  // namespace
}  // namespace kadwire::testing
