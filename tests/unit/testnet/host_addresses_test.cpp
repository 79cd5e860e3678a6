/// Hosts with several addresses.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/testnet/internet_fixture.h"

namespace kadwire::testnet {
namespace {

class HostAddresses : public InternetTest {
 protected:
  [[nodiscard]] std::vector<HostAddress> of_family(HostId host, AddressFamily family) const {
    auto addresses = internet.addresses(host);
    std::erase_if(addresses,
                  [&](const HostAddress& own) { return own.prefix.address.family() != family; });
    return addresses;
  }
  [[nodiscard]] IpAddress preferred(HostId host) const {
    const auto all = of_family(host, AddressFamily::kIpv6);
    const auto found = std::ranges::find_if(
        all, [](const HostAddress& own) { return own.temporary && !own.deprecated; });
    EXPECT_NE(found, all.end());
    return found->prefix.address;
  }
};

TEST_F(HostAddresses, ASecondIpv4AddressIsReachedAsTheFirstIs) {
  const GatewayId gateway = add_gateway("full-cone");
  const HostId inside = add_host({.behind = gateway, .second_ipv4 = true});
  const HostId neighbour = add_host_behind(gateway);
  const HostId server = add_host({.second_ipv4 = true});
  for (const HostId host : {inside, server}) {
    const auto own = of_family(host, AddressFamily::kIpv4);
    ASSERT_EQ(own.size(), 2U);
    EXPECT_NE(own[0].prefix.address, own[1].prefix.address);
    for (const HostAddress& each : own) {
      EXPECT_EQ(send(neighbour, {each.prefix.address, kPort}), Drop::kNone);
      EXPECT_EQ(last(host).to.address, each.prefix.address);
    }
  }
  EXPECT_EQ(send(neighbour, inside), Drop::kNone);
  EXPECT_EQ(send(inside, neighbour), Drop::kNone);
  EXPECT_EQ(last(neighbour).from.address, v4(inside)) << "the first is the source";
}

TEST_F(HostAddresses, ANewFlowLeavesFromTheTemporaryAddress) {
  const GatewayId gateway = add_gateway("full-cone");
  const HostId server = add_host();
  for (const HostId host : {add_host({.temporary_ipv6 = true}),
                            add_host({.behind = gateway, .temporary_ipv6 = true})}) {
    EXPECT_EQ(send_v6(host, server), Drop::kNone);
    EXPECT_EQ(last(server).from.address, preferred(host));
    EXPECT_NE(preferred(host), v6(host)) << "the first is the stable one";
    EXPECT_EQ(send(server, {preferred(host), kPort}), Drop::kNone);
    EXPECT_EQ(send_v6(server, host), Drop::kNone);
  }
}

TEST_F(HostAddresses, ATemporaryAddressIsDeprecatedAndThenGone) {
  const HostId server = add_host();
  const HostId host = add_host({.temporary_ipv6 = true});
  const IpAddress first = preferred(host);
  internet.renew_temporary_addresses(host);
  const IpAddress second = preferred(host);
  EXPECT_NE(second, first);
  EXPECT_EQ(send(server, {first, kPort}), Drop::kNone) << "deprecated, and still there";
  EXPECT_EQ(send_v6(host, server), Drop::kNone);
  EXPECT_EQ(last(server).from.address, second);
  internet.renew_temporary_addresses(host);
  EXPECT_EQ(send(server, {first, kPort}), Drop::kNoRoute);
  EXPECT_EQ(send(server, {second, kPort}), Drop::kNone);
  EXPECT_EQ(of_family(host, AddressFamily::kIpv6).size(), 3U);
}

TEST_F(HostAddresses, ASourceThatIsNamedIsKept) {
  const HostId server = add_host();
  const HostId host = add_host({.temporary_ipv6 = true});
  const IpAddress old = preferred(host);
  internet.renew_temporary_addresses(host);
  for (const IpAddress& source : {old, v6(host), preferred(host)}) {
    internet.send(host, kPort, {v6(server), kPort}, {}, {.address = source});
    queue.run_for(1s);
    EXPECT_EQ(last(server).from.address, source);
  }
  internet.renew_temporary_addresses(host);
  internet.send(host, kPort, {v6(server), kPort}, {}, {.address = old});
  EXPECT_EQ(last_fate, Drop::kNoRoute) << "nobody sends from what he has not";
}

TEST_F(HostAddresses, AllOfThemChangeWithTheNetwork) {
  const GatewayId gateway = add_gateway("full-cone");
  const HostId server = add_host();
  for (const HostId host : {add_host({.second_ipv4 = true, .temporary_ipv6 = true}),
                            add_host({.behind = gateway, .temporary_ipv6 = true})}) {
    const auto before = internet.addresses(host);
    internet.change_addresses(host);
    const auto after = internet.addresses(host);
    ASSERT_EQ(after.size(), before.size());
    EXPECT_EQ(send(server, {before.back().prefix.address, kPort}), Drop::kNoRoute);
    EXPECT_EQ(send(server, {after.back().prefix.address, kPort}), Drop::kNone);
  }
}

TEST_F(HostAddresses, AFirewallLetsAnswersInToTheAddressThatAskedAlone) {
  const HostId server = add_host();
  const HostId host = add_host({.firewall = {.stateful = true}, .temporary_ipv6 = true});
  EXPECT_EQ(send_v6(host, server), Drop::kNone);
  EXPECT_EQ(send_v6(server, host), Drop::kFirewall) << "the stable address asked nothing";
  EXPECT_EQ(send(server, {preferred(host), kPort}), Drop::kNone);
}

}  // namespace
}  // namespace kadwire::testnet
