#include "node/keepalive_pace.h"

#include <gtest/gtest.h>

#include "rendezvous/stun_responder.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::node {
namespace {

using rendezvous::BindingLifetime;
using rendezvous::LifetimePort;

constexpr TimePoint kStart{1h};
const Endpoint kServer = *Endpoint::parse("198.51.100.1:3478");
const Endpoint kServerV6 = *Endpoint::parse("[2001:db8:77::1]:3478");
const IpAddress kHome = *IpAddress::parse("203.0.113.5");
const IpAddress kElsewhere = *IpAddress::parse("203.0.113.6");
constexpr std::uint16_t kAskingPort = 51820, kSilentPort = 40000;

TEST(KeepaliveFor, LeavesAQuarterOfWhatIsProvenWithinItsBounds) {
  const std::optional<std::chrono::seconds> unknown;
  struct Row {
    BindingLifetime lifetime;
    std::chrono::seconds keepalive;
  };
  for (const Row& row :
       {Row{{unknown, unknown}, kKeepalive}, Row{{unknown, 14s}, kKeepaliveMin},
        Row{{unknown, 29s}, 21s}, Row{{unknown, 179s}, kKeepalive}, Row{{14s, 19s}, kKeepaliveMin},
        Row{{19s, 29s}, 14s}, Row{{29s, 44s}, 21s}, Row{{44s, 59s}, 33s},
        Row{{59s, 89s}, kKeepaliveMax}, Row{{179s, unknown}, kKeepaliveMax}}) {
    EXPECT_EQ(keepalive_for(row.lifetime), row.keepalive)
        << row.lifetime.at_least.value_or(0s).count();
    if (!row.lifetime.at_least) continue;
    EXPECT_LT(keepalive_for(row.lifetime) + kKeepaliveSlack, *row.lifetime.at_least);
  }
}

/// Servers at once, with a firewall in each family that forgets after a time of its own.
class KeepalivePaceTest : public ::testing::Test {
 protected:
  void answer(LifetimePort port, const Transmit& request) {
    const bool v4 = request.to.address.is_v4();
    const bool silent = port == LifetimePort::kSilent;
    const IpAddress own = v4 ? kHome : *IpAddress::parse("2001:db8:1::10");
    if (silent) used_[v4] = now_;
    const Endpoint from{own, silent ? kSilentPort : kAskingPort};
    const auto reply = server_.handle_datagram(now_, from, {request.to, 0}, request.payload);
    if (!reply) return;
    const bool to_silent = reply->transmit.to.port == kSilentPort;
    if (to_silent && now_ - used_[v4] > (v4 ? expiry_v4_ : expiry_v6_)) return;
    pace_.handle_datagram(now_, to_silent ? LifetimePort::kSilent : LifetimePort::kAsking,
                          reply->source, reply->transmit.payload);
  }
  void see(std::initializer_list<IpAddress> externals) {
    pace_.note_externals(now_, AddressFamily::kIpv4, std::vector(externals));
  }
  void run_for(Duration duration) {
    const TimePoint end = now_ + duration;
    while (true) {
      for (const LifetimePort port : {LifetimePort::kSilent, LifetimePort::kAsking}) {
        while (const auto request = pace_.poll_transmit(port)) answer(port, *request);
      }
      const auto due = pace_.next_timeout();
      if (!due || *due > end) break;
      now_ = std::max(now_, *due);
      pace_.handle_timeout(now_);
    }
    now_ = end;
  }

  TimePoint now_ = kStart;
  Duration expiry_v4_ = 300s, expiry_v6_ = 300s;
  TimePoint used_[2];
  testnet::SeededRandom random_{1};
  rendezvous::StunResponder server_;
  KeepalivePace pace_{random_};
};

TEST_F(KeepalivePaceTest, FollowsTheFamilyThatForgetsSooner) {
  expiry_v6_ = 30s;
  pace_.set_servers(now_, std::vector{kServer, kServerV6});
  pace_.network_changed(now_, {AddressFamily::kIpv4, AddressFamily::kIpv6});
  EXPECT_EQ(pace_.keepalive(), kKeepalive);
  run_for(20min);
  EXPECT_EQ(pace_.lifetime(AddressFamily::kIpv4).at_least, 179s);
  EXPECT_EQ(pace_.lifetime(AddressFamily::kIpv6), (BindingLifetime{29s, 44s}));
  EXPECT_EQ(pace_.keepalive(), 21s);
}

TEST_F(KeepalivePaceTest, MindsNoFamilyThatTheHostLacks) {
  pace_.set_servers(now_, std::vector{kServer, kServerV6});
  pace_.network_changed(now_, {AddressFamily::kIpv4});
  run_for(20min);
  EXPECT_EQ(pace_.keepalive(), kKeepaliveMax);
}

TEST_F(KeepalivePaceTest, StaysSafeForAFamilyThatNoServerCanSpeakOf) {
  pace_.network_changed(now_, {AddressFamily::kIpv4, AddressFamily::kIpv6});
  pace_.set_servers(now_, std::vector{kServer});
  run_for(20min);
  EXPECT_EQ(pace_.keepalive(), kKeepalive);
}

TEST_F(KeepalivePaceTest, BeginsAnewBehindAnotherExternalAddress) {
  pace_.set_servers(now_, std::vector{kServer});
  pace_.network_changed(now_, {AddressFamily::kIpv4});
  see({kHome});
  run_for(20min);
  see({});
  see({kHome});
  EXPECT_EQ(pace_.keepalive(), kKeepaliveMax) << "servers that were silent for a while";
  see({kElsewhere});
  EXPECT_EQ(pace_.keepalive(), kKeepalive);
}

TEST_F(KeepalivePaceTest, DoesNotBeginAnewWhereANatHasSeveralAddresses) {
  pace_.set_servers(now_, std::vector{kServer});
  pace_.network_changed(now_, {AddressFamily::kIpv4});
  see({kHome, kElsewhere});
  run_for(20min);
  see({kElsewhere, kHome});
  EXPECT_EQ(pace_.keepalive(), kKeepaliveMax);
}

}  // namespace
}  // namespace kadwire::node
