#include "node/membership/lan_beacon.h"

#include <gtest/gtest.h>

#include "tests/support/test_mesh.h"

namespace kadwire::node {
namespace {

using kadwire::testing::kNoonTwenty;

class LanBeaconTest : public ::testing::Test {
 protected:
  struct Sent {
    Duration after;
    Bytes beacon;
  };
  /// What is sent within `duration` from now.
  std::vector<Sent> run(LanBeacon& lan, Duration duration) {
    std::vector<Sent> all;
    const TimePoint begin = now_.steady;
    while (true) {
      while (auto beacon = lan.poll_beacon(now_)) {
        all.push_back({now_.steady - begin, std::move(*beacon)});
      }
      const auto due = lan.next_timeout();
      if (!due || *due > begin + duration) break;
      EXPECT_GT(*due, now_.steady) << "a timer that stays due spins";
      now_.steady = *due;
    }
    now_.steady = begin + duration;
    return all;
  }
  LanBeacon beaconing() { return {mesh_.keys(), mesh_.random()}; }

  kadwire::testing::TestMesh mesh_{1};
  Now now_{TimePoint{1h}, kNoonTwenty};
  const Bytes record_ = Bytes(300, std::byte{9});
};

TEST_F(LanBeaconTest, SaysTheRecordAtOnceTwiceMoreSoonAndThenEveryMinuteOrSo) {
  LanBeacon a = beaconing(), b = beaconing();
  a.set_record(now_, record_);
  const auto sent = run(a, 10min);
  ASSERT_GE(sent.size(), 3U);
  EXPECT_EQ(sent[0].after, 0s);
  EXPECT_EQ(sent[2].after, 2 * kBeaconSpacing);
  for (std::size_t i = 3; i < sent.size(); ++i) {
    EXPECT_GE(sent[i].after - sent[i - 1].after, kBeaconPauseShortest);
    EXPECT_LE(sent[i].after - sent[i - 1].after, kBeaconPauseLongest);
  }
  EXPECT_NEAR(static_cast<double>(sent.size()), 3 + 10, 3);
  EXPECT_EQ(b.handle_datagram(now_, sent.back().beacon), record_);
}

TEST_F(LanBeaconTest, SaysNothingBeforeThereIsARecord) {
  LanBeacon lan = beaconing();
  lan.network_changed(now_);
  lan.welcome(now_);
  EXPECT_TRUE(run(lan, 10min).empty());
}

TEST_F(LanBeaconTest, BeginsANewBurstWhenTheNetworkChangesButNeverSendsMoreThanFourASecond) {
  LanBeacon lan = beaconing();
  lan.set_record(now_, record_);
  (void)run(lan, 10s);
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {  // an interface that comes and goes
    lan.network_changed(now_);
    sent += run(lan, 50ms).size();
  }
  EXPECT_GE(sent, 5U);
  EXPECT_LE(sent, 21U);  // five seconds, and one at their beginning
}

TEST_F(LanBeaconTest, WelcomesANewcomerSoonAndAHundredWithFewBeacons) {
  LanBeacon lan = beaconing();
  lan.set_record(now_, record_);
  (void)run(lan, 10s);
  lan.welcome(now_);
  EXPECT_EQ(run(lan, kBeaconWelcomeSpread).size(), 1U);
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    lan.welcome(now_);
    sent += run(lan, 10ms).size();
  }
  EXPECT_LE(sent, 5U);
}

TEST_F(LanBeaconTest, HearsABeaconOnceAndItsOwnNever) {
  LanBeacon a = beaconing(), b = beaconing();
  a.set_record(now_, record_);
  const Bytes beacon = *a.poll_beacon(now_);
  EXPECT_TRUE(b.handle_datagram(now_, beacon));
  EXPECT_FALSE(b.handle_datagram(now_, beacon)) << "a replay";
  EXPECT_FALSE(a.handle_datagram(now_, beacon));
}

TEST_F(LanBeaconTest, ReplaysOfAnotherHourAreNoneOfItsBeacons) {
  LanBeacon a = beaconing(), b = beaconing();
  a.set_record(now_, record_);
  const Bytes beacon = *a.poll_beacon(now_);
  now_.wall += 2h;
  EXPECT_FALSE(b.handle_datagram(now_, beacon));
}

TEST_F(LanBeaconTest, OpensNoMoreThanALinkCouldMeanWhateverAMemberFloods) {
  LanBeacon b = beaconing();
  rendezvous::FrameKeys frame_keys(mesh_.keys());
  std::uint32_t heard = 0;
  for (int i = 0; i < 1000; ++i) {
    const Bytes beacon = rendezvous::encode_beacon(mesh_.keys(), frame_keys, hour_of(now_.wall),
                                                   record_, mesh_.random());
    heard += b.handle_datagram(now_, beacon) ? 1 : 0;
  }
  EXPECT_EQ(heard, kBeaconsHeard.burst);
}

TEST_F(LanBeaconTest, DropsWhatStrangersSendWithoutSpendingMembersTokens) {
  LanBeacon a = beaconing(), b = beaconing();
  a.set_record(now_, record_);
  const Bytes beacon = *a.poll_beacon(now_);
  for (std::uint32_t i = 0; i < 10 * kBeaconsHeard.burst; ++i) {
    Bytes forged = beacon;
    forged[20 + i % 500] ^= std::byte{1};
    EXPECT_FALSE(b.handle_datagram(now_, forged));
  }
  EXPECT_FALSE(b.handle_datagram(now_, {}));
  EXPECT_TRUE(b.handle_datagram(now_, beacon));
}

TEST(LanLinks, AreTheInterfacesWithAnAddressBridgesLast) {
  NetworkState network;
  const auto add = [&](std::string_view prefix, std::string interface, bool bridge = false) {
    rendezvous::LocalAddress address;
    address.prefix = *Prefix::parse(prefix);
    address.interface = std::move(interface);
    address.bridge = bridge;
    network.addresses.push_back(std::move(address));
  };
  add("127.0.0.1/8", "lo");
  add("::1/128", "lo");
  add("172.17.0.1/16", "docker0", true);
  add("192.168.1.7/24", "wlan0");
  add("2001:db8::7/64", "wlan0");
  add("fe80::1/64", "eth0");
  EXPECT_EQ(lan_links(network), (std::vector<std::string>{"wlan0", "docker0"}));
  for (int i = 0; i < 40; ++i) add("10.0.0.1/24", "veth" + std::to_string(i), true);
  EXPECT_EQ(lan_links(network).size(), kLanLinksMax);
  EXPECT_EQ(lan_links(network).front(), "wlan0");
}

}  // namespace
}  // namespace kadwire::node
