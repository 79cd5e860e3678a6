#include "tools/lab/surroundings.h"

#include <gtest/gtest.h>

#include <set>

namespace kadwire::lab {
namespace {

const Surroundings& named(const char* name) {
  const Surroundings* found = find_surroundings(name);
  if (found == nullptr) throw std::invalid_argument(name);
  return *found;
}

struct Expectation {
  const char* first;
  const char* second;
  bool connects;
  bool connects_with_help;
  bool has_to_be_direct;
};

TEST(Surroundings, TellWhatTwoOfThemCanDoInWhicheverOrder) {
  const Expectation table[] = {
      {"public", "public", true, true, true},
      {"port-restricted", "port-restricted", true, true, true},
      {"cgnat", "hash", true, true, true},
      {"full-cone", "symmetric-random", true, true, true},
      {"address-restricted", "symmetric-sequential", true, true, true},
      {"host-firewall", "symmetric-random", true, true, false},
      {"port-restricted", "symmetric-sequential", true, true, false},
      {"symmetric-random", "symmetric-random", false, true, false},
      {"symmetric-random", "symmetric-sequential", false, true, false},
      {"dual-stack", "dual-stack", true, true, true},
      {"dual-stack", "ipv6-only", true, true, true},
      {"port-restricted", "ipv6-only", false, true, false},
      {"public", "blocked", false, false, false},
  };
  for (const Expectation& expected : table) {
    const Surroundings& a = named(expected.first);
    const Surroundings& b = named(expected.second);
    SCOPED_TRACE(std::string(a.name) + " and " + std::string(b.name));
    EXPECT_EQ(can_connect(a, b, false), expected.connects);
    EXPECT_EQ(can_connect(b, a, false), expected.connects);
    EXPECT_EQ(can_connect(a, b, true), expected.connects_with_help);
    EXPECT_EQ(must_be_direct(a, b), expected.has_to_be_direct);
    EXPECT_EQ(must_be_direct(b, a), expected.has_to_be_direct);
  }
}

TEST(Surroundings, AreNotDemandedToBeDirectWhereNoPathIs) {
  for (const Surroundings& a : all_surroundings()) {
    for (const Surroundings& b : all_surroundings()) {
      if (!must_be_direct(a, b)) continue;
      EXPECT_TRUE(can_connect(a, b, false)) << a.name << " and " << b.name;
    }
  }
}

TEST(Surroundings, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Surroundings& each : all_surroundings()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_EQ(find_surroundings(each.name), &each);
  }
  EXPECT_EQ(find_surroundings("no such"), nullptr);
}

}  // namespace
}  // namespace kadwire::lab
