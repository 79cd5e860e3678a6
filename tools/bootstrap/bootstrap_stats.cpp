#include "tools/bootstrap/bootstrap_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kadwire::tools {
namespace {

nlohmann::json to_json(const dht::DirectoryStats& dht) {
  return {{"connected", dht.connected},       {"good_nodes", dht.good_nodes},
          {"known_nodes", dht.known_nodes},   {"stored_values", dht.stored_values},
          {"stored_bytes", dht.stored_bytes}, {"packets_in", dht.packets_in},
          {"packets_out", dht.packets_out},   {"bytes_in", dht.bytes_in},
          {"bytes_out", dht.bytes_out},       {"packets_refused", dht.packets_refused},
          {"restarts", dht.restarts}};
}

nlohmann::json to_json(const rendezvous::StunStats& stun) {
  return {{"answered", stun.answered},
          {"elsewhere", stun.elsewhere},
          {"redirected", stun.redirected},
          {"refused", stun.refused},
          {"malformed", stun.malformed},
          {"ignored", stun.ignored},
          {"limited_by_source", stun.limited_by_source},
          {"limited_in_all", stun.limited_in_all}};
}

void render_line(std::string& text, int indent, std::string name, const std::string& value) {
  constexpr int kNameWidth = 24;
  std::ranges::replace(name, '_', ' ');
  text += fmt::format("{:{}}{:<{}}{}\n", "", indent, name, kNameWidth - indent, value);
}

std::string render_value(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

nlohmann::json to_json(const BootstrapStats& stats) {
  nlohmann::json json = {{"version", KADWIRE_VERSION},
                         {"uptime_seconds", stats.uptime_seconds},
                         {"dht", to_json(stats.dht)},
                         {"dht_socket",
                          {{"received", stats.dht_socket.received},
                           {"sent", stats.dht_socket.sent},
                           {"send_failed", stats.dht_socket.send_failed}}}};
  json["dht"]["library_exceptions"] = stats.dht_library_exceptions;
  json["dht"]["dropped"] = stats.dht_dropped;
  if (stats.stun_port != 0) {
    json["stun"] = to_json(stats.stun);
    json["stun"]["port"] = stats.stun_port;
  }
  return json;
}

std::string render_stats(const nlohmann::json& stats) {
  std::string text;
  for (const auto& [name, value] : stats.items()) {
    if (!value.is_object()) render_line(text, 0, name, render_value(value));
  }
  for (const auto& [name, part] : stats.items()) {
    if (!part.is_object()) continue;
    text += name + "\n";
    for (const auto& [figure, value] : part.items()) {
      render_line(text, 2, figure, render_value(value));
    }
  }
  return text;
}

}  // namespace kadwire::tools
