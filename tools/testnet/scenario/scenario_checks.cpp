#include "tools/testnet/scenario/scenario_checks.h"

#include <algorithm>
#include <set>

#include "tools/testnet/internet/cities.h"
#include "tools/testnet/scenario/overrides.h"
#include "tools/testnet/scenario/sections.h"

namespace kadwire::testnet {
namespace {

/// The names of a map's entries, or of groups.
template <typename T>
std::vector<std::string> names_in(const std::map<std::string, T>& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

std::vector<std::string> group_names(const Scenario& scenario) {
  std::vector<std::string> names{std::string(kAllMembers)};
  for (const Group& group : scenario.groups) names.push_back(group.name);
  return names;
}

std::vector<std::string> city_names() {
  std::vector<std::string> names;
  for (const City& city : cities()) names.emplace_back(city.name);
  return names;
}

/// What a group may be behind.
std::vector<std::string> nat_names(const Scenario& scenario) {
  std::vector<std::string> names = names_in(scenario.gateways);
  for (const NatKind& kind : nat_kinds()) names.emplace_back(kind.name);
  names.emplace_back(kNoNat);
  return names;
}

/// Whether both mean the very same hosts. What is drawn anew each time is not.
bool are_the_same(const Selector& one, const Selector& other) {
  const bool drawn = one.count || other.count || one.share < 1 || other.share < 1;
  return !drawn && one.group == other.group && one.index == other.index;
}

/// Adds errors at the place of a key, or, if it is not there, of the table that should hold it.
class Checker {
 public:
  Checker(const Scenario& scenario, const toml::table& root, ErrorList& errors)
      : scenario_(scenario),
        root_(root),
        errors_(errors),
        end_(is_overridden("until") ? kDurationMax : scenario.until) {}

  void check_all() {
    check_nodes();
    for (const auto& [name, gateway] : scenario_.gateways) check_gateway(name, gateway);
    for (const Group& group : scenario_.groups) check_group(group);
    for (std::size_t i = 0; i < scenario_.events.size(); ++i) {
      check_event(scenario_.events[i], fmt::format("events[{}]", i));
    }
    check_expectations();
  }

 private:
  void refuse(const std::string& path, std::string message) {
    std::string_view known = path;
    toml::node_view<const toml::node> node = toml::at_path(root_, known);
    while (!node && known.find('.') != std::string_view::npos) {
      known = known.substr(0, known.rfind('.'));
      node = toml::at_path(root_, known);
    }
    errors_.add(node ? node.node()->source() : root_.source(), path, std::move(message));
  }
  [[nodiscard]] bool has(const std::string& path) const {
    return static_cast<bool>(toml::at_path(root_, path));
  }

  [[nodiscard]] bool is_overridden(const std::string& path) const {
    const auto node = toml::at_path(root_, path);
    const auto source = node ? node.node()->source().path : nullptr;
    return source != nullptr && source->starts_with(kOverrideSource);
  }

  void check_nodes() {
    const std::size_t nodes = count_nodes(scenario_);
    if (nodes == 0) return refuse("groups", "nobody is there; add a group, as [groups.homes]");
    if (nodes > kNodesMax) {
      refuse("groups", fmt::format("{} nodes are too many; {} at most", nodes, kNodesMax));
    }
    const auto is_bootstrap = [](const Group& group) {
      return group.role == Role::kBootstrap && group.count > 0;
    };
    if (std::ranges::none_of(scenario_.groups, is_bootstrap)) {
      refuse("groups",
             "nobody is the bootstrap node, so nobody finds the DHT; add a group with "
             "role = \"bootstrap\"");
    }
    if (std::ranges::count_if(scenario_.groups, &Group::scales) > 1) {
      refuse("groups", "only one group can have scales = true");
    }
  }

  void check_gateway(const std::string& name, const GatewayModel& gateway) {
    const std::string path = join_path("gateways", name);
    if (name == kNoNat || find_nat_kind(name)) {
      refuse(path, fmt::format("'{}' already means something; choose another name", name));
    }
    const std::string step = join_path(path, "step");
    if (has(step) && gateway.nat.allocation != PortAllocation::kSequential) {
      refuse(step, "needs ports = \"sequential\", or a kind that has them");
    }
    if (gateway.behind.empty()) return;
    const std::string behind = join_path(path, "behind");
    if (!scenario_.gateways.contains(gateway.behind)) {
      return refuse(behind, unknown_word(gateway.behind, names_in(scenario_.gateways)));
    }
    if (is_behind_itself(name)) refuse(behind, "goes round in a circle");
  }

  [[nodiscard]] bool is_behind_itself(const std::string& name) const {
    std::set<std::string> passed;
    std::string at = name;
    while (passed.insert(at).second) {
      const auto gateway = scenario_.gateways.find(at);
      if (gateway == scenario_.gateways.end() || gateway->second.behind.empty()) return false;
      at = gateway->second.behind;
    }
    return at == name;
  }

  void check_group(const Group& group) {
    const std::string path = join_path("groups", group.name);
    if (group.name == kAllMembers) refuse(path, "means every member; choose another name");
    check_link(group.link, join_path(path, "link"));
    if (!group.other_link.empty()) check_link(group.other_link, join_path(path, "other_link"));
    check_nat(group.nat, join_path(path, "nat"));
    check_nat(group.other_nat, join_path(path, "other_nat"));
    if (group.second_ipv4 && group.families == Families::kIpv6) {
      refuse(join_path(path, "second_ipv4"), "these hosts have no IPv4");
    }
    if (group.temporary_ipv6 > Duration{0} && group.families == Families::kIpv4) {
      refuse(join_path(path, "temporary_ipv6"), "these hosts have no IPv6");
    }
    if (group.other_up && !has(join_path(path, "other_nat")) &&
        !has(join_path(path, "other_link"))) {
      refuse(join_path(path, "other_up"), "needs other_nat or other_link");
    }
    if (group.per_nat > 1 && group.nat.empty()) {
      refuse(join_path(path, "per_nat"), "needs nat: these hosts are behind none");
    }
    for (const std::string& city : group.cities) {
      if (!find_city(city)) refuse(join_path(path, "cities"), unknown_word(city, city_names()));
    }
    if (group.start.high > end_) {
      refuse(join_path(path, "start"), "is after the end, " + format_duration(end_));
    }
  }
  void check_link(const std::string& name, const std::string& path) {
    if (!scenario_.links.contains(name))
      refuse(path, unknown_word(name, names_in(scenario_.links)));
  }
  void check_nat(const std::string& name, const std::string& path) {
    if (name.empty() || scenario_.gateways.contains(name) || find_nat_kind(name)) return;
    refuse(path, unknown_word(name, nat_names(scenario_)));
  }

  void check_event(const ScenarioEvent& event, const std::string& path) {
    check_event_keys(event.kind, path);
    check_event_times(event, path);
    check_selector(event.who, join_path(path, "who"));
    if (event.from) check_selector(*event.from, join_path(path, "from"));
    check_event_fits(event, path);
  }

  /// Keys that only some kinds have.
  void check_event_keys(EventKind kind, const std::string& path) {
    const bool lasts = kind == EventKind::kSleep || kind == EventKind::kPartition ||
                       kind == EventKind::kBlackHole || kind == EventKind::kOneWayLoss ||
                       kind == EventKind::kInterfaceDown;
    const bool of_one = kind == EventKind::kInterfaceDown || kind == EventKind::kNatReboot ||
                        kind == EventKind::kAddressChange;
    allow(lasts, kind, path, "lasting");
    allow(of_one, kind, path, "interface");
    allow(kind == EventKind::kPartition, kind, path, "from");
    allow(kind == EventKind::kOneWayLoss, kind, path, "share");
    allow(kind == EventKind::kClockStep, kind, path, "by");
    require(true, path, "who");
    require(kind == EventKind::kSleep, path, "lasting");
    require(kind == EventKind::kClockStep, path, "by");
  }
  void allow(bool allowed, EventKind kind, const std::string& path, std::string_view key) {
    const std::string full = join_path(path, key);
    if (!allowed && has(full)) refuse(full, fmt::format("has no meaning for {}", to_text(kind)));
  }
  void require(bool required, const std::string& path, std::string_view key) {
    if (required && !has(join_path(path, key))) refuse(path, fmt::format("needs {}", key));
  }

  void check_event_times(const ScenarioEvent& event, const std::string& path) {
    if (!has(join_path(path, "at")) && !has(join_path(path, "every"))) {
      refuse(path, "needs at, or every");
    }
    const std::string end = format_duration(end_);
    if (event.at > end_) {
      refuse(join_path(path, "at"),
             fmt::format("{} is after the end, {}", format_duration(event.at), end));
    }
    if (event.until && event.every == Duration{0}) {
      refuse(join_path(path, "until"), "needs every: the event happens once");
    }
    if (event.until && (*event.until < event.at || *event.until > end_)) {
      refuse(join_path(path, "until"),
             fmt::format("is not within {}..{}", format_duration(event.at), end));
    }
    if (event.every == Duration{0} || event.at > end_) return;
    const auto times = (event.until.value_or(scenario_.until) - event.at) / event.every;
    if (times > static_cast<std::int64_t>(kEventsMax)) {
      refuse(join_path(path, "every"),
             fmt::format("happens {} times; {} at most", times, kEventsMax));
    }
  }

  void check_selector(const Selector& selector, const std::string& path) {
    if (auto problem = selector_problem(scenario_, selector)) refuse(path, std::move(*problem));
  }

  /// Whether the hosts are such that the event can happen to any of them.
  void check_event_fits(const ScenarioEvent& event, const std::string& path) {
    bool has_nat = false, switches = false, has_both = false;
    for (const Group& group : scenario_.groups) {
      if (!means(event.who, group)) continue;
      const std::string home = join_path("groups", group.name);
      has_nat |= !group.nat.empty() || !group.other_nat.empty();
      has_both |= group.other_up;
      switches |= !group.other_up &&
                  (has(join_path(home, "other_nat")) || has(join_path(home, "other_link")));
    }
    const std::string who = join_path(path, "who");
    if (event.kind == EventKind::kNatReboot && !has_nat) {
      refuse(who, "none of these hosts is behind a NAT that could reboot");
    }
    if (event.kind == EventKind::kPartition && event.from && are_the_same(event.who, *event.from)) {
      refuse(join_path(path, "from"), "these are the same hosts as in who");
    }
    if (event.kind == EventKind::kOneWayLoss && event.share == 0) {
      refuse(join_path(path, "share"), "0% loses nothing");
    }
    if (event.kind == EventKind::kInterfaceSwitch && !switches) {
      refuse(who, has_both ? "these hosts have both interfaces at once; use interface-down"
                           : "none of these hosts has an other_nat or other_link to switch to");
    }
    if (event.interface == InterfaceId::kOther && !has_both) {
      refuse(join_path(path, "interface"), "none of these hosts has other_up = true");
    }
  }

  void check_expectations() {
    const Expectations& expect = scenario_.expect;
    if (expect.connected_within && *expect.connected_within > end_) {
      refuse("expect.connected_within",
             fmt::format("{} is after the end, {}", format_duration(*expect.connected_within),
                         format_duration(end_)));
    }
    const std::size_t members = count_members(scenario_);
    const std::size_t pairs = members * (members - std::min<std::size_t>(members, 1)) / 2;
    if (expect.pairs_min && *expect.pairs_min > pairs) {
      refuse("expect.pairs_min", fmt::format("{} members have {} pairs at most", members, pairs));
    }
    if (expect.pairs_min && expect.pairs_max && *expect.pairs_max < *expect.pairs_min) {
      refuse("expect.pairs_max", "is less than pairs_min");
    }
  }

  const Scenario& scenario_;
  const toml::table& root_;
  ErrorList& errors_;
  /// No event is later. Whoever plays a scenario with another end means less or more of it.
  const Duration end_;
};

/// Why a selector finds nobody: an unknown name, or groups that are empty.
std::string nobody_meant(const Scenario& scenario, const Selector& selector) {
  if (selector.group.empty()) return "there are no members";
  const auto is_meant = [&](const Group& group) { return means(selector, group); };
  return std::ranges::any_of(scenario.groups, is_meant)
             ? fmt::format("there are no {}: their count is 0", selector.group)
             : unknown_word(selector.group, group_names(scenario));
}

}  // namespace

void check_scenario(const Scenario& scenario, const toml::table& root, ErrorList& errors) {
  Checker(scenario, root, errors).check_all();
}

std::optional<std::string> selector_problem(const Scenario& scenario, const Selector& selector) {
  std::size_t nodes = 0;
  for (const Group& group : scenario.groups) nodes += means(selector, group) ? group.count : 0;
  const std::string_view name = selector.group.empty() ? kAllMembers : selector.group;
  if (nodes == 0) return nobody_meant(scenario, selector);
  if (selector.index && *selector.index >= nodes) {
    return fmt::format("there is no {}[{}]; {}[0] to {}[{}]", name, *selector.index, name, name,
                       nodes - 1);
  }
  if (selector.count && *selector.count > nodes) {
    return fmt::format("there are {} {}, not {}", nodes, name, *selector.count);
  }
  return std::nullopt;
}

}  // namespace kadwire::testnet
