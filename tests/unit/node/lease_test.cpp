#include "node/membership/lease.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/made_up.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::node {
namespace {

constexpr WallTime kEarly{std::chrono::milliseconds{1'000}};
constexpr WallTime kLate{std::chrono::milliseconds{2'000}};

using kadwire::testing::node;

LeaseClaim claim(unsigned number, WallTime since, bool pinned, std::uint32_t address = 1) {
  return {node(number), IpAddress::v4(address), since, pinned};
}

TEST(Lease, APinnedClaimPrevailsThenTheEarlierThenTheLowerNodeId) {
  EXPECT_TRUE(prevails(claim(9, kLate, true), claim(1, kEarly, false)));
  EXPECT_TRUE(prevails(claim(9, kEarly, false), claim(1, kLate, false)));
  EXPECT_TRUE(prevails(claim(1, kEarly, false), claim(9, kEarly, false)));
  EXPECT_TRUE(prevails(claim(9, kEarly, true), claim(1, kLate, true)));
  EXPECT_FALSE(prevails(claim(1, kEarly, false), claim(1, kEarly, false)));
}

TEST(Lease, ASinceWhenOf1970BeatsNoPinnedClaim) {
  EXPECT_TRUE(prevails(claim(9, kLate, true), claim(1, WallTime{}, false)));
}

TEST(Lease, OfTwoDifferentClaimsExactlyOnePrevails) {
  for (const unsigned a : {1U, 2U}) {
    for (const unsigned b : {1U, 2U}) {
      for (const WallTime since_a : {kEarly, kLate}) {
        for (const WallTime since_b : {kEarly, kLate}) {
          for (int pins = 0; pins < 4; ++pins) {
            const auto x = claim(a, since_a, (pins & 1) != 0);
            const auto y = claim(b, since_b, (pins & 2) != 0);
            const bool same = a == b && since_a == since_b && x.pinned == y.pinned;
            EXPECT_EQ(prevails(x, y) != prevails(y, x), !same);
          }
        }
      }
    }
  }
}

TEST(Lease, NobodyClaimingIsNobodyHolding) {
  EXPECT_TRUE(assign_leases({}).empty());
}

TEST(Lease, EveryClaimedAddressHasExactlyOneHolderWhateverTheOrder) {
  testnet::SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<LeaseClaim> claims;
    for (unsigned i = 0; i < 12; ++i) {
      const WallTime since = random_below(random, 2) == 0 ? kEarly : kLate;
      const auto address = static_cast<std::uint32_t>(random_below(random, 5));
      claims.push_back(claim(i, since, random_below(random, 3) == 0, address));
    }
    std::set<std::pair<IpAddress, crypto::NodeId>> holders;
    std::set<IpAddress> claimed, held;
    const auto holds = assign_leases(claims);
    ASSERT_EQ(holds.size(), claims.size());
    for (std::size_t i = 0; i < claims.size(); ++i) {
      claimed.insert(claims[i].address);
      if (!holds[i]) continue;
      EXPECT_TRUE(held.insert(claims[i].address).second) << "two holders";
      holders.emplace(claims[i].address, claims[i].node);
    }
    EXPECT_EQ(held, claimed);

    std::ranges::reverse(claims);
    const auto reversed = assign_leases(claims);
    for (std::size_t i = 0; i < claims.size(); ++i) {
      EXPECT_EQ(reversed[i], holders.contains({claims[i].address, claims[i].node}));
    }
  }
}

}  // namespace
}  // namespace kadwire::node
