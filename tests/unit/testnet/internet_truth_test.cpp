/// Properties of random worlds: the truth agrees with what happens, and a seed decides everything.

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/testnet/internet_fixture.h"
#include "tools/testnet/internet/dice.h"

namespace kadwire::testnet {
namespace {

template <typename T>
const T& one_of(Dice& dice, const std::vector<T>& choices) {
  return choices[dice.below(choices.size())];
}

/// A few hosts behind boxes of every kind, some chained, some guarded, some cut off, some with more
/// addresses than others.
class RandomWorld : public InternetTest {
 protected:
  void build(Dice& dice) {
    for (int i = 0; i < 6; ++i) add_random_gateway(dice);
    for (int i = 0; i < 12; ++i) add_random_host(dice);
    if (dice.chance(0.5)) internet.cut(1, std::array{hosts[0], hosts[1]}, {});
    if (dice.chance(0.3)) internet.set_up(one_of(dice, hosts), false);
    if (dice.chance(0.3)) internet.set_outbound_loss(one_of(dice, hosts), 1);
    if (dice.chance(0.3)) internet.set_inbound_loss(one_of(dice, hosts), 1);
  }
  /// Somebody's own address, or one that somebody was seen under.
  Endpoint random_target(Dice& dice) {
    std::vector<Endpoint> known(seen.begin(), seen.end());
    for (const HostId host : hosts) {
      for (const HostAddress& own : internet.addresses(host)) {
        known.push_back({own.prefix.address, random_port(dice)});
      }
    }
    return one_of(dice, known);
  }
  /// Few ports, so that hosts of one box want the same.
  static std::uint16_t random_port(Dice& dice) {
    return static_cast<std::uint16_t>(kPort + dice.below(3));
  }
  /// Who got the only packet that was sent since `arrivals` was empty.
  std::optional<HostId> receiver() {
    for (const auto& [host, packets] : arrivals) {
      if (!packets.empty()) return host;
    }
    return std::nullopt;
  }
  void note_sources() {
    for (const auto& [host, packets] : arrivals) {
      for (const Arrival& arrival : packets) seen.insert(arrival.from);
    }
    arrivals.clear();
  }

  std::vector<GatewayId> gateways;
  std::vector<HostId> hosts;
  std::set<Endpoint> seen;

 private:
  void add_random_gateway(Dice& dice) {
    GatewayOptions options{.nat = one_of(dice, nat_kinds()).model};
    options.nat.hairpin = dice.chance(0.5);
    options.nat.mappings_max = dice.chance(0.2) ? 3 : 1000;
    options.nat.expiry = 5s;
    options.ipv6_firewall.stateful = dice.chance(0.5);
    if (!gateways.empty() && dice.chance(0.5)) options.behind = one_of(dice, gateways);
    gateways.push_back(internet.add_gateway(options));
  }
  void add_random_host(Dice& dice) {
    HostOptions options;
    options.firewall.stateful = dice.chance(0.3);
    options.udp_blocked = dice.chance(0.05);
    if (dice.chance(0.8)) options.behind = one_of(dice, gateways);
    options.second_ipv4 = dice.chance(0.2);
    options.temporary_ipv6 = dice.chance(0.3);
    if (dice.chance(0.3)) options.other = {.behind = one_of(dice, gateways), .link = {}};
    options.bridge = dice.chance(0.3);
    hosts.push_back(add_host(options));
  }
};

class Truth : public RandomWorld, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(Truth, AgreesWithWhatReallyArrives) {
  Dice dice(GetParam());
  build(dice);
  int arrived = 0;
  for (int i = 0; i < 600; ++i) {
    const HostId from = one_of(dice, hosts);
    const Endpoint to = random_target(dice);
    const std::uint16_t port = random_port(dice);
    std::vector<HostId> foretold;
    for (const HostId target : hosts) {
      if (internet.would_arrive(from, port, target, to)) foretold.push_back(target);
    }
    internet.send(from, port, to, {});
    queue.run_for(2ms + Duration(dice.below(400'000'000)));  // mappings live for 5 s
    const auto really = receiver();
    ASSERT_LE(foretold.size(), 1U);
    ASSERT_EQ(really, foretold.empty() ? std::nullopt : std::optional(foretold.front()))
        << "seed " << GetParam() << ", packet " << i << " to " << to.to_string();
    arrived += really ? 1 : 0;
    note_sources();
  }
  EXPECT_GT(arrived, 20) << "a world in which nobody reaches anybody proves nothing";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Truth, testing::Range<std::uint64_t>(1, 41));

/// Everything that arrives in a world full of chance.
std::vector<Arrival> history(std::uint64_t seed) {
  EventQueue queue(kWallStartDefault);
  Internet internet(queue, seed);
  const LinkModel link{
      .latency = {.shape = LatencyModel::Shape::kLogNormal, .low = 20ms, .sigma = 0.5},
      .jitter = 10ms,
      .loss = 0.1,
      .duplicate = 0.1,
      .reorder = 0.1};
  const GatewayId gateway =
      internet.add_gateway({.nat = *find_nat_kind("symmetric-random"), .uplink = link});
  const HostId inside = internet.add_host({.behind = gateway});
  const HostId server = internet.add_host({.link = link});
  std::vector<Arrival> arrivals;
  internet.set_receiver(server, [&](const Packet& packet) {
    arrivals.push_back({queue.now() - EventQueue::kStart, packet.from, packet.to, packet.payload});
  });
  const IpAddress to = internet.addresses(server).front().prefix.address;
  for (std::uint16_t i = 1; i <= 500; ++i) internet.send(inside, i, {to, 1}, Bytes(i % 100));
  queue.run_for(10s);
  return arrivals;
}

TEST(InternetSeed, DecidesEverything) {
  const auto first = history(11);
  EXPECT_GT(first.size(), 300U);
  EXPECT_EQ(history(11), first);
  EXPECT_NE(history(12), first);
}

}  // namespace
}  // namespace kadwire::testnet
