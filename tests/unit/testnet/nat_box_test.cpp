#include "tools/testnet/internet/nat_box.h"

#include <gtest/gtest.h>

#include <set>

namespace kadwire::testnet {
namespace {

constexpr TimePoint kStart{1h};
constexpr auto kIndependent = Dependence::kEndpointIndependent;
constexpr auto kByAddress = Dependence::kAddressDependent;
constexpr auto kByEndpoint = Dependence::kAddressAndPortDependent;

Endpoint endpoint(const char* text) {
  return *Endpoint::parse(text);
}

const Endpoint kInside = endpoint("192.168.1.2:5000");
const Endpoint kOther = endpoint("192.168.1.3:5000");
const Endpoint kPeer = endpoint("11.0.0.10:1000");
const Endpoint kPeerOtherPort = endpoint("11.0.0.10:2000");
const Endpoint kStranger = endpoint("11.0.1.10:1000");

NatModel model(Dependence mapping, Dependence filtering,
               PortAllocation allocation = PortAllocation::kPreserving) {
  return {.mapping = mapping, .filtering = filtering, .allocation = allocation};
}

std::uint16_t out(NatBox& nat, TimePoint now, const Endpoint& inside, const Endpoint& to) {
  const auto port = nat.translate_outbound(now, inside, to);
  EXPECT_TRUE(port) << "refused";
  return port.value_or(0);
}

bool lets_in(NatBox& nat, TimePoint now, const Endpoint& from, std::uint16_t port) {
  return nat.translate_inbound(now, from, port).has_value();
}

struct MappingRow {
  Dependence mapping;
  bool same_for_other_port;
  bool same_for_other_address;
};

TEST(NatBox, ReusesAMappingAsItsModelSays) {
  for (const auto& row : {MappingRow{kIndependent, true, true}, MappingRow{kByAddress, true, false},
                          MappingRow{kByEndpoint, false, false}}) {
    NatBox nat(model(row.mapping, kByEndpoint), 1);
    const auto first = out(nat, kStart, kInside, kPeer);
    EXPECT_EQ(out(nat, kStart, kInside, kPeer), first);
    EXPECT_EQ(out(nat, kStart, kInside, kPeerOtherPort) == first, row.same_for_other_port);
    EXPECT_EQ(out(nat, kStart, kInside, kStranger) == first, row.same_for_other_address);
  }
}

struct FilterRow {
  Dependence filtering;
  bool other_port_enters;
  bool stranger_enters;
};

TEST(NatBox, FiltersAsItsModelSaysWhateverTheMapping) {
  for (const Dependence mapping : {kIndependent, kByAddress, kByEndpoint}) {
    for (const auto& row : {FilterRow{kIndependent, true, true}, FilterRow{kByAddress, true, false},
                            FilterRow{kByEndpoint, false, false}}) {
      NatBox nat(model(mapping, row.filtering), 1);
      const auto port = out(nat, kStart, kInside, kPeer);
      EXPECT_EQ(nat.translate_inbound(kStart, kPeer, port), kInside);
      EXPECT_EQ(lets_in(nat, kStart, kPeerOtherPort, port), row.other_port_enters);
      EXPECT_EQ(lets_in(nat, kStart, kStranger, port), row.stranger_enters);
    }
  }
}

TEST(NatBox, DropsWhatComesToAPortNobodyHas) {
  NatBox nat(model(kIndependent, kIndependent), 1);
  out(nat, kStart, kInside, kPeer);
  EXPECT_EQ(nat.translate_inbound(kStart, kPeer, 5001).error(), Drop::kNatFiltered);
}

TEST(NatBox, ForgetsAMappingAfterItsExpiry) {
  NatBox nat(model(kIndependent, kIndependent), 1);
  const auto port = out(nat, kStart, kInside, kPeer);
  EXPECT_TRUE(nat.would_translate_inbound(kStart + 120s - 1ns, kStranger, port));
  EXPECT_FALSE(nat.would_translate_inbound(kStart + 120s, kStranger, port));
  EXPECT_FALSE(lets_in(nat, kStart + 120s, kStranger, port));
  EXPECT_EQ(nat.mappings(kStart + 120s), 0U);
}

TEST(NatBox, OutboundPacketsKeepAMapping) {
  for (const Refresh refresh : {Refresh::kOutbound, Refresh::kBoth}) {
    NatModel kept = model(kIndependent, kByEndpoint, PortAllocation::kRandom);
    kept.refresh = refresh;
    NatBox nat(kept, 1);
    const auto port = out(nat, kStart, kInside, kPeer);
    for (int i = 1; i < 10; ++i) EXPECT_EQ(out(nat, kStart + i * 119s, kInside, kPeer), port);
  }
}

TEST(NatBox, InboundPacketsKeepAMappingOnlyIfTheModelSaysSo) {
  for (const Refresh refresh : {Refresh::kOutbound, Refresh::kBoth}) {
    NatModel kept = model(kIndependent, kByEndpoint);
    kept.refresh = refresh;
    NatBox nat(kept, 1);
    const auto port = out(nat, kStart, kInside, kPeer);
    EXPECT_TRUE(lets_in(nat, kStart + 100s, kPeer, port));
    EXPECT_EQ(lets_in(nat, kStart + 200s, kPeer, port), refresh == Refresh::kBoth);
  }
}

TEST(NatBox, PacketsThatItFiltersKeepNothing) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  const auto port = out(nat, kStart, kInside, kPeer);
  EXPECT_FALSE(lets_in(nat, kStart + 100s, kStranger, port));
  EXPECT_FALSE(lets_in(nat, kStart + 150s, kPeer, port));
}

TEST(NatBox, ClosesEachFilterByItselfWhileTheMappingLives) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  const auto port = out(nat, kStart, kInside, kPeer);
  EXPECT_EQ(out(nat, kStart + 100s, kInside, kStranger), port);
  EXPECT_FALSE(lets_in(nat, kStart + 121s, kPeer, port));
  EXPECT_TRUE(lets_in(nat, kStart + 121s, kStranger, port));
}

TEST(NatBox, PreservesThePortAndTakesTheNextIfItIsTaken) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  EXPECT_EQ(out(nat, kStart, kInside, kPeer), 5000);
  EXPECT_EQ(out(nat, kStart, kOther, kPeer), 5001);
  EXPECT_EQ(nat.translate_inbound(kStart, kPeer, 5001), kOther);
}

TEST(NatBox, NeverGivesAServicePortAway) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  EXPECT_EQ(out(nat, kStart, endpoint("192.168.1.2:53"), kPeer), 1024 + 53);
}

TEST(NatBox, GoesRoundAtTheEndOfThePorts) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  EXPECT_EQ(out(nat, kStart, endpoint("192.168.1.2:65535"), kPeer), 65535);
  EXPECT_EQ(out(nat, kStart, endpoint("192.168.1.3:65535"), kPeer), 1024);
}

TEST(NatBox, OverloadingGivesAPortToWhoeverSentLast) {
  NatBox nat(model(kIndependent, kByEndpoint, PortAllocation::kPreservingOverload), 1);
  EXPECT_EQ(out(nat, kStart, kInside, kPeer), 5000);
  EXPECT_EQ(out(nat, kStart, kOther, kStranger), 5000);
  EXPECT_FALSE(lets_in(nat, kStart, kPeer, 5000)) << "that filter was the first host's";
  EXPECT_EQ(nat.translate_inbound(kStart, kStranger, 5000), kOther);
  EXPECT_EQ(nat.mappings(kStart), 1U);
  EXPECT_EQ(out(nat, kStart, kInside, kPeer), 5000);
  EXPECT_EQ(nat.translate_inbound(kStart, kPeer, 5000), kInside);
  EXPECT_FALSE(lets_in(nat, kStart, kStranger, 5000));
}

TEST(NatBox, SequentialAllocationStepsThroughThePorts) {
  NatModel stepping = model(kByEndpoint, kByEndpoint, PortAllocation::kSequential);
  stepping.step = 3;
  NatBox nat(stepping, 7);
  const auto first = out(nat, kStart, kInside, kPeer);
  EXPECT_EQ(out(nat, kStart, kInside, kPeerOtherPort), first + 3);
  EXPECT_EQ(out(nat, kStart, kInside, kStranger), first + 6);
}

TEST(NatBox, RandomPortsAreSpreadOverTheWholeRange) {
  NatBox nat(model(kByEndpoint, kByEndpoint, PortAllocation::kRandom), 7);
  std::set<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    ports.insert(out(nat, kStart, kInside, {kPeer.address, port}));
  }
  EXPECT_EQ(ports.size(), 1000U);
  EXPECT_LT(*ports.begin(), 2000);
  EXPECT_GT(*ports.rbegin(), 64'000);
  EXPECT_GE(*ports.begin(), kExternalPortMin);
}

TEST(NatBox, KeepsParityWhenAskedTo) {
  NatBox nat(model(kByEndpoint, kByEndpoint, PortAllocation::kParity), 7);
  for (std::uint16_t port = 1; port <= 200; ++port) {
    EXPECT_EQ(out(nat, kStart, endpoint("192.168.1.2:5001"), {kPeer.address, port}) % 2, 1);
    EXPECT_EQ(out(nat, kStart, kInside, {kPeer.address, port}) % 2, 0);
  }
}

TEST(NatBox, AnExplicitMappingLetsEverybodyInWhateverTheFilter) {
  NatBox nat(model(kByEndpoint, kByEndpoint, PortAllocation::kRandom), 7);
  EXPECT_EQ(nat.map_port(kStart, kInside, 7000, 10min), 7000);
  EXPECT_EQ(nat.would_translate_inbound(kStart, kStranger, 7000), kInside);
  EXPECT_EQ(nat.translate_inbound(kStart + 10min - 1ns, kStranger, 7000), kInside);
  EXPECT_FALSE(nat.would_translate_inbound(kStart + 10min, kStranger, 7000));
  EXPECT_FALSE(lets_in(nat, kStart + 10min, kStranger, 7000));
}

TEST(NatBox, AnExplicitMappingLetsInAgainWhoWasSilentForLongerThanAFlowLives) {
  for (const Refresh refresh : {Refresh::kOutbound, Refresh::kBoth}) {
    NatModel quick = model(kByEndpoint, kByEndpoint);
    quick.expiry = 20s;
    quick.refresh = refresh;
    NatBox nat(quick, 1);
    const auto port = nat.map_port(kStart, kInside, 7000, 10min).value();
    EXPECT_TRUE(lets_in(nat, kStart, kStranger, port));
    EXPECT_TRUE(lets_in(nat, kStart + 20s, kStranger, port));
    EXPECT_EQ(nat.filters(kStart + 20s), 1U) << "the flow is a new one";
  }
}

TEST(NatBox, AnExplicitMappingNeverTakesAnothersPort) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  EXPECT_EQ(out(nat, kStart, kOther, kPeer), 5000);
  EXPECT_EQ(nat.map_port(kStart, kInside, 5000, 10min), 5001);
  EXPECT_EQ(out(nat, kStart, endpoint("192.168.1.4:5001"), kPeer), 5002) << "nor is its own taken";
  EXPECT_EQ(out(nat, kStart, kInside, kStranger), 5001);
}

TEST(NatBox, APortThatWasMappedIsFreeAgainAfterItsLeaseOrReturn) {
  NatBox nat(model(kIndependent, kByEndpoint), 1);
  EXPECT_EQ(nat.map_port(kStart, kInside, 5000, 10min), 5000);
  nat.unmap_port(kStart, kInside);
  EXPECT_EQ(nat.map_port(kStart, kOther, 5000, 10min), 5000);
  EXPECT_EQ(nat.map_port(kStart + 10min, kInside, 5000, 10min), 5000);
}

TEST(NatBox, HoldsABoundedNumberOfExplicitMappings) {
  NatBox nat(model(kByEndpoint, kByEndpoint), 1);
  for (std::uint16_t i = 0; i < kExplicitMappingsMax; ++i) {
    const Endpoint inside{kInside.address, static_cast<std::uint16_t>(2000 + i)};
    ASSERT_TRUE(nat.map_port(kStart, inside, 0, 10min));
  }
  EXPECT_EQ(nat.map_port(kStart, kInside, 0, 10min).error(), Drop::kNatFull);
  nat.reboot();
  EXPECT_TRUE(nat.map_port(kStart, kInside, 0, 10min));
}

TEST(NatBox, RefusesMoreMappingsThanItsTableHolds) {
  NatModel small = model(kByEndpoint, kByEndpoint);
  small.mappings_max = 2;
  NatBox nat(small, 1);
  out(nat, kStart, kInside, kPeer);
  out(nat, kStart + 60s, kInside, kPeerOtherPort);
  EXPECT_EQ(nat.would_translate_outbound(kStart + 60s, kInside, kStranger).error(), Drop::kNatFull);
  EXPECT_EQ(nat.translate_outbound(kStart + 60s, kInside, kStranger).error(), Drop::kNatFull);
  EXPECT_TRUE(nat.translate_outbound(kStart + 60s, kInside, kPeer)) << "that one is known";
  EXPECT_TRUE(nat.would_translate_outbound(kStart + 180s, kInside, kStranger)) << "two expired";
  out(nat, kStart + 180s, kInside, kStranger);
  EXPECT_EQ(nat.mappings(kStart + 180s), 1U);
  EXPECT_EQ(nat.mappings_peak(), 2U);
}

TEST(NatBox, RefusesWhenNoPortIsLeft) {
  NatModel large = model(kByEndpoint, kByEndpoint);
  large.mappings_max = 100'000;
  NatBox nat(large, 1);
  for (std::size_t i = 0; i < kExternalPorts; ++i) {
    const auto port = static_cast<std::uint16_t>(i + 1);
    ASSERT_TRUE(nat.translate_outbound(kStart, kInside, {kPeer.address, port}));
  }
  EXPECT_EQ(nat.translate_outbound(kStart, kInside, kStranger).error(), Drop::kNatFull);
}

TEST(NatBox, ThatBlocksUdpLetsNothingThrough) {
  NatBox nat({.blocks_udp = true}, 1);
  EXPECT_EQ(nat.translate_outbound(kStart, kInside, kPeer).error(), Drop::kUdpBlocked);
  EXPECT_EQ(nat.translate_inbound(kStart, kPeer, 5000).error(), Drop::kUdpBlocked);
}

TEST(NatBox, ForgetsEverythingWhenItReboots) {
  NatBox nat(model(kIndependent, kByEndpoint, PortAllocation::kSequential), 1);
  const auto before = out(nat, kStart, kInside, kPeer);
  nat.reboot();
  EXPECT_FALSE(lets_in(nat, kStart, kPeer, before));
  EXPECT_EQ(nat.mappings(kStart), 0U);
  EXPECT_NE(out(nat, kStart, kInside, kPeer), before + 1) << "it starts at another place";
}

TEST(NatBox, ForetellsItsNextPort) {
  for (const NatKind& kind : nat_kinds()) {
    NatBox nat(kind.model, 5);
    for (std::uint16_t port = 1; port <= 50; ++port) {
      const Endpoint to{kPeer.address, port};
      const auto foretold = nat.would_translate_outbound(kStart, kInside, to);
      EXPECT_EQ(foretold, nat.would_translate_outbound(kStart, kInside, to)) << kind.name;
      EXPECT_EQ(foretold, nat.translate_outbound(kStart, kInside, to)) << kind.name;
    }
  }
}

TEST(NatBox, HoldsNoMoreThanWhatIsAliveHoweverLongItRuns) {
  NatBox nat(model(kByEndpoint, kByEndpoint, PortAllocation::kRandom), 1);
  TimePoint now = kStart;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    now += 1s;
    const auto port = static_cast<std::uint16_t>(i % 60'000 + 1);
    out(nat, now, kInside, {kPeer.address, port});
  }
  EXPECT_EQ(nat.mappings(now), 120U);
  EXPECT_EQ(nat.filters(now), 120U);
  EXPECT_EQ(nat.mappings_peak(), 120U);
}

TEST(NatKinds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const NatKind& kind : nat_kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_EQ(find_nat_kind(kind.name), kind.model);
    EXPECT_FALSE(kind.summary.empty());
  }
  EXPECT_FALSE(find_nat_kind("polite"));
}

}  // namespace
}  // namespace kadwire::testnet
