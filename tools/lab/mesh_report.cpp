#include "tools/lab/mesh_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/lab/text_table.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr const char* kUnknown = "-";

std::string milliseconds_text(const std::optional<Duration>& time) {
  return time ? fmt::format("{:.0f}", to_milliseconds(*time)) : kUnknown;
}

json milliseconds_json(const std::optional<Duration>& time) {
  return time ? json(to_milliseconds(*time)) : json(nullptr);
}

/// Which public addresses the member's host has.
std::string underlay_text(const Member& member) {
  const Host& host = member.host();
  if (!host.has_ipv4()) return "IPv6";
  return host.has_ipv6() ? "IPv4+IPv6" : "IPv4";
}

std::vector<Duration> times_of(const MeshPings& pings, std::size_t from) {
  std::vector<Duration> times;
  for (std::size_t to = 0; to < pings.members().size(); ++to) {
    if (const auto time = pings.first_ping(from, to)) times.push_back(*time);
  }
  return times;
}

std::string spread_text(const std::vector<Duration>& times) {
  if (times.empty()) return kUnknown;
  return fmt::format("{:.0f} / {:.0f} / {:.0f}",
                     to_milliseconds(*std::min_element(times.begin(), times.end())),
                     to_milliseconds(percentile(times, 0.5)),
                     to_milliseconds(*std::max_element(times.begin(), times.end())));
}

std::string members_text(const MeshPings& pings) {
  TextTable table(
      {"node", "host has", "mesh IPv4", "mesh IPv6", "peers", "first ping ms: min / median / max"});
  for (std::size_t i = 0; i < pings.members().size(); ++i) {
    const Member& member = *pings.members()[i];
    const auto& addresses = pings.addresses(i);
    const bool leased = addresses && addresses->ipv4;
    table.add_row({member.name(), underlay_text(member),
                   leased ? addresses->ipv4->to_string() : kUnknown,
                   addresses ? addresses->ipv6.to_string() : kUnknown,
                   std::to_string(member.peers_active()), spread_text(times_of(pings, i))});
  }
  return table.to_string();
}

std::string matrix_text(const MeshPings& pings) {
  std::vector<std::string> headings = {"ms from \\ to"};
  for (const Member* member : pings.members()) headings.push_back(member->name());
  TextTable table(headings);
  for (std::size_t from = 0; from < pings.members().size(); ++from) {
    std::vector<std::string> row = {pings.members()[from]->name()};
    for (std::size_t to = 0; to < pings.members().size(); ++to) {
      row.push_back(from == to ? "" : milliseconds_text(pings.first_ping(from, to)));
    }
    table.add_row(std::move(row));
  }
  return table.to_string();
}

}  // namespace

std::string report_text(const MeshPings& pings) {
  std::string text = members_text(pings);
  if (pings.members().size() <= kMatrixMembersMax) text += '\n' + matrix_text(pings);
  return text;
}

json report_json(const MeshPings& pings) {
  json nodes = json::array();
  json times = json::array();
  for (std::size_t from = 0; from < pings.members().size(); ++from) {
    const Member& member = *pings.members()[from];
    const auto& addresses = pings.addresses(from);
    json node = {{"name", member.name()},
                 {"peers", member.peers_active()},
                 {"node", nullptr},
                 {"ipv4", nullptr},
                 {"ipv6", nullptr}};
    if (addresses) {
      node["node"] = addresses->node;
      node["ipv6"] = addresses->ipv6.to_string();
      if (addresses->ipv4) node["ipv4"] = addresses->ipv4->to_string();
    }
    nodes.push_back(std::move(node));
    for (std::size_t to = 0; to < pings.members().size(); ++to) {
      if (from == to) continue;
      times.push_back(
          {{"from", member.name()},
           {"to", pings.members()[to]->name()},
           {"ipv4", milliseconds_json(pings.first_ping(from, to, AddressFamily::kIpv4))},
           {"ipv6", milliseconds_json(pings.first_ping(from, to, AddressFamily::kIpv6))}});
    }
  }
  return {{"ok", pings.pairs_answered() == pings.pairs_total()},
          {"pairs_answered", pings.pairs_answered()},
          {"pairs_total", pings.pairs_total()},
          {"nodes", std::move(nodes)},
          {"first_ping_ms", std::move(times)}};
}

}  // namespace kadwire::lab
