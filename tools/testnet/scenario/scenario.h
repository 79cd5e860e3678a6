#pragma once

/// A scenario as plain values: what world to build, what happens in it, and what is expected.
/// scenario_parser.h makes one of TOML; world.h plays it. tools/testnet/README.md describes every
/// field for the people who write them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/time.h"
#include "tools/testnet/internet/firewall_model.h"
#include "tools/testnet/internet/link_model.h"
#include "tools/testnet/internet/mapping_model.h"
#include "tools/testnet/internet/nat_model.h"

namespace kadwire::testnet {

/// A world larger than this is a typing error.
inline constexpr std::size_t kNodesMax = 20'000;
inline constexpr std::size_t kEventsMax = 10'000;

/// Uniform between two durations, which may be the same.
struct DurationRange {
  Duration low{0};
  Duration high{0};
};

enum class Role : std::uint8_t {
  kMember,     ///< a kadwire node: the production MeshNode and Driver
  kBootstrap,  ///< the production bootstrap node; everyone's way into the DHT
  kDhtNode,    ///< a node of the DHT that takes part in no mesh
  // Hostile nodes of the DHT
  kDropper,      ///< answers pings and find-node, then drops every other request
  kLiar,         ///< names nodes that do not exist, and confirms puts it throws away
  kHashFlooder,  ///< puts junk values under the mesh's topic
  kSybil,        ///< many node ids next to the mesh's topic, which keep nothing
  // Hostile members: they hold the secret
  kReplayer,       ///< puts others' old records again, for ever
  kForger,         ///< puts records in others' names, and claims others' addresses in its own
  kRecordFlooder,  ///< puts the records of ever new invented members
};
/// As scenarios spell it: "member", "dht", "dropper", …
[[nodiscard]] std::string_view to_text(Role role);
/// The inverse; nullopt for any other word.
[[nodiscard]] std::optional<Role> find_role(std::string_view text);
/// In the order above.
[[nodiscard]] const std::vector<Role>& all_roles();
[[nodiscard]] constexpr bool is_hostile(Role role) {
  return role >= Role::kDropper;
}
/// A hostile member, which can seal and sign as any member does.
[[nodiscard]] constexpr bool holds_secret(Role role) {
  return role == Role::kMember || role >= Role::kReplayer;
}

/// A NAT by name, perhaps behind another: its outside is a host of that one's inside.
struct GatewayModel {
  NatModel nat;
  MappingServiceModel mapping;   ///< what it maps for whoever asks
  std::string behind;            ///< name of the outer gateway; empty: the internet
  std::size_t subscribers = 64;  ///< an outer gateway serves so many inner ones
  FirewallModel ipv6_firewall{true, 120s};
};

/// Alike nodes.
struct Group {
  std::string name;
  Role role = Role::kMember;
  std::size_t count = 1;
  Families families = Families::kBoth;
  bool second_ipv4 = false;      ///< two addresses on one interface
  Duration temporary_ipv6{0};    ///< how long a temporary address is preferred; 0: there are none
  std::string nat;               ///< of Scenario::gateways, or a NatKind; empty: public addresses
  std::size_t per_nat = 1;       ///< hosts behind one box
  std::string link = "default";  ///< of Scenario::links
  FirewallModel firewall;        ///< the host's own
  bool udp_blocked = false;
  std::vector<std::string> cities;  ///< each host is in one, in turn; empty: nowhere in particular
  DurationRange start;              ///< each node starts at a moment drawn from this
  bool starts = true;               ///< false: only an event starts it
  DurationRange clock_offset;       ///< the wall clock is wrong by this; may be negative
  double clock_drift_ppm = 0;       ///< and goes wrong by so much more
  bool announces = true;            ///< members: false listens only
  bool mailbox = true;              ///< members: false calls nobody through the DHT, nor is called
  bool lan = true;                  ///< members: false neither sends nor hears beacons
  bool force_relay = false;         ///< members: true reaches only relays straight, and is none
  std::string other_nat;            ///< behind which an interface switch puts the host
  std::string other_link;
  bool bridge = false;    ///< each host has one for containers, with one address for all
  bool other_up = false;  ///< the other network is there beside the first, from the start
  bool scales = false;    ///< scale_members changes the size of this group
};

enum class EventKind : std::uint8_t {
  kStart,
  kLeave,            ///< stops in good order (SIGTERM)
  kCrash,            ///< SIGKILL; WireGuard's tunnels stand on, as wireguard-go's do
  kPowerCut,         ///< node and WireGuard gone at once
  kRestart,          ///< starts again with the state it saved; a running one crashes first
  kNatReboot,        ///< the gateways of these hosts forget every mapping
  kAddressChange,    ///< the hosts' public addresses, or their gateways', become others
  kInterfaceSwitch,  ///< from nat and link to other_nat and other_link, and back
  kInterfaceDown,    ///< one interface loses its addresses and routes, for `lasting`
  kSleep,            ///< suspend for `lasting`; the steady clock stands still
  kPartition,        ///< `who` and `from` (empty: all others) cannot reach each other
  kBlackHole,        ///< everything to and from the hosts vanishes
  kOneWayLoss,       ///< what the hosts send vanishes, with probability `share`; they still receive
  kClockStep,        ///< the wall clock jumps by `by`
};
/// As scenarios spell it: "start", "leave", …
[[nodiscard]] std::string_view to_text(EventKind kind);
/// The inverse; nullopt for any other word.
[[nodiscard]] std::optional<EventKind> find_event_kind(std::string_view text);
/// In the order above.
[[nodiscard]] const std::vector<EventKind>& all_event_kinds();

/// How a selector spells "every node whose role is member"; no group may be called so.
inline constexpr std::string_view kAllMembers = "members";

/// Some of the nodes.
struct Selector {
  std::string group;                 ///< "west*": all groups that begin so; empty: every member
  std::optional<std::size_t> index;  ///< only this one, the first is 0
  double share = 1;                  ///< such a part of them, drawn anew each time
  std::optional<std::size_t> count;  ///< so many of them, drawn anew each time
};

struct ScenarioEvent {
  EventKind kind{};
  Duration at{0};                 ///< since the start
  Duration every{0};              ///< again and again; 0: once
  std::optional<Duration> until;  ///< the last time, with `every`
  Duration lasting{0};            ///< 0: until the end
  Selector who;
  std::optional<Selector> from;  ///< partition: the other side
  double share = 1;              ///< one-way loss
  Duration by{0};                ///< clock step; may be negative
  /// Interface down, gateway's reboot, address change.
  InterfaceId interface = InterfaceId::kFirst;
};

/// What must hold for the run to succeed. Unset: not asked for.
struct Expectations {
  /// Every pair of running members that a path permits (as far as this version of kadwire can use
  /// it) has a tunnel at the end.
  bool connected = true;
  /// That, for the first time, so soon after the last member's start.
  std::optional<Duration> connected_within;
  /// A pair that lost its tunnel though a path permits it has one again so soon, at any time.
  std::optional<Duration> reconnected_within;
  std::optional<Duration> first_tunnel_p50;  ///< of members, each from its start
  std::optional<Duration> first_tunnel_p95;
  std::optional<double> pings_lost_max;     ///< share of those sent over tunnels that stood
  std::optional<Duration> longest_silence;  ///< of a peer that had answered pings
  std::optional<double> direct_share_min;   ///< of all pairs, at the end
  std::optional<std::size_t> pairs_min;     ///< tunnels standing at the end
  std::optional<std::size_t> pairs_max;
  /// Of memory in use, from a third of the run on: what adds up shows in a long run.
  std::optional<double> memory_growth_max;
  std::optional<std::size_t> path_swaps_max;   ///< of all members, while the path before worked
  std::optional<double> bytes_per_second_max;  ///< sent by a member, averaged over the run
};

struct Scenario {
  std::string name;
  std::string summary;  ///< one line
  Duration until{10min};
  WallTime wall_start{std::chrono::milliseconds{1'767'226'800'000}};  ///< 2026-01-01 00:20 UTC
  std::map<std::string, LinkModel> links;                             ///< "default" is always there
  std::map<std::string, GatewayModel> gateways;
  std::vector<Group> groups;
  std::vector<ScenarioEvent> events;
  Duration ping_every{10s};        ///< each member pings each peer; 0: never
  std::size_t ping_peers_max = 8;  ///< so many of its peers, in turn
  bool ping_early = false;         ///< peers without a tunnel too, as soon as they are known
  Duration sample_every{1s};       ///< of the curves in the report
  Expectations expect;
};

/// All groups together.
[[nodiscard]] std::size_t count_nodes(const Scenario& scenario);
/// Those whose role is member.
[[nodiscard]] std::size_t count_members(const Scenario& scenario);
/// Whether the nodes of this group are among those that the selector chooses from.
[[nodiscard]] bool means(const Selector& selector, const Group& group);
/// nullptr: there is no such group. The pointer is into `scenario`.
[[nodiscard]] const Group* find_group(const Scenario& scenario, std::string_view name);

}  // namespace kadwire::testnet
