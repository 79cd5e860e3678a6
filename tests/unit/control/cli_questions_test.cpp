/// The commands that ask: the network, and a daemon that runs.

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/control/rpc_server.h"
#include "tests/support/fake_inspector.h"
#include "tests/unit/control/cli_shell.h"

namespace kadwire::control {
namespace {

using nlohmann::json;
using testing::contains;
using testing::Outcome;
using testing::Shell;

rendezvous::NetReport network_with_one_answer() {
  rendezvous::NetReport report;
  rendezvous::LocalAddress own;
  own.prefix = *Prefix::parse("192.168.1.10/24");
  own.interface = "wl\033an0";
  report.addresses = {own};
  report.servers.push_back({.name = "stun.example",
                            .server = *Endpoint::parse("198.51.100.1:3478"),
                            .source = own.prefix.address,
                            .mapped = Endpoint::parse("203.0.113.5:4000"),
                            .rtt = 12'340us});
  report.unresolved.push_back({"other.example", "other.example does not resolve"});
  return report;
}

TEST_F(Shell, ShowsWhatTheNetworkAllowsWithEvidence) {
  network = network_with_one_answer();
  const Outcome outcome = run({"netcheck"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  for (const char* part :
       {"UDP works", "1 of 1 servers answered, the nearest, stun.example at 198.51.100.1, in 12.3",
        "192.168.1.10 (wl?an0, private)", "203.0.113.5:4000", "(uncertain)", "Tunnels to expect",
        "What to change", "other.example", "no address"}) {
    EXPECT_TRUE(contains(outcome.out, part)) << part << "\n" << outcome.out;
  }
  EXPECT_FALSE(contains(outcome.out, "\033"));
  EXPECT_TRUE(contains(outcome.err, "0 of 0 servers answered"));
}

TEST_F(Shell, ShowsTheNetworkToProgramsInFieldsThatAreNeverMissing) {
  network = network_with_one_answer();
  const json report = json::parse(run({"netcheck", "--json"}).out);
  EXPECT_EQ(report["udp"], true);
  EXPECT_EQ(report["servers"][0]["mapped"], "203.0.113.5:4000");
  EXPECT_EQ(report["servers"][0]["rtt_ms"], 12.34);
  EXPECT_EQ(report["nat"]["ipv4"]["mapping"], "unknown");
  EXPECT_EQ(report["nat"]["ipv6"]["port_step"], nullptr);
  EXPECT_EQ(report["hairpin"], nullptr);
  EXPECT_EQ(report["gateway"], nullptr);
  EXPECT_EQ(report["findings"][0]["topic"], "udp");
  EXPECT_EQ(report["expectations"].size(), 4U);
  EXPECT_EQ(report["unresolved"][0]["name"], "other.example");
}

TEST_F(Shell, EndsWithACodeOfItsOwnWhereNoUdpGetsThrough) {
  network = rendezvous::NetReport{};
  const Outcome outcome = run({"netcheck"});
  EXPECT_EQ(outcome.code, kExitNoUdp);
  EXPECT_TRUE(contains(outcome.out, "this host has no network")) << outcome.out;
  network = tl::unexpected(std::string("netlink: no"));
  EXPECT_EQ(run({"netcheck"}).code, kExitFailed);
}

TEST_F(Shell, AsksTheServersThatJoinWouldAskUnlessOthersAreNamed) {
  run({"netcheck"});
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].host, "turn.jami.net");
  run({"netcheck", "--stun", "192.0.2.1", "--stun", "[2001:db8::1]:5"});
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].port, 3478);
  EXPECT_EQ(asked[1].port, 5);
}

TEST_F(Shell, SaysHowToStartADaemonWhereThereIsNone) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"status"}, {"peers", "list"}, {"peers", "get", "x"}, {"peers", "count", "--json"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, kExitFailed);
    EXPECT_TRUE(contains(outcome.err, (folder.path() / "run").string())) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "sudo kadwire join")) << outcome.err;
  }
}

TEST_F(Shell, TellsProgramsOfEveryFailureInOneWay) {
  network = tl::unexpected(std::string("netlink: no"));
  struct Case {
    std::vector<std::string> words;
    int code;
  };
  for (const Case& each : {Case{{"status", "--json"}, kExitFailed},
                           {{"peers", "list", "--json"}, kExitFailed},
                           {{"peers", "get", "--json"}, kExitUsage},
                           {{"peers", "get", "x", "--json"}, kExitFailed},
                           {{"peers", "count", "--json"}, kExitFailed},
                           {{"peers", "--json"}, kExitUsage},
                           {{"why", "alpha", "--json"}, kExitFailed},
                           {{"ping", "--json", "alpha"}, kExitFailed},
                           {{"ping", "--json", "alpha", "--count", "0"}, kExitUsage},
                           {{"netcheck", "--json"}, kExitFailed},
                           {{"netcheck", "--json", "--stun", "none"}, kExitUsage},
                           {{"init", "--json", "--net", "x"}, kExitUsage},
                           {{"join", "--json", "--endpoint", "127.0.0.1:5"}, kExitUsage},
                           {{"stats", "--json"}, kExitUsage}}) {
    const Outcome outcome = run(each.words);
    EXPECT_EQ(outcome.code, each.code) << each.words[0];
    const json told = json::parse(outcome.out, nullptr, false);
    ASSERT_TRUE(told.is_object() && told.contains("error")) << each.words[0] << outcome.out;
    const std::string line = "kadwire: " + told["error"].get<std::string>() + "\n";
    EXPECT_TRUE(contains(outcome.err, line)) << outcome.err;
  }
  EXPECT_EQ(run({"status"}).out, "") << "nobody wrote --json";
}

/// A shell beside a daemon with two peers.
class ShellBesideDaemon : public Shell {
 protected:
  ShellBesideDaemon() {
    inspector_.node.interface = "kadwire0";
    inspector_.node.hostname = "delta";
    inspector_.node.problems = {"no DHT node answers"};
    inspector_.peers = {kadwire::testing::peer_named("alpha", {0xab, 0xcd}),
                        kadwire::testing::peer_named("be\033ta", {0xab, 0xce})};
    auto opened = RpcServer::open(io_, folder.path() / "run" / "kadwire0.sock", inspector_);
    if (!opened) throw std::runtime_error(opened.error().message);
    server_ = std::move(*opened);
    loop_ = std::thread([this] { io_.run(); });
  }
  ~ShellBesideDaemon() override {
    io_.stop();
    loop_.join();
    server_.reset();
  }

  kadwire::testing::FakeInspector inspector_;
  asio::io_context io_;
  std::unique_ptr<RpcServer> server_;
  std::thread loop_;
};

TEST_F(ShellBesideDaemon, ShowsTheStatusAndItsProblems) {
  const Outcome outcome = run({"status"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "Interface:      kadwire0\n")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "Problems:\n  no DHT node answers\n")) << outcome.out;
  EXPECT_EQ(json::parse(run({"status", "--json"}).out)["interface"], "kadwire0");
}

TEST_F(ShellBesideDaemon, ListsPeersWithoutLettingThemSteerTheTerminal) {
  const Outcome outcome = run({"peers", "list"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "be?ta")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "\033"));
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 3);
}

TEST_F(ShellBesideDaemon, SaysThatAPeerWhoIsAskedForIsThisNode) {
  for (const char* command : {"why", "ping"}) {
    const Outcome outcome = run({command, "delta"});
    EXPECT_EQ(outcome.code, kExitFailed);
    EXPECT_EQ(outcome.err, "kadwire: 'delta' is this node itself\n") << command;
  }
}

TEST_F(ShellBesideDaemon, TakesTheNodeIdsOfTheListForPeersGet) {
  const json list = json::parse(run({"peers", "list", "--json"}).out);
  const auto short_form = list["peers"][0]["node_short"].get<std::string>();
  EXPECT_TRUE(contains(run({"peers", "list"}).out, short_form));
  const Outcome outcome = run({"peers", "get", short_form});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, list["peers"][0]["node"].get<std::string>())) << outcome.out;
}

TEST_F(ShellBesideDaemon, TakesFlagsBeforeAndAfterThePeer) {
  const Outcome before = run({"peers", "get", "--json", "alpha"});
  const Outcome after = run({"peers", "get", "alpha", "--json"});
  EXPECT_EQ(before.code, kExitOk) << before.err;
  EXPECT_EQ(before.out, after.out);
  EXPECT_EQ(json::parse(after.out)["hostname"], "alpha");
}

TEST_F(ShellBesideDaemon, SaysWhichPeersFitABeginning) {
  const Outcome outcome = run({"peers", "get", "ab"});
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_TRUE(contains(outcome.err, "fits 2 peers")) << outcome.err;
}

TEST_F(ShellBesideDaemon, PingsEveryPathAndEndsWithOneIfNoneAnswers) {
  const Endpoint there = *Endpoint::parse("203.0.113.2:51820");
  inspector_.paths = {{.endpoint = there, .in_use = true, .rtt = 40ms}};
  const Outcome answered = run({"ping", "alpha", "--count", "1"});
  EXPECT_EQ(answered.code, kExitOk) << answered.err;
  EXPECT_TRUE(contains(answered.out, "203.0.113.2:51820 seq=1 direct time=40.0 ms (in use)\n"))
      << answered.out;
  inspector_.paths[0].rtt.reset();
  const Outcome silent = run({"ping", "alpha", "--count", "1", "--json"});
  EXPECT_EQ(silent.code, kExitFailed);
  EXPECT_EQ(json::parse(silent.out)["paths"][0]["received"], 0);
  inspector_.has_session = false;
  EXPECT_TRUE(contains(run({"ping", "alpha"}).err, "there is no session with alpha"));
}

TEST_F(ShellBesideDaemon, ExplainsAPeerByAnyOfItsNames) {
  node::PeerStory story;
  story.peer = inspector_.peers[0];
  inspector_.stories = {story};
  for (const char* name : {"alpha", "abcd"}) {
    const Outcome outcome = run({"why", name});
    EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
    EXPECT_TRUE(contains(outcome.out, "alpha is reached directly")) << outcome.out;
  }
  EXPECT_EQ(run({"why", "nobody"}).err, "kadwire: no peer matches 'nobody'\n");
  EXPECT_TRUE(contains(run({"why", "ab"}).err, "fits 2 peers"));
}

TEST_F(ShellBesideDaemon, CountsPeers) {
  EXPECT_TRUE(contains(run({"peers", "count"}).out, "Active:         2\n"));
  EXPECT_EQ(json::parse(run({"peers", "count", "--json"}).out)["total"], 2);
}

TEST_F(ShellBesideDaemon, FindsItsSocketByEveryName) {
  const std::string socket = (folder.path() / "run" / "kadwire0.sock").string();
  EXPECT_EQ(run({"status", "--interface", "kadwire0"}).code, kExitOk);
  EXPECT_EQ(run({"status", "--socket-path", socket}).code, kExitOk);
  EXPECT_EQ(run({"status", "--interface", "other"}).code, kExitFailed);
  ::setenv("KADWIRE_SOCKET", "/no/such.sock", 1);
  EXPECT_EQ(run({"status"}).code, kExitFailed);
  EXPECT_EQ(run({"status", "--socket-path", socket}).code, kExitOk);
}

}  // namespace
}  // namespace kadwire::control
