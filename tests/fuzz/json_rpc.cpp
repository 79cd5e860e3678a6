/// Any line from a client gets one well-formed JSON-RPC answer on one line, or none.

#include "node/control/json_rpc.h"

#include <cassert>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "tests/support/fake_inspector.h"

namespace {

kadwire::testing::FakeInspector small_mesh() {
  kadwire::testing::FakeInspector inspector;
  inspector.node.hostname = "self";
  inspector.peers = {kadwire::testing::peer_named("alpha", {0xab, 1}),
                     kadwire::testing::peer_named("beta\xff\n", {0xab, 2})};
  return inspector;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static kadwire::testing::FakeInspector inspector = small_mesh();
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto answer = kadwire::control::answer_request(line, inspector);
  if (!answer) return 0;
  assert(answer->find('\n') == std::string::npos);
  const auto reply = nlohmann::json::parse(*answer, nullptr, false);
  assert(reply.is_object() && reply.at("jsonrpc") == "2.0" && reply.contains("id"));
  assert(reply.contains("result") != reply.contains("error"));
  return 0;
}
