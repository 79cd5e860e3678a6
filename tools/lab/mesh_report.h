#pragma once

/// What MeshPings measured, as text for people and as JSON for programs.

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "tools/lab/mesh_pings.h"

namespace kadwire::lab {

/// Up to this many members the table is followed by the time of each pair; more do not fit a line.
inline constexpr std::size_t kMatrixMembersMax = 8;

/// A table with a line for each member, and for few of them a matrix of all pairs. Times are of the
/// first ping that both families answered, in milliseconds since the pinging member's start.
[[nodiscard]] std::string report_text(const MeshPings& pings);

/// {"ok", "pairs_answered", "pairs_total", "nodes": [{"name", "node", "ipv4", "ipv6", "peers"}],
///  "first_ping_ms": [{"from", "to", "ipv4", "ipv6"}]}; what is not known is null.
[[nodiscard]] nlohmann::json report_json(const MeshPings& pings);

}  // namespace kadwire::lab
