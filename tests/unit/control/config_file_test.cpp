#include "node/control/config_file.h"

#include <gtest/gtest.h>

namespace kadwire::control {
namespace {

std::string failure_of(std::string_view toml) {
  const auto parsed = parse_config(toml);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(ParseConfig, ReadsEverySettingThatMayStandInAFile) {
  const auto parsed = parse_config(R"(
# the office mesh
secret-file = "/etc/kadwire/office.secret"
interface = "office"
hostname = "alpha"
listen-port = 4000
dht-port = 4001
bootstrap = ["192.0.2.1", "[2001:db8::1]:5"]
dht-network = 9
state-dir = "/srv/state"
socket-path = "/run/office.sock"
log-level = "debug"
no-ipv6 = true
)");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->secret_file, "/etc/kadwire/office.secret");
  EXPECT_EQ(parsed->interface, "office");
  EXPECT_EQ(parsed->hostname, "alpha");
  EXPECT_EQ(parsed->listen_port, 4000);
  EXPECT_EQ(parsed->dht_port, 4001);
  ASSERT_TRUE(parsed->bootstrap);
  ASSERT_EQ(parsed->bootstrap->size(), 2U);
  EXPECT_EQ((*parsed->bootstrap)[1].port, 5);
  EXPECT_EQ(parsed->dht_network, 9U);
  EXPECT_EQ(parsed->state_dir, "/srv/state");
  EXPECT_EQ(parsed->socket_path, "/run/office.sock");
  EXPECT_EQ(parsed->log_level, "debug");
  EXPECT_EQ(parsed->no_ipv6, true);
}

TEST(ParseConfig, TakesAnEmptyFileForNoSettingsAtAll) {
  const auto parsed = parse_config("");
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->interface || parsed->bootstrap || parsed->no_ipv6);
}

TEST(ParseConfig, TakesASingleBootstrapHostWithoutAList) {
  const auto parsed = parse_config("bootstrap = \"none\"");
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_TRUE(parsed->bootstrap);
  EXPECT_TRUE(parsed->bootstrap->empty());
}

TEST(ParseConfig, NamesTheLineAndTheKeyOfWhatItRefuses) {
  struct Case {
    std::string_view toml;
    std::string_view error;
  };
  for (const Case& bad : {
           Case{"\n\nlisten-prot = 1",
                "line 3: unknown key 'listen-prot'; did you mean 'listen-port'?"},
           Case{"colour = 1", "line 1: unknown key 'colour'"},
           Case{"secret = \"x\"",
                "line 1: the secret itself does not belong here; use secret-file"},
           Case{"start-afresh = true", "line 1: unknown key 'start-afresh'"},
           Case{"clock-offset = 1", "line 1: unknown key 'clock-offset'"},
           Case{"[join]\ninterface = \"a\"", "line 1: unknown key 'join'"},
           Case{"listen-port = \"4000\"", "line 1: listen-port needs a whole number"},
           Case{"listen-port = 4000.0", "line 1: listen-port needs a whole number"},
           Case{"listen-port = 0", "line 1: listen-port: '0' is not a port"},
           Case{"listen-port = -1", "line 1: listen-port: '-1' is not a port"},
           Case{"no-ipv6 = \"yes\"", "line 1: no-ipv6 needs true or false"},
           Case{"interface = 0", "line 1: interface needs a text in quotes"},
           Case{"interface = [\"a\"]", "line 1: interface needs a text in quotes"},
           Case{"bootstrap = []", "line 1: bootstrap needs a list of texts"},
           Case{"bootstrap = [\n\"a\",\n4]", "line 3: bootstrap needs a list of texts"},
           Case{"bootstrap = [\"a\", \"b:0\"]", "line 1: bootstrap: 'b:0' is not HOST[:PORT]"},
       }) {
    EXPECT_TRUE(failure_of(bad.toml).starts_with(bad.error))
        << "for " << bad.toml << "\n got " << failure_of(bad.toml);
  }
}

TEST(ParseConfig, RefusesWhatIsNotToml) {
  for (const std::string& bad :
       {std::string("interface"), std::string("interface = "), std::string("interface = \"a"),
        std::string("interface = \"a\"\ninterface = \"b\""), std::string("\xff\xfe"),
        "x = " + std::string(10'000, '[')}) {
    EXPECT_TRUE(failure_of(bad).starts_with("line ")) << failure_of(bad);
    EXPECT_EQ(failure_of(bad).find('\n'), std::string::npos);
  }
}

TEST(ParseConfig, RefusesAFileBeyondItsLimit) {
  EXPECT_TRUE(parse_config(std::string(kConfigBytesMax, '\n')));
  EXPECT_FALSE(parse_config(std::string(kConfigBytesMax + 1, '\n')));
}

}  // namespace
}  // namespace kadwire::control
