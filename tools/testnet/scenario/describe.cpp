#include "tools/testnet/scenario/describe.h"

#include <fmt/format.h>

#include "node/control/text.h"
#include "tools/testnet/scenario/values.h"

namespace kadwire::testnet {
namespace {

/// More than this many events are counted and not told.
constexpr std::size_t kEventsShownMax = 12;

std::string describe_group(const Group& group) {
  std::string text = fmt::format("{} × {}", group.count, to_text(group.role));
  if (!group.nat.empty()) text += " behind " + group.nat;
  if (group.per_nat > 1) text += fmt::format(" ({} to a box)", group.per_nat);
  text += " on " + group.link;
  if (group.other_up) {
    text += " and behind " + (group.other_nat.empty() ? "none" : group.other_nat);
    text += " on " + (group.other_link.empty() ? group.link : group.other_link);
  }
  if (!group.starts) return text + ", started by events";
  if (group.start.high > Duration{0}) {
    text += ", starting at " + format_duration_range(group.start);
  }
  return text;
}

std::string describe_event(const ScenarioEvent& event) {
  std::string text = event.every > Duration{0}
                         ? fmt::format("every {}", format_duration(event.every))
                         : fmt::format("at {}", format_duration(event.at));
  text += fmt::format(" {} {}", to_text(event.kind), format_selector(event.who));
  if (event.interface == InterfaceId::kOther) text += " (other interface)";
  if (event.from) text += " from " + format_selector(*event.from);
  if (event.kind == EventKind::kOneWayLoss) text += " of " + format_share(event.share);
  if (event.kind == EventKind::kClockStep) text += " by " + format_duration(event.by);
  if (event.lasting > Duration{0}) text += " for " + format_duration(event.lasting);
  if (event.every > Duration{0} && event.at != event.every) {
    text += ", first at " + format_duration(event.at);
  }
  if (event.until) text += ", until " + format_duration(*event.until);
  return text;
}

std::string describe_expectations(const Expectations& expect) {
  std::vector<std::string> parts;
  if (expect.connected) parts.emplace_back("connected");
  const auto add_time = [&](std::string_view what, const std::optional<Duration>& limit) {
    if (limit) parts.push_back(fmt::format("{} within {}", what, format_duration(*limit)));
  };
  add_time("connected for the first time", expect.connected_within);
  add_time("lost tunnels back", expect.reconnected_within);
  add_time("p50 of the first tunnel", expect.first_tunnel_p50);
  add_time("p95 of the first tunnel", expect.first_tunnel_p95);
  if (expect.pings_lost_max) {
    parts.push_back(fmt::format("at most {} of pings lost", format_share(*expect.pings_lost_max)));
  }
  if (expect.longest_silence) {
    parts.push_back(
        fmt::format("no peer silent for over {}", format_duration(*expect.longest_silence)));
  }
  if (expect.direct_share_min) {
    parts.push_back(
        fmt::format("at least {} of pairs direct", format_share(*expect.direct_share_min)));
  }
  if (expect.pairs_min) parts.push_back(fmt::format("at least {} pairs", *expect.pairs_min));
  if (expect.pairs_max) parts.push_back(fmt::format("at most {} pairs", *expect.pairs_max));
  if (expect.memory_growth_max) {
    parts.push_back(
        fmt::format("memory growing by at most {}", format_share(*expect.memory_growth_max)));
  }
  if (expect.path_swaps_max) {
    parts.push_back(fmt::format("at most {} paths swapped", *expect.path_swaps_max));
  }
  if (expect.bytes_per_second_max) {
    parts.push_back(fmt::format("at most {:g} B/s a member", *expect.bytes_per_second_max));
  }
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, "; "));
}

std::string line(std::string_view heading, std::string_view text) {
  return fmt::format("{:<10} {}\n", heading, text);
}

}  // namespace

std::string describe(const Scenario& scenario) {
  std::string text;
  text += line("lasts", fmt::format("{} from {}", format_duration(scenario.until),
                                    control::format_rfc3339(scenario.wall_start)));
  text += line("nodes", fmt::format("{}, {} of them members", count_nodes(scenario),
                                    count_members(scenario)));
  for (const Group& group : scenario.groups) text += line(group.name, describe_group(group));
  for (std::size_t i = 0; i < scenario.events.size() && i < kEventsShownMax; ++i) {
    text += line(i == 0 ? "events" : "", describe_event(scenario.events[i]));
  }
  if (scenario.events.size() > kEventsShownMax) {
    text += line("", fmt::format("and {} more", scenario.events.size() - kEventsShownMax));
  }
  return text + line("expects", describe_expectations(scenario.expect));
}

}  // namespace kadwire::testnet
