#include "tools/bootstrap/bootstrap_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kadwire::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BootstrapStats some_stats() {
  BootstrapStats stats;
  stats.uptime_seconds = 61;
  stats.dht.connected = true;
  stats.dht.good_nodes = 12;
  stats.dht.packets_refused = 3;
  stats.dht_dropped = 4;
  stats.dht_socket.received = 500;
  stats.stun_port = 3478;
  stats.stun.answered = 77;
  return stats;
}

TEST(BootstrapStats, AreAnObjectOfObjects) {
  const nlohmann::json json = to_json(some_stats());
  EXPECT_EQ(json["uptime_seconds"], 61);
  EXPECT_EQ(json["dht"]["connected"], true);
  EXPECT_EQ(json["dht"]["good_nodes"], 12);
  EXPECT_EQ(json["dht"]["packets_refused"], 3);
  EXPECT_EQ(json["dht"]["dropped"], 4);
  EXPECT_EQ(json["dht_socket"]["received"], 500);
  EXPECT_EQ(json["stun"]["answered"], 77);
  EXPECT_EQ(json["stun"]["port"], 3478);
}

TEST(BootstrapStats, SayNothingOfStunWhereItIsNotServed) {
  BootstrapStats stats = some_stats();
  stats.stun_port = 0;
  EXPECT_FALSE(to_json(stats).contains("stun"));
}

TEST(BootstrapStats, AreALineForEachFigureForPeople) {
  const std::string text = render_stats(to_json(some_stats()));
  EXPECT_THAT(text, HasSubstr("uptime seconds          61\n"));
  EXPECT_THAT(text, HasSubstr("\ndht\n"));
  EXPECT_THAT(text, HasSubstr("  connected             yes\n"));
  EXPECT_THAT(text, HasSubstr("  good nodes            12\n"));
  EXPECT_THAT(text, Not(HasSubstr("\"")));
}

}  // namespace
}  // namespace kadwire::tools
