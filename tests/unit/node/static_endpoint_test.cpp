#include "node/static_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/made_up.h"

namespace kadwire::node {
namespace {

using kadwire::testing::endpoint;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<Prefix> kMesh = {*Prefix::parse("10.42.0.0/16"), *Prefix::parse("fd77::/64")};

TEST(FlawOfEndpoint, IsThatNoOtherMemberCouldReachThisNodeThere) {
  for (const char* bad :
       {"0.0.0.0:7", "[::]:7", "127.0.0.1:7", "[::1]:7", "224.0.0.1:7", "[ff02::1]:7",
        "255.255.255.255:7", "169.254.1.2:7", "[fe80::1]:7", "10.42.3.4:7", "[fd77::5]:7"}) {
    EXPECT_NE(flaw_of_endpoint(endpoint(bad), kMesh), "") << bad;
  }
  EXPECT_NE(flaw_of_endpoint({endpoint("192.0.2.1:7").address, 0}, kMesh), "");
  for (const char* good : {"192.0.2.1:7", "10.43.3.4:7", "[fd78::5]:7", "[2001:db8::1]:7"}) {
    EXPECT_EQ(flaw_of_endpoint(endpoint(good), kMesh), "") << good;
  }
}

TEST(ChooseEndpoints, TakesOneOfEachFamilyThePublicOnesFirst) {
  std::vector<Endpoint> resolved = {endpoint("192.168.1.2:7"), endpoint("198.51.100.9:7"),
                                    endpoint("198.51.100.8:7"), endpoint("[fd00::1]:7"),
                                    endpoint("[2001:db8::2]:7")};
  std::ranges::sort(resolved);
  do {
    EXPECT_THAT(choose_endpoints(resolved, kMesh).endpoints,
                ElementsAre(endpoint("198.51.100.8:7"), endpoint("[2001:db8::2]:7")));
  } while (std::ranges::next_permutation(resolved).found);
}

TEST(ChooseEndpoints, TakesTwoOfTheOnlyFamilyThatThereIs) {
  const std::vector<Endpoint> resolved = {endpoint("198.51.100.9:7"), endpoint("192.168.1.2:7"),
                                          endpoint("198.51.100.8:7")};
  EXPECT_THAT(choose_endpoints(resolved, kMesh).endpoints,
              ElementsAre(endpoint("198.51.100.8:7"), endpoint("198.51.100.9:7")));
  EXPECT_THAT(choose_endpoints(std::vector{endpoint("[fd00::1]:7")}, kMesh).endpoints,
              ElementsAre(endpoint("[fd00::1]:7")));
  EXPECT_THAT(choose_endpoints({}, kMesh).endpoints, IsEmpty());
}

TEST(ChooseEndpoints, LeavesOutWhatHasAFlawAndSaysSo) {
  const auto chosen =
      choose_endpoints(std::vector{endpoint("127.0.1.1:7"), endpoint("192.168.1.2:7")}, kMesh);
  EXPECT_THAT(chosen.endpoints, ElementsAre(endpoint("192.168.1.2:7")));
  EXPECT_THAT(chosen.left_out, HasSubstr("127.0.1.1:7 is left out: it is a loopback address"));
  EXPECT_EQ(choose_endpoints(std::vector{endpoint("192.168.1.2:7")}, kMesh).left_out, "");
}

}  // namespace
}  // namespace kadwire::node
