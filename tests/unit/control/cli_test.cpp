/// The whole command line in this process: words in, text and exit code out.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node/control/version.h"
#include "tests/unit/control/cli_shell.h"

namespace kadwire::control {
namespace {

using nlohmann::json;
using testing::contains;
using testing::kSecret;
using testing::Outcome;
using testing::Shell;

TEST_F(Shell, AnswersWhatItDoesNotUnderstandWithOneLineAndExitCodeTwo) {
  struct Case {
    std::vector<std::string> words;
    std::string_view error;
  };
  for (const Case& bad : std::vector<Case>{
           {{"pers"}, "unknown command 'pers'; did you mean 'peers'?"},
           {{"peers", "lst"}, "unknown command 'lst'; did you mean 'list'?"},
           {{"deploy"}, "unknown command 'deploy'\n"},
           {{"peers"}, "peers needs one of: list, get, count"},
           {{"completion"}, "completion needs one of: bash, zsh, fish"},
           {{"peers", "get"}, "peers get needs a NodeId or a hostname"},
           {{"peers", "list", "--jsn"}, "unknown option '--jsn'; did you mean '--json'?"},
           {{"join", "--lisen-port", "5"},
            "unknown option '--lisen-port'; did you mean "
            "'--listen-port'?"},
           {{"join", "--lisen-port=5"}, "unknown option '--lisen-port'; did you mean"},
           {{"peers", "list", "--version"}, "unknown option '--version'"},
           {{"peers", "-v", "list"}, "unknown option '-v'"},
           {{"version", "now"}, "version does not take this many words"},
           {{"join", "--listen-port"}, "--listen-port"},
           {{"join", "--listen-port", "0"}, "--listen-port: '0' is not a port (1 to 65535)"},
           {{"join", "--listen-port", "65536"}, "'65536' is not a port (1 to 65535)"},
           {{"join", "--dht-port", "1x"}, "--dht-port: '1x' is not a port"},
           {{"join", "--interface", "0eth"}, "--interface: '0eth' is not an interface name"},
           {{"join", "--interface", "a/../b"}, "'a/../b' is not an interface name"},
           {{"join", "--interface", "sixteen-chars-is"}, "is not an interface name"},
           {{"status", "--interface", "../x"}, "is not an interface name"},
           {{"join", "--hostname", "a b"}, "--hostname: 'a b' is not a hostname"},
           {{"join", "--bootstrap", "host:99999"}, "--bootstrap: 'host:99999' is not HOST[:PORT]"},
           {{"join", "--bootstrap", "none", "--bootstrap", "h"}, "'none' excludes every other"},
           {{"join", "--bootstrap", "h", "--bootstrap", "none"}, "'none' excludes every other"},
           {{"join", "--dht-network", "-1"}, "--dht-network: '-1' is not a network id"},
           {{"join", "--log-level", "loud"}, "--log-level: 'loud' is not a log level"},
           {{"join", "--clock-offset", "1s"}, "--clock-offset: '1s' is not a number of"},
           {{"join", "--socket-path", std::string(200, 'x')}, "the socket path has 200 bytes"},
           {{"join", "--config", "/no/such/file"}, "cannot read the configuration /no/such/file"},
           {{"join", "--endpoint", "127.0.0.1:5"},
            "--endpoint: '127.0.0.1:5' is a loopback address"},
           {{"join", "--endpoint", "192.0.2.1:0"}, "--endpoint: '192.0.2.1:0' is not HOST:PORT"},
           {{"netcheck", "--stun", "host:0"}, "--stun: 'host:0' is not HOST[:PORT]"},
           {{"join", "--relay", "--no-relay"}, "contradicts"},
           {{"join", "--relay-rate", "0"}, "--relay-rate: '0' is not a whole number of megabits"},
           {{"join", "--relay-rate", "20M"}, "'20M' is not a whole number of megabits a second"},
           {{"join", "--relay-rate", "20", "--no-relay"}, "--relay-rate limits what --no-relay"},
           {{"join", "--relay-quota", "100GB"},
            "--relay-quota: '100GB' is not a whole number of gigabytes a day (1 to 100000)"},
           {{"join", "--relay-quota", "20", "--no-relay"}, "--relay-quota limits what --no-relay"},
           {{"join", "--introducer", "--no-introducer"}, "contradicts"},
           {{"join", "--relay", "--force-relay"}, "--relay contradicts --force-relay"},
           {{"join", "--no-punching", "--force-relay"}, "needs what --no-punching forbids"},
           {{"ping"}, "ping needs a peer"},
           {{"ping", "alpha", "--count", "0"}, "--count"},
           {{"why"}, "why needs a peer"},
           {{"netcheck", "--stun", "none"}, "netcheck needs a server to ask"},
           {{"join", "--secret"}, "--secret needs the secret behind it"},
           {{"status", "--secret"}, "--secret needs the secret behind it"},
           {{"join", "--secret", "x", "--secret-file", "y"}, "not both"},
           {{"status", "--secret", "x", "--secret-file", "y"}, "not both"},
           {{"init", "--net", "10.0.0.0/31"}, "--net: '10.0.0.0/31' is not an IPv4 network"},
           {{"init", "--net", "10.0.0.1/16"}, "is not an IPv4 network"},
           {{"init", "--net", "fd00::/64"}, "is not an IPv4 network"},
           {{"init", "--net", "nonsense"}, "'nonsense' is not an IPv4 network"},
       }) {
    const Outcome outcome = run(bad.words);
    EXPECT_EQ(outcome.code, kExitUsage) << bad.error;
    EXPECT_TRUE(outcome.err.starts_with("kadwire: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, bad.error)) << outcome.err;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "") << bad.error;
    EXPECT_FALSE(started) << bad.error;
  }
}

TEST_F(Shell, ShowsHelpWithExamplesForEveryCommand) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"help"},
                                             {"-h"},
                                             {"init", "--help"},
                                             {"join", "-h"},
                                             {"help", "join"},
                                             {"status", "--help"},
                                             {"peers", "--help"},
                                             {"netcheck", "--help"},
                                             {"ping", "--help"},
                                             {"why", "--help"},
                                             {"completion", "--help"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, kExitOk) << words.front();
    EXPECT_TRUE(contains(outcome.out, "kadwire ")) << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
  const std::string join = run({"join", "--help"}).out;
  EXPECT_TRUE(contains(join, "Examples:"));
  EXPECT_TRUE(contains(join, "--listen-port"));
  EXPECT_FALSE(contains(join, "--clock-offset"));
}

TEST_F(Shell, ShowsHelpAsAnErrorWhereNothingWasAsked) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(contains(outcome.err, "kadwire join"));
}

TEST_F(Shell, PrintsItsVersionOnlyAsTheFirstWord) {
  const std::string line = "kadwire version " + std::string(version()) + "\n";
  EXPECT_EQ(run({"--version"}).out, line);
  EXPECT_EQ(run({"-v"}).out, line);
  EXPECT_EQ(run({"version"}).out, line);
  EXPECT_EQ(json::parse(run({"version", "--json"}).out), (json{{"version", version()}}));
}

TEST_F(Shell, MakesASecretThatStandsAloneOnStandardOutput) {
  const Outcome outcome = run({"init"});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_TRUE(outcome.out.starts_with("kadwire://v1/")) << outcome.out;
  EXPECT_EQ(outcome.out.size(), 13U + 43U + 1U);
  EXPECT_TRUE(contains(outcome.err, "sudo kadwire join --secret-file"));
  EXPECT_NE(outcome.out, run({"init"}).out);
}

TEST_F(Shell, MakesASecretWithANetworkOfItsOwn) {
  const json made = json::parse(run({"init", "--net", "10.20.0.0/16", "--json"}).out);
  const auto uri = made["secret"].get<std::string>();
  EXPECT_TRUE(uri.ends_with("?net=10.20.0.0/16")) << uri;
  const std::string file = folder.write("net.secret", uri).string();
  const json derived = json::parse(run({"status", "--json", "--secret-file", file}).out);
  EXPECT_EQ(derived["mesh_subnet"], "10.20.0.0/16");
  EXPECT_EQ(derived["mesh_id"], made["mesh_id"]);
}

TEST_F(Shell, DerivesTheSameParametersWhereverTheSecretComesFrom) {
  const Outcome from_file = run({"status", "--secret-file", secret_file, "--json"});
  ASSERT_EQ(from_file.code, kExitOk) << from_file.err;
  const json derived = json::parse(from_file.out);
  EXPECT_EQ(derived["mesh_id"].get<std::string>().size(), 12U);
  EXPECT_EQ(derived["topic_prefix"].get<std::string>().size(), 16U);
  EXPECT_EQ(derived["interface"], "kadwire0");

  ::setenv("KADWIRE_SECRET", kSecret, 1);
  EXPECT_EQ(json::parse(run({"status", "--json"}).out)["mesh_id"], derived["mesh_id"]);
  EXPECT_EQ(::getenv("KADWIRE_SECRET"), nullptr);

  ::setenv("KADWIRE_SECRET_FILE", secret_file.c_str(), 1);
  const json office = json::parse(run({"status", "--interface", "office", "--json"}).out);
  EXPECT_EQ(office["mesh_id"], derived["mesh_id"]);
  EXPECT_EQ(office["interface"], "office");

  const Outcome from_argument = run({"status", "--json", "--secret", kSecret});
  EXPECT_EQ(json::parse(from_argument.out)["mesh_id"], derived["mesh_id"]);
  EXPECT_TRUE(contains(from_argument.err, "--secret-file is safer")) << from_argument.err;
}

TEST_F(Shell, NeverRepeatsASecretThatItRefuses) {
  const std::string bad = std::string(kSecret) + "zz";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"join", bad},
           {"join", "--secret-file", bad},
           {"status", "--secret", bad},
           {"status", "--secret=" + bad},
           {"status", bad},
           {bad},
           {"peers", "list", "--secret", bad},
           {"join", "correct horse battery staple"},
       }) {
    const Outcome outcome = run(words);
    EXPECT_NE(outcome.code, kExitOk);
    EXPECT_FALSE(contains(outcome.out + outcome.err, "AAECAwQF")) << outcome.err;
    EXPECT_FALSE(contains(outcome.out + outcome.err, "battery")) << outcome.err;
  }
}

TEST_F(Shell, SaysWhatIsWrongWithASecret) {
  struct Case {
    std::string text;
    std::string_view error;
  };
  for (const Case& bad : std::vector<Case>{{"short", "shorter than 16 bytes"},
                                           {"", "shorter than 16 bytes"},
                                           {"kadwire://v2/abc", "kadwire://v1/"},
                                           {"kadwire://v1/abc", "43 base64url characters"},
                                           {std::string(kSecret) + "?x=1", "\"net=\""},
                                           {std::string(5000, 'x'), "longer than 4096 bytes"}}) {
    const std::string file = folder.write("bad.secret", bad.text).string();
    const Outcome outcome = run({"status", "--secret-file", file});
    EXPECT_EQ(outcome.code, kExitFailed);
    EXPECT_TRUE(outcome.err.starts_with("kadwire: " + file + ": ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, bad.error)) << outcome.err;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  }
}

TEST_F(Shell, SaysWhichSecretFileItCannotRead) {
  const Outcome missing = run({"status", "--secret-file", "/no/such/secret"});
  EXPECT_EQ(missing.code, kExitFailed);
  EXPECT_TRUE(contains(missing.err, "/no/such/secret: No such file")) << missing.err;
  const Outcome is_folder = run({"status", "--secret-file", folder.path().string()});
  EXPECT_EQ(is_folder.code, kExitFailed);
  EXPECT_TRUE(contains(is_folder.err, "Is a directory")) << is_folder.err;
}

TEST_F(Shell, WarnsOfASecretFileThatOthersMayRead) {
  EXPECT_EQ(run({"status", "--secret-file", secret_file}).err, "");
  std::filesystem::permissions(secret_file, std::filesystem::perms(0644));
  const Outcome outcome = run({"status", "--secret-file", secret_file});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.err, "kadwire: warning: " + secret_file +
                             " can be read by others (mode 0644); chmod 600 " + secret_file + "\n");
}

TEST_F(Shell, StartsTheDaemonWithItsDefaults) {
  SKIP_UNLESS_ADMINISTRATOR();
  const Outcome outcome = run({"join", "--secret-file", secret_file});
  ASSERT_TRUE(started) << outcome.err;
  EXPECT_EQ(outcome.code, 7);
  EXPECT_EQ(started->secret.ikm.size(), 32U);
  EXPECT_EQ(started->interface, "kadwire0");
  EXPECT_EQ(started->listen_port, 51820);
  EXPECT_EQ(started->dht_port, std::nullopt);
  ASSERT_EQ(started->bootstrap.size(), 1U);
  EXPECT_EQ(started->bootstrap[0].host, "bootstrap.jami.net");
  EXPECT_EQ(started->bootstrap[0].port, 4222);
  EXPECT_EQ(started->state_folder, "/var/lib/kadwire/kadwire0");
  EXPECT_EQ(started->socket_path, "/run/kadwire/kadwire0.sock");
  EXPECT_FALSE(started->hostname.empty());
  EXPECT_TRUE(started->ipv6);
  EXPECT_FALSE(started->start_afresh);
  EXPECT_EQ(started->clock_offset, 0ms);
}

TEST_F(Shell, StartsTheDaemonAsTheFlagsSay) {
  SKIP_UNLESS_ADMINISTRATOR();
  const Outcome outcome = run({"join",
                               "--interface",
                               "office",
                               "--listen-port",
                               "4000",
                               "--dht-port",
                               "4001",
                               "--bootstrap",
                               "192.0.2.1",
                               "--bootstrap",
                               "[2001:db8::1]:5",
                               "--dht-network",
                               "9",
                               "--state-dir",
                               "/tmp/state",
                               "--socket-path",
                               "/tmp/s.sock",
                               "--hostname",
                               "alpha",
                               "--log-level",
                               "debug",
                               "--no-ipv6",
                               "--start-afresh",
                               "--clock-offset",
                               "-1500",
                               "--secret-file",
                               secret_file});
  ASSERT_TRUE(started) << outcome.err;
  EXPECT_EQ(started->interface, "office");
  EXPECT_EQ(started->listen_port, 4000);
  EXPECT_EQ(started->dht_port, 4001);
  ASSERT_EQ(started->bootstrap.size(), 2U);
  EXPECT_EQ(started->bootstrap[0].host, "192.0.2.1");
  EXPECT_EQ(started->bootstrap[1].host, "2001:db8::1");
  EXPECT_EQ(started->bootstrap[1].port, 5);
  EXPECT_EQ(started->dht_network, 9U);
  EXPECT_EQ(started->state_folder, "/tmp/state/office");
  EXPECT_EQ(started->socket_path, "/tmp/s.sock");
  EXPECT_EQ(started->hostname, "alpha");
  EXPECT_FALSE(started->ipv6);
  EXPECT_TRUE(started->start_afresh);
  EXPECT_EQ(started->clock_offset, -1500ms);
}

TEST_F(Shell, StartsTheDaemonWithoutBootstrapHostsOnRequest) {
  SKIP_UNLESS_ADMINISTRATOR();
  const Outcome outcome = run({"join", "--bootstrap", "none", "--secret-file", secret_file});
  ASSERT_TRUE(started) << outcome.err;
  EXPECT_TRUE(started->bootstrap.empty());
}

TEST_F(Shell, RefusesAnEndpointInsideTheMesh) {
  SKIP_UNLESS_ADMINISTRATOR();
  const std::string file =
      folder.write("net.secret", std::string(kSecret) + "?net=10.20.0.0/16\n").string();
  const Outcome outcome = run(
      {"join", "--endpoint", "192.0.2.1:5", "--endpoint", "10.20.3.4:5", "--secret-file", file});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_TRUE(contains(outcome.err, "kadwire: --endpoint: 10.20.3.4:5 is inside the mesh"))
      << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_FALSE(started);
  run({"join", "--endpoint", "10.21.3.4:5", "--secret-file", file});
  EXPECT_TRUE(started) << "a private address is good, for those in the same site";
}

TEST_F(Shell, LetsFlagsWinOverTheEnvironmentAndThatOverTheConfiguration) {
  SKIP_UNLESS_ADMINISTRATOR();
  const std::string config =
      folder
          .write("c.toml",
                 "interface = \"office\"\nlisten-port = 4000\ndht-port = 4001\n"
                 "socket-path = \"/tmp/file.sock\"\nsecret-file = \"" +
                     secret_file + "\"\n")
          .string();
  Outcome outcome = run({"join", "--config", config, "--listen-port", "5000"});
  ASSERT_TRUE(started) << outcome.err;
  EXPECT_EQ(started->interface, "office");
  EXPECT_EQ(started->listen_port, 5000);
  EXPECT_EQ(started->dht_port, 4001);
  EXPECT_EQ(started->socket_path, "/tmp/file.sock");

  ::setenv("KADWIRE_SOCKET", "/tmp/environment.sock", 1);
  outcome = run({"join", "--config", config});
  EXPECT_EQ(started->socket_path, "/tmp/environment.sock");
  outcome = run({"join", "--config", config, "--socket-path", "/tmp/flag.sock"});
  EXPECT_EQ(started->socket_path, "/tmp/flag.sock");
}

TEST_F(Shell, NamesTheFileAndLineOfABadConfiguration) {
  const std::string config = folder.write("c.toml", "\nlisten-prot = 1\n").string();
  const Outcome outcome = run({"join", "--config", config});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err, "kadwire: " + config +
                             ": line 2: unknown key 'listen-prot'; did you mean 'listen-port'?\n");
}

TEST_F(Shell, PrintsCompletionScriptsThatKnowEveryCommandAndOption) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Outcome outcome = run({"completion", shell});
    EXPECT_EQ(outcome.code, kExitOk);
    for (const char* word : {"join", "peers", "list", "listen-port", "json"}) {
      EXPECT_TRUE(contains(outcome.out, word)) << shell << " lacks " << word;
    }
    EXPECT_FALSE(contains(outcome.out, "clock-offset")) << shell;
    const json wrapped = json::parse(run({"completion", shell, "--json"}).out);
    EXPECT_EQ(wrapped["script"], outcome.out);
  }
}

}  // namespace
}  // namespace kadwire::control
