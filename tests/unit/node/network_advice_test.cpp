#include "node/network_advice.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/made_up.h"

namespace kadwire::node {
namespace {

using kadwire::testing::local;
using rendezvous::GatewayOutcome;
using rendezvous::LocalAddress;
using rendezvous::MappingBehavior;
using rendezvous::MappingProtocol;
using rendezvous::NetReport;
using rendezvous::StunReport;

StunReport server(const char* at, const char* source, const char* mapped) {
  StunReport report{.name = "stun.example", .server = *Endpoint::parse(at)};
  report.source = IpAddress::parse(source);
  report.mapped = Endpoint::parse(mapped);
  if (report.mapped) report.rtt = 12ms;
  return report;
}

/// A host at home whose two servers saw it at these ports.
NetReport home(MappingBehavior mapping, const char* first, const char* second) {
  NetReport report;
  report.addresses = {local("192.168.1.10/24")};
  report.routers = {*IpAddress::parse("192.168.1.1")};
  report.servers = {server("198.51.100.1:3478", "192.168.1.10", first),
                    server("192.0.2.7:3478", "192.168.1.10", second)};
  report.ipv4.mapping = mapping;
  report.ipv4.mapping_certain = true;
  report.ipv4.preserves_port = false;
  return report;
}
NetReport home_with_one_port() {
  return home(MappingBehavior::kEndpointIndependent, "203.0.113.5:7000", "203.0.113.5:7000");
}
NetReport home_with_random_ports() {
  NetReport report =
      home(MappingBehavior::kEndpointDependent, "203.0.113.5:7000", "203.0.113.5:31999");
  report.ipv4.random_ports = true;
  return report;
}

const Finding& finding(const NetworkAdvice& advice, std::string_view topic) {
  const auto found = std::ranges::find(advice.findings, topic, &Finding::topic);
  static const Finding kMissing{};
  return found == advice.findings.end() ? kMissing : *found;
}
/// Of the four kinds of peers, in their order: public, IPv6, home NATs, strict NATs.
std::vector<Prospect> prospects(const NetworkAdvice& advice) {
  std::vector<Prospect> all;
  for (const Expectation& each : advice.expectations) all.push_back(each.prospect);
  return all;
}
bool advises(const NetworkAdvice& advice, std::string_view part) {
  return std::ranges::any_of(advice.changes, [&](const std::string& change) {
    return change.find(part) != std::string::npos;
  });
}

TEST(NetworkAdvice, OfAHomeNatGivesWhatBothServersSawAsEvidence) {
  const NetworkAdvice advice = advise(home_with_one_port());
  EXPECT_TRUE(advice.udp_works);
  EXPECT_EQ(finding(advice, "mapping").text,
            "a NAT with one outer port for all destinations (endpoint-independent)");
  EXPECT_EQ(finding(advice, "mapping").evidence,
            "198.51.100.1:3478 saw 203.0.113.5:7000, 192.0.2.7:3478 saw 203.0.113.5:7000");
  EXPECT_TRUE(finding(advice, "mapping").certain);
  EXPECT_EQ(prospects(advice), (std::vector{Prospect::kDirect, Prospect::kNone, Prospect::kDirect,
                                            Prospect::kDirect}));
}

TEST(NetworkAdvice, OfRandomPortsExpectsRelaysAndAdvisesForwarding) {
  const NetworkAdvice advice = advise(home_with_random_ports());
  EXPECT_EQ(prospects(advice), (std::vector{Prospect::kDirect, Prospect::kNone, Prospect::kDirect,
                                            Prospect::kRelayed}));
  EXPECT_FALSE(finding(advice, "ports").certain);
  EXPECT_TRUE(advises(advice, "forward UDP 51820"));
  EXPECT_TRUE(advises(advice, "member with a public address"));
}

TEST(NetworkAdvice, OfPortsInARowExpectsThatTheyAreGuessed) {
  NetReport report = home_with_random_ports();
  report.ipv4.random_ports = false;
  report.ipv4.port_step = 2;
  report.ipv4.ports_certain = true;
  const NetworkAdvice advice = advise(report);
  EXPECT_EQ(finding(advice, "ports").text,
            "each new destination gets the last one's port plus 2, so ports can be guessed");
  EXPECT_EQ(prospects(advice)[2], Prospect::kDirect);
  EXPECT_EQ(prospects(advice)[3], Prospect::kPerhaps);
}

TEST(NetworkAdvice, OfAGatewayThatMapsPortsExpectsDirectTunnelsOnly) {
  NetReport report = home_with_random_ports();
  report.gateway = report.routers[0];
  report.gateways = {
      {MappingProtocol::kPcp, GatewayOutcome::kSilent, {}},
      {MappingProtocol::kUpnp, GatewayOutcome::kAnswers, IpAddress::parse("203.0.113.5")}};
  const NetworkAdvice advice = advise(report);
  EXPECT_EQ(prospects(advice)[3], Prospect::kDirect);
  EXPECT_EQ(finding(advice, "gateway").evidence, "192.168.1.1 answers UPnP, is silent to PCP");
  EXPECT_EQ(finding(advice, "nats").text, "one NAT, this site's own");
  EXPECT_FALSE(advises(advice, "forward UDP"));
}

TEST(NetworkAdvice, BehindACarriersNatDoesNotAdviseForwarding) {
  NetReport report = home_with_random_ports();
  report.ipv4.carrier_grade = true;
  report.gateway = report.routers[0];
  report.gateways = {
      {MappingProtocol::kNatPmp, GatewayOutcome::kAnswers, IpAddress::parse("100.64.9.9")}};
  const NetworkAdvice advice = advise(report);
  EXPECT_EQ(finding(advice, "nats").evidence,
            "the gateway says it has 100.64.9.9, the servers saw 203.0.113.5");
  EXPECT_TRUE(advises(advice, "does not help"));
  EXPECT_EQ(prospects(advice)[3], Prospect::kRelayed);
}

TEST(NetworkAdvice, FromOneServerAsksForAnother) {
  NetReport report = home_with_one_port();
  report.servers.pop_back();
  report.ipv4 = {};
  report.ipv4.preserves_port = false;
  const NetworkAdvice advice = advise(report);
  EXPECT_FALSE(finding(advice, "mapping").certain);
  EXPECT_TRUE(advises(advice, "--stun A --stun B"));
}

TEST(NetworkAdvice, OfAPublicHostWithIpv6HasNothingToChange) {
  NetReport report;
  report.addresses = {local("203.0.113.5/24"), local("2001:db8::5/64")};
  report.servers = {server("198.51.100.1:3478", "203.0.113.5", "203.0.113.5:40000"),
                    server("[2001:db8:1::1]:3478", "2001:db8::5", "[2001:db8::5]:40000")};
  report.ipv4.mapping = report.ipv6.mapping = MappingBehavior::kNone;
  report.ipv4.mapping_certain = report.ipv6.mapping_certain = true;
  const NetworkAdvice advice = advise(report);
  EXPECT_TRUE(advice.changes.empty());
  EXPECT_EQ(prospects(advice), std::vector(4, Prospect::kDirect));
  EXPECT_EQ(finding(advice, "ipv6").text, "works, without translation");
  EXPECT_EQ(finding(advice, "nats").text, "");
}

TEST(NetworkAdvice, TellsTheReasonsForNoAnswerApart) {
  NetReport blocked = home(MappingBehavior::kUnknown, "", "");
  const NetworkAdvice silence = advise(blocked);
  EXPECT_FALSE(silence.udp_works);
  EXPECT_EQ(finding(silence, "udp").text, "UDP is blocked between here and the internet");
  EXPECT_TRUE(finding(silence, "udp").certain);
  EXPECT_TRUE(silence.expectations.empty());

  blocked.servers.pop_back();
  EXPECT_FALSE(finding(advise(blocked), "udp").certain);

  NetReport no_route = blocked;
  no_route.servers[0].source.reset();
  EXPECT_EQ(finding(advise(no_route), "udp").text, "there is no route to the internet");

  NetReport no_names = blocked;
  no_names.servers.clear();
  no_names.unresolved = {{"stun.example", "stun.example does not resolve"}};
  EXPECT_EQ(finding(advise(no_names), "udp").evidence, "stun.example does not resolve");

  NetReport no_network = no_names;
  no_network.addresses = {local("127.0.0.1/8"), local("fe80::1/64")};
  EXPECT_EQ(finding(advise(no_network), "udp").text, "this host has no network");
}

TEST(NetworkAdvice, DoesNotCallIpv6BrokenIfNobodyWasAsked) {
  NetReport report = home_with_one_port();
  report.addresses.push_back(local("2001:db8::5/64"));
  EXPECT_FALSE(finding(advise(report), "ipv6").certain);
  report.servers.push_back(server("[2001:db8:1::1]:3478", "2001:db8::5", ""));
  EXPECT_EQ(finding(advise(report), "ipv6").text,
            "does not work beyond this network: no server answered over it");
}

TEST(NetworkAdvice, DoesNotCallIpv4SilentIfNobodyWasAsked) {
  NetReport report;
  report.addresses = {local("192.168.1.10/24"), local("2001:db8::5/64")};
  report.servers = {server("[2001:db8:1::1]:3478", "2001:db8::5", "[2001:db8::5]:40000")};
  report.ipv6.mapping = MappingBehavior::kNone;
  const NetworkAdvice advice = advise(report);
  EXPECT_EQ(finding(advice, "ipv4").text,
            "not known to work: no server with an IPv4 address could be asked");
  EXPECT_FALSE(finding(advice, "ipv4").certain);
  EXPECT_EQ(prospects(advice), (std::vector{Prospect::kPerhaps, Prospect::kDirect,
                                            Prospect::kPerhaps, Prospect::kPerhaps}));
  EXPECT_EQ(advice.expectations[0].reason, "no server was asked over IPv4");

  report.servers.push_back(server("198.51.100.1:3478", "192.168.1.10", ""));
  EXPECT_EQ(finding(advise(report), "ipv4").text, "no server answered over IPv4");
  EXPECT_EQ(prospects(advise(report))[0], Prospect::kNone);

  report.servers.clear();
  report.unresolved = {{"nonexist.invalid", "nonexist.invalid does not resolve"}};
  EXPECT_FALSE(finding(advise(report), "ipv4").text.starts_with("no server answered"));
}

TEST(NetworkAdvice, ExpectsNothingForSureOfIpv6ThatNobodyWasAskedOver) {
  NetReport report = home_with_one_port();
  EXPECT_TRUE(advises(advise(report), "Switch on IPv6"));
  report.addresses.push_back(local("2001:db8::5/64"));
  EXPECT_EQ(prospects(advise(report))[1], Prospect::kPerhaps);
  EXPECT_FALSE(advises(advise(report), "Switch on IPv6"));
  report.servers.push_back(server("[2001:db8:1::1]:3478", "2001:db8::5", ""));
  EXPECT_EQ(prospects(advise(report))[1], Prospect::kNone);
  EXPECT_TRUE(advises(advise(report), "Switch on IPv6"));
}

TEST(NetworkAdvice, TellsNoIpv6FromNoneThatIsPublic) {
  NetReport report = home_with_one_port();
  EXPECT_EQ(finding(advise(report), "ipv6").text, "this host has no IPv6");
  report.addresses.push_back(local("fd00::2/64"));
  EXPECT_EQ(finding(advise(report), "ipv6").text, "this host has no public IPv6 address");
  EXPECT_EQ(finding(advise(report), "ipv6").evidence, "fd00::2 (eth0, private)");
}

TEST(NetworkAdvice, NamesTheQualityOfAnAddress) {
  EXPECT_EQ(quality_of(local("203.0.113.5/24")), "global");
  EXPECT_EQ(quality_of(local("10.1.2.3/8")), "private");
  EXPECT_EQ(quality_of(local("100.64.0.9/10")), "carrier's");
  LocalAddress temporary = local("2001:db8::5/64");
  temporary.temporary = true;
  EXPECT_EQ(quality_of(temporary), "temporary");
}

}  // namespace
}  // namespace kadwire::node
