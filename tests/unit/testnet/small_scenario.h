#pragma once

/// A scenario that the parser takes, for tests to add to, and what it says of one that it refuses.

#include <string>
#include <string_view>
#include <vector>

#include "tools/testnet/scenario/scenario_parser.h"

namespace kadwire::testnet {

/// Four lines, the last in the table of the homes.
inline constexpr std::string_view kSmall = R"([groups.bootstrap]
role = "bootstrap"
[groups.homes]
count = 10
)";

/// In a file named a.toml; "accepted" if there is nothing wrong.
[[nodiscard]] inline std::string errors_of(std::string_view toml,
                                           std::vector<std::string> overrides = {}) {
  const auto scenario = parse_scenario(toml, "a.toml", overrides);
  return scenario ? "accepted" : to_text(scenario.error());
}

}  // namespace kadwire::testnet
