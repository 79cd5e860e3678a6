#include "node/base/endpoint.h"

#include <gtest/gtest.h>

namespace kadwire {
namespace {

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}
Prefix prefix(std::string_view text) {
  return *Prefix::parse(text);
}

TEST(IpAddress, WritesBothFamiliesAsRfc5952Says) {
  EXPECT_EQ(address("192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_EQ(address("2001:DB8:0:0:0:0:0:1").to_string(), "2001:db8::1");
  EXPECT_EQ(address("::").to_string(), "::");
  EXPECT_EQ(address("2001:db8:0:1:1:1:1:1").to_string(), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(IpAddress().to_string(), "0.0.0.0");
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.0.0.1"sv, "01.2.3.4"sv, "1.2.3.4 "sv, " ::1"sv,
        "fe80::1%eth0"sv, ":::"sv, "[::1]"sv, "host"sv, "1.2.3.4\0"sv, "::1\0x"sv}) {
    EXPECT_EQ(IpAddress::parse(text), std::nullopt) << text;
  }
}

TEST(IpAddress, GivesAMappedAddressTheSpellingOfIpv4) {
  EXPECT_EQ(address("::ffff:192.0.2.1"), address("192.0.2.1"));
  EXPECT_TRUE(address("::ffff:192.0.2.1").is_v4());
  EXPECT_TRUE(address("::fffe:192.0.2.1").is_v6());
}

TEST(IpAddress, TakesFourOrSixteenBytes) {
  EXPECT_EQ(IpAddress::from_bytes(address("192.0.2.1").bytes()), address("192.0.2.1"));
  EXPECT_EQ(IpAddress::from_bytes(address("2001:db8::1").bytes()), address("2001:db8::1"));
  EXPECT_EQ(IpAddress::from_bytes(as_bytes("abcde")), std::nullopt);
  EXPECT_EQ(IpAddress::from_bytes({}), std::nullopt);
}

TEST(IpAddress, HoldsIpv4AsANumberInHostOrder) {
  EXPECT_EQ(address("10.1.2.3").v4_value(), 0x0a010203U);
  EXPECT_EQ(IpAddress::v4(std::uint32_t{0xc0000201}), address("192.0.2.1"));
}

struct Scope {
  std::string_view text;
  bool unspecified, loopback, multicast, link_local, is_private;
};
constexpr Scope kScopes[] = {
    {"0.0.0.0", true, false, false, false, false},
    {"::", true, false, false, false, false},
    {"127.255.0.1", false, true, false, false, false},
    {"::1", false, true, false, false, false},
    {"::2", false, false, false, false, false},
    {"224.0.0.1", false, false, true, false, false},
    {"239.255.255.255", false, false, true, false, false},
    {"240.0.0.1", false, false, false, false, false},
    {"255.255.255.255", false, false, true, false, false},
    {"ff02::1", false, false, true, false, false},
    {"169.254.1.1", false, false, false, true, false},
    {"fe80::1", false, false, false, true, false},
    {"febf::1", false, false, false, true, false},
    {"fec0::1", false, false, false, false, false},
    {"9.255.255.255", false, false, false, false, false},
    {"10.0.0.1", false, false, false, false, true},
    {"172.15.255.255", false, false, false, false, false},
    {"172.16.0.1", false, false, false, false, true},
    {"172.31.255.255", false, false, false, false, true},
    {"172.32.0.0", false, false, false, false, false},
    {"192.168.255.255", false, false, false, false, true},
    {"100.63.255.255", false, false, false, false, false},
    {"100.64.0.1", false, false, false, false, true},
    {"100.127.255.255", false, false, false, false, true},
    {"100.128.0.0", false, false, false, false, false},
    {"fc00::1", false, false, false, false, true},
    {"fdff::1", false, false, false, false, true},
    {"fe00::1", false, false, false, false, false},
    {"2001:db8::1", false, false, false, false, false},
};

TEST(IpAddress, KnowsItsScopeToTheEdgesOfEachBlock) {
  for (const Scope& scope : kScopes) {
    const IpAddress it = address(scope.text);
    EXPECT_EQ(it.is_unspecified(), scope.unspecified) << scope.text;
    EXPECT_EQ(it.is_loopback(), scope.loopback) << scope.text;
    EXPECT_EQ(it.is_multicast(), scope.multicast) << scope.text;
    EXPECT_EQ(it.is_link_local(), scope.link_local) << scope.text;
    EXPECT_EQ(it.is_private(), scope.is_private) << scope.text;
  }
}

TEST(Prefix, KeepsHostBitsUntilAskedForTheNetwork) {
  EXPECT_EQ(prefix("10.1.2.3/16").to_string(), "10.1.2.3/16");
  EXPECT_EQ(prefix("10.1.2.3/16").network().to_string(), "10.1.0.0/16");
  EXPECT_EQ(prefix("10.1.2.255/30").network().to_string(), "10.1.2.252/30");
  EXPECT_EQ(prefix("10.1.2.3/0").network().to_string(), "0.0.0.0/0");
  EXPECT_EQ(prefix("2001:db8:ffff::1/33").network().to_string(), "2001:db8:8000::/33");
  EXPECT_EQ(prefix("2001:db8::1/128").network().to_string(), "2001:db8::1/128");
}

TEST(Prefix, RefusesALengthOutsideItsFamily) {
  for (const std::string_view text :
       {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ",
        "::/129", "/8", "10.0.0.0/8/8", "10.0.0.0/4294967304"}) {
    EXPECT_EQ(Prefix::parse(text), std::nullopt) << text;
  }
}

TEST(Prefix, ContainsItsOwnAddressesOnly) {
  EXPECT_TRUE(prefix("10.1.0.0/16").contains(address("10.1.255.255")));
  EXPECT_FALSE(prefix("10.1.0.0/16").contains(address("10.2.0.0")));
  EXPECT_TRUE(prefix("10.1.2.3/32").contains(address("10.1.2.3")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::")));
  EXPECT_TRUE(prefix("::/0").contains(address("2001:db8::1")));
}

TEST(Prefix, OverlapsWhicheverOfTheTwoIsWider) {
  EXPECT_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.1.0.0/16")));
  EXPECT_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
  EXPECT_FALSE(prefix("10.1.0.0/16").overlaps(prefix("10.2.0.0/16")));
  EXPECT_FALSE(prefix("0.0.0.0/0").overlaps(prefix("::/0")));
}

TEST(Prefix, OfAHostHasAllBits) {
  EXPECT_EQ(Prefix::of_host(address("10.1.2.3")).to_string(), "10.1.2.3/32");
  EXPECT_EQ(Prefix::of_host(address("fd00::1")).to_string(), "fd00::1/128");
}

TEST(Endpoint, ReadsWhatItWrites) {
  for (const std::string_view text : {"192.0.2.1:51820", "[2001:db8::1]:1", "0.0.0.0:65535"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
}

TEST(Endpoint, RefusesWhatIsNoEndpoint) {
  for (const std::string_view text :
       {"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", ":1", "192.0.2.1:65536", "192.0.2.1:080",
        "[192.0.2.1]:80", "::1:80", "2001:db8::1", "[::1]", "[::1]80", "[]:80", "host:80",
        "192.0.2.1:+80", "192.0.2.1: 80"}) {
    EXPECT_EQ(Endpoint::parse(text), std::nullopt) << text;
  }
}

TEST(Port, IsAWholeNumberFrom1To65535) {
  EXPECT_EQ(parse_port("1"), 1);
  EXPECT_EQ(parse_port("65535"), 65535);
  for (const std::string_view text :
       {"", "0", "65536", "99999999999", "-1", "+1", "1 ", "1x", "0x10"}) {
    EXPECT_EQ(parse_port(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace kadwire
