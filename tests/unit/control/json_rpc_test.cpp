#include "node/control/json_rpc.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "node/control/version.h"
#include "tests/support/fake_inspector.h"

namespace kadwire::control {
namespace {

using kadwire::testing::FakeInspector;
using kadwire::testing::peer_named;
using nlohmann::json;

json answer(std::string_view line, FakeInspector inspector = {}) {
  const auto text = answer_request(line, inspector);
  return text ? json::parse(*text) : json("no answer");
}

int error_code(std::string_view line) {
  const json reply = answer(line);
  return reply.is_object() && reply.contains("error") ? reply["error"]["code"].get<int>() : 0;
}

TEST(AnswerRequest, NamesEachKindOfBadRequest) {
  struct Case {
    const char* line;
    int code;
  };
  const std::string deep = R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":)" +
                           std::string(40, '[') + std::string(40, ']') + "}";
  for (const Case& bad : {
           Case{"", -32700},
           Case{"nonsense", -32700},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping")", -32700},
           Case{"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"daemon.ping\"}", -32700},
           Case{"42", -32600},
           Case{R"([{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}])", -32600},
           Case{R"({"id":1,"method":"daemon.ping"})", -32600},
           Case{R"({"jsonrpc":"1.0","id":1,"method":"daemon.ping"})", -32600},
           Case{R"({"jsonrpc":2.0,"id":1,"method":"daemon.ping"})", -32600},
           Case{R"({"jsonrpc":"2.0","id":1})", -32600},
           Case{R"({"jsonrpc":"2.0","id":1,"method":7})", -32600},
           Case{R"({"jsonrpc":"2.0","id":[1],"method":"daemon.ping"})", -32600},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":7})", -32600},
           Case{deep.c_str(), -32600},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"daemon.pong"})", -32601},
           Case{R"({"jsonrpc":"2.0","id":1,"method":""})", -32601},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":{"x":1}})", -32602},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":[1]})", -32602},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"peers.get"})", -32602},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"peers.get","params":["a"]})", -32602},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"peers.get","params":{"node":7}})", -32602},
           Case{R"({"jsonrpc":"2.0","id":1,"method":"peers.get","params":{"node":"a"}})", -32602},
       }) {
    EXPECT_EQ(error_code(bad.line), bad.code) << bad.line;
  }
}

TEST(AnswerRequest, RefusesALineBeyondTheLimitUnread) {
  const std::string line = R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping"})";
  EXPECT_EQ(error_code(line + std::string(kRequestBytesMax - line.size(), ' ')), 0);
  EXPECT_EQ(error_code(line + std::string(kRequestBytesMax - line.size() + 1, ' ')), -32600);
}

TEST(AnswerRequest, CountsNoBracketInsideAString) {
  const std::string id = std::string(100, '[') + R"(\"{{)";
  const json reply = answer(R"({"jsonrpc":"2.0","method":"daemon.ping","id":")" + id + "\"}");
  EXPECT_EQ(reply["result"]["pong"], true) << reply;
}

TEST(AnswerRequest, EchoesTheIdOfWhateverTypeItHas) {
  for (const json& id : {json(1), json("seven"), json(nullptr), json(-3), json(2.5)}) {
    const json request{{"jsonrpc", "2.0"}, {"id", id}, {"method", "daemon.ping"}};
    EXPECT_EQ(answer(request.dump())["id"], id);
  }
  EXPECT_EQ(answer(R"({"jsonrpc":"1.0","id":9})")["id"], 9);
  EXPECT_EQ(answer("nonsense")["id"], nullptr);
}

TEST(AnswerRequest, LeavesANotificationWithoutAnswer) {
  FakeInspector inspector;
  EXPECT_EQ(answer_request(R"({"jsonrpc":"2.0","method":"daemon.ping"})", inspector), std::nullopt);
  EXPECT_EQ(answer_request(R"({"jsonrpc":"2.0","method":"no.such"})", inspector), std::nullopt);
}

TEST(AnswerRequest, AnswersPingWithTheVersion) {
  EXPECT_EQ(
      answer(R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":[]})"),
      (json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", {{"pong", true}, {"version", version()}}}}));
}

TEST(AnswerRequest, ShowsTheStatusOfTheNode) {
  FakeInspector inspector;
  inspector.node.interface = "kadwire0";
  inspector.node.mesh_id = "0123456789ab";
  inspector.node.ipv4 = IpAddress::v4(0x0a050607);
  inspector.node.uptime = 90s;
  inspector.node.dht.good_nodes = 7;
  inspector.node.problems = {"the DHT is out of reach"};
  inspector.node.peers_total = 3;
  inspector.node.peers_active = 2;
  const json status =
      answer(R"({"jsonrpc":"2.0","id":1,"method":"daemon.status"})", inspector)["result"];
  EXPECT_EQ(status["interface"], "kadwire0");
  EXPECT_EQ(status["mesh_id"], "0123456789ab");
  EXPECT_EQ(status["ipv4"], "10.5.6.7");
  EXPECT_EQ(status["uptime_seconds"], 90);
  EXPECT_EQ(status["dht"]["good_nodes"], 7);
  EXPECT_EQ(status["problems"], json::array({"the DHT is out of reach"}));
  EXPECT_EQ(status["peers"], (json{{"total", 3}, {"active", 2}}));
}

TEST(AnswerRequest, ListsPeersWithNullForWhatIsNotKnown) {
  FakeInspector inspector;
  inspector.peers = {peer_named("alpha", {0xab}, node::PathKind::kConnecting)};
  inspector.peers[0].last_seen = WallTime{1'767'323'045'678ms};
  inspector.peers[0].rx_bytes = 12345678901;
  const json peers =
      answer(R"({"jsonrpc":"2.0","id":1,"method":"peers.list"})", inspector)["result"]["peers"];
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0]["node"], inspector.peers[0].node.to_hex());
  EXPECT_EQ(peers[0]["node_short"], inspector.peers[0].node.short_form());
  EXPECT_EQ(peers[0]["hostname"], "alpha");
  EXPECT_EQ(peers[0]["path"], "connecting");
  EXPECT_EQ(peers[0]["last_seen"], "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(peers[0]["rx_bytes"], 12345678901);
  for (const char* field : {"ipv4", "endpoint", "last_handshake"}) {
    ASSERT_TRUE(peers[0].contains(field)) << field;
    EXPECT_EQ(peers[0][field], nullptr) << field;
  }
}

TEST(AnswerRequest, FindsOnePeer) {
  FakeInspector inspector;
  inspector.peers = {peer_named("alpha", {0xab}), peer_named("beta", {0xcd})};
  const json peer = answer(
      R"({"jsonrpc":"2.0","id":1,"method":"peers.get","params":{"node":"beta"}})", inspector);
  EXPECT_EQ(peer["result"]["node"], inspector.peers[1].node.to_hex());
}

TEST(AnswerRequest, CountsPeersByPath) {
  FakeInspector inspector;
  inspector.peers = {peer_named("a", {1}), peer_named("b", {2}, node::PathKind::kRelayed),
                     peer_named("c", {3}, node::PathKind::kConnecting),
                     peer_named("d", {4}, node::PathKind::kNone)};
  EXPECT_EQ(answer(R"({"jsonrpc":"2.0","id":1,"method":"peers.count"})", inspector)["result"],
            (json{{"total", 4}, {"active", 2}, {"relayed", 1}, {"connecting", 1}, {"dead", 1}}));
}

TEST(AnswerRequest, MakesValidJsonOfAHostnameThatIsNotUtf8) {
  FakeInspector inspector;
  inspector.peers = {peer_named("\xff\xfe\n", {1})};
  const auto line = answer_request(R"({"jsonrpc":"2.0","id":1,"method":"peers.list"})", inspector);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->find('\n'), std::string::npos);
  EXPECT_TRUE(json::accept(*line));
}

TEST(AnswerRequest, RefusesToGiveAnAnswerBeyondTheLimit) {
  FakeInspector inspector;
  inspector.peers = {peer_named(std::string(kAnswerBytesMax, 'x'), {1})};
  const json reply = answer(R"({"jsonrpc":"2.0","id":1,"method":"peers.list"})", inspector);
  EXPECT_EQ(reply["error"]["code"], -32603);
}

TEST(RefuseRequest, CarriesTheReasonAndANullId) {
  EXPECT_EQ(json::parse(refuse_request(RpcErrorCode::kInvalidRequest, "too long")),
            (json{{"jsonrpc", "2.0"},
                  {"id", nullptr},
                  {"error", {{"code", -32600}, {"message", "too long"}}}}));
}

}  // namespace
}  // namespace kadwire::control
