#pragma once

/// `kadwire netcheck` as people and programs read it. Pure. Fields: README.md of this folder.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "node/network_advice.h"

namespace kadwire::control {

/// Findings with their evidence, what to expect, what to change, and each server.
[[nodiscard]] std::string describe_network(const rendezvous::NetReport& report,
                                           const node::NetworkAdvice& advice, bool colour);
[[nodiscard]] nlohmann::json network_json(const rendezvous::NetReport& report,
                                          const node::NetworkAdvice& advice);
/// One line for somebody who waits: how many have answered.
[[nodiscard]] std::string describe_progress(const rendezvous::NetReport& so_far);

}  // namespace kadwire::control
