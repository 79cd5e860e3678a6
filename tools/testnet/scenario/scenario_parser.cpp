#include "tools/testnet/scenario/scenario_parser.h"

#include <algorithm>
#include <iterator>

#include "tools/testnet/scenario/overrides.h"
#include "tools/testnet/scenario/scenario_checks.h"
#include "tools/testnet/scenario/sections.h"

namespace kadwire::testnet {
namespace {

/// The keys at the top that hold tables, besides scenario_fields().
constexpr auto kSections =
    std::to_array<std::string_view>({"links", "gateways", "groups", "events", "ping", "expect"});

/// "scenarios/open-5.toml" is "open-5".
std::string name_of(std::string_view file) {
  if (const auto slash = file.rfind('/'); slash != std::string_view::npos) {
    file.remove_prefix(slash + 1);
  }
  return std::string(file.substr(0, file.rfind('.')));
}

void read_top(const TablePlace& root, Scenario& scenario, ErrorList& errors) {
  std::vector<std::string> known = names_of(scenario_fields());
  known.insert(known.end(), kSections.begin(), kSections.end());
  refuse_unknown_keys(root, known, errors);
  for (const Field<Scenario>& each : scenario_fields()) {
    const toml::node* node = root.node->get(each.name);
    if (node != nullptr) each.read(scenario, {each.name, *node}, errors);
  }
}

void read_links(const TablePlace& root, Scenario& scenario, ErrorList& errors) {
  scenario.links["default"] = default_link();
  for (const auto& [name, table] : named_tables(root, "links", errors)) {
    LinkModel link = default_link();
    read_fields(link_fields(), table, link, errors);
    scenario.links[name] = link;
  }
}

void read_gateways(const TablePlace& root, Scenario& scenario, ErrorList& errors) {
  for (const auto& [name, table] : named_tables(root, "gateways", errors)) {
    read_fields(gateway_fields(), table, scenario.gateways[name], errors);
  }
}

void read_groups(const TablePlace& root, Scenario& scenario, ErrorList& errors) {
  for (const auto& [name, table] : named_tables(root, "groups", errors)) {
    Group group;
    group.name = name;
    read_fields(group_fields(), table, group, errors);
    scenario.groups.push_back(std::move(group));
  }
}

void read_event(const TablePlace& table, Scenario& scenario, ErrorList& errors) {
  ScenarioEvent event;
  read_fields(event_fields(), table, event, errors);
  if (!table.node->contains("do")) table.refuse(errors, "needs do");
  if (!table.node->contains("at")) event.at = event.every;
  scenario.events.push_back(std::move(event));
}

void read_events(const TablePlace& root, Scenario& scenario, ErrorList& errors) {
  const toml::node* node = root.node->get("events");
  if (node == nullptr) return;
  const ValuePlace place{"events", *node};
  const toml::array* list = node->as_array();
  if (list == nullptr) return place.refuse(errors, "needs to be a list of tables, each [[events]]");
  if (list->size() > kEventsMax) {
    return place.refuse(errors, fmt::format("are more than {}", kEventsMax));
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = fmt::format("events[{}]", i);
    const toml::table* table = (*list)[i].as_table();
    if (table == nullptr) {
      ValuePlace{path, (*list)[i]}.refuse(errors, "needs to be a table, as [[events]]");
    } else {
      read_event({path, *table}, scenario, errors);
    }
  }
}

/// A section whose keys are fixed: [ping], [expect].
template <typename Target>
void read_section(const TablePlace& root, std::string_view key, const Fields<Target>& fields,
                  Target& target, ErrorList& errors) {
  const auto table = find_table(root, key, errors);
  if (table) read_fields(fields, *table, target, errors);
}

Scenario read_scenario(const TablePlace& root, std::string_view file, ErrorList& errors) {
  Scenario scenario;
  scenario.name = name_of(file);
  read_top(root, scenario, errors);
  read_links(root, scenario, errors);
  read_gateways(root, scenario, errors);
  read_groups(root, scenario, errors);
  read_events(root, scenario, errors);
  read_section(root, "ping", ping_fields(), scenario, errors);
  read_section(root, "expect", expectation_fields(), scenario.expect, errors);
  return scenario;
}

template <typename Target>
void append_keys(std::vector<KnownKey>& keys, std::string_view section,
                 const Fields<Target>& fields) {
  for (const Field<Target>& each : fields) keys.push_back({std::string(section), each.name});
}

}  // namespace

tl::expected<Scenario, std::vector<ScenarioError>> parse_scenario(
    std::string_view text, std::string_view file, std::span<const std::string> overrides) {
  const auto whole = [&](std::string message) {
    return tl::unexpected(std::vector{ScenarioError{std::string(file), 0, 0, "", message}});
  };
  if (text.size() > kScenarioBytesMax) return whole("is longer than 1 MiB: no scenario");
  if (overrides.size() > kOverridesMax) return whole("more than 100 overrides");
  toml::parse_result parsed = toml::parse(text, file);
  ErrorList errors;
  if (!parsed) {
    errors.add(parsed.error().source(), "", std::string(parsed.error().description()));
    return tl::unexpected(errors.take());
  }
  toml::table& root = parsed.table();
  for (const std::string& each : overrides) apply_override(root, each, errors);
  Scenario scenario = read_scenario({"", root}, file, errors);
  // What could not be read has its default, about which there is no sense in complaining.
  if (errors.empty()) check_scenario(scenario, root, errors);
  if (!errors.empty()) return tl::unexpected(errors.take());
  return scenario;
}

std::vector<KnownKey> known_keys() {
  std::vector<KnownKey> keys;
  append_keys(keys, "", scenario_fields());
  append_keys(keys, "groups.NAME", group_fields());
  append_keys(keys, "links.NAME", link_fields());
  append_keys(keys, "links.NAME.burst", burst_fields());
  append_keys(keys, "gateways.NAME", gateway_fields());
  append_keys(keys, "events", event_fields());
  append_keys(keys, "ping", ping_fields());
  append_keys(keys, "expect", expectation_fields());
  return keys;
}

}  // namespace kadwire::testnet
