#pragma once

/// The words of the language: which keys each section has, what their values may be, and where in
/// the Scenario they go. Internal to the parser.

#include "tools/testnet/scenario/fields.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// How a scenario says "no NAT": public addresses.
inline constexpr std::string_view kNoNat = "none";

/// A link that says nothing: 10 ms, and nothing goes wrong.
[[nodiscard]] LinkModel default_link();

[[nodiscard]] const Fields<Scenario>& scenario_fields();  ///< single values at the top
[[nodiscard]] const Fields<Scenario>& ping_fields();
[[nodiscard]] const Fields<LinkModel>& link_fields();
[[nodiscard]] const Fields<BurstModel>& burst_fields();
[[nodiscard]] const Fields<GatewayModel>& gateway_fields();
[[nodiscard]] const Fields<Group>& group_fields();
[[nodiscard]] const Fields<ScenarioEvent>& event_fields();
[[nodiscard]] const Fields<Expectations>& expectation_fields();

}  // namespace kadwire::testnet
