/// `why` and `ping` between the daemon's answer and the text that people read.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "node/control/json_rpc.h"
#include "node/control/ping_report.h"
#include "node/control/why_text.h"
#include "tests/support/fake_inspector.h"

namespace kadwire::control {
namespace {

using kadwire::testing::FakeInspector;
using kadwire::testing::peer_named;
using nlohmann::json;

constexpr WallTime kNow{std::chrono::hours(500'000)};
const Endpoint kDirect = *Endpoint::parse("203.0.113.2:51820");
const Endpoint kRelay = *Endpoint::parse("192.0.2.3:40000");

FakeInspector mesh() {
  FakeInspector inspector;
  inspector.peers = {peer_named("alpha", {0xab}, node::PathKind::kRelayed)};
  node::PeerStory story;
  story.peer = inspector.peers[0];
  story.now = kNow;
  story.issued = kNow;
  story.events = {{.at = kNow - 90s, .kind = rendezvous::PairEventKind::kCalled, .count = 3},
                  {.at = kNow - 80s,
                   .kind = rendezvous::PairEventKind::kPathChosen,
                   .cause = rendezvous::PathCause::kFirst,
                   .endpoint = kRelay,
                   .member = "ga\033mma"}};
  inspector.stories = {story};
  inspector.paths = {{.endpoint = kDirect},
                     {.endpoint = kRelay, .relay = "gamma", .in_use = true, .rtt = 41'250us}};
  return inspector;
}

json ask(FakeInspector& inspector, const std::string& method, const std::string& peer = "alpha") {
  const json request = {
      {"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", {{"node", peer}}}};
  return json::parse(*answer_request(request.dump(), inspector));
}

TEST(PeersWhy, HasStateReasonCauseEvidenceRemediesAndHistory) {
  FakeInspector inspector = mesh();
  const json why = ask(inspector, "peers.why")["result"];
  EXPECT_EQ(why["hostname"], "alpha");
  EXPECT_EQ(why["path"], "relayed");
  EXPECT_EQ(why["reason"], "no-address");
  for (const char* field : {"state", "cause"}) EXPECT_TRUE(why[field].is_string()) << field;
  for (const char* field : {"evidence", "remedies"}) EXPECT_TRUE(why[field].is_array()) << field;
  ASSERT_EQ(why["history"].size(), 2U);
  EXPECT_EQ(why["history"][0]["count"], 3);
  EXPECT_EQ(why["history"][0]["kind"], "called");
  EXPECT_EQ(why["history"][0]["cause"], nullptr);
  EXPECT_EQ(why["history"][1]["kind"], "path-chosen");
  EXPECT_EQ(why["history"][1]["cause"], "first");
  EXPECT_EQ(why["history"][0]["endpoint"], nullptr);
  EXPECT_EQ(why["history"][1]["endpoint"], "192.0.2.3:40000");
}

TEST(PeersWhy, IsReadInSectionsWithTheAgeOfEachEvent) {
  FakeInspector inspector = mesh();
  const std::string text = describe_why(ask(inspector, "peers.why")["result"], kNow, false);
  for (const char* part : {"Because\n", "Evidence\n", "What to do\n", "What happened\n",
                           "1m 30s ago  this node called its addresses (3 times)", "ga?mma"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\033'), std::string::npos);
}

TEST(PeersWhy, OfAnAnswerThatMakesNoSenseIsStillText) {
  EXPECT_NE(describe_why(json(7), kNow, false).find('-'), std::string::npos);
  EXPECT_NE(describe_why({{"evidence", "x"}, {"history", {1, 2}}}, kNow, false), "");
}

TEST(PeersWhy, NamesAnUnknownPeerInOneLine) {
  FakeInspector inspector = mesh();
  EXPECT_EQ(ask(inspector, "peers.why", "beta")["error"]["message"], "no peer matches 'beta'");
}

TEST(PeersProbe, PingsAndShowsThePaths) {
  FakeInspector inspector = mesh();
  const json paths = ask(inspector, "peers.probe")["result"]["paths"];
  EXPECT_EQ(inspector.probes, 1);
  EXPECT_EQ(paths[0]["kind"], "direct");
  EXPECT_EQ(paths[0]["rtt_ms"], nullptr);
  EXPECT_EQ(paths[1]["kind"], "relayed");
  EXPECT_EQ(paths[1]["relay"], "gamma");
  EXPECT_EQ(paths[1]["in_use"], true);
  EXPECT_EQ(paths[1]["rtt_ms"], 41.25);
}

TEST(PeersProbe, SaysWhereToLookIfThereIsNoSession) {
  FakeInspector inspector = mesh();
  inspector.has_session = false;
  const std::string message = ask(inspector, "peers.probe")["error"]["message"];
  EXPECT_NE(message.find("kadwire why"), std::string::npos) << message;
}

TEST(PingReport, HasALineForEachPathAndRound) {
  FakeInspector inspector = mesh();
  const json paths = ask(inspector, "peers.paths")["result"];
  EXPECT_FALSE(all_answered(paths));
  PingReport report("alpha");
  EXPECT_EQ(report.add_round(paths, false),
            "203.0.113.2:51820 seq=1 direct no answer\n"
            "192.0.2.3:40000 seq=1 relayed by gamma time=41.2 ms (in use)\n");
  EXPECT_TRUE(report.anything_answered());
}

TEST(PingReport, SumsUpTheRoundsOfEachPath) {
  FakeInspector inspector = mesh();
  PingReport report("alpha");
  (void)report.add_round(ask(inspector, "peers.paths")["result"], false);
  inspector.paths[1].rtt = 43'250us;
  (void)report.add_round(ask(inspector, "peers.paths")["result"], false);
  const std::string text = report.summary();
  EXPECT_NE(text.find("--- alpha: 2 rounds ---"), std::string::npos);
  EXPECT_NE(text.find("2 of 2"), std::string::npos) << text;
  EXPECT_NE(text.find("0 of 2"), std::string::npos) << text;
  const json sums = report.to_json();
  EXPECT_EQ(sums["rounds"], 2);
  EXPECT_EQ(sums["paths"][0]["endpoint"], "192.0.2.3:40000");
  EXPECT_EQ(sums["paths"][0]["avg_ms"], 42.25);
  EXPECT_EQ(sums["paths"][1]["min_ms"], nullptr);
}

TEST(PingReport, OfNothingSaysSo) {
  PingReport report("alpha");
  EXPECT_EQ(report.add_round(json::object(), false), "seq=1 no path to ping\n");
  EXPECT_FALSE(report.anything_answered());
}

}  // namespace
}  // namespace kadwire::control
