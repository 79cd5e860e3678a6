#include "node/control/json_rpc.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "node/control/peer_lookup.h"
#include "node/control/text.h"
#include "node/control/version.h"
#include "node/control/view_json.h"
#include "node/control/why_text.h"

namespace kadwire::control {
namespace {

using nlohmann::json;

struct RpcError {
  RpcErrorCode code;
  std::string message;
};
using RpcResult = tl::expected<json, RpcError>;

tl::unexpected<RpcError> error(RpcErrorCode code, std::string message) {
  return tl::unexpected(RpcError{code, std::move(message)});
}

std::string error_line(const json& id, const RpcError& reason) {
  return to_line(
      {{"jsonrpc", "2.0"},
       {"id", id},
       {"error", {{"code", static_cast<int>(reason.code)}, {"message", reason.message}}}});
}

/// Brackets outside strings, counted before the parser sees them. Wrong JSON may be counted
/// wrongly; the parser refuses it anyway.
bool is_nested_too_deeply(std::string_view line) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char character = line[i];
    if (in_string && character == '\\') {
      ++i;
    } else if (character == '"') {
      in_string = !in_string;
    } else if (!in_string && (character == '[' || character == '{')) {
      if (++depth > kRequestDepthMax) return true;
    } else if (!in_string && (character == ']' || character == '}')) {
      --depth;
    }
  }
  return false;
}

tl::expected<json, RpcError> parse_line(std::string_view line) {
  if (line.size() > kRequestBytesMax) {
    return error(RpcErrorCode::kInvalidRequest,
                 fmt::format("a request has at most {} bytes", kRequestBytesMax));
  }
  if (is_nested_too_deeply(line)) {
    return error(RpcErrorCode::kInvalidRequest,
                 fmt::format("a request has at most {} levels", kRequestDepthMax));
  }
  json request = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (request.is_discarded()) return error(RpcErrorCode::kParseError, "this is not JSON");
  if (request.is_array()) {
    return error(RpcErrorCode::kInvalidRequest,
                 "batches are not supported: send one request a line");
  }
  if (!request.is_object()) {
    return error(RpcErrorCode::kInvalidRequest, "a request is a JSON object");
  }
  return request;
}

/// A request's id as it may be echoed; null if it has none, or none of a legal type.
json id_of(const json& request) {
  const auto id = request.find("id");
  const bool legal = id != request.end() && (id->is_string() || id->is_number());
  return legal ? *id : json(nullptr);
}

/// Why this object is no request; nullopt if it is one.
std::optional<RpcError> find_flaw(const json& request) {
  const auto flaw = [](std::string_view message) {
    return RpcError{RpcErrorCode::kInvalidRequest, std::string(message)};
  };
  const auto id = request.find("id");
  if (id != request.end() && !id->is_null() && !id->is_string() && !id->is_number()) {
    return flaw("id must be a string, a number or null");
  }
  const auto rpc_version = request.find("jsonrpc");
  if (rpc_version == request.end() || *rpc_version != "2.0") return flaw("jsonrpc must be \"2.0\"");
  const auto method = request.find("method");
  if (method == request.end() || !method->is_string()) return flaw("method must be a string");
  const auto params = request.find("params");
  if (params != request.end() && !params->is_structured()) {
    return flaw("params must be an object or an array");
  }
  return std::nullopt;
}

RpcResult list_peers(const json&, node::NodeInspector& inspector) {
  json peers = json::array();
  for (const node::PeerView& peer : inspector.peer_views()) peers.push_back(to_json(peer));
  return json{{"peers", std::move(peers)}};
}

/// The peer that the params name.
tl::expected<node::PeerView, RpcError> named_peer(const json& params,
                                                  const node::NodeInspector& inspector) {
  const auto wanted = params.is_object() ? params.find("node") : params.end();
  if (wanted == params.end() || !wanted->is_string() || params.size() != 1) {
    return error(RpcErrorCode::kInvalidParams, R"(params must be {"node": "NodeId or hostname"})");
  }
  const std::vector<node::PeerView> peers = inspector.peer_views();
  const node::NodeView own = inspector.node_view();
  const auto peer = find_peer(peers, wanted->get_ref<const std::string&>(), &own);
  if (!peer) return error(RpcErrorCode::kInvalidParams, peer.error().message);
  return **peer;
}

RpcResult get_peer(const json& params, node::NodeInspector& inspector) {
  return named_peer(params, inspector).map([](const node::PeerView& peer) {
    return to_json(peer);
  });
}

RpcResult explain_peer(const json& params, node::NodeInspector& inspector) {
  const auto peer = named_peer(params, inspector);
  if (!peer) return tl::unexpected(peer.error());
  const auto story = inspector.peer_story(peer->node);
  if (!story) return error(RpcErrorCode::kInvalidParams, "this peer is one no more");
  return why_json(*story);
}

RpcResult probe_peer(const json& params, node::NodeInspector& inspector) {
  const auto peer = named_peer(params, inspector);
  if (!peer) return tl::unexpected(peer.error());
  if (!inspector.probe_paths(peer->node)) {
    return error(RpcErrorCode::kInvalidParams,
                 fmt::format("there is no session with {} to ping under; see: kadwire why {}",
                             printable(peer->hostname), peer->node.short_form()));
  }
  return paths_json(inspector.path_views(peer->node));
}

RpcResult list_paths(const json& params, node::NodeInspector& inspector) {
  return named_peer(params, inspector).map([&](const node::PeerView& peer) {
    return paths_json(inspector.path_views(peer.node));
  });
}

RpcResult count_peers(const json&, node::NodeInspector& inspector) {
  return count_json(inspector.peer_views());
}

RpcResult get_status(const json&, node::NodeInspector& inspector) {
  return to_json(inspector.node_view());
}

RpcResult ping(const json&, node::NodeInspector&) {
  return json{{"pong", true}, {"version", version()}};
}

struct Method {
  std::string_view name;
  bool takes_params;
  RpcResult (*call)(const json& params, node::NodeInspector& inspector);
};
constexpr std::array kMethods{
    Method{"peers.why", true, explain_peer},    Method{"peers.probe", true, probe_peer},
    Method{"peers.paths", true, list_paths},    Method{"peers.list", false, list_peers},
    Method{"peers.get", true, get_peer},        Method{"peers.count", false, count_peers},
    Method{"daemon.status", false, get_status}, Method{"daemon.ping", false, ping},
};

RpcResult call_method(const json& request, node::NodeInspector& inspector) {
  const auto& name = request.at("method").get_ref<const std::string&>();
  const json params = request.value("params", json::object());
  for (const Method& method : kMethods) {
    if (method.name != name) continue;
    if (!method.takes_params && !params.empty()) {
      return error(RpcErrorCode::kInvalidParams, fmt::format("{} takes no params", name));
    }
    return method.call(params, inspector);
  }
  return error(RpcErrorCode::kMethodNotFound,
               fmt::format("unknown method '{}'", printable(name.substr(0, 64))));
}

}  // namespace

std::optional<std::string> answer_request(std::string_view line, node::NodeInspector& inspector) {
  const auto request = parse_line(line);
  if (!request) return error_line(nullptr, request.error());
  const json id = id_of(*request);
  if (const auto flaw = find_flaw(*request)) return error_line(id, *flaw);
  if (!request->contains("id")) return std::nullopt;
  const RpcResult result = call_method(*request, inspector);
  if (!result) return error_line(id, result.error());
  std::string answer = to_line({{"jsonrpc", "2.0"}, {"id", id}, {"result", *result}});
  if (answer.size() <= kAnswerBytesMax) return answer;
  return error_line(id, {RpcErrorCode::kInternalError, "the answer would be too long"});
}

std::string refuse_request(RpcErrorCode code, std::string_view reason) {
  return error_line(nullptr, {code, std::string(reason)});
}

}  // namespace kadwire::control
