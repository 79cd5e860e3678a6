#include "node/control/answer_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "node/control/text.h"

namespace kadwire::control {
namespace {

using nlohmann::json;

constexpr const char* kNothing = "-";

/// A field's value, whatever its type, as printable text.
std::string field(const json& object, const char* name) {
  const auto value = object.is_object() ? object.find(name) : object.end();
  if (value == object.end() || value->is_null()) return kNothing;
  if (!value->is_string()) return printable(value->dump(-1, ' ', true));
  const auto& text = value->get_ref<const std::string&>();
  return text.empty() ? kNothing : printable(text);
}

/// A field's whole number; 0 for anything else, negative numbers included.
std::uint64_t number(const json& object, const char* name) {
  const auto value = object.is_object() ? object.find(name) : object.end();
  if (value == object.end() || !value->is_number_integer()) return 0;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value->get<std::int64_t>()));
}

/// A list of texts, joined.
std::string list_field(const json& object, const char* name, std::string_view separator) {
  const auto list = object.is_object() ? object.find(name) : object.end();
  if (list == object.end() || !list->is_array() || list->empty()) return kNothing;
  std::string joined;
  for (const json& element : *list) {
    if (!joined.empty()) joined += separator;
    joined += element.is_string() ? printable(element.get_ref<const std::string&>()) : kNothing;
  }
  return joined;
}

/// How long ago a time was: "12s ago".
std::string age_field(const json& object, const char* name, WallTime now) {
  const auto then = parse_rfc3339(field(object, name));
  if (!then) return kNothing;
  return format_duration(std::chrono::floor<std::chrono::seconds>(now - *then)) + " ago";
}

Colour colour_of(std::string_view path) {
  if (path == "direct" || path == "relayed") return Colour::kGreen;
  return path == "connecting" ? Colour::kYellow : Colour::kDim;
}

std::string traffic(const json& peer) {
  return fmt::format("{} / {}", format_bytes(number(peer, "rx_bytes")),
                     format_bytes(number(peer, "tx_bytes")));
}

/// "Label:   value" lines with the values below each other.
std::string describe_lines(const std::vector<std::pair<std::string_view, std::string>>& lines) {
  std::string text;
  for (const auto& [label, value] : lines) {
    text += fmt::format("{:<16}{}\n", fmt::format("{}:", label), value);
  }
  return text;
}

/// What the node cannot do at the moment, a line each.
std::string describe_problems(const json& status, bool colour) {
  const std::string problems = list_field(status, "problems", "\n  ");
  if (problems == kNothing) return "";
  return paint("Problems:", Colour::kYellow, colour) + "\n  " + problems + "\n";
}

std::string describe_dht(const json& status) {
  const json dht = status.value("dht", json::object());
  const bool connected = field(dht, "connected") == "true";
  return fmt::format("{}, {} good nodes, port {}", connected ? "connected" : "not connected",
                     number(dht, "good_nodes"), field(status, "dht_port"));
}

/// "203.0.113.5:51820 by PCP, for another 19m 20s".
std::string describe_port_mapping(const json& status) {
  const json mapping = status.value("port_mapping", json());
  if (!mapping.is_object()) return kNothing;
  const std::chrono::seconds lease{static_cast<std::int64_t>(number(mapping, "lease_seconds"))};
  const bool announced = field(mapping, "announced") == "true";
  return fmt::format("{} by {}, for another {}{}", field(mapping, "endpoint"),
                     field(mapping, "protocol"), format_duration(lease),
                     announced ? "" : "; not announced: the gateway has no public address");
}

/// ", idle mappings kept 59 to 89 s"; empty: not known.
std::string describe_lifetime(const json& nat) {
  const auto seconds = [&](const char* name) {
    const json value = nat.value(name, json());
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
  };
  const std::int64_t least = seconds("lifetime_at_least_seconds");
  const std::int64_t most = seconds("lifetime_at_most_seconds");
  if (least > 0 && most > 0) return fmt::format(", idle mappings kept {} to {} s", least, most);
  if (least > 0) return fmt::format(", idle mappings kept {} s or more", least);
  if (most > 0) return fmt::format(", idle mappings kept less than {} s", most);
  return "";
}

/// "mapping endpoint-independent, filtering address-and-port-dependent", in one family.
std::string describe_nat(const json& status, const char* family) {
  const json nats = status.value("nat", json());
  const json nat = nats.is_object() ? nats.value(family, json()) : json();
  if (!nat.is_object()) return kNothing;
  return fmt::format("mapping {}, filtering {}{}", field(nat, "mapping"), field(nat, "filtering"),
                     describe_lifetime(nat));
}

/// "; 40.0 GiB of 93.1 GiB in 24 h", and that these are used up.
std::string describe_quota(const json& relay) {
  if (!relay.value("day_bytes_max", json()).is_number()) return "";
  return fmt::format("; {} of {} in 24 h{}", format_bytes(number(relay, "day_bytes")),
                     format_bytes(number(relay, "day_bytes_max")),
                     field(relay, "used_up") == "true" ? ", used up" : "");
}

/// "offered; 3 pairs, 1.2 GiB passed on; 12 % busy".
std::string describe_relay(const json& status) {
  const json relay = status.value("relay", json());
  if (!relay.is_object()) return kNothing;
  return fmt::format("{}; {} pairs, {} passed on, {} % busy{}",
                     field(relay, "offered") == "true" ? "offered" : "not offered",
                     number(relay, "pairs"), format_bytes(number(relay, "forwarded_bytes")),
                     number(relay, "load_percent"), describe_quota(relay));
}

}  // namespace

std::string describe_peers(const json& list, WallTime now, bool colour) {
  const json peers = list.is_object() ? list.value("peers", json::array()) : json::array();
  if (!peers.is_array() || peers.empty()) return "No peers yet\n";
  std::vector<std::vector<Cell>> rows;
  for (const json& peer : peers) {
    const std::string path = field(peer, "path");
    rows.push_back({{field(peer, "hostname")},
                    {field(peer, "node_short")},
                    {field(peer, "ipv4")},
                    {field(peer, "ipv6")},
                    {field(peer, "endpoint")},
                    {path, colour_of(path)},
                    {age_field(peer, "last_handshake", now)},
                    {traffic(peer)}});
  }
  return format_table(
      {"HOSTNAME", "NODE", "MESH IPV4", "MESH IPV6", "ENDPOINT", "PATH", "HANDSHAKE", "RX / TX"},
      rows, colour);
}

std::string describe_peer(const json& peer, WallTime now) {
  return describe_lines({{"Hostname", field(peer, "hostname")},
                         {"NodeId", field(peer, "node")},
                         {"Short form", field(peer, "node_short")},
                         {"WireGuard key", field(peer, "wireguard_key")},
                         {"Mesh IPv4", field(peer, "ipv4")},
                         {"Mesh IPv6", field(peer, "ipv6")},
                         {"Endpoint", field(peer, "endpoint")},
                         {"Path", field(peer, "path")},
                         {"Last handshake", age_field(peer, "last_handshake", now)},
                         {"Last seen", age_field(peer, "last_seen", now)},
                         {"Received", format_bytes(number(peer, "rx_bytes"))},
                         {"Sent", format_bytes(number(peer, "tx_bytes"))},
                         {"Discovered via", list_field(peer, "discovered_via", ", ")}});
}

std::string describe_count(const json& count) {
  return describe_lines({{"Active", field(count, "active")},
                         {"Relayed", field(count, "relayed")},
                         {"Connecting", field(count, "connecting")},
                         {"Dead", field(count, "dead")},
                         {"Total", field(count, "total")}});
}

std::string describe_status(const json& status, bool colour) {
  if (!status.is_object()) return "";
  const json peers = status.value("peers", json::object());
  const std::chrono::seconds uptime{static_cast<std::int64_t>(number(status, "uptime_seconds"))};
  const bool relayed_only = field(status, "relayed_only") == "true";
  const char* paths = relayed_only ? "through relays only, by the operator's wish (--force-relay)"
                                   : "direct where possible";
  return describe_lines({{"Interface", field(status, "interface")},
                         {"Hostname", field(status, "hostname")},
                         {"NodeId", field(status, "node")},
                         {"Mesh id", field(status, "mesh_id")},
                         {"Mesh IPv4", fmt::format("{} in {}", field(status, "ipv4"),
                                                   field(status, "mesh_subnet"))},
                         {"Mesh IPv6", fmt::format("{} in {}", field(status, "ipv6"),
                                                   field(status, "mesh_ipv6_prefix"))},
                         {"WireGuard port", field(status, "listen_port")},
                         {"Candidates", list_field(status, "candidates", ", ")},
                         {"Paths", paths},
                         {"Port mapping", describe_port_mapping(status)},
                         {"NAT, IPv4", describe_nat(status, "ipv4")},
                         {"NAT, IPv6", describe_nat(status, "ipv6")},
                         {"Relay", describe_relay(status)},
                         {"DHT", describe_dht(status)},
                         {"Topic", field(status, "topic_prefix")},
                         {"Peers", fmt::format("{} active of {}", field(peers, "active"),
                                               field(peers, "total"))},
                         {"Uptime", format_duration(uptime)},
                         {"Version", field(status, "version")}}) +
         describe_problems(status, colour);
}

std::string describe_derived(const json& derived) {
  return describe_lines({{"Mesh id", field(derived, "mesh_id")},
                         {"Topic", field(derived, "topic_prefix") + " (until the hour ends)"},
                         {"Mesh IPv4", field(derived, "mesh_subnet")},
                         {"Mesh IPv6", field(derived, "mesh_ipv6_prefix")},
                         {"Interface", field(derived, "interface")}});
}

}  // namespace kadwire::control
