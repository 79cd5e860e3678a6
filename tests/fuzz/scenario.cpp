/// Any text as a scenario, and any words as its values.
/// Properties: a scenario that is taken has valid parts, so that it can be described and scaled;
/// one that is refused says why and where; a value that is read and written down is read again as
/// the same.

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/testnet/scenario/describe.h"
#include "tools/testnet/scenario/scaling.h"
#include "tools/testnet/scenario/scenario_parser.h"
#include "tools/testnet/scenario/values.h"

namespace {

using namespace kadwire::testnet;

void check_scenario(std::string_view text) {
  auto scenario = parse_scenario(text, "fuzz.toml");
  if (!scenario) {
    assert(!scenario.error().empty() && scenario.error().size() <= kScenarioErrorsMax);
    for (const ScenarioError& error : scenario.error()) assert(!error.message.empty());
    return;
  }
  assert(count_nodes(*scenario) >= 1 && count_nodes(*scenario) <= kNodesMax);
  assert(scenario->links.contains("default"));
  for (const Group& group : scenario->groups) assert(scenario->links.contains(group.link));
  assert(!describe(*scenario).empty());
  static_cast<void>(scale_members(*scenario, 3));
}

void check_override(std::string_view text) {
  constexpr std::string_view kBase =
      "[groups.b]\nrole = \"bootstrap\"\n[groups.m]\n[[events]]\nat = \"1s\"\ndo = \"crash\"\n"
      "who = \"m\"\n";
  const std::string overrides[] = {std::string(text)};
  const auto scenario = parse_scenario(kBase, "fuzz.toml", overrides);
  assert(scenario || !scenario.error().empty());
}

template <typename Parse, typename Format>
void check_value(std::string_view text, Parse parse, Format format) {
  const auto value = parse(text);
  if (!value) {
    assert(!value.error().empty());
    return;
  }
  const std::string written = format(*value);
  const auto again = parse(written);
  assert(again && format(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_value(text, parse_signed_duration, format_duration);
  check_value(text, parse_duration_range, format_duration_range);
  check_value(text, parse_latency, format_latency);
  check_value(text, parse_bit_rate, format_bit_rate);
  check_value(text, parse_size, format_size);
  check_value(text, parse_share, format_share);
  check_value(text, parse_selector, format_selector);
  check_override(text);
  check_scenario(text);
  return 0;
}
