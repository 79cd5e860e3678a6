/// Hosts that ask their gateway for a port, in the RFCs' bytes.

#include <gtest/gtest.h>

#include <string_view>

#include "tests/unit/testnet/internet_fixture.h"
#include "tools/testnet/internet/mapping_service.h"

namespace kadwire::testnet {
namespace {

const Endpoint kStranger = *Endpoint::parse("11.0.9.10:999");
const ByteArray<12> kNonce{std::byte{7}};
const ByteArray<12> kOtherNonce{std::byte{8}};

/// RFC 6887 §11.1.
Bytes pcp_map(const IpAddress& own, std::uint16_t internal, std::uint16_t wish,
              std::uint32_t lifetime, const ByteArray<12>& nonce = kNonce) {
  ByteWriter writer;
  writer.u8(2).u8(1).be16(0).be32(lifetime).be64(0).be16(0).be16(0xffff).raw(own.bytes());
  writer.raw(nonce).u8(17).u8(0).be16(0).be16(internal).be16(wish);
  return writer.be64(0).be64(0).take();
}

/// RFC 6886 §3.3.
Bytes nat_pmp_map(std::uint16_t internal, std::uint16_t wish, std::uint32_t lifetime) {
  return ByteWriter{}.u8(0).u8(1).be16(0).be16(internal).be16(wish).be32(lifetime).take();
}

struct PcpAnswer {
  int result = -1;
  std::uint32_t lifetime = 0, epoch = 0;
  std::uint16_t port = 0;
  Bytes external;
};

PcpAnswer read_pcp(ByteView answer) {
  PcpAnswer read;
  ByteReader reader(answer);
  EXPECT_EQ(reader.be16(), 0x0281);
  reader.u8();
  read.result = reader.u8();
  read.lifetime = reader.be32();
  read.epoch = reader.be32();
  reader.raw(12 + 16 + 2);
  read.port = reader.be16();
  reader.raw(12);
  const ByteView external = reader.raw(4);
  read.external = {external.begin(), external.end()};
  EXPECT_TRUE(reader.finished());
  return read;
}

/// A host behind a gateway that speaks `protocols`, and a stranger outside.
class MappingServiceTest : public InternetTest {
 protected:
  void build(MappingServiceModel service, std::string_view kind = "symmetric-random",
             std::optional<GatewayId> behind = {}) {
    gateway = internet.add_gateway(
        {.nat = find_nat_kind(kind).value(), .mapping_service = service, .behind = behind});
    inside = add_host_behind(gateway);
    neighbour = add_host_behind(gateway);
    outside = add_host();
  }
  /// The gateway's answer to the host; empty: silence.
  Bytes ask(Bytes request) { return ask_from(inside, std::move(request)); }
  Bytes ask_from(HostId host, Bytes request) {
    arrivals[host].clear();
    internet.send(host, kPort, {internet.gateway_addresses(host).at(0), kMappingPort},
                  std::move(request));
    queue.run_for(1s);
    return arrivals[host].empty() ? Bytes{} : arrivals[host].back().payload;
  }
  PcpAnswer map_by_pcp(std::uint32_t lifetime, const ByteArray<12>& nonce = kNonce) {
    return read_pcp(ask(pcp_map(v4(inside), kPort, kPort, lifetime, nonce)));
  }
  IpAddress external() { return seen_by(outside, inside).address; }

  GatewayId gateway{};
  HostId inside{}, neighbour{}, outside{};
};

TEST_F(MappingServiceTest, WhatIsMappedByPcpLeadsAnybodyIn) {
  build({.protocols = MappingProtocols::kPcp});
  const PcpAnswer answer = map_by_pcp(1200);
  EXPECT_EQ(answer.result, 0);
  EXPECT_EQ(answer.lifetime, 1200U);
  EXPECT_EQ(answer.port, kPort);
  const IpAddress address = external();
  EXPECT_EQ(answer.external, Bytes(address.bytes().begin(), address.bytes().end()));
  EXPECT_EQ(send(outside, {address, kPort}), Drop::kNone);
  EXPECT_EQ(arrivals[inside].size(), 2U) << "the gateway's answer and the stranger's packet";
}

TEST_F(MappingServiceTest, WhatIsMappedByNatPmpLeadsAnybodyIn) {
  build({.protocols = MappingProtocols::kNatPmp});
  const Bytes answer = ask(nat_pmp_map(kPort, kPort, 1200));
  ByteReader reader(answer);
  EXPECT_EQ(reader.be32(), 0x0081'0000U);
  reader.be32();
  EXPECT_EQ(reader.be16(), kPort);
  EXPECT_EQ(reader.be16(), kPort);
  EXPECT_EQ(reader.be32(), 1200U);
  EXPECT_TRUE(reader.finished());
  EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNone);
}

TEST_F(MappingServiceTest, AnswersLeaveThroughTheMappingAndOtherPacketsDoNot) {
  build({.protocols = MappingProtocols::kPcp});
  map_by_pcp(1200);
  EXPECT_NE(seen_by(outside, inside).port, kPort);
  const HostId caller = add_host();
  const Endpoint mapped{external(), kPort};
  EXPECT_EQ(send(caller, mapped), Drop::kNone);
  EXPECT_EQ(seen_by(caller, inside), mapped);
}

TEST_F(MappingServiceTest, ANatThatMapsAllAlikeKeepsThePortThatIsInUse) {
  build({.protocols = MappingProtocols::kPcp}, "port-changing");
  const Endpoint before = seen_by(outside, inside);
  EXPECT_EQ(map_by_pcp(1200).port, before.port);
  EXPECT_EQ(seen_by(outside, inside), before);
}

TEST_F(MappingServiceTest, TwoHostsThatWantOnePortGetOneEach) {
  build({.protocols = MappingProtocols::kBoth});
  EXPECT_EQ(map_by_pcp(1200).port, kPort);
  const PcpAnswer theirs =
      read_pcp(ask_from(neighbour, pcp_map(v4(neighbour), kPort, kPort, 1200)));
  EXPECT_EQ(theirs.result, 0);
  EXPECT_NE(theirs.port, kPort);
  ask_from(neighbour, nat_pmp_map(kPort, 0, 0));
  EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNone) << "the first one's stands";
}

TEST_F(MappingServiceTest, ALeaseEndsUnlessItIsRenewed) {
  build({.protocols = MappingProtocols::kPcp});
  map_by_pcp(150);
  queue.run_for(100s);
  EXPECT_EQ(map_by_pcp(150).port, kPort);
  queue.run_for(100s);
  const IpAddress address = external();
  EXPECT_EQ(send(outside, {address, kPort}), Drop::kNone);
  queue.run_for(150s);
  EXPECT_EQ(send(outside, {address, kPort}), Drop::kNatFiltered);
}

TEST_F(MappingServiceTest, GrantsNoLongerLeaseThanItsModelSaysAndNoneBelowTwoMinutes) {
  build({.protocols = MappingProtocols::kPcp, .lease_max = 10min});
  EXPECT_EQ(map_by_pcp(86'400).lifetime, 600U);
  EXPECT_EQ(map_by_pcp(1).lifetime, 120U);
}

TEST_F(MappingServiceTest, WhatIsGivenBackIsGone) {
  build({.protocols = MappingProtocols::kBoth});
  for (const bool by_pcp : {true, false}) {
    map_by_pcp(1200);
    ask(by_pcp ? pcp_map(v4(inside), kPort, 0, 0) : nat_pmp_map(kPort, 0, 0));
    EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNatFiltered) << by_pcp;
  }
}

TEST_F(MappingServiceTest, AnotherNonceCanNeitherRenewNorDelete) {
  build({.protocols = MappingProtocols::kPcp});
  map_by_pcp(1200);
  EXPECT_EQ(map_by_pcp(1200, kOtherNonce).result, 2);
  EXPECT_EQ(map_by_pcp(0, kOtherNonce).result, 2);
  EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNone);
}

TEST_F(MappingServiceTest, NobodyMapsForAnother) {
  build({.protocols = MappingProtocols::kPcp});
  EXPECT_EQ(read_pcp(ask(pcp_map(v4(neighbour), kPort, kPort, 1200))).result, 12);
}

TEST_F(MappingServiceTest, AGatewayThatRefusesSaysSoAndMapsNothing) {
  build({.protocols = MappingProtocols::kBoth, .refuses = true});
  EXPECT_EQ(map_by_pcp(1200).result, 2);
  EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNatFiltered);
  EXPECT_FALSE(internet.surroundings(inside).maps_ports);
}

TEST_F(MappingServiceTest, AGatewayOfTheOtherProtocolNamesItsVersion) {
  build({.protocols = MappingProtocols::kNatPmp});
  const Bytes answer = ask(pcp_map(v4(inside), kPort, kPort, 1200));
  ByteReader reader(answer);
  EXPECT_EQ(reader.be32(), 0x0081'0001U);
  EXPECT_EQ(reader.remaining(), 4U) << "the epoch";
}

TEST_F(MappingServiceTest, AGatewayWithoutTheServiceIsSilent) {
  build({});
  EXPECT_TRUE(ask(pcp_map(v4(inside), kPort, kPort, 1200)).empty());
  EXPECT_EQ(last_fate, Drop::kHostDown);
  EXPECT_FALSE(internet.surroundings(inside).maps_ports);
}

TEST_F(MappingServiceTest, WhatIsNoRequestGetsNoAnswer) {
  build({.protocols = MappingProtocols::kBoth});
  for (const Bytes& junk : {Bytes{}, Bytes(1), Bytes{std::byte{0}, std::byte{0x80}},
                            Bytes{std::byte{0}, std::byte{1}, std::byte{0}}}) {
    EXPECT_TRUE(ask(junk).empty());
  }
  EXPECT_EQ(ByteReader(ask(Bytes{std::byte{2}, std::byte{1}})).be32(), 0x0281'0003U) << "malformed";
}

TEST_F(MappingServiceTest, ARebootLosesEveryMappingAndIsAnnouncedToAllHosts) {
  build({.protocols = MappingProtocols::kBoth});
  const std::uint32_t before = map_by_pcp(1200).epoch;
  arrivals.clear();
  internet.reboot(gateway);
  queue.run_for(1s);
  for (const HostId host : {inside, neighbour}) {
    ASSERT_EQ(arrivals[host].size(), 2U) << "PCP's and NAT-PMP's";
    EXPECT_EQ(arrivals[host][0].to.port, kMappingAnnouncementPort);
    EXPECT_EQ(ByteReader(arrivals[host][0].payload).be16(), 0x0280);
    EXPECT_EQ(ByteReader(arrivals[host][1].payload).be16(), 0x0080);
  }
  EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNatFiltered);
  EXPECT_LT(map_by_pcp(1200).epoch, before);
}

TEST_F(MappingServiceTest, ANewPublicAddressIsAnnouncedAndHasNoMappings) {
  build({.protocols = MappingProtocols::kPcp});
  map_by_pcp(1200);
  arrivals.clear();
  internet.change_addresses(inside);
  queue.run_for(1s);
  EXPECT_EQ(arrivals[inside].size(), 1U);
  EXPECT_EQ(send(outside, {external(), kPort}), Drop::kNatFiltered);
}

TEST_F(MappingServiceTest, BehindACarrierAMappingLeadsNowhere) {
  build({.protocols = MappingProtocols::kPcp}, "full-cone", add_gateway("port-restricted"));
  const PcpAnswer answer = map_by_pcp(1200);
  EXPECT_EQ(answer.result, 0);
  EXPECT_EQ(answer.external[0], std::byte{100});
  EXPECT_FALSE(internet.surroundings(inside).maps_ports);
}

}  // namespace
}  // namespace kadwire::testnet
