#include "node/control/join_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "crypto/key_schedule.h"
#include "crypto/mesh_address.h"
#include "node/control/socket_file.h"
#include "node/control/text.h"
#include "node/static_endpoint.h"
#include "rendezvous/nat_observer.h"
#include "rendezvous/stun_message.h"

namespace kadwire::control {
namespace {

using Applied = tl::expected<void, Failure>;

/// As a record carries it (rendezvous/peer_record.h).
constexpr std::size_t kHostnameBytesMax = 63;
/// IFNAMSIZ without the terminator.
constexpr std::size_t kInterfaceBytesMax = 15;
/// More entrances than this help nobody.
constexpr std::size_t kBootstrapHostsMax = 32;
/// The word that stands for "no host at all" in a list of hosts.
constexpr std::string_view kNobody = "none";
/// The public network's well-known entrance.
constexpr const char* kDefaultBootstrapHost = "bootstrap.jami.net";

/// Two, so that a node behind a NAT can see whether its mapping depends on whom it talks to.
constexpr std::array<const char*, 2> kDefaultStunHosts = {"turn.jami.net", "stun.cloudflare.com"};
/// Half a record's candidates. A name may take node::kEndpointsPerNameMax of them.
constexpr std::size_t kStaticEndpointsMax = 4;

/// What the fastest hosts relay, and what fits the limiter's 32 bits of bytes a second.
constexpr std::uint32_t kRelayRateMbitMax = 10'000;
constexpr std::uint32_t kBytesPerMbit = 125'000;
/// More than kRelayRateMbitMax can pass in a day is no quota.
constexpr std::uint32_t kRelayQuotaGbMax = 100'000;
constexpr std::uint64_t kBytesPerGb = 1'000'000'000;
static_assert(kBytesPerGb >= rendezvous::kDailyBytesMin);

constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warn", "error"};

bool is_letter(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}
bool is_letter_or_digit(char character) {
  return is_letter(character) || (character >= '0' && character <= '9');
}
bool is_name_character(char character) {
  return is_letter_or_digit(character) || character == '-' || character == '_' || character == '.';
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// True if HOST[:PORT] has a port.
bool names_port(std::string_view text) {
  if (Endpoint::parse(text)) return true;
  return !IpAddress::parse(text) && text.find(':') != std::string_view::npos;
}

/// An address, or a name that a resolver does not take for one: "192.0.2" is 192.0.0.2 to it.
bool is_name_or_address(std::string_view host) {
  if (IpAddress::parse(host)) return true;
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return std::ranges::any_of(last, is_letter) || last.empty();
}

/// nullopt: a name.
std::optional<Endpoint> literal_endpoint(const node::BootstrapHost& host) {
  const auto address = IpAddress::parse(host.host);
  if (!address) return std::nullopt;
  return Endpoint{*address, host.port};
}

std::size_t places_of(const node::BootstrapHost& host) {
  return literal_endpoint(host) ? 1 : node::kEndpointsPerNameMax;
}

/// Operators' own bootstrap hosts answer STUN too; those who chose theirs ask nobody else.
std::vector<node::BootstrapHost> default_stun_servers(
    std::span<const node::BootstrapHost> bootstrap) {
  std::vector<node::BootstrapHost> servers;
  for (const node::BootstrapHost& host : bootstrap) {
    if (host.host == kDefaultBootstrapHost) {
      for (const char* name : kDefaultStunHosts) servers.push_back({name, rendezvous::kStunPort});
    } else if (servers.size() < rendezvous::kStunServersMax) {
      servers.push_back({host.host, rendezvous::kStunPort});
    }
  }
  return servers;
}

/// Through whom these settings enter the DHT.
std::vector<node::BootstrapHost> bootstrap_of(const JoinSettings& settings) {
  return settings.bootstrap.value_or(
      std::vector<node::BootstrapHost>{{kDefaultBootstrapHost, node::kDhtPortDefault}});
}

tl::unexpected<Failure> wrong(std::string_view value, std::string_view flaw) {
  return tl::unexpected(Failure{fmt::format("'{}' {}", printable(value), flaw)});
}

/// Stores a value that was understood; `flaw` completes "'<value>' …" if it was not.
template <typename Value>
Applied assign(std::optional<Value>& slot, std::optional<Value> parsed, std::string_view value,
               std::string_view flaw) {
  if (!parsed) return wrong(value, flaw);
  slot = std::move(parsed);
  return {};
}

std::optional<std::string> text_if(bool good, std::string_view text) {
  return good ? std::optional<std::string>(text) : std::nullopt;
}

std::optional<std::filesystem::path> path_if_any(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional<std::filesystem::path>(text);
}

constexpr std::string_view kNoPath = "is not the path of a file or folder";
constexpr std::string_view kNoPort = "is not a port (1 to 65535)";

Applied set_secret_file(JoinSettings& settings, std::string_view value) {
  return assign(settings.secret_file, path_if_any(value), value, kNoPath);
}
Applied set_interface(JoinSettings& settings, std::string_view value) {
  return assign(settings.interface, text_if(is_interface_name(value), value), value,
                "is not an interface name: a letter, then up to 14 letters, digits, '_' or '-'");
}
Applied set_hostname(JoinSettings& settings, std::string_view value) {
  return assign(settings.hostname, text_if(node::is_host_name(value, kHostnameBytesMax), value),
                value,
                "is not a hostname: up to 63 letters, digits, '.', '_' or '-', the first a letter "
                "or digit");
}
Applied set_listen_port(JoinSettings& settings, std::string_view value) {
  return assign(settings.listen_port, parse_port(value), value, kNoPort);
}
Applied set_dht_port(JoinSettings& settings, std::string_view value) {
  return assign(settings.dht_port, parse_port(value), value, kNoPort);
}
/// Adds HOST[:PORT] to a list for which 'none' stands for nobody. `what` is one of them, for
/// people.
Applied add_host(std::optional<std::vector<node::BootstrapHost>>& hosts, std::string_view value,
                 std::uint16_t default_port, std::size_t most, std::string_view what) {
  const bool none_before = hosts && hosts->empty();
  const bool some_before = hosts && !hosts->empty();
  if (none_before || (value == kNobody && some_before)) {
    return tl::unexpected(Failure{fmt::format("'none' excludes every other {}", what)});
  }
  if (!hosts) hosts.emplace();
  if (value == kNobody) return {};
  auto host = node::parse_bootstrap_host(value);
  if (!host) return wrong(value, "is not HOST[:PORT]; an IPv6 address with a port needs brackets");
  if (!names_port(value)) host->port = default_port;
  if (hosts->size() == most) {
    return wrong(value, fmt::format("is one {} too many ({} at most)", what, most));
  }
  hosts->push_back(*host);
  return {};
}
Applied add_bootstrap(JoinSettings& settings, std::string_view value) {
  return add_host(settings.bootstrap, value, node::kDhtPortDefault, kBootstrapHostsMax,
                  "bootstrap host");
}
Applied add_endpoint(JoinSettings& settings, std::string_view value) {
  const auto host = node::parse_bootstrap_host(value);
  if (!host || !names_port(value) || !is_name_or_address(host->host)) {
    return wrong(value, "is not HOST:PORT; an IPv6 address needs brackets");
  }
  if (const auto endpoint = literal_endpoint(*host)) {
    const auto flaw = node::flaw_of_endpoint(*endpoint);
    if (!flaw.empty()) return wrong(value, flaw);
  }
  if (!settings.endpoints) settings.endpoints.emplace();
  std::size_t places = places_of(*host);
  for (const node::BootstrapHost& other : *settings.endpoints) places += places_of(other);
  if (places > kStaticEndpointsMax) {
    return wrong(value, fmt::format("is one endpoint too many ({} at most; a name counts as {})",
                                    kStaticEndpointsMax, node::kEndpointsPerNameMax));
  }
  settings.endpoints->push_back(*host);
  return {};
}
Applied set_no_punching(JoinSettings& settings, std::string_view value) {
  settings.no_punching = value == "true";
  return {};
}
/// One of two switches that contradict each other.
Applied set_wish(std::optional<bool>& wish, bool wanted, std::string_view contrary) {
  if (wish && *wish != wanted) {
    return tl::unexpected(Failure{fmt::format("contradicts {}; give one of them", contrary)});
  }
  wish = wanted;
  return {};
}
Applied set_introducer(JoinSettings& settings, std::string_view value) {
  return set_wish(settings.introducer, value == "true", "no-introducer");
}
Applied set_no_introducer(JoinSettings& settings, std::string_view value) {
  return set_wish(settings.introducer, value != "true", "introducer");
}
Applied set_no_lan(JoinSettings& settings, std::string_view value) {
  settings.no_lan = value == "true";
  return {};
}
Applied set_relay(JoinSettings& settings, std::string_view value) {
  return set_wish(settings.relay, value == "true", "no-relay");
}
Applied set_no_relay(JoinSettings& settings, std::string_view value) {
  if (value != "true") return {};  // not never, so as it comes
  return set_wish(settings.relay, false, "relay");
}
Applied set_relay_rate(JoinSettings& settings, std::string_view value) {
  auto rate = parse_number<std::uint32_t>(value);
  if (rate && (*rate == 0 || *rate > kRelayRateMbitMax)) rate.reset();
  return assign(settings.relay_rate_mbit, rate, value,
                "is not a whole number of megabits a second (1 to 10000)");
}
Applied set_relay_quota(JoinSettings& settings, std::string_view value) {
  auto quota = parse_number<std::uint32_t>(value);
  if (quota && (*quota == 0 || *quota > kRelayQuotaGbMax)) quota.reset();
  return assign(settings.relay_quota_gb, quota, value,
                "is not a whole number of gigabytes a day (1 to 100000)");
}
Applied set_force_relay(JoinSettings& settings, std::string_view value) {
  settings.force_relay = value == "true";
  return {};
}
Applied set_no_portmap(JoinSettings& settings, std::string_view value) {
  settings.no_portmap = value == "true";
  return {};
}
Applied set_dht_network(JoinSettings& settings, std::string_view value) {
  return assign(settings.dht_network, parse_number<std::uint32_t>(value), value,
                "is not a network id (0 to 4294967295)");
}
Applied set_state_dir(JoinSettings& settings, std::string_view value) {
  return assign(settings.state_dir, path_if_any(value), value, kNoPath);
}
Applied set_socket_path(JoinSettings& settings, std::string_view value) {
  if (value.empty()) return wrong(value, kNoPath);
  if (const auto fits = check_socket_path(std::filesystem::path(value)); !fits) {
    return tl::unexpected(fits.error());
  }
  settings.socket_path = value;
  return {};
}
Applied set_log_level(JoinSettings& settings, std::string_view value) {
  const bool known = std::ranges::find(kLogLevels, value) != kLogLevels.end();
  return assign(settings.log_level, text_if(known, value), value,
                "is not a log level: debug, info, warn or error");
}
Applied set_no_ipv6(JoinSettings& settings, std::string_view value) {
  settings.no_ipv6 = value == "true";
  return {};
}
Applied set_start_afresh(JoinSettings& settings, std::string_view value) {
  settings.start_afresh = value == "true";
  return {};
}
Applied set_clock_offset(JoinSettings& settings, std::string_view value) {
  std::optional<std::chrono::milliseconds> offset;
  if (const auto count = parse_number<std::int64_t>(value)) offset.emplace(*count);
  return assign(settings.clock_offset, offset, value, "is not a number of milliseconds");
}

constexpr std::array kSettings{
    Setting{"secret-file", "FILE",
            "Read the mesh secret from this file ('-' for standard input); keep it at mode 0600",
            ValueKind::kText, true, true, set_secret_file},
    Setting{"interface", "NAME", "Name of the mesh interface (default kadwire0)", ValueKind::kText,
            true, true, set_interface},
    Setting{"hostname", "NAME",
            "How this node is called in the mesh (default: this machine's name)", ValueKind::kText,
            true, true, set_hostname},
    Setting{"listen-port", "PORT", "WireGuard's UDP port, or the next free one (default 51820)",
            ValueKind::kNumber, true, true, set_listen_port},
    Setting{"dht-port", "PORT", "The DHT's UDP port (default: any free one, then kept)",
            ValueKind::kNumber, true, true, set_dht_port},
    Setting{"bootstrap", "HOST[:PORT]",
            "Enter the DHT through this host, repeatable; 'none' for nobody (default "
            "bootstrap.jami.net:4222)",
            ValueKind::kList, true, true, add_bootstrap},
    Setting{"dht-network", "ID", "OpenDHT network id (default 0, the public network)",
            ValueKind::kNumber, true, true, set_dht_network},
    Setting{"stun", "HOST[:PORT]",
            "Ask this STUN server how WireGuard's port looks from outside, repeatable; 'none' for "
            "nobody (default: the bootstrap hosts, or public ones with the default bootstrap host)",
            ValueKind::kList, true, true, add_stun_server},
    Setting{"endpoint", "HOST:PORT",
            "Where others reach WireGuard's port, if a gateway forwards it: an address, or a name "
            "that is looked up again every half hour; repeatable",
            ValueKind::kList, true, true, add_endpoint},
    Setting{"no-punching", "", "Send nothing but WireGuard from its port: dial peers, no more",
            ValueKind::kSwitch, true, true, set_no_punching},
    Setting{"introducer", "", "Pass calls on between other members (the default)",
            ValueKind::kSwitch, true, true, set_introducer},
    Setting{"no-introducer", "", "Pass no calls on between other members", ValueKind::kSwitch, true,
            true, set_no_introducer},
    Setting{"relay", "",
            "Offer to relay between other members even if this node does not know that everybody "
            "can reach it (default: only if it does)",
            ValueKind::kSwitch, true, true, set_relay},
    Setting{"no-relay", "", "Never relay between other members", ValueKind::kSwitch, true, true,
            set_no_relay},
    Setting{"relay-rate", "MBIT",
            "Relay no more than this many megabits a second for all members together (default: no "
            "limit)",
            ValueKind::kNumber, true, true, set_relay_rate},
    Setting{"relay-quota", "GB",
            "Relay no more than this many gigabytes in any 24 hours for all members together; "
            "counted anew after a restart (default: no limit)",
            ValueKind::kNumber, true, true, set_relay_quota},
    Setting{"force-relay", "",
            "Reach every member through a relay, and only relays straight; for tests and diagnosis",
            ValueKind::kSwitch, true, true, set_force_relay},
    Setting{"no-portmap", "",
            "Do not ask the gateway (PCP, NAT-PMP, UPnP) to map WireGuard's port to this host",
            ValueKind::kSwitch, true, true, set_no_portmap},
    Setting{"no-lan", "", "Look for no members on the local network by multicast",
            ValueKind::kSwitch, true, true, set_no_lan},
    Setting{"state-dir", "FOLDER",
            "Keep this node's identity below this folder (default /var/lib/kadwire)",
            ValueKind::kText, true, true, set_state_dir},
    Setting{"socket-path", "FILE",
            "The daemon's control socket (default $KADWIRE_SOCKET, else /run/kadwire/NAME.sock)",
            ValueKind::kText, true, true, set_socket_path},
    Setting{"log-level", "LEVEL", "debug, info, warn or error (default info)", ValueKind::kText,
            true, true, set_log_level},
    Setting{"no-ipv6", "", "Neither offer nor use IPv6 between hosts", ValueKind::kSwitch, true,
            true, set_no_ipv6},
    Setting{"start-afresh", "",
            "If the saved state belongs to another mesh, set it aside and begin anew",
            ValueKind::kSwitch, false, true, set_start_afresh},
    Setting{"clock-offset", "MILLISECONDS", "Added to the clock, for tests", ValueKind::kNumber,
            false, false, set_clock_offset},
};

template <typename Value>
void take_if_set(std::optional<Value>& base, std::optional<Value>& over) {
  if (over) base = std::move(over);
}

}  // namespace

std::span<const Setting> join_settings() {
  return kSettings;
}

JoinSettings overlay(JoinSettings base, JoinSettings over) {
  take_if_set(base.secret_file, over.secret_file);
  take_if_set(base.interface, over.interface);
  take_if_set(base.hostname, over.hostname);
  take_if_set(base.listen_port, over.listen_port);
  take_if_set(base.dht_port, over.dht_port);
  take_if_set(base.bootstrap, over.bootstrap);
  take_if_set(base.dht_network, over.dht_network);
  take_if_set(base.stun, over.stun);
  take_if_set(base.endpoints, over.endpoints);
  take_if_set(base.no_punching, over.no_punching);
  take_if_set(base.introducer, over.introducer);
  take_if_set(base.relay, over.relay);
  take_if_set(base.relay_rate_mbit, over.relay_rate_mbit);
  take_if_set(base.relay_quota_gb, over.relay_quota_gb);
  take_if_set(base.force_relay, over.force_relay);
  take_if_set(base.no_portmap, over.no_portmap);
  take_if_set(base.no_lan, over.no_lan);
  take_if_set(base.state_dir, over.state_dir);
  take_if_set(base.socket_path, over.socket_path);
  take_if_set(base.log_level, over.log_level);
  take_if_set(base.no_ipv6, over.no_ipv6);
  base.start_afresh = base.start_afresh || over.start_afresh;
  take_if_set(base.clock_offset, over.clock_offset);
  return base;
}

bool is_interface_name(std::string_view text) {
  return !text.empty() && text.size() <= kInterfaceBytesMax && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char character) {
           return is_letter_or_digit(character) || character == '-' || character == '_';
         });
}

std::string mesh_hostname(std::string_view machine_name) {
  std::string hostname(machine_name.substr(0, machine_name.find('.')));
  std::erase_if(hostname, [](char character) { return !is_name_character(character); });
  hostname.erase(0, std::min(hostname.find_first_not_of("-_"), hostname.size()));
  if (hostname.size() > kHostnameBytesMax) hostname.resize(kHostnameBytesMax);
  return hostname.empty() ? "node" : hostname;
}

tl::expected<void, Failure> add_stun_server(JoinSettings& settings, std::string_view value) {
  return add_host(settings.stun, value, rendezvous::kStunPort, rendezvous::kStunServersMax,
                  "STUN server");
}

std::vector<node::BootstrapHost> stun_servers_of(const JoinSettings& settings) {
  return settings.stun.value_or(default_stun_servers(bootstrap_of(settings)));
}

tl::expected<void, Failure> check_settings(const JoinSettings& settings) {
  const bool relays = settings.relay.value_or(false);
  const bool forced = settings.force_relay.value_or(false);
  const bool relays_not = forced || !settings.relay.value_or(true);
  const char* contradiction = nullptr;
  if (settings.no_punching.value_or(false) && relays) {
    contradiction = "--relay needs what --no-punching forbids; give one of them";
  } else if (settings.no_punching.value_or(false) && forced) {
    contradiction = "--force-relay needs what --no-punching forbids; give one of them";
  } else if (forced && relays) {
    contradiction = "--relay contradicts --force-relay: who relays has to be reached straight";
  } else if (settings.relay_rate_mbit && relays_not) {
    contradiction =
        "--relay-rate limits what --no-relay and --force-relay forbid; give one of them";
  } else if (settings.relay_rate_mbit && settings.no_punching.value_or(false)) {
    contradiction = "--relay-rate limits what --no-punching forbids; give one of them";
  } else if (settings.relay_quota_gb && relays_not) {
    contradiction =
        "--relay-quota limits what --no-relay and --force-relay forbid; give one of them";
  } else if (settings.relay_quota_gb && settings.no_punching.value_or(false)) {
    contradiction = "--relay-quota limits what --no-punching forbids; give one of them";
  }
  if (contradiction == nullptr) return {};
  return tl::unexpected(Failure{contradiction});
}

tl::expected<void, Failure> check_endpoints(const JoinSettings& settings,
                                            const crypto::MeshSecret& secret) {
  if (!settings.endpoints) return {};
  const crypto::KeySchedule keys(secret);
  const std::array networks{crypto::mesh_ipv4_network(keys, secret),
                            crypto::mesh_ipv6_network(keys)};
  for (const node::BootstrapHost& host : *settings.endpoints) {
    const auto endpoint = literal_endpoint(host);
    if (!endpoint) continue;
    const auto flaw = node::flaw_of_endpoint(*endpoint, networks);
    if (flaw.empty()) continue;
    return tl::unexpected(Failure{fmt::format("--endpoint: {} {}", endpoint->to_string(), flaw)});
  }
  return {};
}

std::filesystem::path socket_path_of(const JoinSettings& settings) {
  if (settings.socket_path) return *settings.socket_path;
  return std::filesystem::path(kSocketFolder) /
         (settings.interface.value_or(kDefaultInterface) + ".sock");
}

node::DaemonOptions to_daemon_options(const JoinSettings& settings, crypto::MeshSecret secret,
                                      std::string_view machine_name) {
  node::DaemonOptions options;
  options.secret = std::move(secret);
  options.interface = settings.interface.value_or(kDefaultInterface);
  options.listen_port = settings.listen_port.value_or(options.listen_port);
  options.dht_port = settings.dht_port;
  options.bootstrap = bootstrap_of(settings);
  options.dht_network = settings.dht_network.value_or(options.dht_network);
  options.stun = stun_servers_of(settings);
  for (const node::BootstrapHost& host :
       settings.endpoints.value_or(std::vector<node::BootstrapHost>{})) {
    if (const auto endpoint = literal_endpoint(host)) {
      options.static_endpoints.push_back(*endpoint);
    } else {
      options.static_names.push_back(host);
    }
  }
  options.punching = !settings.no_punching.value_or(false);
  options.introduces = settings.introducer.value_or(true);
  options.relayed_only = settings.force_relay.value_or(false);
  options.relays = settings.relay.value_or(true) && !options.relayed_only;
  options.always_relays = settings.relay.value_or(false);
  options.relay_limits = {settings.relay_rate_mbit.value_or(0) * kBytesPerMbit,
                          settings.relay_quota_gb.value_or(0) * kBytesPerGb};
  options.maps_ports = !settings.no_portmap.value_or(false);
  options.lan = !settings.no_lan.value_or(false);
  options.state_folder = settings.state_dir.value_or(kDefaultStateFolder) / options.interface;
  options.socket_path = socket_path_of(settings);
  options.hostname = settings.hostname.value_or(mesh_hostname(machine_name));
  options.ipv6 = !settings.no_ipv6.value_or(false);
  options.start_afresh = settings.start_afresh;
  options.clock_offset = settings.clock_offset.value_or(options.clock_offset);
  return options;
}

}  // namespace kadwire::control
