#include "rendezvous/candidate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/made_up.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::local;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint16_t kPort = 51820;

LocalAddress bridge(std::string_view prefix) {
  LocalAddress address = local(prefix);
  address.bridge = true;
  return address;
}

Candidate host(std::string_view endpoint) {
  return {CandidateKind::kHost, *Endpoint::parse(endpoint)};
}

std::vector<std::string> addresses_of(std::span<const Candidate> candidates) {
  std::vector<std::string> texts;
  for (const Candidate& candidate : candidates) {
    texts.push_back(candidate.endpoint.address.to_string());
  }
  return texts;
}

std::vector<std::string> published(std::span<const LocalAddress> own,
                                   std::span<const Prefix> mesh = {}) {
  return addresses_of(host_candidates(own, kPort, mesh));
}

/// A host with one public address of each family and one private network.
const std::vector<LocalAddress>& dual_stack_host() {
  static const std::vector<LocalAddress> own = {local("198.51.100.5/24"), local("192.168.1.7/24"),
                                                local("2001:db8:1::5/64"), local("fe80::5/64"),
                                                local("127.0.0.1/8")};
  return own;
}

std::vector<std::string> dialled(std::vector<std::string_view> claimed,
                                 std::span<const LocalAddress> own = dual_stack_host(),
                                 std::span<const Prefix> mesh = {}) {
  std::vector<Candidate> candidates;
  for (const std::string_view endpoint : claimed) candidates.push_back(host(endpoint));
  return addresses_of(dialable_candidates(candidates, own, mesh));
}

TEST(HostCandidates, ComeIpv6GlobalThenIpv4PublicThenPrivateThenBridges) {
  const std::vector<LocalAddress> own = {bridge("172.17.0.1/16"), local("192.168.1.7/24"),
                                         local("198.51.100.5/24"), local("fd00::7/64"),
                                         local("2001:db8::5/64")};
  EXPECT_THAT(published(own),
              ElementsAre("2001:db8::5", "198.51.100.5", "fd00::7", "192.168.1.7", "172.17.0.1"));
}

TEST(HostCandidates, CarryThePortAndTheirKind) {
  const std::vector<LocalAddress> own = {local("198.51.100.5/24")};
  EXPECT_THAT(host_candidates(own, kPort, {}), ElementsAre(host("198.51.100.5:51820")));
}

TEST(HostCandidates, PutStableAddressesBeforeTemporaryOnes) {
  std::vector<LocalAddress> own = {local("2001:db8::aaaa/64"), local("2001:db8::5/64")};
  own[0].temporary = true;
  EXPECT_THAT(published(own), ElementsAre("2001:db8::5", "2001:db8::aaaa"));
}

TEST(HostCandidates, LeaveOutWhatNobodyElseCanReach) {
  std::vector<LocalAddress> own = {
      local("127.0.0.1/8"), local("::1/128"),     local("169.254.1.1/16"), local("fe80::1/64"),
      local("0.0.0.0/8"),   local("ff02::1/128"), local("2001:db8::1/64"), local("2001:db8::2/64")};
  own[6].deprecated = true;
  own[7].tentative = true;
  EXPECT_THAT(published(own), IsEmpty());
}

TEST(HostCandidates, LeaveOutTheMeshItself) {
  const std::vector<LocalAddress> own = {local("10.42.3.4/16"), local("10.43.3.4/16")};
  const std::vector<Prefix> mesh = {*Prefix::parse("10.42.0.0/16")};
  EXPECT_THAT(published(own, mesh), ElementsAre("10.43.3.4"));
}

TEST(HostCandidates, NameAnAddressOnceHoweverManyInterfacesHaveIt) {
  const std::vector<LocalAddress> own = {local("10.1.0.1/24"), local("10.1.0.1/32")};
  EXPECT_THAT(published(own), ElementsAre("10.1.0.1"));
}

std::vector<std::string> without_card(std::span<const LocalAddress> own,
                                      std::vector<Candidate> candidates) {
  const std::vector<Prefix> mesh = {*Prefix::parse("fd77::/64")};
  return addresses_of(without_card_numbers(std::move(candidates), own, mesh));
}
std::vector<std::string> without_card(std::span<const LocalAddress> own) {
  return without_card(own, host_candidates(own, kPort, {}));
}

/// Of a card with the number 00:11:22:33:44:55.
LocalAddress eui64(std::string_view start = "2001:db8::") {
  return local(std::string(start) + "211:22ff:fe33:4455/64");
}

TEST(CardNumbers, AreLeftOutWhereAnotherGlobalAddressServes) {
  EXPECT_THAT(without_card(std::vector{eui64(), local("2001:db8::5/64")}),
              ElementsAre("2001:db8::5"));
  std::vector own = {eui64(), local("2001:db8::aaaa/64"), local("192.168.1.7/24")};
  own[1].temporary = true;
  EXPECT_THAT(without_card(own), ElementsAre("2001:db8::aaaa", "192.168.1.7"));
}

TEST(CardNumbers, AreLeftOutAsOthersSawThemToo) {
  const std::vector own = {eui64(), local("2001:db8::5/64")};
  const std::vector<Candidate> seen = {
      {CandidateKind::kServerReflexive, {eui64().prefix.address, kPort}},
      {CandidateKind::kServerReflexive, *Endpoint::parse("203.0.113.5:7000")}};
  EXPECT_THAT(without_card(own, seen), ElementsAre("203.0.113.5"));
}

TEST(CardNumbers, StayWhereThereIsNoOtherGlobalAddress) {
  const std::string kept = eui64().prefix.address.to_string();
  EXPECT_THAT(without_card(std::vector{eui64()}), ElementsAre(kept));
  std::vector own = {eui64(), local("2001:db8::5/64")};
  own[1].deprecated = true;
  EXPECT_THAT(without_card(own), ElementsAre(kept));
  own[1].deprecated = false;
  own[1].tentative = true;
  EXPECT_THAT(without_card(own), ElementsAre(kept));
  own[1] = bridge("2001:db8:9::1/64");
  EXPECT_THAT(without_card(own), ElementsAre(kept, "2001:db8:9::1"));
  own[1] = eui64("2001:db8:2::");
  EXPECT_EQ(without_card(own).size(), 2U);
  for (const char* no_global : {"fe80::5/64", "fd00::5/64", "fd77::5/64", "198.51.100.5/24"}) {
    own[1] = local(no_global);
    EXPECT_THAT(without_card(own), ::testing::Contains(kept)) << no_global;
  }
}

TEST(CardNumbers, AreOnlyThoseOfGlobalAddressesAndOfUniversalNumbers) {
  const std::vector<LocalAddress> own = {
      local("2001:db8::5/64"), local("fd00::211:22ff:fe33:4455/64"),
      local("2001:db8::11:22ff:fe33:4455/64"),  // a local number: nobody's card
      local("2001:db8::211:22ff:fd33:4455/64"), local("2001:db8::211:22fe:fe33:4455/64")};
  EXPECT_EQ(without_card(own).size(), own.size());
}

TEST(HostCandidates, KeepIpv4VisibleBesideManyIpv6Addresses) {
  std::vector<LocalAddress> own = {local("192.168.1.7/24")};
  for (int i = 1; i <= 20; ++i) own.push_back(local("2001:db8::" + std::to_string(i) + "/64"));
  const auto texts = published(own);
  EXPECT_EQ(texts.size(), kCandidatesMax);
  EXPECT_EQ(texts.front(), "2001:db8::1");
  EXPECT_EQ(texts.back(), "192.168.1.7");
}

TEST(DialableCandidates, AcceptPublicAddressesOfBothFamilies) {
  EXPECT_THAT(dialled({"203.0.113.9:1", "[2001:db8:2::9]:1"}),
              ElementsAre("2001:db8:2::9", "203.0.113.9"));
}

TEST(DialableCandidates, RefuseAddressesThatNameNoOtherHost) {
  EXPECT_THAT(dialled({"127.0.0.1:1", "[::1]:1", "0.0.0.0:1", "[::]:1", "224.0.0.1:1",
                       "[ff02::1]:1", "255.255.255.255:1", "169.254.1.1:1", "[fe80::9]:1"}),
              IsEmpty());
}

TEST(DialableCandidates, RefusePortZero) {
  const std::vector<Candidate> claimed = {
      {CandidateKind::kHost, {*IpAddress::parse("203.0.113.9"), 0}}};
  EXPECT_THAT(dialable_candidates(claimed, dual_stack_host(), {}), IsEmpty());
}

TEST(DialableCandidates, RefuseOwnAddressesAndTheMesh) {
  const std::vector<Prefix> mesh = {*Prefix::parse("192.168.1.64/26")};
  EXPECT_THAT(dialled({"198.51.100.5:53", "192.168.1.70:1"}, dual_stack_host(), mesh), IsEmpty());
}

TEST(DialableCandidates, RefuseTheBroadcastAddressesOfOwnNetworks) {
  EXPECT_THAT(dialled({"192.168.1.255:1", "192.168.1.0:1", "198.51.100.255:1"}), IsEmpty());
}

TEST(DialableCandidates, DialBothEndsOfAPointToPointNetwork) {
  const std::vector<LocalAddress> own = {local("10.0.0.0/31")};
  EXPECT_THAT(dialled({"10.0.0.1:1"}, own), ElementsAre("10.0.0.1"));
}

TEST(DialableCandidates, EnterAPrivateRangeOnlyWithAnInterfaceInIt) {
  EXPECT_THAT(dialled({"10.1.2.3:1", "172.16.1.1:1", "100.64.1.1:1", "[fd00::1]:1"}), IsEmpty());
  EXPECT_THAT(dialled({"192.168.77.3:1"}), ElementsAre("192.168.77.3"));
}

TEST(DialableCandidates, TakeABridgeAsAReasonForItsOwnNetworkOnly) {
  const std::vector<LocalAddress> own = {bridge("172.17.0.1/16")};
  EXPECT_THAT(dialled({"172.17.0.9:1", "172.20.0.9:1"}, own), ElementsAre("172.17.0.9"));
}

TEST(DialableCandidates, NeedAnOwnAddressOfTheFamilyBeyondTheLink) {
  const std::vector<LocalAddress> own = {local("198.51.100.5/24"), local("fe80::5/64"),
                                         local("::1/128")};
  EXPECT_THAT(dialled({"[2001:db8::1]:1", "203.0.113.9:1"}, own), ElementsAre("203.0.113.9"));
}

TEST(DialableCandidates, TryTheOwnLinkFirstAndBridgesLast) {
  std::vector<LocalAddress> own = dual_stack_host();
  own.push_back(bridge("172.17.0.1/16"));
  EXPECT_THAT(
      dialled(
          {"172.17.0.9:1", "192.168.9.9:1", "203.0.113.9:1", "[2001:db8:2::9]:1", "192.168.1.9:1"},
          own),
      ElementsAre("192.168.1.9", "2001:db8:2::9", "203.0.113.9", "192.168.9.9", "172.17.0.9"));
}

TEST(DialableCandidates, TryWhatTheOperatorSaidBeforeAll) {
  const std::vector<Candidate> claimed = {
      host("192.168.1.9:1"), {CandidateKind::kStatic, *Endpoint::parse("203.0.113.9:1")}};
  EXPECT_THAT(addresses_of(dialable_candidates(claimed, dual_stack_host(), {})),
              ElementsAre("203.0.113.9", "192.168.1.9"));
}

TEST(DialableCandidates, NeverExceedTheBound) {
  std::vector<Candidate> claimed;
  for (std::uint16_t port = 1; port <= 50; ++port) {
    claimed.push_back({CandidateKind::kHost, {*IpAddress::parse("203.0.113.9"), port}});
  }
  EXPECT_EQ(dialable_candidates(claimed, dual_stack_host(), {}).size(), kCandidatesMax);
}

}  // namespace
}  // namespace kadwire::rendezvous
