#include "node/data_plane.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/test_mesh.h"

namespace kadwire::node {
namespace {

using testing::kNoonTwenty;

const Endpoint kHere = *Endpoint::parse("192.0.2.1:51820");

class DataPlaneTest : public ::testing::Test {
 protected:
  DataPlane make(bool adopted = false) {
    return DataPlane(mesh_.keys(), self_, mesh_.random(), peers_, adopted, now_);
  }
  /// A peer that this side dials (or waits for), reachable at kHere.
  crypto::WireguardKey add_peer(Tunnel::Role role) {
    const auto identity = mesh_.make_identity();
    Tunnel tunnel(now_.steady, role, false);
    tunnel.set_candidates(now_.steady, {kHere});
    peers_.apply(now_, mesh_.sign(mesh_.record_at(now_.wall), identity), Source::kDht, tunnel);
    return identity.wireguard_key();
  }
  void advance(Duration by) {
    now_.steady += by;
    now_.wall += std::chrono::duration_cast<WallTime::duration>(by);
  }
  /// Takes all actions; peer changes are counted by kind.
  void drain(DataPlane& plane) {
    sets_ = renewals_ = removals_ = snapshots_ = 0;
    while (auto action = plane.poll_action()) {
      if (std::holds_alternative<RequestSnapshot>(*action)) ++snapshots_;
      const auto* apply = std::get_if<ApplyPeers>(&*action);
      if (apply == nullptr) continue;
      for (const PeerChange& change : apply->changes) {
        sets_ += std::holds_alternative<SetPeer>(change) ? 1U : 0U;
        renewals_ += std::holds_alternative<RenewPeer>(change) ? 1U : 0U;
        removals_ += std::holds_alternative<RemovePeer>(change) ? 1U : 0U;
        keep(change);
      }
    }
  }
  /// What the device would have after the changes so far.
  DeviceSnapshot device() const {
    DeviceSnapshot snapshot;
    for (const auto& [key, status] : device_) snapshot.peers.push_back(status);
    return snapshot;
  }

  testing::TestMesh mesh_{1};
  crypto::NodeIdentity self_ = mesh_.make_identity();
  PeerTable peers_{mesh_.keys(), self_, mesh_.ipv4_network()};
  Now now_{TimePoint{1000h}, kNoonTwenty};
  std::map<crypto::WireguardKey, PeerStatus> device_;
  std::size_t sets_ = 0, renewals_ = 0, removals_ = 0, snapshots_ = 0;

 private:
  void keep(const PeerChange& change) {
    if (const auto* removal = std::get_if<RemovePeer>(&change)) {
      device_.erase(removal->key);
      return;
    }
    const auto* renewal = std::get_if<RenewPeer>(&change);
    const PeerConfig& config = renewal ? renewal->config : std::get<SetPeer>(change).config;
    PeerStatus& status = device_[config.key];
    if (renewal) status = {};
    status.key = config.key;
    status.allowed_ips = config.allowed_ips;
    status.keepalive = config.keepalive;
    if (config.endpoint) status.endpoint = config.endpoint;
  }
};

TEST_F(DataPlaneTest, DialsTheOneAndInstallsTheOtherWithoutAnEndpoint) {
  DataPlane plane = make();
  const auto dialled = add_peer(Tunnel::Role::kInitiator);
  const auto awaited = add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  drain(plane);
  EXPECT_EQ(renewals_, 1U);
  EXPECT_EQ(sets_, 1U);
  EXPECT_EQ(device_.at(dialled).endpoint, kHere);
  EXPECT_FALSE(device_.at(awaited).endpoint);
  EXPECT_EQ(device_.at(awaited).keepalive, 0s) << "or WireGuard would initiate by itself";
}

TEST_F(DataPlaneTest, ChangesNothingTwice) {
  DataPlane plane = make();
  add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  drain(plane);
  plane.peers_changed(now_);
  drain(plane);
  EXPECT_EQ(sets_ + renewals_ + removals_, 0U);
}

TEST_F(DataPlaneTest, TurnsKeepalivesOnWhereATunnelCameUp) {
  DataPlane plane = make();
  const auto key = add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  plane.handle_timeout(now_);
  drain(plane);
  ASSERT_EQ(snapshots_, 1U);
  device_.at(key).last_handshake = kNoonTwenty;
  plane.handle_event(now_, device());
  drain(plane);
  EXPECT_EQ(sets_, 1U);
  EXPECT_EQ(renewals_, 0U);
  EXPECT_EQ(device_.at(key).keepalive, kKeepalive);
}

TEST_F(DataPlaneTest, ASnapshotFromBeforeAChangeDecidesNothing) {
  DataPlane plane = make();
  const auto first = add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  plane.handle_timeout(now_);
  drain(plane);
  const DeviceSnapshot old = device();
  const auto second = add_peer(Tunnel::Role::kInitiator);
  plane.peers_changed(now_);
  drain(plane);
  plane.handle_event(now_, old);
  drain(plane);
  EXPECT_EQ(snapshots_, 1U) << "asked again";
  EXPECT_EQ(sets_ + renewals_ + removals_, 0U) << "the new peer is not missing, only not seen";
  EXPECT_TRUE(device_.contains(first) && device_.contains(second));
}

TEST_F(DataPlaneTest, RemovesWhoIsNoMemberAnyMoreAndWhoNeverWas) {
  DataPlane plane = make();
  const auto key = add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  drain(plane);
  PeerStatus stranger;
  stranger.key.bytes[0] = std::byte{1};
  device_[stranger.key] = stranger;
  plane.handle_timeout(now_);
  plane.handle_event(now_, device());
  drain(plane);
  EXPECT_EQ(removals_, 1U);
  EXPECT_FALSE(device_.contains(stranger.key));
  peers_.rows().clear();
  plane.peers_changed(now_);
  drain(plane);
  EXPECT_FALSE(device_.contains(key));
}

TEST_F(DataPlaneTest, AsksADeviceThatNeverAnswersAgainAndAgainWithPatience) {
  DataPlane plane = make();
  add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  std::size_t asked = 0;
  for (int i = 0; i < 10; ++i) {
    plane.handle_timeout(now_);
    drain(plane);
    asked += snapshots_;
    ASSERT_TRUE(plane.next_timeout());
    ASSERT_GT(*plane.next_timeout(), now_.steady);
    now_.steady = *plane.next_timeout();
  }
  EXPECT_EQ(asked, 10U);
  EXPECT_EQ(now_.steady, TimePoint{1000h} + 10 * kSnapshotPatience);
}

TEST_F(DataPlaneTest, TouchesNothingOnAnAdoptedDeviceBeforeItHasSeenIt) {
  const auto key = add_peer(Tunnel::Role::kInitiator);
  DataPlane plane = make(true);
  plane.peers_changed(now_);
  plane.handle_timeout(now_);
  drain(plane);
  EXPECT_EQ(sets_ + renewals_ + removals_, 0U);
  EXPECT_GE(snapshots_, 1U);

  PeerStatus standing;
  standing.key = key;
  standing.last_handshake = kNoonTwenty - 1min;
  standing.keepalive = kKeepalive;
  device_[key] = standing;
  plane.handle_event(now_, device());
  drain(plane);
  EXPECT_EQ(renewals_, 0U) << "its tunnel stands";
}

TEST_F(DataPlaneTest, SparesAnAdoptedTunnelOfWhoItDoesNotKnowUntilThatIsSilent) {
  add_peer(Tunnel::Role::kInitiator);
  DataPlane plane = make(true);
  PeerStatus unknown;
  unknown.key = mesh_.make_identity().wireguard_key();
  device_[unknown.key] = unknown;
  plane.handle_event(now_, device());
  plane.peers_changed(now_);
  drain(plane);
  EXPECT_EQ(removals_, 0U);
  const TimePoint began = now_.steady;
  const auto look = [&] {
    ASSERT_TRUE(plane.next_timeout());
    ASSERT_GT(*plane.next_timeout(), now_.steady);
    advance(*plane.next_timeout() - now_.steady);
    plane.handle_timeout(now_);
    drain(plane);
    if (snapshots_ > 0) plane.handle_event(now_, device());
    drain(plane);
  };
  while (now_.steady < began + 10min && !HasFatalFailure()) {
    device_.at(unknown.key).rx_bytes += 32;
    look();
    ASSERT_TRUE(device_.contains(unknown.key)) << "it carries data";
  }
  const TimePoint fell_silent = now_.steady;
  while (device_.contains(unknown.key) && !HasFatalFailure()) look();
  EXPECT_GE(now_.steady, fell_silent + kStrangerSilenceMax);
  EXPECT_LE(now_.steady, fell_silent + kStrangerSilenceMax + kUpPoll);
}

TEST_F(DataPlaneTest, RemovesAnAdoptedTunnelWithTheRowThatWasFoundForIt) {
  DataPlane plane = make(true);
  const auto key = mesh_.make_identity().wireguard_key();
  const auto owner = add_peer(Tunnel::Role::kResponder);
  for (const auto& each : {key, owner}) device_[each].key = each;
  plane.handle_event(now_, device());
  drain(plane);
  peers_.rows().clear();
  plane.peers_changed(now_);
  drain(plane);
  EXPECT_TRUE(device_.contains(key));
  EXPECT_FALSE(device_.contains(owner)) << "whose tunnel it is was known";
}

TEST_F(DataPlaneTest, HasNoTimerInThePastWhenASnapshotComesLate) {
  DataPlane plane = make(true);
  const auto key = mesh_.make_identity().wireguard_key();
  device_[key].key = key;
  plane.handle_event(now_, device());
  drain(plane);
  for (int i = 0; i < 20; ++i) {
    advance(*plane.next_timeout() - now_.steady);
    plane.handle_timeout(now_);
    drain(plane);
    advance(kSnapshotPatience - 1ms);  // the device takes its time
    plane.handle_event(now_, device());
    drain(plane);
    if (!plane.next_timeout()) break;  // it is gone, and nothing left to look at
    ASSERT_GE(*plane.next_timeout(), now_.steady);
  }
  EXPECT_FALSE(device_.contains(key));
}

TEST_F(DataPlaneTest, DoesNothingWhileTheDeviceIsLostAndEverythingOnceItIsBack) {
  DataPlane plane = make();
  add_peer(Tunnel::Role::kInitiator);
  add_peer(Tunnel::Role::kResponder);
  plane.peers_changed(now_);
  drain(plane);
  plane.handle_event(now_, DeviceLost{"gone"});
  EXPECT_FALSE(plane.device_up());
  EXPECT_FALSE(plane.next_timeout());
  advance(10s);
  plane.handle_timeout(now_);
  plane.peers_changed(now_);
  drain(plane);
  EXPECT_EQ(sets_ + renewals_ + snapshots_, 0U);
  plane.handle_event(now_, DeviceReady{51820});
  drain(plane);
  EXPECT_EQ(renewals_, 2U) << "either role: the others believe in sessions that are lost here";
}

TEST_F(DataPlaneTest, AfterAnAddressChangeStandingTunnelsAreToldTheirEndpointAgain) {
  DataPlane plane = make();
  const auto up = add_peer(Tunnel::Role::kInitiator);
  plane.peers_changed(now_);
  advance(200ms);
  plane.handle_timeout(now_);
  drain(plane);
  device_.at(up).last_handshake = kNoonTwenty;
  plane.handle_event(now_, device());
  drain(plane);
  plane.addresses_changed(now_);
  drain(plane);
  EXPECT_EQ(sets_, 1U);
  EXPECT_EQ(renewals_, 0U);
  EXPECT_EQ(device_.at(up).endpoint, kHere);
}

TEST_F(DataPlaneTest, AfterAnAddressChangeATunnelThatCameUpUnseenIsNotDialled) {
  DataPlane plane = make();
  const auto up = add_peer(Tunnel::Role::kInitiator);
  const auto down = add_peer(Tunnel::Role::kInitiator);
  plane.peers_changed(now_);
  drain(plane);
  device_.at(up).last_handshake = kNoonTwenty;  // the first dial worked, and nobody looked since
  plane.addresses_changed(now_);
  plane.peers_changed(now_);
  plane.handle_timeout(now_);
  drain(plane);
  EXPECT_EQ(renewals_, 0U) << "not before a look";
  EXPECT_EQ(snapshots_, 1U);
  plane.handle_event(now_, device());
  drain(plane);
  EXPECT_EQ(renewals_, 1U);
  EXPECT_EQ(device_.at(up).last_handshake, kNoonTwenty) << "the other one was dialled";
  EXPECT_EQ(device_.at(down).last_handshake, std::nullopt);
  EXPECT_EQ(sets_, 1U) << "its packets leave from the new address";
}

TEST_F(DataPlaneTest, StoppedItLeavesTheDeviceAlone) {
  DataPlane plane = make();
  const auto key = add_peer(Tunnel::Role::kInitiator);
  plane.peers_changed(now_);
  drain(plane);
  plane.stop();
  peers_.rows().clear();
  plane.peers_changed(now_);
  plane.addresses_changed(now_);
  plane.handle_event(now_, device());
  drain(plane);
  EXPECT_EQ(sets_ + renewals_ + removals_, 0U);
  EXPECT_TRUE(device_.contains(key));
  EXPECT_FALSE(plane.next_timeout());
}

}  // namespace
}  // namespace kadwire::node
