#include "tools/bootstrap/bootstrap_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kadwire::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

tl::expected<BootstrapOptions, EarlyExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "kadwire-bootstrap");
  return parse_arguments(static_cast<int>(arguments.size()), arguments.data());
}

TEST(BootstrapOptions, DefaultToTheDhtAndStunPortsOfAllAddresses) {
  const auto options = parse({});
  ASSERT_TRUE(options.has_value());
  EXPECT_THAT(options->dht.addresses, IsEmpty());
  EXPECT_EQ(options->dht.port, 4222);
  EXPECT_EQ(options->serve_stun, BootstrapOptions::Stun::kDefault);
  EXPECT_THAT(options->stun.addresses, IsEmpty());
  EXPECT_EQ(options->stun.port, 3478);
  EXPECT_THAT(options->bootstrap, IsEmpty());
  EXPECT_EQ(options->network, 0U);
  EXPECT_EQ(options->state_folder, "/var/lib/kadwire-bootstrap");
}

TEST(BootstrapOptions, ListenOnSeveralAddressesOfBothFamilies) {
  const auto options = parse({"--listen", "192.0.2.1:4222", "--listen", "[2001:db8::1]:4223"});
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->dht.addresses.size(), 2U);
  EXPECT_EQ(options->dht.addresses[1].to_string(), "[2001:db8::1]:4223");
}

TEST(BootstrapOptions, ServeStunOnItsPortWhenNoAddressIsGiven) {
  const auto options = parse({"--stun", "--network", "7"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->serve_stun, BootstrapOptions::Stun::kWanted);
  EXPECT_THAT(options->stun.addresses, IsEmpty());
  EXPECT_EQ(options->stun.port, 3478);
  EXPECT_EQ(options->network, 7U);
}

TEST(BootstrapOptions, ServeStunBesideTheDhtByDefault) {
  const auto options = parse({"--listen", "192.0.2.1:4222", "--listen", "192.0.2.1:4223"});
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->stun.addresses.size(), 1U);
  EXPECT_EQ(options->stun.addresses[0].to_string(), "192.0.2.1:3478");
}

TEST(BootstrapOptions, ServeNoStunIfToldSo) {
  EXPECT_EQ(parse({"--no-stun"})->serve_stun, BootstrapOptions::Stun::kOff);
}

TEST(BootstrapOptions, ServeStunWhereTold) {
  const auto options = parse({"--stun", "192.0.2.1:3478", "--stun", "[::1]:3479"});
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->stun.addresses.size(), 2U);
  EXPECT_EQ(options->stun.addresses[0].to_string(), "192.0.2.1:3478");
}

TEST(BootstrapOptions, KeepTheStatsSocketInTheStateFolder) {
  EXPECT_EQ(parse({"--state-dir", "/srv/dht"})->socket_path, "/srv/dht/stats.sock");
  EXPECT_EQ(parse({"--state-dir", "/srv/dht", "--socket-path", "/run/s"})->socket_path, "/run/s");
}

struct HostCase {
  const char* text;
  const char* host;
  std::uint16_t port;
};

class BootstrapHostForms : public ::testing::TestWithParam<HostCase> {};
TEST_P(BootstrapHostForms, AreUnderstood) {
  const auto options = parse({"--bootstrap", GetParam().text});
  ASSERT_TRUE(options.has_value());
  ASSERT_EQ(options->bootstrap.size(), 1U);
  EXPECT_EQ(options->bootstrap[0].host, GetParam().host);
  EXPECT_EQ(options->bootstrap[0].port, GetParam().port);
}
INSTANTIATE_TEST_SUITE_P(Bootstrap, BootstrapHostForms,
                         ::testing::Values(HostCase{"dht.example.org", "dht.example.org", 4222},
                                           HostCase{"dht.example.org:5000", "dht.example.org",
                                                    5000},
                                           HostCase{"192.0.2.1", "192.0.2.1", 4222},
                                           HostCase{"192.0.2.1:5000", "192.0.2.1", 5000},
                                           HostCase{"2001:db8::1", "2001:db8::1", 4222},
                                           HostCase{"[2001:db8::1]:5000", "2001:db8::1", 5000}));

struct MistakeCase {
  std::vector<const char*> arguments;
  const char* part;
};

class BootstrapMistakes : public ::testing::TestWithParam<MistakeCase> {};
TEST_P(BootstrapMistakes, AreOneClearLineWithExitCodeTwo) {
  const auto options = parse(GetParam().arguments);
  ASSERT_FALSE(options.has_value());
  EXPECT_EQ(options.error().exit_code, 2);
  EXPECT_THAT(options.error().text, HasSubstr(GetParam().part));
  EXPECT_EQ(options.error().text.find('\n'), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    Bootstrap, BootstrapMistakes,
    ::testing::Values(MistakeCase{{"--listen", "4222"}, "not ADDR:PORT"},
                      MistakeCase{{"--listen", "192.0.2.1:0"}, "--listen 192.0.2.1:0"},
                      MistakeCase{{"--listen", "192.0.2.1:65536"}, "not ADDR:PORT"},
                      MistakeCase{{"--listen", "2001:db8::1:4222"}, "not ADDR:PORT"},
                      MistakeCase{{"--listen"}, "--listen"},
                      MistakeCase{{"--stun", "example.org:3478"}, "--stun example.org:3478"},
                      MistakeCase{{"--stun", "--no-stun"}, "--no-stun"},
                      MistakeCase{{"--bootstrap", "host:port"}, "not HOST[:PORT]"},
                      MistakeCase{{"--bootstrap", "http://host/"}, "not HOST[:PORT]"},
                      MistakeCase{{"--bootstrap", ":4222"}, "not HOST[:PORT]"},
                      MistakeCase{{"--network", "public"}, "--network"},
                      MistakeCase{{"--network", "-1"}, "--network"},
                      MistakeCase{{"--json"}, "--stats"},
                      MistakeCase{{"--lisen"}, "unknown argument --lisen"},
                      MistakeCase{{"start"}, "unknown argument start"},
                      MistakeCase{{"--listen", "192.0.2.1:4222", "192.0.2.2:4222"}, "192.0.2.2"}));

TEST(BootstrapOptions, BoundTheNumberOfAddresses) {
  std::vector<const char*> arguments;
  for (int i = 0; i < 17; ++i) arguments.insert(arguments.end(), {"--listen", "192.0.2.1:4222"});
  ASSERT_FALSE(parse(arguments).has_value());
  EXPECT_THAT(parse(arguments).error().text, HasSubstr("at most 16"));
}

TEST(BootstrapOptions, TeachWithExamples) {
  const auto help = parse({"--help"});
  ASSERT_FALSE(help.has_value());
  EXPECT_EQ(help.error().exit_code, 0);
  for (const char* part : {"Examples:", "--listen", "--stun", "kadwire join --bootstrap"}) {
    EXPECT_THAT(help.error().text, HasSubstr(part));
  }
}

TEST(BootstrapOptions, TellTheVersion) {
  const auto version = parse({"--version"});
  ASSERT_FALSE(version.has_value());
  EXPECT_EQ(version.error().exit_code, 0);
  EXPECT_THAT(version.error().text, ::testing::StartsWith("kadwire-bootstrap "));
}

}  // namespace
}  // namespace kadwire::tools
