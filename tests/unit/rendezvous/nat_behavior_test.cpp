#include "rendezvous/nat_behavior.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/made_up.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::endpoint;

constexpr TimePoint kStart{1h};
const Endpoint kOwn = *Endpoint::parse("192.168.1.10:51820");

MappingObservation seen(const std::string& asked, const std::string& mapped,
                        Duration at = Duration::zero()) {
  return {kStart + at, kOwn, endpoint(asked), endpoint(mapped), Witness::kServer};
}

MappingObservation peer_saw(const std::string& peer, const std::string& mapped) {
  return {kStart, kOwn, endpoint(peer), endpoint(mapped), Witness::kPeer};
}

NatBehavior infer(const std::vector<MappingObservation>& observations) {
  return infer_nat_behavior(observations, std::nullopt);
}

/// Servers at different addresses, asked in this order, saw these ports.
NatBehavior infer_ports(const std::vector<int>& ports) {
  std::vector<MappingObservation> observations;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    observations.push_back(seen("198.51.100." + std::to_string(i + 1) + ":3478",
                                "203.0.113.5:" + std::to_string(ports[i]), i * 1ms));
  }
  return infer(observations);
}

struct MappingCase {
  std::string name;
  std::vector<MappingObservation> observations;
  MappingBehavior mapping;
  bool certain;
};

TEST(NatBehavior, NamesWhatAMappingDependsOnAndHowSureThatIs) {
  const std::string a = "198.51.100.1:3478", a2 = "198.51.100.1:3479", b = "192.0.2.7:3478";
  const std::string x = "203.0.113.5:4000", y = "203.0.113.5:9000", z = "203.0.113.5:30000";
  using enum MappingBehavior;
  const std::vector<MappingCase> cases = {
      {"nothing seen", {}, kUnknown, false},
      {"one server", {seen(a, x)}, kUnknown, false},
      {"two addresses agree", {seen(a, x), seen(b, x)}, kEndpointIndependent, true},
      {"two ports of one address agree", {seen(a, x), seen(a2, x)}, kEndpointIndependent, false},
      {"two addresses differ", {seen(a, x), seen(b, y)}, kEndpointDependent, true},
      {"two ports differ", {seen(a, x), seen(a2, y)}, kAddressAndPortDependent, true},
      {"ports agree, addresses differ",
       {seen(a, x), seen(a2, x), seen(b, y)},
       kAddressDependent,
       true},
      {"all differ", {seen(a, x), seen(a2, y), seen(b, z)}, kAddressAndPortDependent, true},
      {"the other address", {seen(a, x), seen(b, "203.0.113.6:4000")}, kEndpointDependent, true},
      {"the own endpoint", {seen(a, "192.168.1.10:51820")}, kNone, true},
      {"the own address, another port", {seen(a, "192.168.1.10:9")}, kUnknown, false},
      {"a server and a member agree", {seen(a, x), peer_saw(b, x)}, kEndpointIndependent, false},
      {"a server and a member differ", {seen(a, x), peer_saw(b, y)}, kEndpointDependent, false},
      {"a member alone", {peer_saw(b, y)}, kUnknown, false},
      {"two servers against a member",
       {seen(a, x), seen(b, x), peer_saw("192.0.2.99:51820", y)},
       kEndpointIndependent,
       true},
  };
  for (const MappingCase& each : cases) {
    const NatBehavior behavior = infer(each.observations);
    EXPECT_EQ(behavior.mapping, each.mapping) << each.name << ": " << describe(behavior.mapping);
    EXPECT_EQ(behavior.mapping_certain, each.certain) << each.name;
  }
}

struct PortCase {
  std::string name;
  std::vector<int> ports;
  std::optional<std::int16_t> step;
  bool random;
  bool certain;
};

TEST(NatBehavior, TellsSequentialPortsFromRandomOnes) {
  const std::vector<PortCase> cases = {
      {"one by one", {4000, 4001, 4002}, 1, false, true},
      {"by twos", {4000, 4002, 4004, 4006}, 2, false, true},
      {"others take ports in between", {4000, 4004, 4006}, 2, false, true},
      {"others take ports later", {4000, 4002, 4006}, 2, false, true},
      {"requests overtook each other", {4000, 4002, 4001, 4003}, 1, false, true},
      {"downwards", {4004, 4003, 4002}, -1, false, true},
      {"two that are close", {4000, 4001}, 1, false, false},
      {"two that are close and descend", {4001, 4000}, std::nullopt, false, false},
      {"two far apart", {4000, 9000}, std::nullopt, true, false},
      {"three far apart", {4000, 60000, 9000}, std::nullopt, true, true},
      {"one of three far apart", {4000, 4001, 9000}, std::nullopt, true, true},
      {"the largest step", {4000, 4032, 4064}, 32, false, true},
      {"beyond the largest step", {4000, 4033, 4066}, std::nullopt, true, true},
  };
  for (const PortCase& each : cases) {
    const NatBehavior behavior = infer_ports(each.ports);
    EXPECT_EQ(behavior.port_step, each.step) << each.name;
    EXPECT_EQ(behavior.random_ports, each.random) << each.name;
    EXPECT_EQ(behavior.ports_certain, each.certain) << each.name;
  }
}

TEST(NatBehavior, SaysNothingOfAllocationWhereOneMappingServesAll) {
  const NatBehavior behavior = infer_ports({4000, 4000, 4000});
  EXPECT_FALSE(behavior.port_step.has_value());
  EXPECT_FALSE(behavior.random_ports);
  EXPECT_FALSE(behavior.ports_certain);
}

TEST(NatBehavior, OrdersAllocationsByWhenTheServersWereAsked) {
  const NatBehavior behavior = infer({seen("198.51.100.1:3478", "203.0.113.5:4002", 2s),
                                      seen("198.51.100.2:3478", "203.0.113.5:4000", 0s),
                                      seen("198.51.100.3:3478", "203.0.113.5:4001", 1s)});
  EXPECT_EQ(behavior.port_step, 1);
}

TEST(NatBehavior, ComparesPortsOfOneExternalAddressOnly) {
  const NatBehavior behavior = infer({seen("198.51.100.1:3478", "203.0.113.6:60000", 0s),
                                      seen("198.51.100.2:3478", "203.0.113.5:4000", 1s),
                                      seen("198.51.100.3:3478", "203.0.113.5:4001", 2s)});
  EXPECT_EQ(behavior.port_step, 1);
  EXPECT_FALSE(behavior.ports_certain);
}

TEST(NatBehavior, DoesNotLetMembersMakeAStepCertain) {
  const NatBehavior behavior = infer({seen("198.51.100.1:3478", "203.0.113.5:4000"),
                                      peer_saw("192.0.2.1:51820", "203.0.113.5:4001"),
                                      peer_saw("192.0.3.1:51820", "203.0.113.5:4002")});
  EXPECT_EQ(behavior.port_step, 1);
  EXPECT_FALSE(behavior.ports_certain);
  EXPECT_FALSE(behavior.mapping_certain);
}

TEST(NatBehavior, KnowsWhetherPortsArePreserved) {
  EXPECT_EQ(infer({}).preserves_port, std::nullopt);
  EXPECT_EQ(infer_ports({51820}).preserves_port, true);
  EXPECT_EQ(infer_ports({51820, 51820}).preserves_port, true);
  EXPECT_EQ(infer_ports({4000, 4001}).preserves_port, false);
  EXPECT_EQ(infer_ports({51820, 4001}).preserves_port, std::nullopt) << "some are";
}

TEST(NatBehavior, RecognisesACarriersNatByTheHostsAddress) {
  MappingObservation observation = seen("198.51.100.1:3478", "203.0.113.5:4000");
  EXPECT_FALSE(infer({observation}).carrier_grade);
  observation.local = endpoint("100.64.3.4:51820");
  EXPECT_TRUE(infer({observation}).carrier_grade);
  observation.local = endpoint("100.128.0.1:51820");
  EXPECT_FALSE(infer({observation}).carrier_grade);
}

TEST(NatBehavior, RecognisesASecondNatByTheGatewaysAddress) {
  const std::vector<MappingObservation> observations = {
      seen("198.51.100.1:3478", "203.0.113.5:4000")};
  const auto outer = [&](const char* gateway) {
    return infer_nat_behavior(observations, *IpAddress::parse(gateway)).carrier_grade;
  };
  EXPECT_TRUE(outer("10.1.2.3"));
  EXPECT_TRUE(outer("203.0.113.9"));
  EXPECT_FALSE(outer("203.0.113.5"));
  EXPECT_FALSE(outer("2001:db8::1")) << "of the other family: says nothing";
}

TEST(NatBehavior, SeesNoSecondNatWhereThereIsNone) {
  const MappingObservation own = {kStart, endpoint("203.0.113.5:51820"),
                                  endpoint("198.51.100.1:3478"), endpoint("203.0.113.5:51820"),
                                  Witness::kServer};
  const auto behavior = infer_nat_behavior(std::vector{own}, *IpAddress::parse("203.0.113.1"));
  EXPECT_EQ(behavior.mapping, MappingBehavior::kNone);
  EXPECT_FALSE(behavior.carrier_grade);
}

NatBehavior sequential() {
  return {.mapping = MappingBehavior::kEndpointDependent,
          .mapping_certain = true,
          .preserves_port = false,
          .port_step = std::int16_t{-2},
          .ports_certain = true};
}

TEST(NatBehavior, HasAWireFormOfFourBytes) {
  EXPECT_EQ(to_hex(encode_nat_behavior({})), "00000000");
  EXPECT_EQ(to_hex(encode_nat_behavior(sequential())), "0531fffe");
  const NatBehavior preserving = {.mapping = MappingBehavior::kEndpointIndependent,
                                  .preserves_port = true,
                                  .port_step = std::nullopt,
                                  .carrier_grade = true};
  EXPECT_EQ(to_hex(encode_nat_behavior(preserving)), "020b0000");
}

TEST(NatBehavior, IsTheSameAfterTheWire) {
  const NatBehavior random = {.mapping = MappingBehavior::kAddressAndPortDependent,
                              .preserves_port = std::nullopt,
                              .port_step = std::nullopt,
                              .random_ports = true};
  for (const NatBehavior& behavior : {NatBehavior{}, sequential(), random}) {
    EXPECT_EQ(decode_nat_behavior(encode_nat_behavior(behavior)), behavior);
  }
}

TEST(NatBehavior, IsDecodedStrictly) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"", "empty"},
      {"000000", "too short"},
      {"0000000000", "too long"},
      {"06000000", "an unknown mapping"},
      {"ff000000", "an unknown mapping"},
      {"00400000", "an unknown flag"},
      {"00800000", "an unknown flag"},
      {"02020000", "preserves, but not known"},
      {"00100000", "certain of an unknown mapping"},
      {"05040001", "random and sequential"},
      {"02000001", "a step where one mapping serves all"},
      {"02040000", "random where one mapping serves all"},
      {"05200000", "certain of nothing"},
      {"05000021", "a step of 33"},
      {"0500ffdf", "a step of -33"},
      {"05008000", "a step without a positive counterpart"},
  };
  for (const auto& [hex, why] : refused) {
    EXPECT_FALSE(decode_nat_behavior(*from_hex(hex)).has_value()) << hex << ": " << why;
  }
  EXPECT_TRUE(decode_nat_behavior(*from_hex("0500ffe0")).has_value()) << "a step of -32";
}

}  // namespace
}  // namespace kadwire::rendezvous
