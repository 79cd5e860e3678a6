#pragma once

/// What no field can tell by itself: whether names mean something, and whether values agree with
/// each other. Internal to the parser.

#include <optional>
#include <string>

#include "tools/testnet/scenario/fields.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// Reports what is wrong between the parts of `scenario`, which was read from `root`.
void check_scenario(const Scenario& scenario, const toml::table& root, ErrorList& errors);

/// Why a selector finds nothing, or less than it asks for; nullopt: it is fine.
[[nodiscard]] std::optional<std::string> selector_problem(const Scenario& scenario,
                                                          const Selector& selector);

}  // namespace kadwire::testnet
