#include "tools/testnet/internet/cities.h"

#include <gtest/gtest.h>

#include <set>

namespace kadwire::testnet {
namespace {

const City& city(std::string_view name) {
  return cities()[find_city(name).value()];
}

TEST(Cities, HaveNamesOfTheirOwnAndAPlaceOnTheMap) {
  EXPECT_GE(cities().size(), 40U);
  std::set<std::string_view> names;
  for (const City& each : cities()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_EQ(city(each.name).name, each.name);
    const MapPlace place = map_place(each);
    EXPECT_TRUE(place.x > 0 && place.x < 1 && place.y > 0 && place.y < 1) << each.name;
  }
  EXPECT_FALSE(find_city("atlantis"));
  EXPECT_FALSE(find_city(""));
}

TEST(Cities, LieWhereTheyLieOnAMap) {
  EXPECT_LT(map_place(city("new-york")).x, map_place(city("london")).x);
  EXPECT_LT(map_place(city("london")).x, map_place(city("tokyo")).x);
  EXPECT_LT(map_place(city("oslo")).y, map_place(city("sydney")).y);
  EXPECT_NEAR(map_place(city("london")).x, 0.5, 0.001);
}

TEST(Cities, AreAsFarApartAsPublicPingTablesSay) {
  struct Row {
    const char* from;
    const char* to;
    double milliseconds;  ///< one way: half of the usual round trip
  };
  for (const Row& row : {Row{"frankfurt", "new-york", 42}, Row{"new-york", "los-angeles", 31},
                         Row{"london", "sydney", 135}, Row{"frankfurt", "singapore", 80},
                         Row{"tokyo", "los-angeles", 52}}) {
    const Duration latency = core_latency(city(row.from), city(row.to));
    const double milliseconds = std::chrono::duration<double, std::milli>(latency).count();
    EXPECT_NEAR(milliseconds, row.milliseconds, row.milliseconds / 3) << row.from << row.to;
  }
}

TEST(Cities, AreEquallyFarInBothDirections) {
  for (const City& a : cities()) {
    EXPECT_EQ(core_latency(a, a), kExchangeLatency);
    for (const City& b : cities()) EXPECT_EQ(core_latency(a, b), core_latency(b, a));
  }
}

}  // namespace
}  // namespace kadwire::testnet
