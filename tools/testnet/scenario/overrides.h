#pragma once

/// `--set KEY=VALUE`: changes one value of a scenario before it is read. Internal to the parser.

#include <string_view>

#include "tools/testnet/scenario/fields.h"

namespace kadwire::testnet {

/// How errors call what an override brought in: this, and the override.
inline constexpr std::string_view kOverrideSource = "--set ";

/// KEY is a path such as groups.homes.count or events[2].at (the first event is 0), VALUE as TOML
/// has it, or, if it is no TOML, a text: 20, true, 10min, "10min".
/// Names of links, gateways, groups and events have to be there already: to change a name that is
/// not there would change nothing. The link "default" always is. What the value may be, and whether
/// its last key exists, is the parser's to say.
void apply_override(toml::table& scenario, std::string_view override_text, ErrorList& errors);

}  // namespace kadwire::testnet
