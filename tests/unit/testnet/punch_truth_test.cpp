#include "tools/testnet/punch_truth.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

constexpr GatewayId kOneBox{1};
constexpr GatewayId kAnotherBox{2};

/// An IPv4 host behind one NAT of this kind.
Surroundings behind(std::string_view kind, GatewayId box) {
  Surroundings around;
  around.ipv4 = true;
  around.nats = {find_nat_kind(kind).value()};
  around.outermost = box;
  return around;
}

Surroundings mapped(GatewayId box) {
  Surroundings around = behind("symmetric-random", box);
  around.maps_ports = true;
  return around;
}

TEST(PunchTruth, TwoStrictNatsPromiseNothing) {
  const Surroundings strict = behind("symmetric-random", kOneBox);
  EXPECT_FALSE(is_certain_to_punch(strict, behind("symmetric-random", kAnotherBox)));
  EXPECT_FALSE(is_certain_to_punch(strict, behind("port-restricted", kAnotherBox)));
  EXPECT_TRUE(is_certain_to_punch(strict, behind("full-cone", kAnotherBox)));
}

TEST(PunchTruth, AMappedPortIsReachedFromBehindEveryNat) {
  for (const NatKind& kind : nat_kinds()) {
    const Surroundings other = behind(kind.name, kAnotherBox);
    EXPECT_EQ(is_certain_to_punch(mapped(kOneBox), other), !kind.model.blocks_udp) << kind.name;
    EXPECT_EQ(is_certain_to_punch(other, mapped(kOneBox)), !kind.model.blocks_udp) << kind.name;
  }
}

TEST(PunchTruth, AHostsOwnFirewallClosesAMappedPort) {
  Surroundings walled = mapped(kOneBox);
  walled.stateful_firewall = true;
  EXPECT_FALSE(is_certain_to_punch(walled, behind("symmetric-random", kAnotherBox)));
  EXPECT_TRUE(is_certain_to_punch(walled, mapped(kAnotherBox)));
}

}  // namespace
}  // namespace kadwire::testnet
