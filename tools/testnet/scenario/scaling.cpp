#include "tools/testnet/scenario/scaling.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/testnet/scenario/scenario_checks.h"

namespace kadwire::testnet {
namespace {

/// nullptr: nothing to scale.
Group* group_to_scale(Scenario& scenario) {
  const auto chosen = std::ranges::find_if(scenario.groups, &Group::scales);
  if (chosen != scenario.groups.end()) return &*chosen;
  Group* largest = nullptr;
  for (Group& group : scenario.groups) {
    const bool larger = largest == nullptr || group.count > largest->count;
    if (group.role == Role::kMember && larger) largest = &group;
  }
  return largest;
}

/// They were meant for as many members as there were.
void leave_out_totals(Expectations& expect) {
  expect.pairs_min.reset();
  expect.pairs_max.reset();
  expect.path_swaps_max.reset();
}

}  // namespace

tl::expected<void, std::string> scale_members(Scenario& scenario, std::size_t nodes) {
  Scenario scaled = scenario;
  Group* group = group_to_scale(scaled);
  if (group == nullptr) {
    return tl::unexpected<std::string>("no group can change its size: there are no members");
  }
  group->count = nodes;
  if (nodes == 0 || count_nodes(scaled) > kNodesMax) {
    return tl::unexpected(
        fmt::format("{} nodes are too {}; 1 or more, and {} in all groups together", nodes,
                    nodes == 0 ? "few" : "many", kNodesMax));
  }
  for (const ScenarioEvent& event : scaled.events) {
    auto problem = selector_problem(scaled, event.who);
    if (!problem && event.from) problem = selector_problem(scaled, *event.from);
    if (problem) {
      return tl::unexpected(fmt::format("the event {} at {} would find nobody: {}",
                                        to_text(event.kind), format_duration(event.at), *problem));
    }
  }
  if (count_members(scaled) != count_members(scenario)) leave_out_totals(scaled.expect);
  scenario = std::move(scaled);
  return {};
}

}  // namespace kadwire::testnet
