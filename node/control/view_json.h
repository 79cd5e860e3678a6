#pragma once

/// The JSON form of what a node shows of itself. The field names are a promise to scripts and are
/// listed in README.md of this folder; a field without a value is null, never missing. Pure.

#include <nlohmann/json_fwd.hpp>

#include <span>

#include "node/node_view.h"

namespace kadwire::control {

/// The result of daemon.status.
[[nodiscard]] nlohmann::json to_json(const node::NodeView& node);
/// The result of peers.get, and one element of peers.list.
[[nodiscard]] nlohmann::json to_json(const node::PeerView& peer);
/// The result of peers.count.
[[nodiscard]] nlohmann::json count_json(std::span<const node::PeerView> peers);

/// One line of JSON. Bytes that are not UTF-8, as a stranger's hostname may have, become U+FFFD.
[[nodiscard]] std::string to_line(const nlohmann::json& json);

}  // namespace kadwire::control
