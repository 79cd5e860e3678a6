#include "node/control/why_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "node/control/text.h"
#include "node/path_words.h"

namespace kadwire::control {
namespace {

using nlohmann::json;
using node::PeerStory;

json events_json(const PeerStory& story) {
  json events = json::array();
  for (const node::StoryEvent& event : story.events) {
    const std::string_view cause = node::to_text(event.cause);
    events.push_back({{"at", format_rfc3339(event.at)},
                      {"kind", node::to_text(event.kind)},
                      {"cause", cause.empty() ? json() : json(std::string(cause))},
                      {"count", event.count},
                      {"endpoint", event.endpoint ? json(event.endpoint->to_string()) : json()},
                      {"member", event.member.empty() ? json() : json(event.member)},
                      {"text", describe(event)}});
  }
  return events;
}

std::string text_of(const json& object, const char* name) {
  const auto value = object.is_object() ? object.find(name) : object.end();
  const bool usable = value != object.end() && value->is_string();
  return usable ? printable(value->get_ref<const std::string&>()) : "-";
}

/// A list's texts, each a line after a dash.
std::string list_lines(const json& object, const char* name) {
  std::string lines;
  const auto list = object.is_object() ? object.find(name) : object.end();
  if (list == object.end() || !list->is_array()) return lines;
  for (const json& entry : *list) {
    if (!entry.is_string()) continue;
    lines += fmt::format("  - {}\n", printable(entry.get_ref<const std::string&>()));
  }
  return lines;
}

std::string history_lines(const json& why, WallTime now) {
  std::string lines;
  const auto history = why.is_object() ? why.find("history") : why.end();
  if (history == why.end() || !history->is_array()) return lines;
  for (const json& event : *history) {
    const auto at = parse_rfc3339(text_of(event, "at"));
    const std::string age =
        at ? format_duration(std::chrono::floor<std::chrono::seconds>(now - *at)) + " ago" : "-";
    lines += fmt::format("  {:>11}  {}\n", age, text_of(event, "text"));
  }
  return lines;
}

std::string section(const char* title, const std::string& lines, bool colour) {
  return lines.empty() ? "" : paint(title, Colour::kBold, colour) + "\n" + lines;
}

}  // namespace

json why_json(const PeerStory& story) {
  const node::Explanation why = explain(story);
  return {{"node", story.peer.node.to_hex()},
          {"node_short", story.peer.node.short_form()},
          {"hostname", story.peer.hostname},
          {"path", to_text(story.peer.path)},
          {"state", why.state},
          {"reason", to_text(why.reason)},
          {"cause", why.cause},
          {"evidence", why.evidence},
          {"remedies", why.remedies},
          {"history", events_json(story)}};
}

json paths_json(std::span<const node::PathView> paths) {
  json list = json::array();
  for (const node::PathView& path : paths) {
    const std::chrono::duration<double, std::milli> rtt = path.rtt.value_or(Duration{});
    const char* kind = !path.relay.empty() ? "relayed" : path.on_link ? "lan" : "direct";
    list.push_back({{"endpoint", path.endpoint.to_string()},
                    {"kind", kind},
                    {"relay", path.relay.empty() ? json() : json(path.relay)},
                    {"in_use", path.in_use},
                    {"rtt_ms", path.rtt ? json(rtt.count()) : json()}});
  }
  return {{"paths", std::move(list)}};
}

std::string describe_why(const json& why, WallTime now, bool colour) {
  const std::string path = text_of(why, "path");
  const bool reached = path == "direct" || path == "relayed";
  std::string text =
      paint(text_of(why, "state"), reached ? Colour::kGreen : Colour::kYellow, colour);
  text += "\n" + section("Because", fmt::format("  {}\n", text_of(why, "cause")), colour);
  text += section("Evidence", list_lines(why, "evidence"), colour);
  text += section("What to do", list_lines(why, "remedies"), colour);
  return text + section("What happened", history_lines(why, now), colour);
}

}  // namespace kadwire::control
